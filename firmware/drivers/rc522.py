"""NXP MFRC522 (module RC522; WS1850S in M5Stack's RFID2 unit) over SPI or I2C: a card's UID.

Register and bit names are those of the datasheet, "MFRC522", rev. 3.9, chapter 9.
"""

from drivers import iso14443, testcard

_COMMAND = 0x01
_COM_IRQ = 0x04
_ERROR = 0x06
_FIFO_DATA = 0x09
_FIFO_LEVEL = 0x0A
_CONTROL = 0x0C
_BIT_FRAMING = 0x0D
_MODE = 0x11
_TX_CONTROL = 0x14
_TX_ASK = 0x15
_RF_CFG = 0x26
_T_MODE = 0x2A
_T_PRESCALER = 0x2B
_T_RELOAD_H = 0x2C
_T_RELOAD_L = 0x2D
_VERSION = 0x37

_IDLE = 0x00
_TRANSCEIVE = 0x0C
_SOFT_RESET = 0x0F

_POWER_DOWN = 0x10  # CommandReg: still starting
_CLEAR_IRQS = 0x7F  # Set1 is 0: the bits that are written are cleared
_RX_OR_IDLE = 0x30
_TIMER = 0x01
_FLUSH = 0x80
_START_SEND = 0x80
_COLLISION = 0x08
_BAD = 0x13  # ErrorReg: BufferOvfl, ParityErr, ProtocolErr
_RX_LAST_BITS = 0x07

_LONGEST = 5  # bytes that a card answers here: four of the UID and their check byte
# The chip's timer ends a wait after 2 ms; reading a register takes 20 us or more, so this only
# counts for a chip whose timer stands still.
_MOST_READS = 200
# 13.56 MHz / (2 x 169 + 1) = 40 kHz, 80 of it are 2 ms: cards answer these commands within 100 us
# of their end (ISO/IEC 14443-3, frame delay time), and take 0.6 ms for the longest answer.
_SETUP = (
    (_T_MODE, 0x80),  # TAuto: starts when the transmission ends
    (_T_PRESCALER, 169),
    (_T_RELOAD_H, 0),
    (_T_RELOAD_L, 80),
    (_TX_ASK, 0x40),  # Force100ASK: type A
    (_MODE, 0x3D),
    (_RF_CFG, 0x70),  # RxGain 48 dB: cheap antennas
    (_TX_CONTROL, 0x83),  # both antenna drivers on
)
# The chip needs time to start, and modules come loose: set up again after so many polls.
_RETRY_POLLS = 10


