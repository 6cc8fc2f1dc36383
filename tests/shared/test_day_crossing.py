"""A reversal belongs to the day of its sale (W17), and a terminal may not know which day it is."""

from protocol import record
from tests.shared.bench import Bench, restart


def unanswered(wall: int) -> Bench:
    """A sale of this second without an answer; its record is the newest with a time."""
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.records[-1]["wall"] = bench.known.wall = wall
    bench.give("timer", "answer", bench.link)
    return bench


def test_w17_a_reversal_of_an_earlier_day_is_suspended_and_not_sent():
    bench = unanswered(1700000000)
    bench.known.wall = 1700000000 + 86400
    bench.connect()
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert bench.request.mti == "0200"
    assert len(bench.known.suspended) == 1


def test_w17_an_outage_over_midnight_does_not_hide_the_new_day():
    bench = unanswered(1700000000)
    # What is tried in vain writes no record: the newest time there is that of the sale.
    for _ in range(3):
        bench.give("connect_failed", bench.link, "no answer")
        bench.give("timer", "retry", bench.timers["retry"])
    bench.give("connected", bench.link, 1700000000 + 86400)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert bench.request.mti == "0200"


def test_w17_the_same_day_and_an_acquirer_without_the_rule_reverse():
    for later, rule in ((60, True), (86400, False)):
        bench = Bench().signed_in()
        bench.profile.reversal_same_day = rule
        bench.swipe(500)
        bench.connect()
        bench.records[-1]["wall"] = 1700000000
        bench.give("timer", "answer", bench.link)
        bench.known.wall = 1700000000 + later
        bench.connect()
        assert bench.request.mti == "0400"


def reversing(bench: Bench) -> Bench:
    """A sale without an answer; its 0400 is on its way, and the clock is not set."""
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.link)
    bench.connect()
    return bench


def test_w17_a_restart_does_not_take_the_day_of_the_last_life_for_today():
    bench = Bench().signed_in()
    bench.records[-1]["wall"] = 1700000000
    restart(bench)
    assert bench.known.wall == 0


def test_w17_absent_ends_a_reversal_only_when_the_day_is_certain():
    # The newest time that the host has given before the sale is of the 22nd.
    for day, result in (("1122", record.REV_ABSENT), ("1123", record.REV_SUSPENDED)):
        for code in ("25", "12", "22"):
            bench = reversing(Bench().signed_in())
            bench.reply(code, mac=False, f13=day)
            assert bench.records[-1]["result"] == result, (day, code)
            assert len(bench.known.suspended) == (result == record.REV_SUSPENDED)


def after_a_checkpoint(**older) -> Bench:
    """A terminal that has started behind a checkpoint, of which ``older`` replaces fields."""
    bench = Bench().signed_in()
    bench.known.since_checkpoint = 1000
    bench.give("idle")
    bench.records = bench.records[-1:]
    bench.records[0].update(older)
    return restart(bench)


def test_w17_the_hosts_date_outlives_a_checkpoint():
    for date, result in (("1122", record.REV_ABSENT), ("1123", record.REV_SUSPENDED)):
        bench = reversing(after_a_checkpoint())
        bench.reply("25", mac=False, f13=date)
        assert bench.records[-1]["result"] == result, date


def test_w17_without_a_date_from_the_host_absent_makes_a_case():
    bench = reversing(after_a_checkpoint(host_date=0))
    bench.reply("25", mac=False)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    assert bench.records[-1]["code"] == "25"
    reversing(bench)
    bench.reply("00")
    assert bench.records[-1]["result"] == record.REV_OK


def test_w17_a_time_without_its_date_is_no_date():
    # F12 alone is hhmmss: 11:22:30 is not the 22nd of November.
    bench = reversing(Bench().signed_in())
    bench.reply("25", mac=False, f12="112230", f13=None)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED


def test_w17_a_sign_in_amid_a_reversal_does_not_say_when_its_sale_was():
    bench = reversing(Bench().signed_in())
    bench.reply("77", mac=False)
    bench.waited()
    bench.reply(f13="1123")
    bench.connect()
    bench.reply("25", mac=False, f13="1123")
    assert bench.records[-1]["result"] == record.REV_SUSPENDED


def test_w17_the_terminals_own_clock_tells_the_day_as_well():
    bench = unanswered(1700000000)
    bench.connect()
    bench.reply("25", mac=False, f13="1123")
    assert bench.records[-1]["result"] == record.REV_ABSENT


def test_w17_a_clock_that_was_set_anew_does_not_outweigh_the_hosts_dates():
    # Armed by a clock that the companion had set; after a restart the host has set it, and a
    # host's time has no year. Its dates before the sale and now are the same.
    bench = Bench().signed_in()
    bench.swipe(500)
    bench.connect()
    bench.records[-1]["wall"] = 1700000000 + 366 * 86400
    restart(bench)
    bench.waited()
    bench.known.wall = 1700000000
    bench.reply("25", mac=False)
    assert bench.records[-1]["result"] == record.REV_ABSENT


def test_w17_a_sign_in_amid_a_reversal_does_not_make_its_day_uncertain():
    bench = reversing(Bench().signed_in())
    bench.reply("77", mac=False)
    bench.waited()
    bench.reply()
    bench.connect()
    bench.reply("25", mac=False)
    assert bench.records[-1]["result"] == record.REV_ABSENT


def test_w17_a_later_sign_in_does_not_tell_the_day_of_what_is_tried_once_more():
    bench = reversing(Bench().signed_in())
    bench.reply("30", mac=False)
    bench.swipe(100)
    bench.connect()
    bench.reply("77", mac=False)
    bench.swipe(100)
    bench.connect()
    bench.reply(f13="1123")
    bench.connect()
    bench.reply("51", mac=False, f13="1123")
    bench.give("settle", 1000)
    bench.connect()
    assert bench.request.mti == "0400"
    bench.reply("25", mac=False, f13="1123")
    assert len(bench.known.suspended) == 1
