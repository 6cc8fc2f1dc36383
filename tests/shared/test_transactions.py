"""Voids, refunds, pre-authorisations and what follows them: the engine on both interpreters."""

from protocol import record
from terminal import state
from tests.shared.bench import Bench, refusal, restart

OTHER = "6222000000000000013"
RRN = {"batch": 0, "stan": 0, "rrn": "000000000042", "date": "1122"}
AUTH = {"batch": 0, "stan": 0, "auth": "A12345", "date": "1122"}


def policy(bench: Bench, name: str, unanswered: str) -> None:
    bench.profile.transactions[name].unanswered = unanswered


def test_a_void_points_at_its_sale_and_is_a_credit():
    bench = Bench().signed_in()
    stan = bench.approved(500)
    original = bench.original(stan)
    assert bench.offered[1:3] == (record.VOID, 500)
    bench.deal(record.VOID, 500, original)
    bench.connect()
    fields = bench.request.fields
    assert (bench.request.mti, fields[3], fields[4]) == ("0200", "200000", "000000000500")
    assert fields[37] == "000000000042" and fields[38] == "A12345"
    assert fields[61] == "000007" + stan
    assert fields[11] > stan
    bench.reply("00")
    assert bench.screen() == "approved"
    known = bench.known
    assert (known.debit_minor, known.credit_minor, known.credit_count) == (500, 500, 1)


def test_a_void_is_refused_before_anything_is_armed():
    bench = Bench().signed_in()
    stan = bench.approved(500)
    original = bench.original(stan)
    armed = bench.kinds().count("ARMED")
    refused = bench.deal(record.VOID, 500, original, pan=OTHER)
    assert refusal(refused) == "Another card"
    assert refusal(bench.deal(record.VOID, 400, original)) == "Original differs"
    assert refusal(bench.deal(record.VOID, 500, None)) == "No original"
    earlier = dict(original)
    earlier["batch"] = 6
    assert refusal(bench.deal(record.VOID, 500, earlier)) == "Original differs"
    assert bench.kinds().count("ARMED") == armed


def test_only_an_approved_sale_that_was_not_voided_is_offered():
    bench = Bench().signed_in()
    bench.swipe(700)
    bench.connect()
    declined = bench.request.fields[11]
    bench.reply("51", mac=False)
    stan = bench.approved(500)
    for wrong in (declined, "000999"):
        bench.give_effects([("find", "original", record.VOID, int(wrong))])
        assert bench.did("show")[-1][3] == "No such original"
    bench.give_effects([("find", "original", record.COMPLETION_VOID, int(stan))])
    assert bench.did("show")[-1][3] == "No such original"
    bench.deal(record.VOID, 500, bench.original(stan))
    bench.connect()
    bench.reply("00")
    bench.give_effects([("find", "original", record.VOID, int(stan))])
    assert bench.did("show")[-1][3] == "Already voided"


def test_w24_an_unanswered_void_is_reversed_under_its_own_stan():
    bench = Bench().signed_in()
    bench.deal(record.VOID, 500, bench.original(bench.approved(500)))
    bench.connect()
    stan = bench.request.fields[11]
    bench.give("timer", "answer", bench.link)
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[3] == "200000"
    assert bench.request.fields[61] == "000007" + stan
    bench.reply("00")
    assert bench.known.open is None
    assert bench.known.credit_minor == 0


def test_w24_a_void_that_may_not_be_reversed_is_repeated_under_the_same_stan():
    bench = Bench().signed_in()
    policy(bench, "void", "resend")
    bench.deal(record.VOID, 500, bench.original(bench.approved(500)))
    bench.connect()
    stan = bench.request.fields[11]
    for _ in range(3):
        bench.give("timer", "answer", bench.link)
        restart(bench).waited()
        assert bench.request.mti == "0200"
        assert bench.request.fields[11] == stan
    bench.reply("00")
    assert bench.screen() == "approved"
    assert bench.kinds().count("REVERSAL") == 0


def test_a_refund_carries_rrn_and_date_and_is_a_notice():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    assert bench.request.mti == "0220"
    assert bench.request.fields[37] == "000000000042"
    assert bench.request.fields[61] == "0000000000001122"
    bench.reply("00")
    assert bench.screen() == "approved"
    assert (bench.known.credit_count, bench.known.credit_minor) == (1, 300)


