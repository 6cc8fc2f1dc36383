"""Lines of text as dots: which cells, where on a display, and what of it has changed."""

from drivers import text
from tests.shared.expect import raises
from tests.shared.glass import FONT, font


def drawn(line: str, tall: bool) -> list:
    """A line's dots, a text a row."""
    cell = text.TALL if tall else text.SMALL
    width = sum([12 if char > "~" else 6 for char in line])
    columns = list(text.dots(font(), line, tall, width))
    assert len(columns) == width and max(columns) < 1 << cell
    return ["".join(["#" if column >> y & 1 else "." for column in columns]) for y in range(cell)]


def test_an_amount_in_the_small_cell():
    assert drawn("CNY 4.2?$", False) == [
        "..##...#..#.#...#..........#..........##....##...###..",
        ".#..#..##.#.#...#.........##.........#..#..#..#.#.#.#.",
        ".#.....#.##..#.#.........#.#............#.....#.#.#...",
        ".#.....#..#...#.........#..#...........#....##...###..",
        ".#..#..#..#...#.........#####...##....#.....#.....#.#.",
        "..##...#..#...#............#....##...####.......#.#.#.",
        "............................................#....###..",
        "..................................................#...",
    ]


def test_a_chinese_character_and_a_digit_in_the_tall_cell():
    assert drawn("余5", True) == [
        ".....#............",
        ".....#............",
        "....#.#...........",
        "..##...##....#####",
        "##.#####.##..#....",
        ".....#.......####.",
        ".#########.......#",
        ".....#...........#",
        "..#..#..#....#...#",
        "..#..#...#....###.",
        ".#...#...#........",
        "....##............",
    ]


def test_a_missing_character_is_a_box_and_takes_its_room():
    assert drawn("\U0001f600", True) == drawn("\u0e01", True)
    box = drawn("\u0e01", True)
    assert box[0] == "." * 12 and box[1] == "#" * 11 + "." and box[10] == box[1]
    assert box[5] == "#" + "." * 9 + "#."
    # The small cell has ASCII only: a control character is a narrow box, Chinese a wide one.
    assert drawn("\x07", False)[1] == "#####."
    assert drawn("中", False)[1] == "#" * 11 + "."


def test_the_glyphs_of_a_block_are_found_one_after_the_other():
    there = font()
    seen = set()
    for code in range(0x4E00, 0x4E40):
        if there._find(code):
            seen.add(there._find(code))
    steps = sorted(seen)
    assert len(steps) > 30
    assert [b - a for a, b in zip(steps, steps[1:])] == [18] * (len(steps) - 1)  # noqa: B905, RUF007
    assert there._find(0x4E1C) and not there._find(0x4E02)  # 东 is in GB 2312, 丂 is not
    assert not there._find(0xFFFF) and not there._find(0x10000)


def test_a_file_that_is_no_font_is_refused():
    with open(__file__, "rb") as file:
        raises(text.FontError, text.Font, file)
    raises(OSError, text.open_font, FONT + "s")


def test_up_to_five_lines_are_tall_on_64_dots_and_more_are_small():
    assert text.layout(["a"] * 5, 64) == [(12 * n, 12, "a") for n in range(5)]
    assert text.layout(["a"] * 8, 64) == [(8 * n, 8, "a") for n in range(8)]
    assert text.layout(["a"] * 8, 120) == [(12 * n, 12, "a") for n in range(8)]
    assert text.layout([], 64) == []


def test_only_lines_with_chinese_are_tall_when_not_all_can_be():
    rows = text.layout(["a", "中", "", "b", "c", "d"], 64)
    assert [row[2] for row in rows] == ["a", "中", "", "b", "c", "d"]
    assert [row[:2] for row in rows] == [(0, 8), (8, 12), (20, 8), (28, 8), (36, 8), (44, 8)]


def test_empty_lines_give_way_and_then_the_last_line():
    rows = text.layout(["中", "", "中", "中", "", "中", "中"], 64)
    assert [line for _, _, line in rows] == ["中"] * 5
    rows = text.layout(["中"] * 6, 64)
    assert rows == [(12 * n, 12, "中") for n in range(5)]


def test_of_a_line_only_what_changed_is_drawn():
    before = text.layout(["a", "CNY 0.01", "c"], 64)
    assert text.changes(before, before) == []
    after = text.layout(["a", "CNY 0.12", "c"], 64)
    assert text.changes(before, after) == [(12, 12, "12", 36, 12)]
    shorter = text.layout(["a", "CNY", "c"], 64)
    assert text.changes(before, shorter) == [(12, 12, "", 18, 30)]
    chinese = text.layout(["中文", "", "确认b"], 64)
    other = text.layout(["中", "x", "确定a"], 64)
    assert text.changes(chinese, other) == [
        (0, 12, "", 12, 12),
        (12, 12, "x", 0, 6),
        (24, 12, "定a", 12, 18),
    ]


def test_lines_that_are_gone_are_cleared_before_others_take_their_place():
    before = text.layout(["a", "bb", ""], 64)
    assert text.changes(before, text.layout(["a"], 64)) == [
        (12, 12, "", 0, 12),
        (24, 12, "", 0, 0),
    ]
    small = text.layout(["a"] * 6, 64)
    rows = text.changes(before, small)
    assert sorted(rows[:3]) == [(0, 12, "", 0, 6), (12, 12, "", 0, 12), (24, 12, "", 0, 0)]
    assert rows[3:] == [(8 * n, 8, "a", 0, 6) for n in range(6)]


def test_a_line_that_is_too_long_ends_between_characters():
    there = font()
    assert list(text.dots(there, "ab中", True, 20))[12:] == [0] * 8
    assert list(text.dots(there, "中", True, 11)) == [0] * 11
