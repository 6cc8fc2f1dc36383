"""Verdicts: evidence in the journal, the end of the case, and what the panel shows of it."""

from protocol import cbor, record, seal
from terminal import cases, entries, screens
from terminal.state import State
from tests.shared.bench import Bench
from tests.shared.expect import raises


class Journal:
    """The bench's records as a ledger has them: encoded, with a seal behind."""

    def __init__(self, records: list) -> None:
        self.records = records
        self.first_seq = 1
        self.free = 1000

    @property
    def next_seq(self) -> int:
        return len(self.records) + 1

    def room(self) -> int:
        return self.free

    def record_at(self, seq: int):
        return self.records[seq - 1]

    def read(self, seq: int):
        rec = self.records[seq - 1]
        return None if rec is None else record.encode(rec) + bytes(seal.SEAL_LENGTH)


def give(bench: Bench, *verdicts: tuple, free: int = 1000) -> str:
    """Push verdicts; why they are not taken."""
    ledger = Journal(bench.records)
    ledger.free = free
    rows = cases.decode(cbor.dumps([list(verdict) for verdict in verdicts]))
    why_not, effects, _ = cases.take(bench.engine, ledger, rows)
    bench.give_effects(effects)
    return why_not


def shown(bench: Bench) -> list:
    """The first line of each screen of the cases."""
    pages = cases.pages(cases.told(Journal(bench.records)))
    return [screens.lines(*page)[:2] for page in pages]


def refund(bench: Bench, rrn: str = "000000000042") -> list:
    original = {"rrn": rrn, "date": "1122", "batch": 0, "stan": 0}
    return bench.deal(record.REFUND, 500, original)


def unanswered_refund() -> tuple:
    """A bench with a refund that nobody answered, and the STAN of it."""
    bench = Bench().signed_in()
    refund(bench)
    bench.connect()
    stan = int(bench.request.fields[11])
    bench.give("timer", "answer", bench.link)
    assert bench.screen() == "suspended"
    return bench, stan


def test_a_verdict_ends_the_case_and_its_lock_now_and_after_a_restart():
    bench, stan = unanswered_refund()
    refund(bench)
    assert bench.log[-2][2:] == ("refused", "Original is locked")
    assert give(bench, (7, stan, record.REJECTED, "nothing was refunded")) == ""
    assert bench.kinds()[-1] == "VERDICT"
    assert not bench.known.suspended and not bench.known.recon
    bench.restart()
    assert not bench.known.suspended
    refund(bench)
    assert bench.screen() == "connecting"


def test_a_verdict_on_another_case_ends_none():
    bench, stan = unanswered_refund()
    for batch, number in ((7, stan + 1), (8, stan)):
        assert give(bench, (batch, number, record.SQUARED, "")) == ""
    assert len(bench.known.suspended) == 1


def test_a_suspended_reversal_with_a_verdict_is_not_tried_again_at_settlement():
    bench = Bench().signed_in()
    bench.approved()
    bench.swipe(700)
    bench.connect()
    stan = int(bench.request.fields[11])
    bench.give("timer", "answer", bench.link)
    bench.connect()
    bench.reply("30", mac=False)
    assert len(bench.known.retriable()) == 1
    assert give(bench, (7, stan, record.WRITTEN_OFF, "")) == ""
    assert bench.known.retriable() == []
    bench.log = []
    bench.give("settle", 1000)
    bench.connect()
    assert bench.request.mti == "0500"


def test_the_same_verdict_twice_is_written_once():
    bench, stan = unanswered_refund()
    verdict = (7, stan, record.SQUARED, "done")
    assert give(bench, verdict, (7, 1, record.SQUARED, "")) == ""
    count = len(bench.records)
    assert give(bench, verdict, (7, 1, record.SQUARED, "")) == ""
    assert len(bench.records) == count
    assert give(bench, (7, stan, record.REFUND_DUE, "done")) == ""
    assert len(bench.records) == count + 1


def test_w29_verdicts_take_no_room_that_a_reversal_may_need():
    bench, stan = unanswered_refund()
    count = len(bench.records)
    assert give(bench, (7, stan, record.SQUARED, ""), free=70) == "Journal full: sync"
    assert give(bench, (7, stan, record.SQUARED, ""), free=-1) == "Flash fault: restart"
    assert len(bench.records) == count


def test_i3_what_has_no_end_here_yet_gets_none_from_a_verdict():
    bench = Bench().signed_in()
    bench.swipe(700)
    bench.connect()
    stan = int(bench.request.fields[11])
    bench.give("timer", "answer", bench.link)
    assert bench.known.open
    assert give(bench, (7, stan, record.SQUARED, "")) == "not finished here yet"
    assert bench.known.open and bench.kinds()[-1] != "VERDICT"


def test_open_cases_and_verdicts_are_shown_with_their_stan():
    bench, stan = unanswered_refund()
    assert shown(bench) == [["OPEN CASES: 1", f"#{stan}  BATCH 7"]]
    give(bench, (7, stan, record.REFUND_DUE, "CNY 5.00 comes with the next payout"))
    assert shown(bench) == [["REFUND THE CUSTOMER", f"#{stan}  BATCH 7"]]
    assert shown(Bench()) == [["OPEN CASES: 0", ""]]


def test_a_case_that_was_reversed_after_all_is_none():
    bench = Bench()
    armed = {"stan": 5, "batch": 7}
    bench.give_effects([entries.reversal_end(dict(armed), record.REV_SUSPENDED, "", "", 3)])
    assert shown(bench) == [["OPEN CASES: 1", "#5  BATCH 7"]]
    bench.give_effects([entries.reversal_end(dict(armed), record.REV_OK, "00", "", 4)])
    assert shown(bench) == [["OPEN CASES: 0", ""]]


def test_damaged_records_and_unknown_kinds_are_passed_over():
    bench, stan = unanswered_refund()
    bench.records.append(None)
    bench.known = State()
    assert shown(bench) == [["OPEN CASES: 1", f"#{stan}  BATCH 7"]]


def test_every_page_fits_the_display():
    rows = [(999999, 999990 + n, n % 5, "W" * 40) for n in range(8)]
    for page in cases.pages(rows):
        lines = screens.lines(*page)
        assert len(lines) <= screens.MAX_LINES
        assert lines[-1] == "ENTER = next"
    assert "".join(screens.lines(*cases.pages(rows)[1])[3:5]) == "W" * 40


def test_what_is_no_verdict_is_refused_whole():
    good = [7, 1, 1, ""]
    bad = (
        7,
        [],
        [good] * 9,
        [good[:3]],
        [[7, 1, 1, "", 0]],
        [[7, 1, 0, ""]],
        [[7, 1, 5, ""]],
        [[7, True, 1, ""]],
        [[7, 1000000, 1, ""]],
        [[-1, 1, 1, ""]],
        [[7, 1, 1, "x" * 41]],
        [[7, 1, 1, "a\nb"]],
        [[7, 1, 1, b"x"]],
        [good, [7, 1, 1, 1]],
    )
    for value in bad:
        raises(ValueError, cases.decode, cbor.dumps(value))
    assert cases.decode(cbor.dumps([good])) == [(7, 1, 1, "")]
