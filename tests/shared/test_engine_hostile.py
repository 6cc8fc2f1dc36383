"""The engine against damaged records, long outages, hostile answers and its own configuration."""

from protocol import record
from terminal import current, state
from tests.shared.bench import CONFIG, MAC_KEY, PAN, Bench, key_block, restart


def unanswered(bench: Bench) -> Bench:
    """A sale of 5.00 was sent and nothing came back."""
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    return bench


def test_working_keys_of_another_master_key_are_replaced_before_anything_is_sent():
    bench = unanswered(Bench().signed_in())
    for rec in bench.records:
        if rec["kind"] == record.SIGNED_IN:
            rec["key_block"] = key_block()[:16] + bytes(24)
    restart(bench).waited()
    assert bench.request.mti == "0800"
    bench.reply()
    bench.connect()
    assert bench.request.mti == "0400"


def test_a_request_that_cannot_be_built_arms_and_sends_nothing():
    bench = Bench().signed_in()
    card = {"pan": "6222", "expiry": "3012", "entry": "021", "track2": "no track"}
    card.update({"masked": "6222", "token": b"", "cipher": bytes(16), "key_id": 1})
    bench.give("transact", record.SALE, 500, 500, card, None, 1000)
    bench.connect()
    assert bench.screen() == "fault"
    assert bench.known.open is None
    assert not bench.did("send")
    assert bench.did("hang_up") == [("hang_up", bench.link)]


def test_w11_a_reversal_does_not_overtake_a_sale_that_the_host_may_still_hold():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.give("closed", bench.link, "gone")
    link = bench.link
    assert bench.swipe(900)[0][3] == "Unfinished sale: wait"
    assert bench.link == link
    assert bench.did("timer")[-1][3] == 1000  # response_ms
    bench.waited()
    assert bench.request.mti == "0400"


def test_after_a_cut_the_first_reversal_waits_and_a_repeated_one_does_not():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    restart(bench)
    assert not bench.did("connect")
    bench.waited()
    assert bench.request.mti == "0400"
    restart(bench)
    assert bench.did("connect")


def test_an_outage_of_days_does_not_fill_the_journal():
    bench = unanswered(Bench().signed_in())
    before = len(bench.records)
    for _ in range(500):
        bench.give("connect_failed", bench.link, "refused")
        bench.give("timer", "retry", bench.engine._retry)
        bench.log = []
    assert len(bench.records) - before == 1
    bench.engine.sign_first = True
    bench.give("connect_failed", bench.link, "refused")
    for _ in range(50):
        bench.waited().reply("ZZ")
        bench.waited()
        bench.give("closed", bench.link, "gone")
        bench.waited()
        bench.give("timer", "answer", bench.link)
        bench.log = []
    assert len(bench.records) - before == 5
    assert bench.known.open


def test_the_room_that_is_asked_for_is_enough_for_the_worst_that_can_happen():
    tries = 20
    bench = Bench().signed_in()
    bench.engine.config = dict(CONFIG)
    bench.engine.config["reversal_tries"] = tries
    room = 0
    while bench.swipe(500, room=room)[0][2] == "refused":
        room += 1
        bench.log = []
    bench.give("connect_failed", bench.link, "refused")
    bench.give("idle")
    bench.engine.sign_first = True
    before = len(bench.records)
    bench.swipe(500, room=room)
    bench.connect()
    bench.reply()
    bench.connect()
    late = bench.answer("00")
    bench.give("timer", "answer", bench.link)
    bench.give("received", bench.link - 1, late)
    for _ in range(tries):
        bench.log = []
        bench.give("connect_failed", bench.link, "refused")
        bench.waited().reply("77", mac=False)
        bench.waited()
        bench.reply("ZZ")
        bench.waited()
        bench.give("closed", bench.link, "gone")
        bench.waited()
        bench.give("timer", "answer", bench.link)
        bench.waited()
        bench.give("received", bench.link, b"\x60")
        bench.waited().reply("00", f41="99999999")
        if bench.known.open:
            bench.waited().reply()
            bench.connect()
    restart(bench)
    restart(bench)
    assert bench.known.open is None
    assert len(bench.records) - before <= room


def test_a_blank_f39_is_no_answer():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("  ", mac=False)
    assert bench.known.open.phase == current.REVERSING