class Mfrc522:
    """``poll`` gives the card that lies on the reader, or None. What is different between buses is
    in the classes below."""

    every_ms = 150

    def __init__(self, reset=None) -> None:
        self._reset = reset
        self._ready = False
        self._polls = 0
        self.fault = "starting"

    def _read(self, register: int) -> int:
        raise NotImplementedError

    def _write(self, register: int, value: int) -> None:
        raise NotImplementedError

    def _read_many(self, register: int, count: int) -> bytes:
        raise NotImplementedError

    def _write_many(self, register: int, data: bytes) -> None:
        raise NotImplementedError

    def poll(self) -> dict | None:
        """On SPI some 3 ms without a card and 10 with one, on I2C at 100 kHz three times that.
        Never raises: ``fault`` says what is wrong."""
        try:
            if not self._ready and not self._start():
                return None
            found = iso14443.uid(self._air)
        except iso14443.Collision:
            return None
        except OSError as error:
            self._fail("bus: %s" % error)
            return None
        return testcard.card(found) if found else None

    def _fail(self, why: str) -> None:
        self.fault = "card reader " + why
        self._ready = False
        self._polls = 2  # reset after a pause, and set up

    def _start(self) -> bool:
        """Reset at one poll, set up at the next: the chip is given its time without waiting."""
        step = self._polls
        self._polls = (step + 1) % _RETRY_POLLS
        if step == 0:
            if self._reset:
                # NRSTPD, low for 100 ns or more ("Reset timing requirements").
                self._reset.value(0)
                self._reset.value(1)
            else:
                self._write(_COMMAND, _SOFT_RESET)
        elif step == 1:
            self._set_up()
        return self._ready

    def _set_up(self) -> None:
        version = self._read(_VERSION)
        # 0x91 and 0x92 are NXP's, clones have others; these two are a bus with nothing on it.
        if version in (0x00, 0xFF):
            self.fault = "card reader does not answer"
            return
        if self._read(_COMMAND) & _POWER_DOWN:
            self.fault = "card reader does not start"
            return
        for register, value in _SETUP:
            self._write(register, value)
        # A reader whose antenna stays off would read no card for ever and look healthy.
        if self._read(_TX_CONTROL) & 3 != 3:
            self.fault = "card reader keeps its antenna off"
            return
        self.fault = ""
        self._ready = True

    def _air(self, data: bytes, bits: int) -> bytes:
        """One exchange with a card (Transceive, chapter 10.3)."""
        self._write(_COMMAND, _IDLE)
        self._write(_COM_IRQ, _CLEAR_IRQS)
        self._write(_FIFO_LEVEL, _FLUSH)
        self._write_many(_FIFO_DATA, data)
        self._write(_COMMAND, _TRANSCEIVE)
        self._write(_BIT_FRAMING, _START_SEND | bits)
        for _ in range(_MOST_READS):
            irqs = self._read(_COM_IRQ)
            if irqs & (_RX_OR_IDLE | _TIMER):
                break
        else:
            raise OSError("its timer does not run")
        self._write(_BIT_FRAMING, 0)
        error = self._read(_ERROR)
        if error & _COLLISION:
            raise iso14443.Collision
        if error & _BAD or not irqs & _RX_OR_IDLE:
            return b""
        count = self._read(_FIFO_LEVEL)
        if count > _LONGEST or self._read(_CONTROL) & _RX_LAST_BITS:
            return b""
        return self._read_many(_FIFO_DATA, count) if count else b""


class Rc522(Mfrc522):
    """On SPI: mode 0, most significant bit first, up to 10 MHz (chapter 8.1.2). ``cs`` and
    ``reset`` are outputs, high."""

    def __init__(self, spi, cs, reset=None) -> None:
        super().__init__(reset)
        self._spi = spi
        self._cs = cs
        self._two = bytearray(2)

    # The address byte has the register in bits 6 to 1, and bit 7 set for a read.

    def _read(self, register: int) -> int:
        two = self._two
        two[0] = 0x80 | register << 1
        two[1] = 0
        self._cs.value(0)
        self._spi.write_readinto(two, two)
        self._cs.value(1)
        return two[1]

    def _write(self, register: int, value: int) -> None:
        two = self._two
        two[0] = register << 1
        two[1] = value
        self._cs.value(0)
        self._spi.write(two)
        self._cs.value(1)

    def _read_many(self, register: int, count: int) -> bytes:
        # What comes while a byte goes out is what the byte before it asked for.
        data = bytearray([0x80 | register << 1] * count + [0])
        self._cs.value(0)
        self._spi.write_readinto(data, data)
        self._cs.value(1)
        return bytes(data[1:])

    def _write_many(self, register: int, data: bytes) -> None:
        self._cs.value(0)
        self._spi.write(bytes([register << 1]) + data)
        self._cs.value(1)


class Rc522I2c(Mfrc522):
    """On I2C, up to 400 kHz; the address is set by the chip's pins (chapter 8.1.4.5), 0x28 on
    M5Stack's units."""

    def __init__(self, i2c, address: int = 0x28, reset=None) -> None:
        super().__init__(reset)
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register: int, value: int) -> None:
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)

    def _read_many(self, register: int, count: int) -> bytes:
        # All bytes of a read come from the register that it began with ("Register read access").
        return self._i2c.readfrom_mem(self._address, register, count)

    def _write_many(self, register: int, data: bytes) -> None:
        self._i2c.writeto_mem(self._address, register, data)
