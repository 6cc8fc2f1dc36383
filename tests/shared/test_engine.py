"""The engine alone, on both interpreters: what is durable before what, and what a restart does."""

from protocol import record
from tests.shared.bench import Bench


def order(bench, *names):
    """The positions of the first effects with these names, for comparing."""
    found = []
    for name in names:
        for i in range(len(bench.log)):
            if bench.log[i][0] == name:
                found.append(i)
                break
    return found


def test_first_sale_signs_in_then_arms_then_sends():
    bench = Bench()
    bench.give("start", "PWRON", "test", "")
    bench.swipe(1234)
    bench.connect()
    assert bench.request.mti == "0800"
    bench.reply()
    assert bench.known.batch == 7
    bench.connect()
    assert bench.request.mti == "0200"
    assert bench.request.fields[4] == "000000001234"
    assert bench.kinds() == ["BOOT", "QUERY", "SIGNED_IN", "ARMED"]


def test_armed_is_durable_before_the_first_byte_leaves():
    bench = Bench().signed_in()
    bench.swipe(500)
    assert not bench.did("send")
    bench.connect()
    appended, sent = order(bench, "append", "send")
    assert appended < sent
    assert bench.log[appended][1]["kind"] == record.ARMED


def test_a_failed_armed_append_sends_nothing():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.fail_append = 1
    bench.connect()
    assert not bench.did("send")
    assert bench.screen() == "fault"
    assert bench.swipe(500)[0][2] == "refused"


def test_approval_is_durable_before_it_is_shown_or_printed():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.log = []
    bench.reply("00")
    appended, shown, printed = order(bench, "append", "show", "print")
    assert appended < shown < printed
    assert bench.log[appended][1]["result"] == record.APPROVED
    assert bench.screen() == "approved"
    assert bench.kinds()[-3:] == ["ARMED", "OUTCOME", "RECEIPT"]


def test_w04_a_failed_outcome_append_shows_no_approval():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.log = []
    bench.fail_append = 1
    bench.reply("00")
    assert bench.screen() == "fault"
    assert not bench.did("print")
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    bench.waited()
    assert bench.request.mti == "0400"


def test_w03_no_answer_is_reversed_at_once_with_reason_98_and_the_original_stan():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    stan = bench.request.fields[11]
    bench.give("timer", "answer", bench.link)
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[11] == stan
    assert bench.request.fields[39] == "98"
    assert bench.request.fields[4] == "000000000500"
    assert 35 not in bench.request.fields and 52 not in bench.request.fields
    bench.reply("00")
    assert bench.screen() == "reversed"
    assert bench.known.open is None
    assert bench.records[-1]["result"] == record.REV_OK


def test_w02_a_cut_between_armed_and_the_answer_reverses_before_the_next_sale():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect(cut_after=1)
    assert bench.kinds()[-1] == "ARMED"
    assert not bench.did("send")
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    bench.waited()
    assert bench.request.mti == "0400"


def test_w06_a_cut_after_the_approval_is_durable_keeps_it_and_owes_the_receipt():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    answer = bench.answer("00")
    bench.give("received", bench.link, answer, cut_after=2)
    assert bench.did("show")[-1][2] != "approved"
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    assert bench.screen() == "owed"
    assert not bench.did("connect")
    bench.give("reprint", True)
    rows = [effect[1] for effect in bench.did("print")]
    assert "*** DUPLICATE ***" in rows
    assert bench.records[-1]["copy"] == 2
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    assert bench.did("home")


def test_w10_a_late_approval_is_evidence_and_never_an_approval():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    late_link = bench.link
    late = bench.answer("00")
    bench.give("timer", "answer", late_link)
    assert ("linger", late_link) in bench.log
    bench.give("received", late_link, late)
    bench.give("received", late_link, late)
    assert bench.kinds().count("LATE") == 1
    bench.connect()
    assert bench.request.mti == "0400"
    shown = [effect[2] for effect in bench.did("show")]
    assert "approved" not in shown


def test_w13_a_wrong_mac_on_an_approval_is_reversed_with_a0_after_a_new_sign_in():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("00", key=bytes(range(1, 9)))
    bench.connect()
    assert bench.request.mti == "0800"
    bench.reply()
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[39] == "A0"


