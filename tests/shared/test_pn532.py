"""The PN532 driver against a model of the chip's firmware, made from its user manual."""

from drivers import pn532
from drivers.pn532 import BadFrame, I2cPort, Pn532, SpiPort, UartPort
from drivers.testcard import card
from tests.shared.cards_in_field import Card, Field
from tests.shared.expect import Random, raises
from tests.shared.wires import I2c, Spi, Uart

FOUR = bytes([0x12, 0x34, 0x56, 0x78])
SEVEN = bytes([0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6])
ACK = bytes([0, 0, 0xFF, 0, 0xFF, 0])


class Chip:
    """Takes command frames, gives ACKs and answers. It hears nothing before it was woken, and
    finds no card before SAMConfiguration; a card is found once in each life of the field."""

    def __init__(self) -> None:
        self.field = Field()
        self.awake = False
        self.sam = False
        self.field_on = False
        self.commands: list[bytes] = []
        self.out: list[bytes] = []  # what it has ready, one frame after the other
        self.dead = False
        self.ats = b""

    def wake(self) -> None:
        self.awake = True

    def take(self, data: bytes) -> None:
        if self.dead or not self.awake:
            return
        assert data[:3] == b"\0\0\xff" and data[-1] == 0, data
        assert (data[3] + data[4]) & 0xFF == 0
        body = data[5:-2]
        assert len(body) == data[3] and (sum(body) + data[-2]) & 0xFF == 0
        assert body[0] == 0xD4
        if len(self.commands) < 100:
            self.commands.append(body[1:])
        self.out = [ACK, self._frame(bytes([0xD5, body[1] + 1]) + self._do(body[1:]))]

    @staticmethod
    def _frame(body: bytes) -> bytes:
        head = bytes([0, 0, 0xFF, len(body), -len(body) & 0xFF])
        return head + body + bytes([-sum(body) & 0xFF, 0])

    def _do(self, command: bytes) -> bytes:
        if command[0] == 0x14:
            self.sam = command[1] == 1
        elif command[:2] == b"\x32\x01":
            if not command[2] & 1:
                self.field.off()
                self.field_on = False
        elif command[0] == 0x4A:
            return self._list() if self.sam else b"\0"
        return b""

    def _list(self) -> bytes:
        out = b""
        found = 0
        for one in self.field.cards:
            if one.hear(b"\x26", 7):
                one.state = "ACTIVE"
                found += 1
                out += bytes([found, 0, 4, 8, len(one.uid)]) + one.uid + self.ats
        self.field_on = True
        return bytes([found]) + out


class OnI2c:
    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def receive(self, length: int) -> bytes:
        self.chip.wake()
        if not self.chip.out or self.chip.dead:
            return bytes(length)
        data = b"\x01"
        if length > 1:
            data += self.chip.out.pop(0)
        return (data + bytes(length))[:length]

    def send(self, data: bytes) -> None:
        self.chip.take(data)


def backwards(data: bytes) -> bytes:
    return bytes([sum([1 << (7 - bit) for bit in range(8) if byte >> bit & 1]) for byte in data])


