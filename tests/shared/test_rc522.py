"""The MFRC522 driver against a model of the chip made from its datasheet's register tables."""

from drivers.rc522 import Rc522, Rc522I2c
from drivers.testcard import card
from tests.shared.cards_in_field import Card, Clash, Field
from tests.shared.wires import I2c, Pin, Spi

UID = bytes([0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6])
FOUR = bytes([0x12, 0x34, 0x56, 0x78])

COMMAND, COM_IRQ, ERROR, FIFO, FIFO_LEVEL, CONTROL, FRAMING = 1, 4, 6, 9, 10, 12, 13
MODE, TX_CONTROL, TX_ASK, VERSION = 0x11, 0x14, 0x15, 0x37


class Chip:
    """Registers and FIFO of an MFRC522, and the field before its antenna."""

    def __init__(self, version: int = 0x92) -> None:
        self.field = Field()
        self.version = version
        self.timer_runs = True
        self.antenna_fails = False
        self.resets = 0
        self.bad = 0  # ErrorReg after an answer
        self.odd_bits = 0  # RxLastBits
        self.starts = False  # PowerDown is still set
        self._reset()

    def _reset(self) -> None:
        self.resets += 1
        self.registers = {COMMAND: 0x20, TX_CONTROL: 0x80, MODE: 0x3F, VERSION: self.version}
        self.fifo: list[int] = []
        self.field.off()

    def get(self, register: int) -> int:
        if register == FIFO_LEVEL:
            return len(self.fifo)
        if register == COMMAND and self.starts:
            return self.registers[COMMAND] | 0x10
        if register == FIFO:
            return self.fifo.pop(0) if self.fifo else 0
        return self.registers.get(register, 0)

    def put(self, register: int, value: int) -> None:
        if register == FIFO:
            assert len(self.fifo) < 64
            self.fifo.append(value)
        elif register == FIFO_LEVEL:
            if value & 0x80:
                self.fifo.clear()
        elif register == COM_IRQ:
            marked = self.registers.get(COM_IRQ, 0)
            self.registers[COM_IRQ] = marked | value if value & 0x80 else marked & ~value & 0x7F
        elif register == COMMAND and value & 0x0F == 0x0F:
            self._reset()
        elif register == TX_CONTROL and self.antenna_fails:
            self.registers[TX_CONTROL] = value & 0xFC
        else:
            self.registers[register] = value
            if register == FRAMING and value & 0x80:
                self._send(value & 7)

    def _send(self, bits: int) -> None:
        """StartSend: only in Transceive, with the antenna on and 100% ASK does a card hear it."""
        if self.registers[COMMAND] & 0x0F != 0x0C:
            return
        sent = bytes(self.fifo)
        self.fifo.clear()
        self.registers[ERROR] = 0
        on = self.registers[TX_CONTROL] & 3 == 3 and self.registers.get(TX_ASK, 0) & 0x40
        try:
            answer = self.field.air(sent, bits) if on else b""
        except Clash:
            self.registers[ERROR] = 0x08
            self.fifo += list(bytes(5))
            self._irq(0x20)
            return
        self.fifo += list(answer)
        if answer:
            self.registers[ERROR] = self.bad
            self.registers[CONTROL] = self.odd_bits
            self._irq(0x20)
        elif self.timer_runs and self.registers.get(0x2A, 0) & 0x80:
            self._irq(0x01)

    def _irq(self, bit: int) -> None:
        self.registers[COM_IRQ] = self.registers.get(COM_IRQ, 0) | bit


