"""Settlement: frozen totals, an upload that resumes, and no sale in between."""

from protocol import record
from tests.shared.bench import Bench, restart

PHASES = {
    record.CLOSING: "closing",
    record.TOTALS_SENT: "totals",
    record.BALANCED: "balanced",
    record.UNBALANCED: "unbalanced",
    record.UPLOADING: "uploading",
    record.END_SENT: "end",
    record.CLOSED: "closed",
    record.UNSETTLED: "unsettled",
}


def phases(bench: Bench) -> list:
    return [PHASES[rec["phase"]] for rec in bench.records if rec["kind"] == record.BATCH]


def traded(sales: int = 2) -> Bench:
    bench = Bench().signed_in()
    for number in range(sales):
        bench.approved(100 + number)
        bench.log = []
    return bench


def settling(bench: Bench) -> Bench:
    bench.give("settle", 1000)
    bench.connect()
    return bench


def test_a_balanced_batch_is_closed_and_the_next_sign_in_gives_the_next_one():
    bench = traded()
    bench.deal(record.REFUND, 50, {"batch": 0, "stan": 0, "rrn": "0" * 12, "date": "1122"})
    bench.connect()
    bench.reply("00")
    settling(bench)
    assert bench.request.mti == "0500"
    assert bench.request.fields[48] == "000000000201002000000000050001" + "0" * 32
    bench.reply("00")
    assert phases(bench) == ["closing", "totals", "balanced", "closed"]
    assert bench.did("show")[-1][2:] == ("settled", 7, "1.51", "BALANCED")
    assert bench.known.debit_count == 0 and bench.known.first == 0
    restart(bench)
    bench.swipe(700)
    bench.connect()
    assert bench.request.mti == "0800"
    bench.reply(f60="00000008003")
    bench.connect()
    assert bench.request.fields[60][2:8] == "000008"


def test_totals_are_the_fold_of_the_journal_over_a_restart():
    bench = traded(3)
    known = bench.known
    restart(bench)
    for name in ("debit_count", "debit_minor", "credit_count", "credit_minor", "first"):
        assert getattr(bench.known, name) == getattr(known, name)
    assert bench.known.debit_minor == 303


def test_a_sale_that_was_reversed_or_declined_is_in_no_total():
    bench = traded(1)
    bench.swipe(900)
    bench.connect()
    bench.reply("51", mac=False)
    bench.swipe(900)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.connect()
    bench.reply("00")
    assert (bench.known.debit_count, bench.known.debit_minor) == (1, 100)


def test_w18_the_frozen_totals_are_sent_again_with_the_same_stan_and_nothing_is_sold():
    bench = settling(traded())
    stan, totals = bench.request.fields[11], bench.request.fields[48]
    for again in range(4):
        if again % 2:
            bench.give("timer", "answer", bench.link)
            assert bench.swipe(500)[0][3] == "Batch is closing"
            bench.waited()
        else:
            restart(bench)
            assert bench.swipe(500)[0][2] == "refused"
            bench.connect()
        assert bench.request.mti == "0500"
        assert (bench.request.fields[11], bench.request.fields[48]) == (stan, totals)
    assert phases(bench) == ["closing", "totals"]
    bench.reply("00")
    assert bench.known.closing is None


def test_w18_a_cut_at_any_record_of_a_balanced_settlement_ends_closed():
    for cut in range(1, 4):
        bench = traded(1)
        bench.give("settle", 1000)
        bench.connect()
        answer = bench.answer("00")
        bench.give("received", bench.link, answer, cut_after=cut)
        restart(bench)
        if bench.known.closing:
            bench.connect()
            bench.reply("00")
        assert phases(bench)[-1] == "closed"
        assert phases(bench).count("closed") == 1


def test_w19_an_unbalanced_batch_is_uploaded_and_closed():
    bench = settling(traded(10))
    bench.reply("00", balance="2")
    bench.connect()
    assert bench.request.mti == "0320"
    details = bench.request.fields[48]
    assert details[:2] == "08" and len(details) == 2 + 8 * 40
    assert details[30:42] == "000000000100"
    first = bench.request.fields[11]
    bench.reply("00")
    bench.connect()
    assert bench.request.fields[48][:2] == "02"
    assert bench.request.fields[11] > first
    bench.reply("00")
    bench.connect()
    assert bench.request.fields[60][8:11] == "202"
    assert bench.request.fields[48] == "0010"
    bench.reply("00")
    names = ["closing", "totals", "unbalanced"] + ["uploading"] * 3 + ["end", "closed"]
    assert phases(bench) == names
    assert "UNBALANCED, UPLOADED" in [effect[1] for effect in bench.did("print")]


def test_w20_a_cut_upload_goes_on_at_its_cursor_with_its_stan():
    bench = settling(traded(10))
    bench.reply("00", balance="2")
    bench.connect()
    bench.reply("00")
    bench.connect()
    stan, details = bench.request.fields[11], bench.request.fields[48]
    for _ in range(3):
        restart(bench)
        bench.connect()
        assert (bench.request.fields[11], bench.request.fields[48]) == (stan, details)
    assert phases(bench).count("uploading") == 2


def test_w21_the_end_is_sent_again_and_the_batch_is_kept_until_it_is_acknowledged():
    bench = settling(traded(1))
    bench.reply("95", mac=False)
    bench.connect()
    bench.reply("00")
    bench.connect()
    stan = bench.request.fields[11]
    bench.known.checkpoint_seq = 1000
    first = bench.known.first
    assert first and bench.known.keep_from() == first
    bench.give("timer", "answer", bench.link)
    bench.waited()
    assert bench.request.fields[11] == stan
    bench.reply("00")
    assert bench.known.keep_from() == 1000


