"""The display drivers against displays that do what the data sheets say with the bytes."""

from drivers import text
from drivers.ili9342c import Ili9342c
from drivers.ssd1306 import Ssd1306
from drivers.st7789 import Parallel8, St7789Parallel
from tests.shared.expect import Random, raises
from tests.shared.glass import Colour, Oled, Registers, Strobed, differs, font, picture

_DATA = (39, 40, 41, 42, 45, 46, 47, 48)


def oled(height: int = 64) -> tuple:
    glass = Oled(128, height)
    return glass, Ssd1306(glass, 0x3C, 128, height, font())


def core2(**area) -> tuple:
    glass = Colour(320, 240, 0x28)
    display = Ili9342c(
        glass, glass.cs, glass.dc, glass.reset, font=font(), sleep_ms=glass.sleep_ms, **area
    )
    return glass, display


def t_display() -> tuple:
    glass = Strobed(320, 170, 0x40, 35)
    bus = Parallel8(Registers(glass, _DATA, 8), _DATA, 8)
    display = St7789Parallel(
        bus, glass.dc, glass.cs, glass.reset, font=font(), sleep_ms=glass.sleep_ms
    )
    return glass, display


# -- SSD1306 ------------------------------------------------------------------------------------


def test_ssd1306_is_set_up_as_its_data_sheet_says_and_lit_when_the_picture_is_there():
    glass, display = oled()
    assert glass.trace == []  # the module may still be without power
    display.show(["READY"])
    setup = "00aea83fd30040a1c8da12817fa4a6d580d9f1db20"
    assert glass.trace[0].hex() == setup + "20008d14"
    assert glass.trace[1].hex() == "0021007f220007"
    assert glass.trace[2][0] == 0x40 and len(glass.trace[2]) == 129
    assert glass.trace[-1].hex() == "00af" and len(glass.trace) == 3 + 8
    display.show(["READY"])
    assert len(glass.trace) == 3 + 8 and glass.on


def test_ssd1306_shows_a_sale_in_chinese_dot_for_dot():
    glass, display = oled()
    display.show(["消费 SALE", "￥12.34"])
    assert picture(glass, 0, 0, 56, 24) == [
        ".#....#.........#..#.#..................................",
        "..##..#..#...#########..................................",
        "....#.#..#...#########..................................",
        "#...#.#.#....#..#..#............###...###..#.....#####..",
        ".#..######...##########........#...#.#...#.#.....#......",
        "....#....#.....#...#.##........#.....#...#.#.....#......",
        "....######...########...........###..#####.#.....####...",
        "..#.#....#..#.#.....#..............#.#...#.#.....#......",
        ".#..######....#..#..#..........#...#.#...#.#.....#......",
        ".#..#....#....#..#..#...........###..#...#.#####.#####..",
        "#...#....#.....##.###...................................",
        "#...#...##....#......#..................................",
        "........................................................",
        ".###...###..............................................",
        "..#.....#...............................................",
        "...#...#.......#....###........#####....#...............",
        "..#######.....##...#...#...........#...##...............",
        "....#.#........#.......#..........#...#.#...............",
        "..#######......#......#..........##..#..#...............",
        ".....#.........#.....#.............#.#####..............",
        ".....#.........#....#.....##...#...#....#...............",
        ".....#........###..#####..##....###.....#...............",
        "....###.................................................",
        "........................................................",
    ]


def test_ssd1306_of_32_rows_has_other_com_pins():
    glass, display = oled(32)
    display.show(["a", "b", "c", "d"])
    assert glass.settings[0xA8] == b"\x1f" and glass.settings[0xDA] == b"\x02"
    assert not differs(glass, ["a", "b", "c", "d"], 32)


def test_ssd1306_shows_every_line_where_it_belongs_whatever_was_there():
    glass, display = oled()
    screens = (
        ["a"] * 8,
        ["平安便民超市", "", "CNY 12.34", "", "确认 = 下一步"],
        ["APPROVED", "CNY 1.00", "店", "x", "y", "z"],
        ["中"] * 5,
        [],
        ["READY"],
    )
    for lines in screens:
        display.show(lines)
        assert not differs(glass, lines, 64)
        assert not any(glass.dot(x, y) for x in (126, 127) for y in range(64))


def test_ssd1306_shows_any_screen_after_any_other():
    glass, display = oled()
    dice = Random(7)
    words = ("", "a", "CNY 0.01", "CNY 0.12", "中文", "中b", "确认 = 下一步", "x" * 21, "平" * 11)
    for _ in range(20):
        del glass.trace[:]
        lines = [words[dice.below(len(words))] for _ in range(dice.below(9))]
        display.show(lines)
        assert not differs(glass, lines, 64)


def test_ssd1306_gets_only_the_part_of_a_line_that_changed():
    glass, display = oled()
    display.show(["SALE", "", "CNY 0.01", "", "ENTER = next"])
    del glass.trace[:]
    display.show(["SALE", "", "CNY 0.12", "", "ENTER = next"])
    # Dots 24 to 35 are in pages 3 and 4, the two digits in columns 36 to 47.
    assert glass.trace[0].hex() == "0021242f220304"
    assert [len(part) for part in glass.trace] == [7, 13, 13]
    assert not differs(glass, ["SALE", "", "CNY 0.12", "", "ENTER = next"], 64)


