"""What is asked, found or refused before a transaction begins: repeats, recovery, pre-auths."""

from protocol import record
from terminal import state
from tests.shared.bench import PAN, Bench, refusal, restart

OTHER = "6222000000000000013"
AUTH = {"batch": 0, "stan": 0, "auth": "A12345", "date": "1122"}


def swipe_at(bench: Bench, now: int, amount_minor: int = 500) -> list:
    card = bench.card()
    return bench.give("transact", record.SALE, amount_minor, amount_minor, card, None, 1000, now)


def guarded() -> Bench:
    bench = Bench()
    bench.config["duplicate_s"] = 60
    bench.restart()
    bench.signed_in().approved(500)
    bench.records[-2]["wall"] = 1700000000
    return restart(bench)


def test_the_same_card_and_amount_again_within_the_time_asks_first():
    bench = guarded()
    assert swipe_at(bench, 1700000030)[0][1:3] == ("ask", "same")
    assert not bench.did("connect")
    bench.give("reprint", False, 1000)
    assert not bench.did("connect")
    swipe_at(bench, 1700000030)
    bench.give("reprint", True, 1000)
    bench.connect()
    assert bench.request.fields[4] == "000000000500"


def test_the_answer_about_a_repeat_counts_with_the_room_that_is_left_by_then():
    bench = guarded()
    swipe_at(bench, 1700000030)
    assert refusal(bench.give("reprint", True, 10)) == "Journal full: sync"
    assert not bench.did("connect")


def test_another_amount_or_a_later_time_is_no_repeat():
    for now, amount_minor in ((1700000030, 501), (1700000061, 500), (0, 500)):
        bench = guarded()
        assert swipe_at(bench, now, amount_minor)[0][2] == "connecting"


def test_an_answer_to_a_question_that_was_dropped_sells_nothing():
    bench = guarded()
    swipe_at(bench, 1700000030)
    bench.give("settle", 1000)
    bench.connect()
    bench.give("reprint", True)
    assert bench.request.mti == "0500"
    assert not bench.engine.want


def test_w16_w26_a_terminal_in_recovery_goes_on_above_the_stan_it_was_given():
    bench = Bench()
    bench.config["stan_start"] = 5000
    bench.restart()
    bench.give("start", "PWRON", "test", "", cut_after=1)
    assert bench.kinds() == ["ADOPTED"]
    restart(bench)
    assert bench.kinds() == ["ADOPTED", "BOOT"]
    bench.swipe(500)
    bench.connect()
    assert bench.request.fields[11] == "005001"
    restart(bench)
    assert bench.kinds().count("ADOPTED") == 1


def test_a_terminal_with_a_journal_adopts_nothing():
    bench = Bench().signed_in()
    bench.config["stan_start"] = 5000
    restart(bench)
    assert "ADOPTED" not in bench.kinds()


def test_a_cancel_is_for_the_amount_of_the_preauth_and_a_completion_within_the_limit():
    bench = Bench().signed_in()
    bench.deal(record.PREAUTH, 1000)
    bench.connect()
    bench.reply("00")
    assert refusal(bench.deal(record.PREAUTH_CANCEL, 999, AUTH)) == "Not the pre-auth's"
    for txn in (record.COMPLETION, record.COMPLETION_NOTICE):
        assert refusal(bench.deal(txn, 1151, AUTH)) == "Over the pre-auth"
    bench.deal(record.COMPLETION, 1150, AUTH)
    bench.connect()
    assert bench.request.fields[4] == "000000001150"


def test_i08_a_preauth_is_found_behind_many_others_and_a_checkpoint():
    bench = Bench().signed_in()
    bench.deal(record.PREAUTH, 1000)
    bench.connect()
    bench.reply("00", f38="OLD001")
    for _ in range(20):
        bench.deal(record.PREAUTH, 5000)
        bench.connect()
        bench.reply("00", f38="NEW001")
        bench.log = []
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    # As Ledger.replay reads: from the newest checkpoint on.
    bench.known = state.State()
    bench.known.apply(len(bench.records), bench.records[-1])
    bench.engine.known = bench.known
    old = {"batch": 0, "stan": 0, "auth": "OLD001", "date": "1122"}
    assert refusal(bench.deal(record.COMPLETION, 1151, old)) == "Over the pre-auth"
    assert refusal(bench.deal(record.PREAUTH_CANCEL, 5000, old)) == "Not the pre-auth's"
    # Another card's, or none that this journal has: the host has the last word.
    assert bench.deal(record.COMPLETION, 1151, old, pan=OTHER)[-1][0] == "connect"
    bench.connect()
    bench.reply("51", mac=False)
    assert bench.deal(record.COMPLETION, 1151, AUTH)[-1][0] == "connect"


def test_i08_what_has_the_same_code_is_no_preauth():
    bench = Bench().signed_in()
    bench.deal(record.PREAUTH, 1000)
    bench.connect()
    bench.reply("00")
    bench.approved(9000)  # a sale with the code A12345 as well
    bench.deal(record.PREAUTH, 2000)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.connect()
    bench.reply("00")
    for pan, change in ((OTHER, {}), (PAN, {"f37": "000000A12345", "f38": "B00001"})):
        bench.deal(record.PREAUTH, 3000, pan=pan)
        bench.connect()
        bench.reply("00", **change)
    assert refusal(bench.deal(record.COMPLETION, 1151, AUTH)) == "Over the pre-auth"
    assert bench.deal(record.COMPLETION, 1150, AUTH)[-1][0] == "connect"


def test_w29_a_journal_that_an_open_batch_fills_asks_for_settling_and_not_for_a_sync():
    bench = Bench().signed_in()
    bench.approved()
    assert refusal(bench.swipe(500, room=10)) == "Journal full: sync"
    bench.known.handed_over(len(bench.records) + 1)
    assert refusal(bench.swipe(500, room=10)) == "Settle the batch"
    assert refusal(bench.swipe(500, room=-1)) == "Flash fault: restart"
