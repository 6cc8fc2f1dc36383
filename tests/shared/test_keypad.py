"""A matrix keypad: what a person presses comes out once, and what nobody pressed does not."""

from drivers.keypad import LAYOUT_4X4, Keypad
from tests.shared.expect import Random, raises
from tests.shared.wires import Matrix, Pin, Time


def rig(rows: int = 4, columns: int = 4) -> tuple:
    time = Time()
    matrix = Matrix(rows, columns)
    keypad = Keypad(matrix.rows, matrix.columns, LAYOUT_4X4[:rows], time)
    wait(keypad, time, 60)
    return keypad, matrix, time


def wait(keypad: Keypad, time: Time, milliseconds: int) -> list:
    """Poll every 10 ms; what was pressed."""
    pressed: list = []
    for _ in range(milliseconds // 10):
        time.ms += 10
        pressed += keypad.poll()
    return pressed


def test_every_key_comes_out_once_by_its_name():
    keypad, matrix, time = rig()
    for row in range(4):
        for column in range(4):
            matrix.down.add((row, column))
            name = LAYOUT_4X4[row][column]
            assert wait(keypad, time, 100) == ([name] if name else [])
            matrix.down.clear()
            assert wait(keypad, time, 100) == []


def test_a_held_key_is_one_press():
    keypad, matrix, time = rig()
    matrix.down.add((1, 1))
    assert wait(keypad, time, 5000) == ["5"]


def test_contacts_may_bounce_for_as_long_as_they_like():
    random = Random(1)
    keypad, matrix, time = rig()
    for _ in range(200):
        if random.below(2):
            matrix.down.add((0, 0))
        else:
            matrix.down.discard((0, 0))
        time.ms += 1 + random.below(5)
        early = list(keypad.poll())
        assert early in ([], ["1"])
        if early:  # it was quiet for 20 ms, by chance
            matrix.down.clear()
            assert wait(keypad, time, 100) == []
    matrix.down.clear()
    wait(keypad, time, 100)
    matrix.down.add((0, 0))
    assert wait(keypad, time, 100) == ["1"]


def test_a_contact_shorter_than_twenty_milliseconds_is_no_key():
    keypad, matrix, time = rig()
    matrix.down.add((2, 2))
    assert wait(keypad, time, 20) == []
    matrix.down.clear()
    assert wait(keypad, time, 200) == []


def test_two_keys_at_once_are_two_keys():
    keypad, matrix, time = rig()
    matrix.down.update({(0, 0), (3, 3)})
    assert wait(keypad, time, 100) == ["1", "ENTER"]
    keypad, matrix, time = rig()
    matrix.down.add((0, 1))
    assert wait(keypad, time, 100) == ["2"]
    matrix.down.add((1, 1))  # rolled over, in the same column
    assert wait(keypad, time, 100) == ["5"]


def test_three_keys_at_the_corners_of_a_rectangle_press_nothing():
    for missing in ((0, 0), (0, 2), (2, 0), (2, 2)):
        keypad, matrix, time = rig()
        corners = {(0, 0), (0, 2), (2, 0), (2, 2)} - {missing}
        matrix.down.update(corners)
        assert wait(keypad, time, 500) == []
        # And the fourth is not taken for pressed when two of them are let go.
        matrix.down.clear()
        assert wait(keypad, time, 100) == []


def test_a_key_added_to_two_that_make_a_ghost_waits_until_it_is_clear():
    keypad, matrix, time = rig()
    matrix.down.update({(0, 0), (0, 1)})
    assert wait(keypad, time, 100) == ["1", "2"]
    matrix.down.add((1, 0))
    assert wait(keypad, time, 100) == []
    matrix.down.discard((0, 1))
    assert wait(keypad, time, 100) == ["4"]


def test_a_key_that_is_down_from_the_start_counts_when_it_is_pressed_again():
    time = Time()
    matrix = Matrix(4, 4)
    matrix.down.add((3, 1))
    keypad = Keypad(matrix.rows, matrix.columns, LAYOUT_4X4, time)
    assert wait(keypad, time, 1000) == []
    matrix.down.clear()
    wait(keypad, time, 100)
    matrix.down.add((3, 1))
    assert wait(keypad, time, 100) == ["0"]


def test_rows_are_left_high():
    keypad, matrix, time = rig()
    wait(keypad, time, 100)
    assert [pin.level for pin in matrix.rows] == [1, 1, 1, 1]


def test_a_layout_of_another_shape_is_refused():
    rows = [Pin() for _ in range(4)]
    error = raises(ValueError, Keypad, rows, rows[:3], LAYOUT_4X4, Time())
    assert "4x3" in str(error)
