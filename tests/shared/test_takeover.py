"""W26: a terminal that takes another one's place takes over what was open there."""

from protocol import record
from terminal import cards, takeover
from tests.shared.bench import PAN, Bench

OTHER_PAN = "6222000000000000013"


def pending(stan: int, batch: int = 7, **more) -> bytes:
    fields = {"kind": record.PENDING, "wall": 0, "device": "PZ-OLD-1", "seq": stan + 100}
    fields.update({"txn": record.SALE, "stan": stan, "batch": batch, "amount_minor": 300})
    fields.update({"entry": "021", "pan": cards.masked(PAN), "orig_batch": 0, "orig_stan": 0})
    fields.update({"orig_date": "", "orig_rrn": "", "orig_auth": "", "host": 0})
    fields["token"] = cards.token(bytes(32), PAN)
    fields.update(more)
    return record.encode(fields)


def swapped(*pendings) -> Bench:
    """A fresh terminal in another one's place, not yet started."""
    bench = Bench()
    bench.config["stan_start"] = 5000
    bench.config["pendings"] = list(pendings)
    bench.restart()
    return bench


def start(bench: Bench) -> None:
    bench.restart()
    bench.give("start", "PWRON", "test", "")


def first_sale(bench: Bench) -> None:
    """The card is read and the terminal has signed in: the next message is connected."""
    bench.swipe(500)
    bench.connect()
    bench.reply()
    bench.connect()


def test_w26_the_pendings_come_between_adopted_and_boot():
    bench = swapped(pending(41), pending(42))
    start(bench)
    assert bench.kinds() == ["ADOPTED", "PENDING", "PENDING", "BOOT"]
    assert [bench.records[i]["stan"] for i in (1, 2)] == [41, 42]
    assert takeover.status(bench.known) == "OLD TERMINAL: 2 OPEN"
    assert not bench.did("connect")  # nothing can be done before a card is read
    start(bench)
    assert bench.kinds().count("PENDING") == 2


def test_w26_a_cut_at_any_record_of_the_first_start_loses_nothing_and_doubles_nothing():
    for first in range(1, 5):
        for second in range(1, 5):
            bench = swapped(pending(41), pending(42))
            for cut in (first, second):
                bench.restart()
                bench.give("start", "PWRON", "test", "", cut_after=cut)
            start(bench)
            assert bench.kinds()[:4] == ["ADOPTED", "PENDING", "PENDING", "BOOT"]
            assert bench.kinds().count("PENDING") == 2 and bench.kinds().count("ADOPTED") == 1
            assert bench.engine.stan == 5000


def test_w26_the_card_that_comes_back_is_first_reversed_and_then_charged():
    bench = swapped(pending(42))
    start(bench)
    first_sale(bench)
    assert bench.request.mti == "0400"
    assert bench.request.fields[11] == "000042"
    assert bench.request.fields[60][2:8] == "000007"
    assert bench.request.fields[4] == "000000000300"
    assert bench.request.fields[39] == "98"
    assert bench.request.fields[2] == PAN
    bench.reply("00")
    assert bench.records[-1]["result"] == record.REV_OK
    assert takeover.status(bench.known) == "READY"
    bench.connect()
    assert bench.request.mti == "0200"
    assert bench.request.fields[4] == "000000000500"
    assert int(bench.request.fields[11]) > 5000
    bench.reply("00")
    assert bench.screen() == "approved"
    start(bench)
    assert bench.known.pendings() == [] and bench.known.odd == 0


def test_w26_all_pendings_of_the_card_are_reversed_before_it_is_charged():
    bench = swapped(pending(41), pending(42), pending(43, token=b"another."))
    start(bench)
    first_sale(bench)
    for stan in ("000041", "000042"):
        assert (bench.request.mti, bench.request.fields[11]) == ("0400", stan)
        bench.reply("00")
        bench.connect()
    assert bench.request.mti == "0200"
    assert [armed["stan"] for _, armed in bench.known.pendings()] == [43]


def test_w26_another_card_reverses_nothing():
    bench = swapped(pending(42, token=cards.token(bytes(32), OTHER_PAN)))
    start(bench)
    first_sale(bench)
    assert bench.request.mti == "0200"
    assert len(bench.known.pendings()) == 1


def test_w26_a_pending_of_a_batch_that_the_host_has_left_is_not_sent():
    bench = swapped(pending(42, batch=6), pending(43))
    start(bench)
    first_sale(bench)
    assert (bench.request.mti, bench.request.fields[11]) == ("0400", "000043")
    bench.reply("00")
    bench.connect()
    assert bench.request.mti == "0200"
    assert [armed["stan"] for _, armed in bench.known.pendings()] == [42]


