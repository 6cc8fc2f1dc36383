"""A Core2's clock chip: when its time counts, and what goes over its bus."""

from drivers import bm8563
from tests.shared.expect import raises
from tests.shared.wires import I2c

ADDRESS = 0x51
WHEN = (2026, 11, 22, 6, 1, 30, 59, 0)
# Control 1 and 2, seconds to years in BCD, the minute alarm
KEPT = bytes((0, 0, 0x59, 0x30, 0x01, 0x22, 0x06, 0x11, 0x26, 0xD9))


class Chip:
    """Its registers. What is not implemented reads as 1; at power-on VL is set and time is noise.
    The power may go before the write of register ``cut_at``."""

    UNUSED = bytes((0, 0, 0, 0x80, 0xC0, 0xC0, 0xF8, 0x60, 0, 0))

    def __init__(self, data: bytes = b"\x08\x00\xd7" + bytes(7)) -> None:
        self.data = bytearray(data)
        self.cut_at = -1

    def read(self, register: int, length: int) -> bytes:
        seen = bytes([self.data[i] | self.UNUSED[i] for i in range(len(self.data))])
        return seen[register : register + length]

    def write(self, register: int, data: bytes) -> None:
        for i, byte in enumerate(data):
            if not self.cut_at:
                raise OSError(5)
            self.cut_at -= 1
            self.data[register + i] = byte


def test_what_is_written_is_read_back_and_these_bytes_do_it():
    chip = Chip()
    i2c = I2c({ADDRESS: chip})
    assert bm8563.read(i2c) is None
    bm8563.write(i2c, WHEN)
    assert bytes(chip.data) == KEPT
    assert [step for step in i2c.trace if step[0] == "w"] == [
        ("w", 0, b"\x20\x00"),
        ("w", 2, KEPT[2:]),
        ("w", 0, b"\x00\x00"),
    ]
    i2c.trace = []
    assert bm8563.read(i2c) == WHEN
    assert [step[:2] for step in i2c.trace] == [("r", 0)]  # in one access


def test_a_time_that_nobody_vouches_for_is_none():
    for at, bits in (
        (0, 0x20),  # stopped
        (2, 0x80),  # VL
        (7, 0x80),  # another century
        (9, 0x59),  # no mark, as another program leaves it
        (9, 0x01),
    ):
        chip = Chip(KEPT)
        chip.data[at] ^= bits
        assert bm8563.read(I2c({ADDRESS: chip})) is None, (at, bits)


def test_what_is_no_date_is_none():
    for at, wrong in (
        (2, (0x60, 0x0A, 0x7F)),
        (3, (0x60, 0x1A)),
        (4, (0x24, 0x1F)),
        (5, (0x00, 0x32)),
        (7, (0x00, 0x13)),
        (8, (0xA0, 0x0A)),
    ):
        for value in wrong:
            chip = Chip(KEPT)
            chip.data[at] = value
            assert bm8563.read(I2c({ADDRESS: chip})) is None, (at, value)


def test_the_ends_of_every_field_are_times():
    for when in ((2000, 1, 1, 0, 0, 0, 0, 0), (2099, 12, 31, 6, 23, 59, 59, 0)):
        i2c = I2c({ADDRESS: Chip()})
        bm8563.write(i2c, when)
        assert bm8563.read(i2c) == when


def test_a_cut_at_any_byte_of_a_write_leaves_the_old_time_or_none_or_the_new_one():
    later = (2027, 1, 2, 5, 3, 4, 5, 0)
    before = [bytes(KEPT), b"\x08\x00\xd7" + bytes(7)]
    for start in before:
        for cut_at in range(12):
            chip = Chip(start)
            i2c = I2c({ADDRESS: chip})
            chip.cut_at = cut_at
            raises(OSError, bm8563.write, i2c, later)
            # Only before the first byte, and behind the one that lets it run, there is a time.
            expected = {0: WHEN if start == KEPT else None, 11: later}.get(cut_at)
            assert bm8563.read(i2c) == expected, (start, cut_at)


def test_a_chip_that_is_not_there_is_an_oserror():
    raises(OSError, bm8563.read, I2c({}))
    raises(OSError, bm8563.write, I2c({}), WHEN)
