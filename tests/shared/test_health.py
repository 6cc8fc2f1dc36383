"""The health pages, and what a factory reset waits for, in both languages."""

from terminal import factory, health, operation, screens, texts_rare_zh
from tests.shared.test_screens import in_each_language

# What stands in Chinese rows as it is: units, names, an address.
SAME = ("UTC", "KB", "ENTER", "CLEAR", "Wi-Fi", "companion log", "pz-0123456789", "READ", "_ONLY")


class Part:
    """Anything with the attributes that it is given."""

    def __init__(self, **values: object) -> None:
        for name in values:
            setattr(self, name, values[name])


def app(
    synced: int = 0, heard: int = 0, wall: int = 1795311000, spare: int = 31640, **journal: object
) -> Part:
    known = Part(debit_count=998, credit_count=1, handed=1, suspended=[1] * 6, open=None)
    known.batch, known.boot = 999999, 99999
    values = {"next_seq": 4000001, "read_only": False, "alarm": "", "slots": lambda: 32705}
    values.update({"room": lambda: 31705, "ahead": lambda: 85})
    values.update(journal)
    settings = {"utc_offset_min": -210, "device_id": "pz-0123456789"}
    return Part(
        journal=Part(**values),
        runner=Part(known=known, line=Part(trouble="connect: ECONNREFUSED"), spare=lambda: spare),
        server=Part(synced=synced, settings=settings),
        watch=Part(seconds=400 * 86400 + 3 * 3600 + 240, heard=heard),
        clock=Part(wall=lambda: wall),
        board=Part(reset_cause=lambda: "PWRON"),
        panel=Part(),
        address=lambda: "192.168.100.200",
        heap_free=lambda: 51200,
    )


EVERY = (
    app(),
    app(-1, -1, 0),
    app(400 * 86400, 400 * 86400 + 3 * 3600),
    app(400 * 86400 + 3 * 3600, 400 * 86400, read_only=True, alarm="CANNOT_AFFIRM"),
)


def shown(pages: list) -> list:
    return [screens.lines(*page) for page in pages]


def test_the_pages_say_what_there_is():
    titles = [page[1] for page in health.pages(app())]
    assert titles == ["JOURNAL", "SYNC", "NETWORK", "TIME", "TERMINAL"]
    full = shown(health.pages(app(spare=-3)))
    assert full[0][2] == "Free 0%"
    journal, sync, network, time, terminal = shown(health.pages(app()))
    assert journal[1:5] == [
        "Used 1000 of 32705",
        "Free 96%",
        "Next erase in 85",
        "Next record 4000001",
    ]
    assert sync[1:5] == [
        "Not synced 4000000",
        "Companion 400 d ago",
        "Cases 6, unfinished 0",
        "Batch 999999: 999",
    ]
    assert network[1:4] == ["Wi-Fi connected", "192.168.100.200", "Host 400 d ago, lost"]
    assert time[1:5] == [
        "2026-11-21",
        "22:00:00  UTC-03:30",
        "Up 400 d 3:04",
        "Start 99999: PWRON",
    ]
    assert terminal[1] == "pz-0123456789" and terminal[3] == "Heap free 50 KB"


def test_every_page_fits_the_screen_in_each_language():
    def fits(texts) -> None:
        for one in EVERY:
            for page in health.pages(one):
                rows = screens.lines(*page)
                said = [screens._said(value, True) for value in page[1:]]
                whole = "\n".join(said).split("\n")
                assert rows[: len(whole)] == whole, whole
                assert len(rows) <= texts.LINES

    in_each_language(fits)


def test_in_chinese_no_english_is_left():
    screens.use(screens.CHINESE)
    try:
        pages = [page for one in EVERY[:3] for page in health.pages(one)]
        refusals = [screens.lines("kept", why) for why in WHY_NOT]
        for rows in shown(pages) + refusals:
            for row in rows:
                for word in SAME:
                    row = row.replace(word, "")
                assert not [char for char in row if "a" <= char.lower() <= "z"], row
    finally:
        screens.use(screens.ENGLISH)


WHY_NOT = ("Unfinished or a case", "Settle the batch", "Slip not printed", "4000000 not synced")


def terminal(**values: object) -> Part:
    known = Part(open=None, suspended=[], closing=None, first=0, debit_count=0, credit_count=0)
    known.last, known.handed = None, 9
    for name in values:
        setattr(known, name, values[name])
    return known


def test_whatever_is_wrong_with_a_part_is_said_in_chinese_and_whole():
    faults = [row.split("=")[0] for row in texts_rare_zh.PHRASES.split("\n")]
    faults = [row for row in faults if row[:1].islower()]
    assert len(faults) > 15
    for language in (screens.ENGLISH, screens.CHINESE):
        screens.use(language)
        try:
            for fault in faults:
                one = app()
                fault = fault.replace("0", "110")
                one.panel.faults = lambda fault=fault: [fault, "another"]
                rows = screens.lines(*health.pages(one)[4])
                said = "".join(rows).replace(" ", "")
                assert screens.say(fault, True).replace(" ", "") in said, rows
                assert (screens.say(fault, True) == fault) is (language == screens.ENGLISH)
                assert len(rows) <= screens.max_lines()
        finally:
            screens.use(screens.ENGLISH)


def test_training_begins_when_nothing_is_on_its_way_to_the_host_or_to_the_paper():
    for values, busy, why in (
        ({}, True, "Unfinished sale: wait"),
        ({"open": Part()}, False, "Unfinished sale: wait"),
        ({"closing": {"batch": 1}}, False, "Batch is closing"),
        ({"last": Part(printed=False)}, False, "Slip not printed"),
    ):
        one = app()
        one.runner.known = terminal(**values)
        one.runner.busy = lambda busy=busy: busy
        assert operation.effects(one, "training")[0] == ("show", "result", "refused", why)


def test_a_factory_reset_waits_until_everything_is_settled_and_with_the_companion():
    ledger = Part(next_seq=9)
    assert factory.refusal(terminal(), ledger) == ""
    assert factory.refusal(terminal(last=Part(printed=True), handed=10), ledger) == ""
    for why, values in (
        (WHY_NOT[0], {"open": Part()}),
        (WHY_NOT[0], {"suspended": [3]}),
        (WHY_NOT[1], {"closing": {}, "first": 1}),
        (WHY_NOT[1], {"first": 4}),
        (WHY_NOT[1], {"debit_count": 1}),
        (WHY_NOT[1], {"credit_count": 1}),
        (WHY_NOT[2], {"last": Part(printed=False)}),
        ("1 not synced", {"handed": 8}),
    ):
        assert factory.refusal(terminal(**values), ledger) == why
