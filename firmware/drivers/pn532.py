"""NXP PN532 over I2C, SPI or UART (HSU): a card's UID, by the chip's own firmware.

Frames and commands are those of NXP's user manual UM0701-02. Nothing here waits: a command goes
out at one poll, its ACK and its answer are taken at later ones when the chip says it has them.
"""

from drivers import testcard

_TO_CHIP = 0xD4  # TFI
_FROM_CHIP = 0xD5
_ACK = b"\x00\x00\xff\x00\xff\x00"

_SAM_NORMAL = b"\x14\x01\x14\x01"  # SAMConfiguration: no SAM; without it the chip reads no card
# RFConfiguration, MaxRetries: try a passive activation twice, not for ever, then say that there
# is none: a command that never ends could not be told from a chip that hangs.
_TRY_TWICE = b"\x32\x05\xff\x01\x01"
# RFConfiguration, RF field off: the next InListPassiveTarget switches it on, and a card that lies
# there starts anew and answers again.
_FIELD_OFF = b"\x32\x01\x00"
# InListPassiveTarget: up to 2 targets, 106 kbit/s type A. Two: see iso14443.Collision.
_LIST = b"\x4a\x02\x00"

_READ_LENGTH = 64  # of an answer; two targets and an ATS fit, what does not is no answer
# 200 polls of 20 ms: a chip that says nothing for so long is set up again.
_PATIENCE = 200
_TARGET_HEAD = 5  # Tg, SENS_RES (2), SEL_RES, NFCIDLength


class BadFrame(Exception):
    """What came is no frame of a PN532."""


def frame(command: bytes) -> bytes:
    """The normal information frame of a command: preamble, start code, LEN, LCS, TFI, data, DCS,
    postamble."""
    length = len(command) + 1
    checksum = -(_TO_CHIP + sum(command)) & 0xFF
    head = bytes([0, 0, 0xFF, length, -length & 0xFF, _TO_CHIP])
    return head + command + bytes([checksum, 0])


def answer(data: bytes, command: int) -> bytes:
    """What the frame in ``data`` answers to this command, without the answer's code."""
    at = data.find(b"\x00\xff")
    if at < 0 or len(data) < at + 4:
        raise BadFrame("no start code")
    length = data[at + 2]
    if (length + data[at + 3]) & 0xFF or length < 2:
        raise BadFrame("wrong length checksum")
    body = data[at + 4 : at + 4 + length]
    if len(data) < at + 5 + length or (sum(body) + data[at + 4 + length]) & 0xFF:
        raise BadFrame("wrong checksum")
    if body[0] != _FROM_CHIP or body[1] != command + 1:
        raise BadFrame("not the answer")  # an error frame has TFI 7F
    return body[2:]


def target(found: bytes) -> bytes:
    """The UID in the answer to InListPassiveTarget; b"" when there is none, or two."""
    if not found or found[0] != 1 or len(found) < 1 + _TARGET_HEAD:
        return b""
    length = found[_TARGET_HEAD]
    uid = found[1 + _TARGET_HEAD : 1 + _TARGET_HEAD + length]
    return uid if len(uid) == length and length in (4, 7, 10) else b""


class Pn532:
    """``poll`` gives the card that lies on the reader, or None; ``port`` is one of those below."""

    every_ms = 20

    def __init__(self, port) -> None:
        self._port = port
        self._plan: list = []  # commands still to send
        self._sent = b""
        self._acked = False
        self._idle_polls = 0
        self._card: dict | None = None
        self.fault = "starting"

    def poll(self) -> dict | None:
        """One step, at most 6 ms. Never raises: ``fault`` says what is wrong. A card stays until
        the chip has looked again."""
        try:
            self._step()
        except (OSError, BadFrame) as error:
            self.fault = "card reader: %s" % error
            self._start_over()
        return self._card

    def _start_over(self) -> None:
        self._plan = []
        self._sent = b""
        self._card = None

    def _step(self) -> None:
        if not self._sent:
            self._send()
        elif not self._port.ready():
            self._idle_polls += 1
            if self._idle_polls > _PATIENCE:
                raise OSError("no answer")
        elif self._acked:
            self._take(answer(self._port.read(_READ_LENGTH), self._sent[0]))
        else:
            if self._port.read(len(_ACK)) != _ACK:
                raise BadFrame("no ACK")
            self._acked = True
            self._idle_polls = 0

    def _send(self) -> None:
        if not self._plan:
            # From the beginning, first a wake-up at a poll of its own: the chip's oscillator
            # needs up to 2 ms after it before a command is heard.
            self._plan = [_SAM_NORMAL, _TRY_TWICE, _LIST]
            self._port.wake()
            return
        self._sent = self._plan[0]
        self._acked = False
        self._idle_polls = 0
        self._port.write(frame(self._sent))

    def _take(self, found: bytes) -> None:
        sent = self._plan.pop(0)
        self._sent = b""
        if sent == _LIST:
            self.fault = ""
            uid = target(found)
            self._card = testcard.card(uid) if uid else None
            self._plan = [_FIELD_OFF, _LIST] if found[:1] != b"\0" else [_LIST]