def test_a_late_answer_of_the_sale_before_is_kept_while_the_next_one_is_open():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    late, late_link = bench.answer("00"), bench.link
    bench.give("timer", "answer", late_link)
    bench.connect()
    bench.reply("00")
    bench.swipe(900)
    bench.connect()
    for _ in range(3):
        bench.give("received", late_link, late)
    assert bench.kinds().count("LATE") == 1
    assert bench.known.open.phase == current.ARMED
    bench.reply("00")
    assert bench.screen() == "approved"


def test_w28_what_may_have_been_approved_in_a_damaged_record_becomes_a_case_not_a_reversal():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    answer = bench.answer("00")
    bench.give("received", bench.link, answer, cut_after=2)
    assert bench.kinds()[-1] == "OUTCOME"
    bench.records[-1] = None
    restart(bench)
    assert not bench.did("connect")
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert len(bench.known.suspended) == 1


def test_a_damaged_record_before_a_decided_reversal_does_not_stop_it():
    bench = unanswered(Bench().signed_in())
    assert bench.records[-2]["kind"] == record.NOTE
    bench.records[-2] = None
    restart(bench).waited()
    assert bench.request.mti == "0400"


def test_a_stan_is_not_used_again_when_the_record_that_took_it_is_damaged():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    stan = bench.request.fields[11]
    bench.reply("51", mac=False)
    for lost in (-1, -2):  # OUTCOME, then ARMED as well
        bench.records[lost] = None
        restart(bench)
        bench.swipe(600)
        bench.connect()
        assert bench.request.fields[11] > stan
        del bench.records[-2 if lost == -1 else -1 :]


def test_stans_start_over_after_999999_and_go_on_from_there():
    bench = Bench().signed_in()
    signed_in = bench.records[2]
    signed_in["stan"] = 999998
    bench.records[1]["stan"] = 999997
    bench.records = bench.records[:3]
    stans = []
    for _ in range(4):
        restart(bench)
        bench.swipe(500)
        bench.connect()
        stans.append(bench.request.fields[11])
        bench.reply("51", mac=False)
    assert stans == ["999999", "000001", "000002", "000003"]


def test_a_reversal_of_the_last_stan_of_a_lap_does_not_bring_the_lap_back():
    bench = Bench().signed_in()
    bench.records = bench.records[:3]
    bench.records[1]["stan"] = 999997
    bench.records[2]["stan"] = 999998
    restart(bench)
    unanswered(bench)
    bench.engine.sign_first = True
    bench.connect()
    bench.give("connect_failed", bench.link, "refused")
    bench.waited().reply()
    assert bench.known.stan == 1
    bench.connect()
    bench.reply("00")
    restart(bench)
    assert bench.known.stan == 1


def cases(bench: Bench, count: int) -> None:
    for _ in range(count):
        bench.swipe(500)
        bench.connect()
        bench.reply("94", mac=False)


def test_too_many_cases_stop_the_selling_until_the_companion_has_them():
    bench = Bench().signed_in()
    cases(bench, state.MAX_SUSPENDED)
    assert bench.swipe(500)[0][3] == "Open cases: sync"
    assert bench.known.keep_from() <= bench.known.suspended[0]
    bench.known.handed_over(len(bench.records) + 1)
    assert bench.known.suspended == []
    bench.swipe(500)
    bench.connect()
    assert bench.request.mti == "0200"


def test_cases_beyond_what_a_checkpoint_can_name_are_not_forgotten():
    bench = Bench().signed_in()
    cases(bench, 1)
    bench.known.suspended = bench.known.suspended * (state.MAX_SUSPENDED + 1)
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    assert "CHECKPOINT" not in bench.kinds()
    bench.known.handed_over(len(bench.records) + 1)
    bench.give("idle")
    assert bench.kinds()[-1] == "CHECKPOINT"


def test_a_line_that_ends_before_anything_was_sent_leaves_nothing_to_undo():
    for event in (("closed", "gone"), ("connect_failed", "refused")):
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.give(event[0], bench.link, event[1])
        assert bench.known.open is None
        assert bench.screen() == "offline"


def test_an_approval_without_a_mac_is_reversed():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("00", mac=False)
    assert bench.known.open.reason == "A0"


def test_w15_a_reversal_keeps_its_reason_and_batch_over_sign_in_tries_and_restart():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    sale = bench.request.fields
    bench.reply("00", key=bytes(range(1, 9)))
    bench.connect()
    bench.reply(f60="00000008003")
    assert bench.known.batch == 8
    for _ in range(2):
        bench.connect()
        assert bench.request.mti == "0400"
        assert bench.request.fields[39] == "A0"
        assert bench.request.fields[60][2:8] == "000007"
        assert bench.request.fields[61][:12] == "000007" + sale[11]
        assert bench.records[-1]["reason"] == "A0"
        restart(bench)


