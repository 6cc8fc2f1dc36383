"""Why nothing may begin, and what ends it: the host's stop, a failed flash, cases."""

from protocol import record
from tests.shared.bench import Bench, refusal, restart

RRN = {"batch": 0, "stan": 0, "rrn": "000000000042", "date": "1122"}


def test_originals_that_stay_locked_after_a_sync_ask_for_a_settlement():
    bench = Bench().signed_in()
    for number in range(5):
        original = dict(RRN)
        original["rrn"] = f"{number:012d}"
        bench.deal(record.REFUND, 300, original)
        bench.connect()
        bench.give("timer", "answer", bench.link)
    assert refusal(bench.swipe(500)) == "Open cases: sync"
    bench.known.handed_over(len(bench.records) + 1)
    assert refusal(bench.swipe(500)) == "Settle the batch"


def test_64_and_97_stop_the_terminal_until_a_sync_and_a_restart_does_not_help():
    for code in ("64", "97"):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.reply(code, mac=False)
        assert bench.kinds()[-2:] == ["NOTE", "OUTCOME"]
        assert bench.did("beep")[-1][1] == 5
        for txn, original in ((record.SALE, None), (record.REFUND, RRN), (record.BALANCE, None)):
            refused = bench.deal(txn, 0 if txn == record.BALANCE else 300, original)
            assert refusal(refused) == "Stopped by host: sync"
        bench.known.since_checkpoint = 1000
        bench.give("idle")
        assert bench.kinds()[-1] != "CHECKPOINT"
        restart(bench)
        assert refusal(bench.swipe(500)) == "Stopped by host: sync"
        bench.known.handed_over(len(bench.records) + 1)
        bench.give("idle")
        assert bench.kinds()[-1] == "CHECKPOINT"
        restart(bench)
        assert bench.swipe(500)[0][2] == "connecting"


def test_a_balance_that_is_answered_97_stops_the_terminal_too():
    bench = Bench().signed_in()
    bench.deal(record.BALANCE, 0)
    bench.connect()
    bench.reply("97", mac=False)
    assert refusal(bench.swipe(500)) == "Stopped by host: sync"


def test_a_stopped_terminal_can_still_settle():
    bench = Bench().signed_in()
    bench.approved(500)
    bench.swipe(500)
    bench.connect()
    bench.reply("97", mac=False)
    bench.give("settle", 1000)
    bench.connect()
    assert bench.request.mti == "0500"


def test_w29_a_flash_that_has_failed_is_not_called_a_full_journal():
    bench = Bench().signed_in()
    bench.approved(500)
    assert refusal(bench.swipe(500, room=-1)) == "Flash fault: restart"
    assert refusal(bench.give("settle", -1)) == "Flash fault: restart"