def test_a_settlement_answer_with_a_wrong_mac_changes_nothing_and_signs_in():
    bench = settling(traded(1))
    stan = bench.request.fields[11]
    bench.reply("00", key=bytes(range(1, 9)))
    assert phases(bench)[-1] == "totals"
    bench.waited()
    assert bench.request.mti == "0800"
    bench.reply()
    bench.connect()
    assert bench.request.fields[11] == stan
    bench.reply("00")
    assert phases(bench)[-1] == "closed"


def test_what_each_f39_does_to_a_settlement():
    ends = {"79": "unbalanced", "95": "unbalanced"}
    for code in ("94", "79", "95", "77", "99", "A0", "30", "97", "09", "91", "ZZ"):
        bench = settling(traded(1))
        bench.reply(code, mac=False)
        if code in ends:
            assert ends[code] in phases(bench), code
        else:
            assert phases(bench)[-1] == "totals", code
            assert bench.screen() == "closing", code
            if code in ("30", "97"):
                assert bench.did("timer")[-1][1] != "retry"
                bench.give("settle", 1000)
                bench.connect()
            else:
                bench.waited()
            mti = "0800" if code in ("77", "99", "A0", "94") else "0500"
            assert bench.request.mti == mti, code


def test_suspended_reversals_of_the_batch_are_sent_once_more_before_it_is_closed():
    for code, left in (("00", 0), ("30", 1)):
        bench = traded(1)
        bench.swipe(900)
        bench.connect()
        stan = bench.request.fields[11]
        bench.give("timer", "answer", bench.link)
        bench.connect()
        bench.reply("30", mac=False)
        assert len(bench.known.suspended) == 1
        bench.give("settle", 1000)
        bench.connect()
        assert (bench.request.mti, bench.request.fields[11]) == ("0400", stan)
        assert bench.swipe(500)[0][3] == "Busy"
        bench.reply(code, mac=code == "00")
        assert len(bench.known.suspended) == left
        bench.connect()
        assert bench.request.mti == "0500"
        bench.reply("00")
        assert phases(bench)[-1] == "closed"


def test_a_case_that_a_sync_takes_over_while_the_batch_closes_is_not_tried_again():
    bench = traded(1)
    for amount_minor in (900, 901):
        bench.swipe(amount_minor)
        bench.connect()
        bench.give("timer", "answer", bench.link)
        bench.connect()
        bench.reply("30", mac=False)
    settling(bench)
    assert bench.request.fields[4] == "000000000900"
    bench.known.handed_over(len(bench.records) + 1)
    bench.reply("00")
    bench.connect()
    assert bench.request.mti == "0500"
    assert bench.known.odd == 0


def test_what_needs_a_person_is_not_reversed_before_settlement():
    bench = traded(1)
    bench.swipe(900)
    bench.connect()
    bench.reply("94", mac=False)
    settling(bench)
    assert bench.request.mti == "0500"


def test_a_batch_is_not_settled_while_something_is_unfinished_or_nothing_is_open():
    bench = traded(1)
    bench.swipe(900)
    bench.connect()
    assert bench.give("settle", 1000)[0][3] == "Busy"
    bench.give("closed", bench.link, "gone")
    assert bench.give("settle", 1000)[0][3] == "Unfinished sale: wait"
    empty = Bench()
    empty.give("start", "PWRON", "test", "")
    assert empty.give("settle", 1000)[0][3] == "No open batch"


def test_a_batch_takes_no_more_than_the_field_can_count():
    bench = traded(1)
    bench.known.debit_count = 999
    assert bench.swipe(500)[0][3] == "Settle the batch"


def test_a_checkpoint_is_not_written_while_a_batch_is_closing_and_keeps_the_totals():
    bench = traded(1)
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    assert bench.records[-1]["debit_minor"] == 100
    bench.records = bench.records[-1:]
    bench.restart()
    assert (bench.known.debit_minor, bench.known.debit_count) == (100, 1)
    bench = settling(traded(1))
    bench.known.since_checkpoint = 1000
    bench.engine.step = None
    assert not bench.give("idle")


def test_22_closes_totals_that_were_sent_before_and_not_those_of_a_first_try():
    bench = settling(traded(1))
    bench.reply("22", mac=False)
    assert phases(bench)[-1] == "totals"
    bench.waited()
    bench.reply("22")
    assert phases(bench)[-1] == "closed"


def test_a_sign_in_that_names_the_next_batch_does_not_change_the_one_being_closed():
    bench = settling(traded(2))
    bench.reply("77", mac=False)
    bench.waited()
    bench.reply(f60="00000008003")
    bench.connect()
    assert bench.request.fields[60][2:8] == "000007"
    assert bench.request.fields[48][:15] == "000000000201002"
    bench.reply("00")
    assert bench.known.phase == record.CLOSED


def test_w18_a_batch_is_closed_in_the_journal_before_it_is_shown_or_printed():
    bench = settling(traded(1))
    bench.log = []
    bench.reply("00")
    assert bench.screen() == "settled" and bench.did("print")
    done = [effect[0] for effect in bench.log]
    closed = bench.log.index(("append", bench.records[-1]))
    assert phases(bench)[-1] == "closed"
    assert closed < done.index("show") < done.index("print")
