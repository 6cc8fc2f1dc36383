"""What the screen says fits it, in each language: a longer line is cut without a word."""

from protocol import record
from terminal import (
    cases,
    columns,
    money,
    screens,
    texts_en,
    texts_rare_en,
    texts_rare_zh,
    texts_zh,
    transactions,
)
from tests.shared.expect import raises

MOST = money.show(9999999999)
STAN = 999999
LANGUAGES = ((screens.ENGLISH, texts_en), (screens.CHINESE, texts_zh))
# The longest titles, each way.
LONGEST = (record.COMPLETION_NOTICE, record.COMPLETION_VOID)


def in_each_language(test) -> None:
    """Call ``test(texts)`` with each language in use; English is back when it returns."""
    try:
        for language, texts in LANGUAGES:
            screens.use(language)
            test(texts)
    finally:
        screens.use(screens.ENGLISH)


def forms(*modules) -> dict:
    """Each screen's own text by its name."""
    found = {}
    for texts in modules:
        for form in texts.SCREENS.split("\n@")[1:-1]:
            name, _, rows = form.partition("\n")
            assert rows and name not in found, name
            found[name] = rows
    return found


def every_form(texts) -> dict:
    """The same with the screens that few ever see."""
    return forms(texts, texts_rare_zh if texts is texts_zh else texts_rare_en)


def whole(name: str, *values: object) -> list:
    """The lines of a screen, of which nothing was cut."""
    shown = screens.lines(name, *values)
    assert len(shown) <= screens.max_lines()
    assert max([columns.width(row) for row in shown]) <= screens.WIDTH
    chinese = screens.money_mark() == texts_zh.MONEY
    form = every_form(texts_zh if chinese else texts_en)
    said = [screens._said(value, True) for value in values]
    assert "\n".join(shown) == form[name].format(*said), name
    return shown


def test_every_screen_fits_the_panel():
    def fits(texts) -> None:
        for name, form in every_form(texts).items():
            rows = form.split("\n")
            assert len(rows) <= texts.LINES <= screens.MAX_LINES, name
            for row in rows:
                assert "{" in row or columns.width(row) <= screens.WIDTH, row

    in_each_language(fits)
    assert texts_zh.LINES * 12 <= 64  # dots of the smallest display


def test_each_language_has_the_same_screens_with_the_same_values():
    english, chinese = every_form(texts_en), every_form(texts_zh)
    assert sorted(english) == sorted(chinese)
    for name in english:
        for number in range(6):
            place = "{" + str(number) + "}"
            # "try 3" may be left out, a code or an amount may not.
            assert (place in english[name]) == (place in chinese[name]), name


def test_an_unknown_screen_is_an_error():
    raises(KeyError, screens.lines, "no such screen")
    raises(KeyError, screens.lines, "")


def test_the_largest_amount_and_stan_are_shown_whole():
    def shown(texts) -> None:
        stan = "#" + str(STAN)
        for name in ("same", "waiting", "owed", "suspended"):
            assert stan in whole(name, MOST, STAN)
        for name in ("reversed", "undone", "absent", "last"):
            assert stan in screens.lines(name, MOST, STAN, "25", "COMPLETION NOTICE")
        assert stan in whole("reversing", MOST, STAN, 99)
        for name in ("amount", "confirm", "connecting", "processing", "chip", "card", "sure"):
            assert screens.displayed_amount(whole(name, MOST, "COMPLETION VOID")) == 9999999999

    in_each_language(shown)


def test_an_amount_is_read_back_only_from_its_own_line():
    def read(texts) -> None:
        assert screens.displayed_amount([texts.MONEY + "12.34"]) == 1234
        assert screens.displayed_amount(["5.00", texts.MONEY + "12.34 x"]) == 1234
        for row in ("12.34", texts.MONEY + "12", " " + texts.MONEY + "12.34", texts.MONEY):
            raises(ValueError, screens.displayed_amount, [row])

    in_each_language(read)
    raises(ValueError, screens.displayed_amount, [texts_zh.MONEY + "12.34"])