def test_what_each_f39_does_to_a_sale():
    cases = [("09", "reversing"), ("68", "reversing"), ("10", "reversing"), ("94", "suspended")]
    for code in ("12", "13", "22", "25", "30", "51", "64", "77", "91", "96", "97", "99", "ZZ"):
        cases.append((code, "declined"))
    for code, screen in cases:
        bench = Bench().signed_in()
        bench.swipe(500)
        bench.connect()
        bench.reply(code, mac=code == "10")
        assert bench.screen() == screen, code
        assert bench.engine.sign_first == (code in ("22", "77", "99")), code
        if screen == "reversing":
            assert bench.known.open.reason == "98"
        else:
            assert bench.records[-1]["code"] == code
            assert bench.records[-1]["amount_minor"] == 500


def test_what_each_f39_does_to_a_reversal():
    ends = {"30": record.REV_SUSPENDED, "64": record.REV_SUSPENDED, "97": record.REV_SUSPENDED}
    for code in ("12", "22", "25", "40"):
        ends[code] = record.REV_ABSENT
    for code in (
        "09",
        "13",
        "30",
        "64",
        "97",
        "12",
        "22",
        "25",
        "40",
        "77",
        "99",
        "A0",
        "91",
        "ZZ",
    ):
        bench = unanswered(Bench().signed_in())
        bench.connect()
        bench.reply(code, mac=False)
        if code in ends:
            assert bench.records[-1]["result"] == ends[code], code
        else:
            assert bench.known.open.attempt == 1, code
            bench.waited()
            mti = "0800" if code in ("77", "99", "A0") else "0400"
            assert bench.request.mti == mti, code


def test_the_header_of_an_answer_can_ask_for_a_sign_in():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.reply("00", header=3)
    assert bench.screen() == "approved"
    bench.swipe(600)
    bench.connect()
    assert bench.request.mti == "0800"


def test_a_sign_in_answer_is_taken_only_with_00_and_good_keys():
    cases = (
        ("00", {"f62": bytes(40)}, "refused"),
        ("00", {"f39": None}, "offline"),
        ("ZZ", {}, "refused"),
    )
    for code, change, screen in cases:
        bench = Bench()
        bench.give("start", "PWRON", "test", "")
        bench.swipe(500)
        bench.connect()
        bench.reply(code, **change)
        assert bench.screen() == screen
        assert "SIGNED_IN" not in bench.kinds()
        assert bench.swipe(500)[0][2] == "signing_in"  # and is not busy for ever


def test_new_working_keys_take_over_from_the_old_ones():
    bench = Bench().signed_in()
    bench.mac_key = bytes.fromhex("8877665544332211")
    bench.engine.sign_first = True
    bench.swipe(500)
    bench.connect()
    bench.reply()
    bench.connect()
    bench.reply("00", key=MAC_KEY)
    assert bench.known.open.reason == "A0"


def test_events_of_an_older_connection_or_wait_change_nothing():
    bench = unanswered(Bench().signed_in())
    old = bench.link - 1
    bench.give("connect_failed", bench.link, "refused")
    retry = bench.timers["retry"]
    assert not bench.give("timer", "retry", retry - 1)
    bench.waited()
    sent = len(bench.did("send"))
    for event in (
        ("timer", "answer", old),
        ("connect_failed", old, "late"),
        ("closed", old, "late"),
        ("received", old, bench.answer("00")),
    ):
        assert not bench.give(*event)
    assert bench.give("connected", old) == [("hang_up", old)]
    assert len(bench.did("send")) == sent
    bench.reply("00")
    assert bench.records[-1]["result"] == record.REV_OK


def test_every_request_has_an_answer_timer():
    bench = unanswered(Bench().signed_in())
    bench.connect()
    sent = [i for i in range(len(bench.log)) if bench.log[i][0] == "send"]
    assert len(sent) == 2
    for i in sent:
        assert bench.log[i + 1] == ("timer", "answer", bench.log[i][1], 1000)