class I2cPort:
    """Up to 400 kHz. Each read begins with a status byte whose bit 0 says that there is more."""

    def __init__(self, i2c, address: int = 0x24) -> None:
        self._i2c = i2c
        self._address = address

    def wake(self) -> None:
        try:
            self._i2c.readfrom(self._address, 1)
        except OSError:
            pass  # its own address wakes the chip, which may not acknowledge it yet

    def ready(self) -> bool:
        return bool(self._i2c.readfrom(self._address, 1)[0] & 1)

    def read(self, length: int) -> bytes:
        return self._i2c.readfrom(self._address, 1 + length)[1:]

    def write(self, data: bytes) -> None:
        self._i2c.writeto(self._address, data)


class SpiPort:
    """Mode 0, up to 5 MHz. The PN532 has the least significant bit first; it is turned here, so
    that the bus can be shared with chips that have it the other way."""

    _STATUS = b"\x40"  # 0x02, turned
    _WRITE = b"\x80"  # 0x01
    _READ = b"\xc0"  # 0x03

    def __init__(self, spi, cs) -> None:
        self._spi = spi
        self._cs = cs

    def wake(self) -> None:
        self.ready()  # NSS low wakes the chip

    def ready(self) -> bool:
        return bool(self._transfer(self._STATUS, 1)[0] & 0x80)

    def read(self, length: int) -> bytes:
        return turned(self._transfer(self._READ, length))

    def write(self, data: bytes) -> None:
        self._cs.value(0)
        self._spi.write(self._WRITE + turned(data))
        self._cs.value(1)

    def _transfer(self, head: bytes, length: int) -> bytes:
        self._cs.value(0)
        self._spi.write(head)
        data = self._spi.read(length)
        self._cs.value(1)
        return data


class UartPort:
    """HSU: 115200 8N1, an rxbuf of 128 bytes. There is no status: a frame is there when all of it
    has come."""

    def __init__(self, uart) -> None:
        self._uart = uart
        self._data = b""

    def wake(self) -> None:
        self._data = b""
        while self._uart.any():
            self._uart.read(_READ_LENGTH)
        self._uart.write(b"\x55\x55\x00\x00\x00")

    def ready(self) -> bool:
        if self._uart.any():
            self._data = (self._data + (self._uart.read(_READ_LENGTH) or b""))[-_READ_LENGTH:]
        return bool(self._whole())

    def read(self, length: int) -> bytes:
        end = min(self._whole(), length)
        data = self._data[:end]
        self._data = self._data[end:]
        return data

    def write(self, data: bytes) -> None:
        self._uart.write(data)

    def _whole(self) -> int:
        """The length of the frame in front, or 0. An ACK has length 0 and no checksum."""
        data = self._data
        at = data.find(b"\x00\xff")
        if at < 0 or len(data) < at + 4:
            return 0
        length = data[at + 2]
        end = at + 5 + (length + 1 if length else 0)
        return end if len(data) >= end else 0


def turned(data: bytes) -> bytes:
    """Each byte with its bits in the other order."""
    out = bytearray(data)
    for i, byte in enumerate(out):
        byte = (byte & 0xF0) >> 4 | (byte & 0x0F) << 4
        byte = (byte & 0xCC) >> 2 | (byte & 0x33) << 2
        out[i] = (byte & 0xAA) >> 1 | (byte & 0x55) << 1
    return bytes(out)