def test_the_longest_titles_and_numbers_are_shown_whole():
    def shown(texts) -> None:
        for title in [transactions.title(txn) for txn in LONGEST]:
            whole("absent", MOST, STAN, "25", title)
            whole("reversed", MOST, STAN, "00", title)
            whole("undone", MOST, STAN, "00", title)
            whole("last", MOST, STAN, title)
            whole("approved", MOST, "000000000042", "A12345", title)
            whole("declined", MOST, "51", "Declined by the bank", title)
            whole("prompt", title, "AUTH CODE", "A12345", 6)
            whole("card_only", title)
        whole("unsettled", STAN, "A0")
        whole("settling", STAN, "-" + MOST)
        for end in ("BALANCED", "UNBALANCED, UPLOADED"):
            whole("settled", STAN, "-" + MOST, end)
        whole("closing", STAN)

    in_each_language(shown)


def test_every_line_that_may_end_the_first_screen_is_shown_whole():
    def shown(texts) -> None:
        warnings = ["JOURNAL 19% FREE", "JOURNAL 4%: SYNC NOW"]
        warnings.extend(["JOURNAL 4%: SETTLE", "READY", "OLD TERMINAL: 6 OPEN"])
        for status in warnings:
            whole("idle", "Corner shop", status)

    in_each_language(shown)


def test_cases_and_verdicts_are_shown_whole_whatever_is_written_in_them():
    def shown(texts) -> None:
        for text in ("", "W" * 40, "已退款给顾客,请核对账单"):
            rows = [(999999, 999990 + n, n % 5, text) for n in range(8)]
            for page in cases.pages(rows):
                whole(*page)
            verdicts = ["".join(screens.lines(*page)) for page in cases.pages(rows)[1:]]
            assert len(verdicts) == 6
            for verdict in verdicts:
                assert text in verdict

    in_each_language(shown)


def test_why_not_is_shown_whole_however_long_it_is():
    def shown(texts) -> None:
        reasons = [row.split("=")[0] for row in texts_zh.PHRASES.strip().split("\n")]
        for reason in reasons:
            reason = reason.replace("0", "999")
            for name in ("refused", "offline"):
                rows = screens.lines(name, reason)
                said = screens.say(reason).replace(" ", "")
                assert said in "".join(rows).replace(" ", ""), rows
                # What is below it did not go.
                assert rows[-1] == screens.lines(name, "x")[-1]
                assert max([columns.width(row) for row in rows]) <= screens.WIDTH

    in_each_language(shown)


def test_a_long_line_goes_on_at_a_word_while_there_are_lines_to_spare():
    rows = screens.lines("refused", "card number has a wrong check digit")
    assert rows[2:] == ["card number has a", "wrong check digit", "Nothing was charged"]
    assert screens.lines("refused", "x" * 30)[2:4] == ["x" * 21, "x" * 9]
    assert screens.lines("refused", "x" * 21 + " yes")[2:4] == ["x" * 21, "yes"]
    full = screens.lines("refused", "word " * 100)
    assert len(full) == 8 and full[-1] == "Nothing was charged"
    assert [columns.words("ab cd", n) for n in (1, 2, 3, 4, 5)] == ["a", "ab", "ab", "ab", "ab cd"]


def test_what_the_program_says_is_translated_and_numbers_in_it_stay():
    screens.use(screens.CHINESE)
    try:
        assert screens.say("OLD TERMINAL: 12 OPEN") == "旧终端: 12笔未结"
        assert screens.say("#100010  BATCH 20") == "#100010  批次 20"
        for text in ("", "0", "\n", "=", "Corner shop", "PHRASES", "ECONNREFUSED"):
            assert screens.say(text) == text
        assert screens.lines("refused", "Busy")[2] == "正忙"
        assert screens.lines("cases", 2, "#1  BATCH 7\n#2  BATCH 7")[1:3] == [
            "#1  批次 7",
            "#2  批次 7",
        ]
    finally:
        screens.use(screens.ENGLISH)
    assert screens.say("OLD TERMINAL: 12 OPEN") == "OLD TERMINAL: 12 OPEN"


def test_a_text_is_cut_between_characters_and_by_their_width():
    assert columns.width("a￥中é") == 7
    assert [columns.cut("a中b", n) for n in range(6)] == ["", "a", "a", "a中", "a中b", "a中b"]
    assert columns.pad("中", 4) == "中  "
    assert columns.pad("中中", 4) == "中中 "