def test_no_sale_of_nothing_and_only_one_at_a_time():
    bench = Bench().signed_in()
    assert bench.swipe(0)[0][3] == "Amount differs"
    bench.swipe(500)
    link = bench.link
    assert bench.swipe(600)[0][3] == "Busy"
    bench.connect()
    assert bench.swipe(600)[0][3] == "Busy"
    assert bench.link == link
    assert bench.request.fields[4] == "000000000500"


def test_after_a_storage_fault_nothing_goes_on():
    bench = unanswered(Bench().signed_in())
    bench.fail_append = 1
    bench.connect()
    assert bench.engine.step is None
    bench.log = []
    assert not bench.give("timer", "retry", bench.engine._retry)
    assert not bench.give("next")
    assert bench.swipe(600)[0][2] == "refused"


def test_a_sale_that_was_told_to_wait_is_not_made_later():
    for reached in (False, True):
        bench = unanswered(Bench().signed_in())
        bench.give("connect_failed", bench.link, "refused")
        bench.swipe(900)
        if reached:
            bench.connect()
            bench.give("timer", "answer", bench.link)
        else:
            bench.give("connect_failed", bench.link, "refused")
        bench.waited().reply("00")
        assert bench.known.open is None
        assert bench.engine.step is None


def test_a_new_sale_notes_the_trouble_of_its_own():
    bench = Bench().signed_in()
    for count in (1, 2):
        bench.swipe(500)
        bench.give("connect_failed", bench.link, "refused")
        assert bench.kinds().count("NOTE") == count


def test_the_card_key_stays_while_a_step_or_a_case_may_need_it_and_goes_after_each_use():
    bench = unanswered(Bench().signed_in())
    bench.give("connect_failed", bench.link, "refused")
    assert not bench.give("timer", "forget", 0)  # open
    bench.waited().reply("30")
    assert not bench.give("timer", "forget", 0)  # a case
    bench.known.handed_over(1000)
    bench.swipe(500)
    assert not bench.give("timer", "forget", 0)  # about to be armed
    bench.give("connect_failed", bench.link, "refused")
    for _ in range(2):
        bench.swipe(500)
        bench.connect()
        bench.reply("00")
        assert bench.give("idle")[0][:2] == ("timer", "forget")
        assert bench.give("timer", "forget", 0) == [("forget_cards",)]


def test_the_journal_holds_the_card_masked_and_the_amounts_that_were_entered():
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    armed = bench.records[-1]
    assert armed["pan"] == PAN[:6] + "*********" + PAN[-4:]
    assert armed["amount_minor"] == armed["displayed_minor"] == 500
    bench.reply("00")
    assert bench.records[-2]["amount_minor"] == 500


def test_a_checkpoint_waits_for_a_quiet_moment_and_keeps_the_cases():
    bench = Bench().signed_in()
    cases(bench, 2)
    suspended = list(bench.known.suspended)
    bench.known.since_checkpoint = state.CHECKPOINT_EVERY
    bench.swipe(500)
    bench.connect()
    bench.engine.step = None  # as after a restart
    assert not bench.give("idle")
    bench.known.open = None
    bench.known.last = current.Last(1, bench.records[-1], bench.records[-1])
    assert not bench.give("idle")
    bench.known.last.printed = True
    bench.give("idle")
    assert bench.kinds()[-1] == "CHECKPOINT"
    bench.restart()
    assert bench.known.suspended == suspended


def test_w7_a_slip_that_nobody_has_fetched_for_long_does_not_keep_the_journal():
    bench = Bench().signed_in()
    bench.approved()
    bench.records.pop()  # the printer has no paper: no RECEIPT
    bench.restart()
    assert bench.known.keep_from() == 0
    bench.known.since_checkpoint = 512
    bench.give("idle")
    assert bench.kinds()[-1] == "CHECKPOINT"
    # As far as the batch's first movement, which settling may have to upload.
    assert bench.known.keep_from() == bench.known.first
    live = bench.known.last
    restart(bench)
    assert live is bench.known.last is None
    assert bench.did("home")


def test_w16_a_sign_in_takes_its_stan_durably_and_keeps_it_until_it_succeeds():
    bench = Bench()
    bench.give("start", "PWRON", "test", "")
    stans = []
    for _ in range(3):
        bench.swipe(500)
        bench.connect()
        stans.append(bench.request.fields[11])
        bench.give("timer", "answer", bench.link)
    assert stans == ["000001"] * 3
    assert bench.kinds().count("QUERY") == 1
    restart(bench)
    bench.swipe(500)
    bench.connect()
    assert bench.request.fields[11] == "000002"