def test_w17_w26_a_pending_of_an_earlier_day_is_not_sent_where_that_is_forbidden():
    noon = 1772424000  # 12:00 in China
    for armed, mti in ((noon, "0400"), (noon - 86400, "0200")):
        bench = swapped(pending(42, wall=armed))
        start(bench)
        bench.known.wall = noon + 3600
        first_sale(bench)
        assert bench.request.mti == mti
        assert len(bench.known.pendings()) == (0 if mti == "0400" else 1)


def test_w26_what_may_not_be_reversed_only_waits_and_locks_its_original():
    rrn = {"rrn": "000000000077", "date": "1122"}
    bench = swapped(pending(42, txn=record.REFUND, orig_rrn=rrn["rrn"], orig_date=rrn["date"]))
    start(bench)
    first_sale(bench)
    assert bench.request.mti == "0200"
    bench.reply("00")
    assert bench.known.recon == [2]
    assert bench.deal(record.REFUND, 100, rrn)[0][3] == "Original is locked"


def test_w26_a_reversal_that_fails_is_a_pending_again_and_the_next_card_tries_anew():
    bench = swapped(pending(42))
    start(bench)
    first_sale(bench)
    for _ in range(3):
        bench.give("timer", "answer", bench.link)
        if bench.known.open:
            bench.waited()
            assert bench.request.mti == "0400"
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert [armed["stan"] for _, armed in bench.known.pendings()] == [42]
    assert not bench.engine.want  # the sale was refused meanwhile
    bench.swipe(500)
    bench.connect()
    assert (bench.request.mti, bench.request.fields[11]) == ("0400", "000042")
    bench.reply("00")
    assert bench.records[-1]["result"] == record.REV_OK


def test_w26_a_code_that_suspends_at_once_does_not_hold_up_the_sale():
    bench = swapped(pending(42))
    start(bench)
    first_sale(bench)
    bench.reply("30", mac=False)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    bench.connect()
    assert bench.request.mti == "0200"
    assert len(bench.known.pendings()) == 1


def test_w26_a_cut_during_the_reversal_makes_it_a_pending_again():
    """The card was in RAM only: without it nothing can be sent."""
    for sent in (False, True):
        bench = swapped(pending(42))
        start(bench)
        bench.swipe(500)
        bench.connect()
        bench.reply()  # signed in; the decision to reverse is stored
        if sent:
            bench.connect()
        start(bench)
        assert bench.records[-1]["result"] == record.REV_SUSPENDED
        assert not bench.did("connect")
        assert len(bench.known.pendings()) == 1
        bench.swipe(500)
        bench.connect()
        assert (bench.request.mti, bench.request.fields[11]) == ("0400", "000042")


def test_w26_a_sync_ends_no_pending_and_its_record_is_kept():
    bench = swapped(pending(42))
    start(bench)
    bench.known.handed_over(1000)
    bench.known.checkpoint_seq = 100
    assert len(bench.known.pendings()) == 1
    assert bench.known.keep_from() == 2


def test_w26_the_pendings_end_with_the_batch():
    bench = swapped(pending(42, token=b"another."))
    start(bench)
    first_sale(bench)
    bench.reply("00")
    bench.give("settle", 1000)
    bench.connect()
    assert bench.request.mti == "0500"  # there is no card for a last 0400
    bench.reply("00")
    assert bench.known.pendings() == [] and bench.known.suspended == []
    start(bench)
    assert bench.kinds().count("PENDING") == 1 and bench.known.pendings() == []


def test_w26_six_pendings_leave_the_terminal_free_to_sell_and_survive_a_checkpoint():
    bench = swapped(*[pending(40 + n, token=b"card%04d" % n) for n in range(6)])
    start(bench)
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    assert bench.kinds()[-1] == "CHECKPOINT"
    assert bench.records[-1]["suspended"] == [2, 3, 4, 5, 6, 7]
    first_sale(bench)
    assert bench.request.mti == "0200"
    bench.reply("00")
    assert bench.screen() == "approved"


def test_w26_pendings_do_not_keep_the_card_key_alive():
    bench = swapped(pending(42))
    start(bench)
    bench.give("idle")
    assert bench.give("timer", "forget", 0) == [("forget_cards",)]


def test_w26_a_terminal_with_a_journal_of_its_own_adopts_no_pendings():
    bench = Bench().signed_in()
    bench.config["pendings"] = [pending(42)]
    start(bench)
    assert "PENDING" not in bench.kinds()
