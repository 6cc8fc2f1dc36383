"""Keys on a touch panel: one finger, one key."""

from drivers.touchkeys import CORE2, Ft6336, TouchKeys
from tests.shared.expect import Random
from tests.shared.wires import I2c, Time


class Glass:
    """An FT6336U with fingers on it."""

    def __init__(self) -> None:
        self.fingers: list[tuple[int, int]] = []
        self.noise = b""

    def read(self, register: int, length: int) -> bytes:
        if self.noise:
            return self.noise
        data = bytearray(16)
        data[2] = len(self.fingers)
        for number, (x, y) in enumerate(self.fingers[:2]):
            at = 3 + 6 * number
            data[at : at + 4] = bytes([0x80 | x >> 8, x & 255, number << 4 | y >> 8, y & 255])
        return bytes(data[register : register + length])


def rig() -> tuple:
    time = Time()
    glass = Glass()
    i2c = I2c({0x38: glass})
    keys = TouchKeys(Ft6336(i2c), CORE2, time)
    assert not keys.poll()
    return keys, glass, time, i2c


def wait(keys: TouchKeys, time: Time, milliseconds: int) -> list:
    pressed: list = []
    for _ in range(milliseconds // 10):
        time.ms += 10
        pressed += keys.poll()
    return pressed


def middle(name: str, last: bool = False) -> tuple[int, int]:
    places = [key for key in CORE2 if key[0] == name]
    _, x, y, width, height = places[-1 if last else 0]
    return x + width // 2, y + height // 2


def test_every_key_is_there_and_none_lies_on_another():
    names = [key[0] for key in CORE2]
    for name in "0123456789":
        assert names.count(name) == 1
    for name in ("00", "ENTER", "CANCEL"):
        assert names.count(name) == 1
    for one in CORE2:
        assert one[1] >= 0 and one[1] + one[3] <= 320
        assert one[2] >= 0 and one[2] + one[4] <= 280
        assert one[2] >= 240 or (one[1] >= 128 and one[2] + one[4] <= 240)
        for other in CORE2:
            apart = one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
            over = one[2] + one[4] <= other[2] or other[2] + other[4] <= one[2]
            assert one is other or apart or over, (one, other)


def test_each_key_is_pressed_once_for_as_long_as_the_finger_stays():
    keys, glass, time, _ = rig()
    for name, x, y, width, height in CORE2:
        for place in ((x, y), (x + width - 1, y + height - 1)):
            glass.fingers = [place]
            assert wait(keys, time, 1000) == [name]
            glass.fingers = []
            assert wait(keys, time, 30) == []


def test_a_touch_of_ten_milliseconds_is_none():
    keys, glass, time, _ = rig()
    glass.fingers = [middle("5")]
    assert wait(keys, time, 20) == []
    glass.fingers = []
    assert wait(keys, time, 100) == []


def test_the_panel_is_not_read_more_often_than_it_reports():
    keys, _, time, i2c = rig()
    i2c.trace = []
    wait(keys, time, 1000)
    assert 40 < len(i2c.trace) <= 62


def test_a_finger_that_slides_presses_nothing_until_it_is_lifted():
    keys, glass, time, _ = rig()
    glass.fingers = [middle("5")]
    wait(keys, time, 20)
    glass.fingers = [middle("8")]
    assert wait(keys, time, 500) == []
    glass.fingers = [middle("5")]
    assert wait(keys, time, 500) == []
    glass.fingers = []
    wait(keys, time, 20)
    glass.fingers = [middle("8")]
    assert wait(keys, time, 100) == ["8"]


def test_a_finger_that_lands_beside_the_keys_presses_nothing_by_sliding_onto_one():
    keys, glass, time, _ = rig()
    glass.fingers = [(10, 10)]
    wait(keys, time, 50)
    glass.fingers = [middle("1")]
    assert wait(keys, time, 500) == []


def test_two_fingers_press_nothing():
    keys, glass, time, _ = rig()
    glass.fingers = [middle("1"), middle("9")]
    assert wait(keys, time, 500) == []
    glass.fingers = [middle("1")]
    assert wait(keys, time, 500) == []


def test_a_finger_that_is_there_from_the_start_counts_when_it_comes_again():
    time = Time()
    glass = Glass()
    glass.fingers = [middle("ENTER")]
    keys = TouchKeys(Ft6336(I2c({0x38: glass})), CORE2, time)
    assert wait(keys, time, 1000) == []
    glass.fingers = []
    wait(keys, time, 20)
    glass.fingers = [middle("ENTER")]
    assert wait(keys, time, 100) == ["ENTER"]


def test_a_panel_that_does_not_answer_is_said_and_presses_nothing():
    keys, glass, time, i2c = rig()
    glass.fingers = [middle("7")]
    wait(keys, time, 10)
    i2c.chips = {}
    assert wait(keys, time, 500) == []
    assert "touch panel" in keys.fault
    i2c.chips = {0x38: glass}
    # The finger may have come while nobody could see it: it counts when it comes again.
    assert wait(keys, time, 500) == []
    assert keys.fault == ""
    glass.fingers = []
    wait(keys, time, 20)
    glass.fingers = [middle("7")]
    assert wait(keys, time, 100) == ["7"]


def test_any_registers_at_all_give_a_known_key_or_none():
    keys, glass, time, _ = rig()
    random = Random(6)
    names = [key[0] for key in CORE2]
    for _ in range(300):
        glass.noise = random.bytes(5)
        for name in wait(keys, time, 60):
            assert name in names