def test_w25_an_unanswered_refund_is_never_reversed_and_never_keyed_again():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    assert bench.records[-1]["result"] == record.NEEDS_RECON
    assert bench.known.open is None
    assert refusal(bench.deal(record.REFUND, 300, RRN)) == "Original is locked"
    restart(bench)
    assert refusal(bench.deal(record.REFUND, 300, RRN)) == "Original is locked"
    assert "REVERSAL" not in bench.kinds()


def test_w25_an_original_is_locked_while_what_goes_back_to_it_has_no_end():
    bench = Bench().signed_in()
    bench.deal(record.COMPLETION_NOTICE, 900, AUTH)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    assert bench.known.open and not bench.known.suspended
    assert refusal(bench.deal(record.COMPLETION, 900, AUTH)) == "Original is locked"
    bench.waited()
    bench.reply("00")
    assert bench.records[-2]["result"] == record.APPROVED
    other = {"batch": 0, "stan": 0, "auth": "B12345", "date": "1122"}
    bench.deal(record.COMPLETION, 900, other)
    assert bench.screen() == "connecting"


def test_w25_a_sync_does_not_unlock_a_refunds_original_and_the_end_of_its_batch_does():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.known.handed_over(len(bench.records) + 1)
    assert refusal(bench.deal(record.REFUND, 300, RRN)) == "Original is locked"
    assert bench.known.keep_from() <= bench.known.suspended[0]
    bench.give("settle", 1000)
    bench.connect()
    bench.reply("00")
    assert bench.known.suspended == [] and bench.known.recon == []
    assert bench.deal(record.REFUND, 300, RRN)[0][2] != "refused"


def test_w25_a_case_that_no_sync_has_seen_outlives_its_batch():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.give("settle", 1000)
    bench.connect()
    bench.reply("00")
    assert len(bench.known.suspended) == 1
    bench.known.handed_over(len(bench.records) + 1)
    assert bench.known.suspended == []


def test_i12_the_card_key_is_not_kept_for_what_is_never_reversed():
    bench = Bench().signed_in()
    bench.give("idle")
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.give("timer", "forget", 0)
    assert bench.did("forget_cards")


def test_w25_a_cut_after_a_refund_was_armed_leaves_a_case():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect(cut_after=1)
    restart(bench)
    assert bench.records[-1]["result"] == record.NEEDS_RECON
    assert not bench.did("connect")


def test_w25_a_lock_outlives_a_checkpoint():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    case = bench.known.suspended[0]
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    assert bench.kinds()[-1] == "CHECKPOINT"
    # As Ledger.replay reads: the cases that the checkpoint names, then from the checkpoint on.
    bench.known = state.State()
    bench.known.apply(case, bench.records[case - 1])
    bench.known.apply(len(bench.records), bench.records[-1])
    bench.engine.known = bench.known
    assert bench.known.open is None and bench.known.recon == [case]
    assert refusal(bench.deal(record.REFUND, 300, RRN)) == "Original is locked"


def test_a_preauth_and_its_end_move_the_batch_only_when_completed():
    bench = Bench().signed_in()
    bench.deal(record.PREAUTH, 1000)
    bench.connect()
    assert (bench.request.mti, bench.request.fields[25]) == ("0100", "06")
    bench.reply("00")
    assert (bench.known.debit_count, bench.known.credit_count) == (0, 0)
    bench.deal(record.PREAUTH_CANCEL, 1000, AUTH)
    bench.connect()
    assert (bench.request.mti, bench.request.fields[3]) == ("0100", "200000")
    assert bench.request.fields[38] == "A12345"
    bench.reply("00")
    assert (bench.known.debit_count, bench.known.credit_count) == (0, 0)
    bench.deal(record.COMPLETION, 900, AUTH)
    bench.connect()
    assert (bench.request.mti, bench.request.fields[25]) == ("0200", "06")
    stan = bench.request.fields[11]
    bench.reply("00")
    assert (bench.known.debit_count, bench.known.debit_minor) == (1, 900)
    bench.give_effects([("find", "original", record.COMPLETION_VOID, int(stan))])
    bench.deal(record.COMPLETION_VOID, 900, bench.offered[3])
    bench.connect()
    assert bench.request.fields[61] == "000007" + stan
    bench.reply("00")
    assert (bench.known.credit_count, bench.known.credit_minor) == (1, 900)


def test_w22_an_unanswered_completion_is_reversed_where_that_is_allowed():
    bench = Bench().signed_in()
    bench.deal(record.COMPLETION, 900, AUTH)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[38] == "A12345"


