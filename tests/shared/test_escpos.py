"""The receipt printer: what is on the paper, in which bytes, and what happens without paper."""

from drivers import gb2312, text
from drivers.escpos import EscPos
from tests.shared import glass
from tests.shared.expect import raises
from tests.shared.wires import Time, Uart

START = b"\x1b@\x1c&"
END = b"\x1bd\x04"
ASK = b"\x10\x04\x04"
PAPER, NEAR_END, NO_PAPER = b"\x12", b"\x1e", b"\x72"


def rig(encoding: str = "gb18030", slow: bool = False, cut: bool = False) -> tuple:
    time = Time()
    time.ms = 5000
    uart = Uart(slow)
    return EscPos(uart, encoding, cut, time, glass.font()), uart, time


def wait(printer: EscPos, uart: Uart, time: Time, milliseconds: int, answer: bytes = b"") -> None:
    """Poll every 10 ms; the printer answers a question at once."""
    for _ in range(milliseconds // 10):
        time.ms += 10
        before = len(uart.sent)
        printer.poll()
        uart.leave(10)  # 9600 baud
        if ASK in uart.sent[before:]:
            uart.give(answer)


def paper(uart: Uart) -> bytes:
    """What was sent but for the questions, which are on no paper."""
    return uart.sent.replace(ASK, b"")


def test_a_slip_in_bytes():
    printer, uart, time = rig()
    for row in ("PINGZHANG 平账", "AMOUNT   CNY 12.00"):
        printer.line(row)
    wait(printer, uart, time, 1000, PAPER)
    rows = b"PINGZHANG \xc6\xbd\xd5\xcb\n" + b"AMOUNT   CNY 12.00\n"
    assert paper(uart) == START + rows + END
    printer.line("next")
    wait(printer, uart, time, 1000, PAPER)
    assert paper(uart).endswith(END + START + b"next\n" + END)


def test_a_printer_with_a_cutter_cuts():
    printer, uart, time = rig(cut=True)
    printer.line("x")
    wait(printer, uart, time, 1000, PAPER)
    assert paper(uart) == START + b"x\n" + END + b"\x1dVB\x00"


def test_a_printer_without_chinese_gets_ascii_only():
    printer, uart, time = rig("ascii")
    for row in ("SALE 消费", "商户", "A\x10\x04\x04B"):
        printer.line(row)
    wait(printer, uart, time, 1000, PAPER)
    assert paper(uart) == b"\x1b@\x1c." + b"SALE\n??\nAB\n" + END


def test_chinese_is_printed_as_dots_where_the_printer_knows_none():
    printer, uart, time = rig("picture")
    printer.line("SALE 消费")
    printer.line("AMOUNT")
    wait(printer, uart, time, 1000, PAPER)
    head = b"\x1b@\x1c."
    data = paper(uart)
    # GS v 0, both ways doubled: 24 bytes by 12 rows.
    assert data[: len(head) + 8] == head + b"\x1dv0\x03" + bytes([24, 0, 12, 0])
    dots = data[len(head) + 8 : len(head) + 8 + 24 * 12]
    assert data[len(head) + 8 + 24 * 12 :] == b"AMOUNT\n" + END
    seen = [
        sum([(dots[24 * y + x // 8] >> (7 - x % 8) & 1) << y for y in range(12)])
        for x in range(192)
    ]
    assert seen == list(text.dots(glass.font(), "SALE 消费", True, 192))
    assert sum(seen[: 9 * 6]) and not sum(seen[9 * 6 :])


def test_a_picture_is_in_one_piece_for_a_question():
    printer, uart, time = rig("picture", slow=True)
    for _ in range(20):
        printer.line("消费" * 8)
    wait(printer, uart, time, 9000, PAPER)
    assert not printer.printing()
    assert uart.sent.count(ASK) >= 6
    pictures = paper(uart)[len(START) :]
    assert pictures.endswith(END)
    whole = pictures[: -len(END)]
    assert len(whole) == 20 * (8 + 24 * 12) and whole == whole[: 8 + 24 * 12] * 20
    for piece in uart.sent.split(ASK):
        pieces = piece.replace(START[:2] + b"\x1c.", b"").replace(END, b"")
        assert len(pieces) % (8 + 24 * 12) == 0


def test_no_text_is_a_command():
    assert gb2312.encode("a\x1b@\n\x10\x04\x04\x7f") == b"a?@?????"
    assert gb2312.encode("鑫") == b"\xf6\xce"
    assert gb2312.encode("€😀") == b"??"


def test_a_write_never_waits_for_a_slow_line():
    printer, uart, time = rig(slow=True)
    rows = [str(number) + "x" * 28 for number in range(40)]
    for row in rows:
        printer.line(row)
    assert printer.printing()
    wait(printer, uart, time, 3000, PAPER)
    assert not printer.printing()
    assert paper(uart) == START + "".join([row + "\n" for row in rows]).encode() + END
    assert max([len(data) for data in uart.writes]) <= 96


def test_questions_never_stand_inside_a_line():
    printer, uart, time = rig(slow=True)
    for _ in range(60):
        printer.line("消费" * 8)
    wait(printer, uart, time, 3000, PAPER)
    for piece in uart.sent.split(ASK)[1:-1]:
        assert piece == b"" or piece.endswith((b"\n", START, END))


def test_lines_wait_for_paper():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, NO_PAPER)
    assert printer.fault == "no paper"
    printer.line("slip")
    wait(printer, uart, time, 5000, NO_PAPER)
    assert paper(uart) == b""
    assert printer.printing()
    wait(printer, uart, time, 3000, PAPER)
    assert printer.fault == ""
    assert paper(uart) == START + b"slip\n" + END


def test_paper_near_its_end_is_paper():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, NEAR_END)
    assert printer.fault == ""


def test_a_printer_that_never_answers_prints_blindly():
    printer, uart, time = rig()
    wait(printer, uart, time, 10000)
    assert printer.fault == ""
    asked = uart.sent.count(ASK)
    assert asked == 3
    printer.line("slip")
    wait(printer, uart, time, 2000)
    assert paper(uart) == START + b"slip\n" + END
    assert uart.sent.count(ASK) == 4  # once more for each slip


def test_a_printer_that_falls_silent_is_waited_for():
    printer, uart, time = rig()
    wait(printer, uart, time, 2000, PAPER)
    wait(printer, uart, time, 5000)
    assert printer.fault == "printer does not answer"
    printer.line("slip")
    wait(printer, uart, time, 5000)
    assert paper(uart) == b""
    wait(printer, uart, time, 3000, PAPER)
    assert printer.fault == ""
    assert paper(uart) == START + b"slip\n" + END


def test_noise_is_no_answer():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, PAPER)
    uart.give(bytes([0xFF, 0x00, 0x73, 0xF2, 0x62]))
    wait(printer, uart, time, 50)
    assert printer.fault == ""


def test_what_looks_like_an_answer_counts_only_after_a_question_and_once():
    printer, uart, time = rig()
    wait(printer, uart, time, 10000)  # nobody there; it asks no more
    uart.give(NO_PAPER * 20)
    wait(printer, uart, time, 50)
    assert printer.fault == ""
    printer.line("slip")
    wait(printer, uart, time, 1000)
    assert paper(uart) == START + b"slip\n" + END
    printer, uart, time = rig()
    wait(printer, uart, time, 100, PAPER + NO_PAPER)
    assert printer.fault == ""


def test_a_printer_that_is_known_may_take_its_time():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, PAPER)
    for answer, fault in ((NO_PAPER, "no paper"), (PAPER, "")):
        wait(printer, uart, time, 1600)
        uart.give(answer)
        wait(printer, uart, time, 10)
        assert printer.fault == fault


def test_a_printer_of_which_no_line_comes_back_is_never_heard():
    time = Time()
    uart = Uart()
    printer = EscPos(uart, now_ms=time, answers=False)
    wait(printer, uart, time, 3000, NO_PAPER)
    printer.line("slip")
    wait(printer, uart, time, 1000, NO_PAPER)
    assert printer.fault == ""
    assert paper(uart) == START + b"slip\n" + END


def test_each_of_the_slips_that_waited_for_paper_ends_as_one_that_did_not():
    for cut in (False, True):
        printer, uart, time = rig(cut=cut)
        end = END + b"\x1dVB\x00" if cut else END
        wait(printer, uart, time, 1100, NO_PAPER)
        for slip in ("a", "b", "c"):
            printer.line(slip)
            wait(printer, uart, time, 20, NO_PAPER)
            printer.line(slip)  # of the same one, a little later
            wait(printer, uart, time, 1000, NO_PAPER)
        assert paper(uart) == b""
        wait(printer, uart, time, 5000, PAPER)
        slips = [START + slip + b"\n" + slip + b"\n" + end for slip in (b"a", b"b", b"c")]
        assert paper(uart) == b"".join(slips)
        assert not printer.printing()


def test_lines_beyond_the_queue_are_lost_and_it_says_how_many_have_room():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, NO_PAPER)
    for number in range(200):
        assert printer.room() == max(120 - number, 0)
        printer.line("x" * 32)
    wait(printer, uart, time, 5000, PAPER)
    assert paper(uart).count(b"x" * 32 + b"\n") == 120


def test_a_full_queue_takes_nothing_more_however_long_it_waits():
    printer, uart, time = rig()
    wait(printer, uart, time, 1100, NO_PAPER)
    for _ in range(120):
        printer.line("x")
    for _ in range(5):
        wait(printer, uart, time, 1000, NO_PAPER)
        printer.line("y")
        assert printer.room() == 0
    wait(printer, uart, time, 20000, PAPER)
    assert paper(uart) == START + b"x\n" * 120 + END


def test_an_unknown_encoding_is_refused():
    assert "gbk" in str(raises(ValueError, EscPos, Uart(), "gbk", False, Time()))
