"""machine of a board whose pins and buses only remember what was made of them. What parts.py
connects to them answers; the rest is wires that lead nowhere."""

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

made: list = []
pins: dict = {}  # number -> the last Pin of it
held: set = set()  # pins that a button pulls low, and (row, column) of keys that are held
cause = PWRON_RESET
clock: list = []
registers: dict = {(0x34, 0x03): 0x03}  # (I2C address, register) -> value
mem32: dict = {}  # address -> what was written last
told: dict = {}  # pin -> what hears its level when it is set
spis: dict = {}  # SPI -> the chip on it
sent: dict = {}  # UART -> what went out


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self.id = id
        self._level = value
        pins[id] = self
        made.append(["Pin", id, mode, pull, value])

    def value(self, level=None):
        if level is not None:
            self._level = level
            if self.id in told:
                told[self.id](level)
            return None
        if self.id in held:
            return 0
        for key in held:
            if isinstance(key, tuple) and key[1] == self.id and pins[key[0]]._level == 0:
                return 0
        return 1 if self._level is None else self._level

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class Mapped:
    """A chip whose registers keep what is written."""

    def __init__(self, address):
        self._address = address

    def read(self, register, count):
        return bytes([registers.get((self._address, register + i), 0) for i in range(count)])

    def write(self, register, data):
        for i, byte in enumerate(data):
            registers[(self._address, register + i)] = byte


class Deaf:
    """A display: it acknowledges and says nothing."""

    def writevto(self, address, parts):
        pass


chips: dict = {0x3C: Deaf(), 0x34: Mapped(0x34), 0x38: Mapped(0x38), 0x51: Mapped(0x51)}


class I2C:
    def __init__(self, id, *, scl, sda, freq=400000):
        made.append(["i2c", id, freq, {"scl": scl.id, "sda": sda.id}])

    def _chip(self, address):
        if address not in chips:
            raise OSError(19)  # ENODEV, as a port says when nobody acknowledges
        return chips[address]

    def writeto(self, address, data, stop=True):
        self._chip(address).send(bytes(data))
        return 1

    def writevto(self, address, parts, stop=True):
        self._chip(address).writevto(address, parts)
        return 1

    def writeto_mem(self, address, register, data):
        self._chip(address).write(register, bytes(data))

    def readfrom_mem(self, address, register, count):
        return self._chip(address).read(register, count)

    def readfrom_mem_into(self, address, register, buffer):
        buffer[:] = self._chip(address).read(register, len(buffer))

    def readfrom(self, address, count, stop=True):
        return self._chip(address).receive(count)

    def readfrom_into(self, address, buffer, stop=True):
        buffer[:] = self._chip(address).receive(len(buffer))


class SPI:
    MSB = 0

    def __init__(self, id, baudrate=1000000, *, sck, mosi, miso, polarity=0, phase=0):
        made.append(["spi", id, baudrate, {"sck": sck.id, "mosi": mosi.id, "miso": miso.id}])
        self._id = id

    def write(self, data):
        if self._id in spis:
            spis[self._id].write(data)

    def read(self, count, write=0):
        return spis[self._id].read(count, write) if self._id in spis else bytes(count)

    def readinto(self, buffer, write=0):
        buffer[:] = self.read(len(buffer), write)

    def write_readinto(self, out, into):
        if self._id in spis:
            spis[self._id].write_readinto(out, into)


class UART:
    def __init__(self, id, baudrate=9600, *, tx=None, rx=None, txbuf=256, rxbuf=256, timeout=0):
        lines = {"tx": tx.id, "rx": rx.id} if tx and rx else {}
        self._sent = sent.setdefault(id, bytearray())
        made.append(["uart", id, baudrate, lines])

    def any(self):
        return 0

    def read(self, count=-1):
        return None

    def write(self, data):
        self._sent.extend(data)
        return len(data)

    def txdone(self):
        return True


class WDT:
    def __init__(self, id=0, timeout=5000):
        self.timeout = timeout

    def feed(self):
        pass


class RTC:
    _memory = b""

    def memory(self, data=None):
        if data is None:
            return RTC._memory
        RTC._memory = bytes(data)
        return None

    def datetime(self, values=None):
        if values is None:
            return clock[-1]
        clock.append(values)
        return None


def reset_cause():
    return cause


def unique_id():
    return b"\x24\x0a\xc4\x01\x02\x03"


def reset():
    raise SystemExit("the firmware reset the chip")