def test_an_answer_with_another_amount_is_reversed_not_approved():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("00", f4="000000005000")
    bench.connect()
    assert bench.request.mti == "0400"
    assert bench.request.fields[4] == "000000000500"


def test_w14_an_answer_without_f39_or_for_another_terminal_is_unknown():
    for change in ({"f39": None}, {"f41": "99999999"}, {"f11": "999999"}):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.reply("00", **change)
        assert bench.known.open.phase == "reversing"


def test_garbage_instead_of_an_answer_is_unknown():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("received", bench.link, b"\x60\x00\x03\x00")
    assert bench.known.open.phase == "reversing"


def test_w08_a_reversal_stays_pending_until_its_tries_are_used_up_and_then_is_a_case():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    for attempt in (1, 2, 3):
        bench.connect()
        assert bench.request.mti == "0400"
        assert bench.known.open.attempt == attempt
        bench.give("timer", "answer", bench.link)
        if attempt < 3:
            assert bench.screen() == "waiting"
            bench.give("timer", "retry", bench.engine._retry)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert bench.screen() == "suspended"
    assert len(bench.known.suspended) == 1
    bench.restart()
    assert len(bench.known.suspended) == 1


def test_no_connection_does_not_use_up_reversal_tries():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    for _ in range(10):
        bench.give("connect_failed", bench.link, "refused")
        bench.give("timer", "retry", bench.engine._retry)
    assert bench.known.open.attempt == 0


def test_a_sale_while_a_reversal_is_pending_waits_for_it():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.give("connect_failed", bench.link, "refused")
    bench.swipe(900)
    bench.connect()
    assert bench.request.mti == "0400"
    bench.reply("00")
    bench.connect()
    assert bench.request.mti == "0200"
    assert bench.request.fields[4] == "000000000900"


def test_w01_a_failed_connection_leaves_nothing_to_undo():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.give("connect_failed", bench.link, "refused")
    assert bench.known.open is None
    assert "ARMED" not in bench.kinds()[5:]
    assert bench.screen() == "offline"


def test_a_refused_sign_in_is_not_called_a_missing_connection():
    bench = Bench()
    bench.give("start", "PWRON", "test", "")
    bench.swipe(500)
    bench.connect()
    bench.reply("97")
    assert bench.screen() == "refused"
    assert "ARMED" not in bench.kinds()


def test_declines_and_absent_reversals_end_the_transaction():
    for code, result in (("25", record.REV_ABSENT), ("12", record.REV_ABSENT)):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.give("closed", bench.link, "gone")
        bench.waited()
        bench.reply(code, mac=False)
        assert bench.records[-1]["result"] == result
        assert bench.records[-1]["code"] == code


def test_w12_a_reversal_answer_with_a_wrong_mac_stays_pending():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("closed", bench.link, "gone")
    bench.waited()
    bench.reply("00", key=bytes(range(1, 9)))
    assert bench.known.open is not None
    assert bench.known.open.phase == "reversing"


def test_a_refusal_with_a_wrong_mac_ends_nothing():
    for code in ("51", "12", "94"):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.reply(code, key=bytes(range(1, 9)))
        assert bench.known.open.reason == "A0"
        bench.connect()
        bench.reply()
        bench.connect()
        bench.reply(code, key=bytes(range(1, 9)))
        assert bench.known.open is not None


def test_94_to_a_reversal_needs_a_right_mac_to_end_it():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("closed", bench.link, "gone")
    bench.waited()
    bench.reply("94", mac=False)
    assert bench.known.open is not None
    bench.give("timer", "retry", bench.engine._retry)
    bench.connect()
    bench.reply()
    bench.connect()
    bench.reply("94")
    assert bench.records[-1]["result"] == record.REV_OK


def test_94_is_a_case_and_never_an_approval():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("94", mac=False)
    assert bench.records[-1]["result"] == record.NEEDS_RECON
    assert len(bench.known.suspended) == 1


def test_an_unopenable_card_makes_a_case_instead_of_a_reversal():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.vault.lost = True
    bench.give("closed", bench.link, "gone")
    bench.waited()
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert bench.engine.step is None