def test_ssd1306_that_misses_a_transfer_is_set_up_and_written_again():
    for shown in ([], ["a", "b"]):
        for missed in range(1, 12):
            glass, display = oled()
            if shown:
                display.show(shown)
            glass.refuse(missed)
            display.show(["中文"] * 5)
            if glass.missed():
                assert glass.on and glass.trace[-1].hex() == "00af"
                assert not differs(glass, ["中文"] * 5, 64)
                display.show(["c"])
                assert not differs(glass, ["c"], 64)


def test_ssd1306_that_is_not_there_is_an_error_and_shows_all_when_it_is_back():
    glass, display = oled()
    for shown in (["a"], ["b", "c"], ["b", "d"]):
        glass.refuse(1, 2)
        raises(OSError, display.show, ["中"])
        display.show(shown)
        assert glass.on and not differs(glass, shown, 64)


# -- colour -------------------------------------------------------------------------------------


def test_ili9342c_is_set_up_in_the_order_and_time_that_its_data_sheet_wants():
    glass, _ = core2()
    assert glass.commands == [
        (0x11, b""),
        (0x3A, b"\x55"),
        (0x36, b"\x28"),
        (0x21, b""),
        (0x2A, bytes.fromhex("000000ef")),
        (0x2B, bytes.fromhex("0000013f")),
        (0x2C, 320 * 240),
        (0x29, b""),
    ]
    assert glass.on and glass.ms >= 240


def test_ili9342c_without_a_reset_pin_is_reset_by_command():
    glass = Colour(320, 240, 0x28)
    Ili9342c(glass, glass.cs, glass.dc, font=font(), sleep_ms=glass.sleep_ms)
    assert glass.commands[0] == (0x01, b"") and glass.on


def test_ili9342c_gets_only_the_part_of_a_line_that_changed():
    glass, display = core2()
    display.show(["SALE", "", "CNY 0.01"])
    del glass.commands[:]
    display.show(["SALE", "", "CNY 0.12"])
    # 12 x 12 dots twice as large, of the third line of eight in the middle, behind six characters
    # of 12: columns are rows here.
    assert glass.commands == [
        (0x2A, bytes.fromhex("0048005f")),
        (0x2B, bytes.fromhex("006a0081")),
        (0x2C, 24 * 24),
    ]


def test_ili9342c_shows_eight_lines_twice_as_large():
    glass, display = core2()
    lines = ["平安便民超市", "", "CNY 12.34", "", "a", "b", "c", "ENTER = next"]
    display.show(["中"] * 8)
    display.show(lines)
    assert not differs(glass, lines, 96, (34, 24), (2, 2))


def test_a_narrow_part_of_the_glass_has_high_letters_and_leaves_the_rest_to_its_buttons():
    glass, display = core2(width=128, scale=1)
    display.button(128, 0, 64, 60, "1")
    display.button(128, 180, 192, 60, "ENTER")
    keys = glass.digest(128)
    display.show(["a"] * 8)
    display.show(["中"] * 5)
    assert not differs(glass, ["中"] * 5, 96, (1, 24), (1, 2))
    assert glass.digest(128) == keys
    first = picture(glass, 128, 0, 192, 60)
    assert first[0] == "#" * 64 + "." * 128 and first[59] == first[0]
    assert first[1][:64] == "#" + "." * 62 + "#"
    assert any("#" in row[1:63] for row in first[18:42])
    label = picture(glass, 194, 198, 60, 24)
    small = list(text.dots(font(), "ENTER", True, 30))
    for y in range(24):
        assert label[y] == "".join([".#"[column >> y // 2 & 1] * 2 for column in small])


def test_st7789_is_written_through_the_gpio_registers():
    glass, display = t_display()
    assert glass.commands[1:6] == [
        (0x3A, b"\x55"),
        (0x36, b"\x40"),
        (0x21, b""),
        (0x2A, bytes.fromhex("002300cc")),  # 170 rows in the middle of 240
        (0x2B, bytes.fromhex("0000013f")),
    ]
    lines = ["平安便民超市", "", "CNY 12.34", "", "确认 = 下一步"]
    display.show(lines)
    assert not differs(glass, lines, 85, (34, 0), (2, 2))


def test_every_byte_reaches_a_parallel_display_as_it_is():
    got = []

    class Latch:
        strobe = got.append

    low = (7, 6, 5, 4, 3, 2, 1, 0)
    sent = bytes(range(256)) + b"\x00\x00\xff\xff"
    for data, wr in ((_DATA, 8), (_DATA, 33), (low, 8), (low, 48)):
        Parallel8(Registers(Latch, data, wr), data, wr).write(sent)
        assert bytes(got) == sent
        del got[:]
    raises(ValueError, Parallel8, {}, (31, 32, 33, 34, 35, 36, 37, 38), 8)
    raises(ValueError, Parallel8, {}, (39, 40), 8)