class SpiSide:
    """The chip's SPI: the address byte first; of a read each further byte is an address too."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def transfer(self, sent: bytes, start: int) -> bytes:
        assert not sent[0] & 1, "bit 0 of the address byte is 0"
        out = bytearray()
        for at in range(start, len(sent)):
            if at == 0 or not sent[0] & 0x80:
                out.append(0)
            else:
                out.append(self.chip.get(sent[at - 1] >> 1 & 0x3F))
        return bytes(out)

    def released(self, sent: bytes) -> None:
        if not sent[0] & 0x80:
            for value in sent[1:]:
                self.chip.put(sent[0] >> 1, value)


class I2cSide:
    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def read(self, register: int, length: int) -> bytes:
        return bytes([self.chip.get(register) for _ in range(length)])

    def write(self, register: int, data: bytes) -> None:
        for value in data:
            self.chip.put(register, value)


def on_spi(chip: Chip) -> tuple:
    spi = Spi(SpiSide(chip))
    return Rc522(spi, spi.cs), spi


def polls(reader, count: int) -> list:
    return [reader.poll() for _ in range(count)]


def test_a_card_is_read_over_spi_and_over_i2c():
    for uid in (FOUR, UID):
        chip = Chip()
        chip.field.cards.append(Card(uid))
        for reader in (on_spi(chip)[0], Rc522I2c(I2c({0x28: I2cSide(chip)}))):
            assert polls(reader, 4) == [None, card(uid), card(uid), card(uid)]
            assert reader.fault == ""


def test_the_bytes_that_set_the_chip_up():
    chip = Chip()
    reader, spi = on_spi(chip)
    polls(reader, 2)
    assert spi.trace[:12] == [
        b"\x02\x0f",  # CommandReg: SoftReset
        b"\xee\x00",  # VersionReg
        b"\x82\x00",  # CommandReg: PowerDown still set?
        b"\x54\x80",  # TModeReg: TAuto
        b"\x56\xa9",  # TPrescalerReg: 40 kHz
        b"\x58\x00",  # TReloadReg
        b"\x5a\x50",  # 80 ticks, 2 ms
        b"\x2a\x40",  # TxASKReg: Force100ASK
        b"\x22\x3d",  # ModeReg
        b"\x4c\x70",  # RFCfgReg: 48 dB
        b"\x28\x83",  # TxControlReg: Tx1RFEn, Tx2RFEn
        b"\xa8\x00",  # and whether they are on
    ]


def test_the_bytes_of_a_wake_up_that_nobody_answers():
    chip = Chip()
    reader, spi = on_spi(chip)
    polls(reader, 2)
    spi.trace.clear()
    assert reader.poll() is None
    assert spi.trace == [
        b"\x02\x00",  # CommandReg: Idle
        b"\x08\x7f",  # ComIrqReg: all cleared
        b"\x14\x80",  # FIFOLevelReg: FlushBuffer
        b"\x12\x52",  # FIFODataReg: WUPA
        b"\x02\x0c",  # CommandReg: Transceive
        b"\x1a\x87",  # BitFramingReg: StartSend, 7 bits
        b"\x88\x00",  # ComIrqReg: TimerIRq
        b"\x1a\x00",
        b"\x8c\x00",  # ErrorReg
    ]


def test_the_bytes_of_a_uid_read_over_spi_and_over_i2c():
    chip = Chip()
    chip.field.cards.append(Card(FOUR))
    reader, spi = on_spi(chip)
    polls(reader, 3)
    assert b"\x92\x92\x92\x92\x92\x00" in spi.trace  # FIFODataReg five times
    i2c = I2c({0x28: I2cSide(chip)})
    polls(Rc522I2c(i2c), 3)
    assert ("r", FIFO, FOUR + b"\x08") in i2c.trace


def test_a_reset_pin_is_used_where_there_is_one():
    chip = Chip()
    spi = Spi(SpiSide(chip))
    reset = Pin()
    reader = Rc522(spi, spi.cs, reset)
    chip.field.cards.append(Card(FOUR))
    assert polls(reader, 2)[1] == card(FOUR)
    assert reset.changes == [0, 1]


def test_a_card_that_leaves_is_gone_and_two_are_none():
    chip = Chip()
    reader, _ = on_spi(chip)
    chip.field.cards.append(Card(FOUR))
    polls(reader, 2)
    chip.field.cards.clear()
    assert reader.poll() is None
    chip.field.cards += [Card(FOUR), Card(bytes([0x12, 0x34, 0x56, 0x79]))]
    assert polls(reader, 3) == [None] * 3
    assert reader.fault == ""


def test_a_chip_that_is_not_there_is_said_and_found_when_it_comes():
    for version in (0x00, 0xFF):
        chip = Chip(version)
        reader, _ = on_spi(chip)
        chip.field.cards.append(Card(FOUR))
        assert polls(reader, 30) == [None] * 30
        assert reader.fault == "card reader does not answer"
        chip.version = 0x92
        assert card(FOUR) in polls(reader, 12)
        assert reader.fault == ""


def test_a_bus_that_fails_is_a_fault_and_no_exception():
    chip = Chip()
    i2c = I2c({0x28: I2cSide(chip)})
    reader = Rc522I2c(i2c)
    chip.field.cards.append(Card(FOUR))
    assert polls(reader, 2)[1]
    chips, i2c.chips = i2c.chips, {}
    assert polls(reader, 5) == [None] * 5
    assert "bus" in reader.fault
    i2c.chips = chips
    assert card(FOUR) in polls(reader, 12)


def test_an_antenna_that_stays_off_is_said():
    chip = Chip()
    chip.antenna_fails = True
    reader, _ = on_spi(chip)
    polls(reader, 2)
    assert "antenna" in reader.fault


def test_a_timer_that_stands_still_ends_in_a_reset_and_not_in_a_loop():
    chip = Chip()
    reader, spi = on_spi(chip)
    polls(reader, 2)
    chip.timer_runs = False
    spi.trace.clear()
    assert reader.poll() is None
    assert len(spi.trace) < 220
    assert "timer" in reader.fault
    chip.timer_runs = True
    resets = chip.resets
    polls(reader, 12)
    assert chip.resets > resets and reader.fault == ""


def test_an_answer_with_an_error_is_none():
    for bad in (0x10, 0x02, 0x01):  # BufferOvfl, ParityErr, ProtocolErr
        chip = Chip()
        chip.field.cards.append(Card(FOUR))
        reader, _ = on_spi(chip)
        chip.bad = bad
        assert polls(reader, 4) == [None] * 4, bad
        chip.bad = 0x80 | 0x40 | 0x04  # WrErr, TempErr, CRCErr: the chip checks no CRC for us
        assert card(FOUR) in polls(reader, 2)


def test_an_answer_of_bits_is_none():
    for bits in range(1, 8):
        chip = Chip()
        chip.field.cards.append(Card(FOUR))
        reader, _ = on_spi(chip)
        chip.odd_bits = bits
        assert polls(reader, 4) == [None] * 4, bits
        chip.odd_bits = 0x80  # TStopNow, which is none of them
        assert card(FOUR) in polls(reader, 2)


def test_a_chip_that_is_still_starting_is_waited_for():
    chip = Chip()
    chip.field.cards.append(Card(FOUR))
    chip.starts = True
    reader, _ = on_spi(chip)
    assert polls(reader, 12) == [None] * 12
    assert "start" in reader.fault
    chip.starts = False
    assert card(FOUR) in polls(reader, 12)


def test_what_is_longer_than_any_answer_is_left_in_the_chip():
    chip = Chip()
    reader, spi = on_spi(chip)
    polls(reader, 2)
    chip.field.cards.append(Card(FOUR))
    chip.field.spoil = lambda answer: answer + bytes(40)
    spi.trace.clear()
    assert reader.poll() is None
    assert not [sent for sent in spi.trace if sent[0] == 0x92]  # FIFODataReg was not read
