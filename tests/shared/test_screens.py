"""What the screen says fits it: a longer line or one more is cut without a word."""

from terminal import money, screens

MOST = money.show(9999999999)
STAN = 999999


def whole(name: str, *values: object) -> list:
    """The lines of a screen, of which nothing was cut."""
    shown = screens.lines(name, *values)
    assert "\n".join(shown) == screens._SCREENS[name].format(*values), name
    return shown


def test_the_largest_amount_and_stan_are_shown_whole():
    for name in ("same", "waiting", "owed"):
        assert "#999999" in whole(name, MOST, STAN)
    for name in ("reversed", "undone", "absent", "last"):
        assert "#999999" in screens.lines(name, MOST, STAN, "25", "COMPLETION NOTICE")
    assert "#999999" in whole("reversing", MOST, STAN, 99)
    whole("suspended", MOST, STAN)
    for name in ("amount", "confirm", "connecting", "processing", "chip", "card", "sure"):
        assert screens.displayed_amount(whole(name, MOST, "COMPLETION NOTICE")) == 9999999999


def test_the_longest_titles_and_numbers_are_shown_whole():
    whole("absent", MOST, STAN, "25", "COMPLETION NOTICE")
    whole("reversed", MOST, STAN, "00", "COMPLETION NOTICE")
    whole("last", MOST, STAN, "COMPLETION NOTICE")
    whole("approved", MOST, "000000000042", "A12345", "COMPLETION NOTICE")
    whole("declined", MOST, "51", "Declined by the bank", "COMPLETION NOTICE")
    whole("unsettled", STAN, "A0")
    whole("settling", STAN, "-" + MOST)


def test_every_reason_for_a_refusal_is_shown_whole():
    for why in (
        "Stopped by host: sync",
        "Flash fault: restart",
        "Journal full: sync",
        "Unfinished sale: wait",
        "Not the pre-auth's",
    ):
        assert why in whole("refused", why)