class OnSpi:
    """Least significant bit first. The first byte says what follows."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._now = b""

    def transfer(self, sent: bytes, start: int) -> bytes:
        self.chip.wake()
        what = backwards(sent[:1])[0]
        if start == 0:
            return bytes(len(sent))
        ready = bool(self.chip.out) and not self.chip.dead
        if what == 2:
            return backwards(bytes([ready]) * (len(sent) - start))
        if what == 3:
            data = self.chip.out.pop(0) if ready else b""
            return backwards((data + bytes(len(sent)))[: len(sent) - start])
        return bytes(len(sent) - start)

    def released(self, sent: bytes) -> None:
        if backwards(sent[:1]) == b"\x01":
            self.chip.take(backwards(sent[1:]))


class OnUart(Uart):
    """Gives what the chip has at once, in pieces of any size."""

    def __init__(self, chip: Chip, piece: int = 64) -> None:
        super().__init__()
        self.chip = chip
        self._piece = piece
        self._ready = b""

    def write(self, data: bytes) -> int:
        if data[:1] == b"\x55":
            self.chip.wake()
        else:
            self.chip.take(bytes(data))
            self._ready += b"".join(self.chip.out)
        return len(data)

    def any(self) -> int:
        self.give(self._ready[: self._piece])
        self._ready = self._ready[self._piece :]
        return super().any()


def all_ports(chip: Chip) -> list:
    spi = Spi(OnSpi(chip))
    return [
        I2cPort(I2c({0x24: OnI2c(chip)})),
        SpiPort(spi, spi.cs),
        UartPort(OnUart(chip)),
        UartPort(OnUart(chip, 1)),
    ]


def cards_in(reader: Pn532, polls: int) -> list:
    """What the polls gave, each change once."""
    seen: list = []
    for _ in range(polls):
        found = reader.poll()
        if not seen or seen[-1] != found:
            seen.append(found)
    return seen


def test_a_card_is_read_over_every_bus_and_stays_while_it_lies_there():
    for number in range(4):
        chip = Chip()
        reader = Pn532(all_ports(chip)[number])
        assert cards_in(reader, 60) == [None]
        assert reader.fault == ""
        chip.field.cards.append(Card(FOUR))
        assert cards_in(reader, 60) == [None, card(FOUR)]
        chip.field.cards[0] = Card(SEVEN)
        assert cards_in(reader, 60) == [card(FOUR), card(SEVEN)]
        chip.field.cards.clear()
        assert cards_in(reader, 60) == [card(SEVEN), None]


def test_the_commands_and_their_order():
    chip = Chip()
    chip.field.cards.append(Card(FOUR))
    cards_in(Pn532(all_ports(chip)[0]), 20)
    assert chip.commands[:5] == [
        b"\x14\x01\x14\x01",  # SAMConfiguration: normal mode, 1 s, IRQ
        b"\x32\x05\xff\x01\x01",  # RFConfiguration: MaxRetries
        b"\x4a\x02\x00",  # InListPassiveTarget: 2, 106 kbit/s type A
        b"\x32\x01\x00",  # RFConfiguration: field off
        b"\x4a\x02\x00",
    ]


def test_the_bytes_of_a_frame():
    # UM0701-02 gives GetFirmwareVersion as 00 00 FF 02 FE D4 02 2A 00.
    assert pn532.frame(b"\x02") == bytes([0, 0, 0xFF, 2, 0xFE, 0xD4, 2, 0x2A, 0])
    version = bytes([0, 0, 0xFF, 6, 0xFA, 0xD5, 3, 0x32, 1, 6, 7, 0xE8, 0])
    assert pn532.answer(version, 2) == bytes([0x32, 1, 6, 7])


def test_the_bits_of_a_byte_are_turned():
    assert pn532.turned(bytes([1, 2, 3, 0x80, 0xD4])) == bytes([0x80, 0x40, 0xC0, 1, 0x2B])
    everything = bytes(range(256))
    assert pn532.turned(everything) == backwards(everything)


def test_two_cards_are_none_and_one_with_an_ats_is_one():
    chip = Chip()
    reader = Pn532(all_ports(chip)[1])
    chip.field.cards += [Card(FOUR), Card(SEVEN)]
    assert cards_in(reader, 60) == [None]
    chip.field.cards.pop()
    chip.ats = bytes([5, 0x78, 0x80, 0x70, 0x02])
    assert cards_in(reader, 60) == [None, card(FOUR)]


def test_a_chip_that_falls_silent_is_set_up_again():
    for number in range(3):
        chip = Chip()
        chip.field.cards.append(Card(FOUR))
        reader = Pn532(all_ports(chip)[number])
        cards_in(reader, 30)
        chip.dead = True
        chip.out = []
        assert cards_in(reader, 300)[-1] is None
        assert "no answer" in reader.fault
        chip.dead = False
        chip.sam = False  # it had lost its power
        assert cards_in(reader, 300)[-1] == card(FOUR)
        assert reader.fault == ""


def test_a_chip_that_is_not_there_is_a_fault_and_no_exception():
    i2c = I2c({})
    reader = Pn532(I2cPort(i2c))
    assert cards_in(reader, 50) == [None]
    assert reader.fault
    chip = Chip()
    chip.field.cards.append(Card(FOUR))
    i2c.chips[0x24] = OnI2c(chip)
    assert cards_in(reader, 50) == [None, card(FOUR)]


def test_a_changed_byte_of_an_answer_is_refused():
    chip = Chip()
    chip.wake()
    chip.field.cards.append(Card(SEVEN))
    chip.sam = True
    chip.take(pn532.frame(b"\x4a\x02\x00"))
    good = chip.out[1]
    assert pn532.target(pn532.answer(good, 0x4A)) == SEVEN
    for at in range(2, len(good) - 1):  # of pre- and postamble nothing depends
        for bit in range(8):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            raises(BadFrame, pn532.answer, bytes(changed), 0x4A)
    for length in range(len(good) - 1):
        raises(BadFrame, pn532.answer, good[:length], 0x4A)


def test_a_uid_has_four_seven_or_ten_bytes():
    for length in range(16):
        uid = bytes(range(1, length + 1))
        found = pn532.target(b"\x01\x01\x00\x04\x08" + bytes([length]) + uid)
        assert found == (uid if length in (4, 7, 10) else b"")
        if uid:
            assert pn532.target(b"\x01\x01\x00\x04\x08" + bytes([length]) + uid[:-1]) == b""


def test_any_bytes_at_all_are_a_frame_or_refused():
    random = Random(4)
    for _ in range(500):
        data = b"\x00\xff" + random.bytes(random.below(30))
        try:
            found = pn532.answer(data, 0x4A)
        except BadFrame:
            continue
        pn532.target(found)
    for length in range(20):
        pn532.target(random.bytes(length))


def test_noise_on_the_line_costs_a_round_and_nothing_else():
    chip = Chip()
    chip.field.cards.append(Card(FOUR))
    uart = OnUart(chip)
    reader = Pn532(UartPort(uart))
    cards_in(reader, 30)
    random = Random(5)
    for _ in range(50):
        uart.give(random.bytes(random.below(40)))
        cards_in(reader, 3)
    assert card(FOUR) in cards_in(reader, 600)