def test_w16_stan_is_never_used_twice_even_over_restarts():
    bench = Bench().signed_in()
    stans = []
    for i in range(6):
        bench.swipe(100 + i)
        bench.connect()
        stans.append(bench.request.fields[11])
        if i % 2:
            bench.reply("51", mac=False)
        else:
            bench.restart()
            bench.give("start", "PWRON", "test", "")
            bench.waited().reply("00")
    assert len(set(stans)) == 6
    assert stans == sorted(stans)


def test_w29_a_sale_is_refused_without_room_for_its_worst_case():
    bench = Bench().signed_in()
    effects = bench.swipe(500, room=5)
    assert effects[0][3] == "Journal full: sync"
    assert not bench.did("connect")


def test_a_displayed_amount_that_differs_charges_nothing():
    bench = Bench().signed_in()
    effects = bench.give("transact", record.SALE, 500, 5000, bench.card(), None, 1000)
    assert effects[0][3] == "Amount differs"


def test_a_checkpoint_restores_the_same_state():
    bench = Bench().signed_in()
    while "CHECKPOINT" not in bench.kinds():
        bench.swipe(700)
        bench.connect()
        bench.reply("00")
        bench.give("idle")
        bench.log = []  # twenty sales of effects are more than a board's heap
    before = bench.known
    bench.records = bench.records[-1:]
    bench.restart()
    assert bench.known.stan == before.stan
    assert bench.known.batch == before.batch
    assert bench.known.key_block == before.key_block


def test_a_journal_alarm_at_the_start_is_written_down():
    bench = Bench()
    bench.give("start", "PWRON", "test", "SECTOR_LOST")
    assert bench.records[-1]["code"] == "JOURNAL_ALARM"
    assert bench.records[-1]["detail"] == "SECTOR_LOST"


def test_the_card_key_is_forgotten_only_when_nothing_is_pending():
    bench = Bench().signed_in()
    bench.give("idle")
    bench.swipe(500)
    bench.connect()
    assert not bench.give("timer", "forget", 0)
    bench.reply("00")
    bench.give("idle")
    assert bench.give("timer", "forget", 0) == [("forget_cards",)]


def test_w07_a_slip_cut_in_the_middle_is_offered_as_a_duplicate_and_never_reversed():
    for cut in range(3, 16):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.give("received", bench.link, bench.answer("00"), cut_after=cut)
        assert bench.kinds()[-1] == "OUTCOME"
        bench.restart()
        bench.give("start", "PWRON", "test", "")
        assert bench.screen() == "owed"
        assert not bench.did("connect")
        assert bench.known.debit_minor == 500


def test_w09_a_repeated_reversal_is_the_same_message_to_the_host():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.connect()
    first = bench.request.fields
    bench.give("timer", "answer", bench.link)
    bench.waited()
    assert bench.request.fields == first
    bench.reply("94")
    assert bench.records[-1]["result"] == record.REV_OK
    assert bench.kinds().count("REVERSAL_END") == 1


def test_w27_a_clock_that_jumps_changes_neither_the_order_nor_the_end():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.records[-1]["wall"] = 2000000000
    bench.give("timer", "answer", bench.link)
    bench.known.wall = 1000000000  # set back: not an earlier day's reversal
    bench.connect()
    assert bench.request.mti == "0400"
    bench.reply("00")
    assert bench.known.open is None
    bench.restart()
    assert bench.known.open is None


def test_w12_a_reversal_answer_that_is_not_its_own_leaves_it_pending():
    for change in ({"f11": "999999"}, {"f41": "99999999"}, {"f4": "000000005000"}):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.give("timer", "answer", bench.link)
        bench.connect()
        bench.reply("00", **change)
        assert bench.known.open and bench.known.open.phase == "reversing"
        bench.waited().reply("00")
        assert bench.records[-1]["result"] == record.REV_OK


def test_w27_the_hosts_time_is_set_at_a_sign_in_and_at_an_approval():
    bench = Bench()
    bench.give("start", "PWRON", "test", "")
    bench.swipe(500)
    bench.connect()
    bench.reply()
    assert bench.did("set_clock") == [("set_clock", "1122093000")]
    bench.connect()
    bench.reply("00", f12="093001")
    assert bench.did("set_clock")[1:] == [("set_clock", "1122093001")]