def test_w22_else_no_new_stan_is_used_before_the_completion_is_answered():
    bench = Bench().signed_in()
    policy(bench, "completion", "resend")
    bench.deal(record.COMPLETION, 900, AUTH)
    bench.connect()
    stan = bench.request.fields[11]
    bench.give("timer", "answer", bench.link)
    bench.swipe(100)
    bench.connect()
    assert bench.request.fields[11] == stan
    bench.reply("94")
    assert bench.records[-1]["result"] == record.NEEDS_RECON


def test_w23_a_notice_is_sent_again_with_the_same_stan_until_00_or_94():
    for code in ("00", "94"):
        bench = Bench().signed_in()
        bench.deal(record.COMPLETION_NOTICE, 900, AUTH)
        bench.connect()
        assert bench.request.mti == "0220"
        stan = bench.request.fields[11]
        before = len(bench.records)
        for _ in range(8):
            bench.give("timer", "answer", bench.link)
            bench.give("timer", "retry", bench.timers["retry"])
            bench.give("connect_failed", bench.link, "refused")
            bench.waited()
            assert bench.request.fields[11] == stan
            bench.log = []
        assert len(bench.records) - before <= 3
        bench.reply(code, mac=code == "00")
        assert bench.records[-2]["result"] == record.APPROVED
        assert bench.known.debit_minor == 900


def test_a_notice_that_the_host_refuses_for_its_keys_signs_in_and_ends_as_a_case():
    bench = Bench().signed_in()
    bench.deal(record.COMPLETION_NOTICE, 900, AUTH)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    for attempt in (1, 2, 3):
        bench.waited()
        if attempt > 1:
            assert bench.request.mti == "0800"
            bench.reply()
            bench.connect()
        assert bench.request.mti == "0220"
        bench.reply("A0", mac=False)
    assert bench.records[-1]["result"] == record.NEEDS_RECON


def test_w30_a_notice_that_is_approved_in_part_again_and_again_ends_as_a_case():
    bench = Bench().signed_in()
    bench.profile.partial = "accept"
    bench.deal(record.COMPLETION_NOTICE, 900, AUTH)
    bench.connect()
    bench.reply("10", f4="000000000300")
    for _ in range(3):
        bench.waited()
        if bench.request.mti == "0800":
            bench.reply()
            bench.connect()
        bench.reply("10", f4="000000000300")
    assert bench.records[-1]["result"] == record.NEEDS_RECON


def test_a_balance_takes_its_stan_durably_and_moves_nothing():
    bench = Bench().signed_in()
    bench.deal(record.BALANCE, 0)
    bench.connect()
    assert bench.request.fields[3] == "310000"
    assert 4 not in bench.request.fields
    assert bench.records[-1] == {
        "kind": record.QUERY,
        "wall": 0,
        "txn": record.BALANCE,
        "stan": int(bench.request.fields[11]),
    }
    stan = bench.request.fields[11]
    bench.reply("00", f54="1002156C000000123456")
    assert bench.did("show")[-1][2:] == ("balance", "1234.56")
    restart(bench)
    bench.swipe(500)
    bench.connect()
    assert bench.request.fields[11] > stan


def test_an_unanswered_balance_leaves_nothing_to_undo():
    bench = Bench().signed_in()
    bench.deal(record.BALANCE, 0)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    assert bench.known.open is None
    assert bench.screen() == "offline"
    assert "ARMED" not in bench.kinds()[5:]


def test_a_balance_with_a_wrong_mac_is_not_shown():
    bench = Bench().signed_in()
    bench.deal(record.BALANCE, 0)
    bench.connect()
    bench.reply("00", key=bytes(range(1, 9)), f54="1002156C000000123456")
    assert bench.screen() == "refused"


def test_w05_a_chip_that_refuses_what_was_approved_reverses_it_with_06():
    bench = Bench().signed_in()
    bench.deal(record.SALE, 500, chip=True, icc=b"\x9f\x26\x08" + bytes(8))
    bench.connect()
    bench.reply("00")
    assert bench.screen() == "chip"
    assert "OUTCOME" not in bench.kinds()[5:]
    bench.give("chip", False)
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[39] == "06"
    assert bench.request.fields[55] == b"\x9f\x26\x08" + bytes(8)


def test_w05_a_chip_that_says_nothing_reverses_with_96_and_one_that_agrees_approves():
    for event, reason in ((("timer", "chip"), "96"), (("chip", True), "")):
        bench = Bench().signed_in()
        bench.deal(record.SALE, 500, chip=True, icc=b"")
        bench.connect()
        bench.reply("00")
        assert not bench.did("print")
        if reason:
            bench.give(*event, bench.timers["chip"])
            assert bench.known.open.reason == reason
        else:
            bench.give(*event)
            assert bench.screen() == "approved"


def test_the_reader_is_told_of_an_end_that_is_durable_and_of_what_the_issuer_says_to_the_chip():
    word = b"\x91\x0a" + bytes(10)
    for code, how, screen in (("00", "approved", "approved"), ("51", "declined", "declined")):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.reply(code, f55=word)
        names = [effect[0] for effect in bench.log]
        told = names.index("to_reader")
        assert bench.log[told] == ("to_reader", how, code, word)
        assert "append" in names[names.index("send") : told]
        assert bench.log[told + 1][2] == screen
    bench = Bench().signed_in()
    bench.deal(record.SALE, 500, chip=True, icc=b"")
    bench.connect()
    bench.reply("00", f55=word)
    assert bench.did("to_reader") == [("to_reader", "chip", "00", word)]
    bench.give("chip", True)
    assert bench.did("to_reader")[1:] == [("to_reader", "approved", "00", word)]


def test_w05_a_cut_while_the_chip_thinks_reverses():
    bench = Bench().signed_in()
    bench.deal(record.SALE, 500, chip=True, icc=b"")
    bench.connect()
    bench.reply("00")
    restart(bench).waited()
    assert bench.request.mti == "0400"
    assert not bench.give("chip", True)


def test_w30_a_partial_approval_is_reversed_unless_the_profile_accepts_it():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("10", f4="000000000300")
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[4] == "000000000500"
    bench = Bench().signed_in()
    bench.profile.partial = "accept"
    bench.swipe(500)
    bench.connect()
    bench.reply("10", f4="000000000300")
    assert bench.screen() == "approved"
    assert bench.records[-2]["amount_minor"] == 300
    assert bench.known.debit_minor == 300
    rows = [effect[1] for effect in bench.did("print")]
    assert "AMOUNT   CNY 3.00" in rows and "PART OF  CNY 5.00" in rows


def test_w30_what_is_no_part_of_a_payment_is_not_taken_as_one():
    for txn, original, part in (
        (record.SALE, None, 500),
        (record.SALE, None, 600),
        (record.SALE, None, 0),
        (record.REFUND, RRN, 300),
        (record.COMPLETION, AUTH, 300),
    ):
        bench = Bench().signed_in()
        bench.profile.partial = "accept"
        bench.deal(txn, 500, original)
        bench.connect()
        bench.reply("10", f4=f"{part:012d}")
        assert record.APPROVED not in [rec.get("result") for rec in bench.records], (txn, part)
        assert bench.known.debit_minor == bench.known.credit_minor == 0


def test_what_the_acquirer_does_not_have_is_refused():
    bench = Bench().signed_in()
    bench.profile.transactions.pop("refund")
    assert refusal(bench.deal(record.REFUND, 300, RRN)) == "Not at this host"


def test_the_last_slip_is_printed_again_as_a_duplicate():
    bench = Bench().signed_in()
    bench.approved(500)
    restart(bench)
    bench.give("reprint_last")
    assert "*** DUPLICATE ***" in [effect[1] for effect in bench.did("print")]
    assert bench.records[-1]["copy"] == 2
    empty = Bench()
    empty.give("start", "PWRON", "test", "")
    empty.give("reprint_last")
    assert empty.screen() == "refused"


def test_w10_a_late_answer_to_a_refund_is_evidence_of_its_case():
    bench = Bench().signed_in()
    bench.deal(record.REFUND, 300, RRN)
    bench.connect()
    late = bench.answer("00")
    bench.give("timer", "answer", bench.link)
    bench.give("received", bench.link, late)
    assert bench.records[-1]["kind"] == record.LATE
    assert bench.records[-1]["code"] == "00"
    assert len(bench.known.suspended) == 1


def test_a_sale_that_had_to_wait_for_a_notice_is_made_when_it_is_answered():
    bench = Bench().signed_in()
    bench.deal(record.COMPLETION_NOTICE, 900, AUTH)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.swipe(100)
    bench.connect()
    assert bench.request.mti == "0220"
    bench.reply("94", mac=False)
    bench.connect()
    assert bench.request.mti == "0200"
    assert bench.request.fields[4] == "000000000100"
