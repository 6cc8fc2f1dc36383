"""Two hosts: the backup is taken when the primary has no connection, and neither is ever sent as
new what the other may have got."""

from protocol import record
from tests.shared.bench import Bench

PRIMARY = 0
BACKUP = 1


def two_hosts() -> Bench:
    """Started, with nothing sent yet."""
    bench = Bench()
    bench.config["backup_host"] = "backup"
    bench.config["backup_port"] = 2
    return started(bench)


def started(bench: Bench) -> Bench:
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    return bench


def signed_in(bench: Bench, host: int) -> None:
    """The sign-in that is due is done at ``host``."""
    assert bench.host == host
    bench.connect()
    assert bench.request.mti == "0800"
    bench.reply()


def on_backup() -> Bench:
    """A sale was approved by the backup."""
    bench = two_hosts()
    bench.swipe(300)
    down(bench)
    signed_in(bench, BACKUP)
    bench.connect()
    bench.reply("00")
    return bench


def down(bench: Bench) -> None:
    """The host that is tried cannot be connected."""
    bench.give("connect_failed", bench.link, "refused")


def sent(bench: Bench) -> str:
    """The MTI that goes out when the line is there."""
    bench.request = None
    bench.connect()
    return bench.request.mti


def unanswered(bench: Bench, host: int) -> None:
    """A sale went to ``host`` and no answer came: its reversal is due there."""
    assert bench.host == host
    assert sent(bench) == "0200"
    bench.give("timer", "answer", bench.link)
    assert bench.host == host


def test_a_primary_that_cannot_be_connected_arms_nothing_and_the_backup_gets_the_sale():
    bench = two_hosts()
    bench.swipe(500)
    down(bench)
    assert "ARMED" not in bench.kinds()
    signed_in(bench, BACKUP)
    assert bench.host == BACKUP
    assert sent(bench) == "0200"
    assert bench.records[-1]["kind"] == record.ARMED
    assert bench.records[-1]["host"] == BACKUP
    bench.reply("00")
    assert bench.screen() == "approved"


def test_a_connection_lost_between_the_backups_sign_in_and_the_sale_arms_nothing():
    bench = two_hosts()
    bench.swipe(500)
    down(bench)
    signed_in(bench, BACKUP)
    down(bench)
    assert bench.screen() == "offline"
    assert "ARMED" not in bench.kinds()


def test_without_either_host_the_sale_is_given_up_and_the_next_begins_with_the_primary():
    bench = two_hosts()
    for _ in range(2):
        bench.swipe(500)
        assert bench.host == PRIMARY
        down(bench)
        assert bench.host == BACKUP
        down(bench)
        assert bench.screen() == "offline"
    assert "ARMED" not in bench.kinds()


def test_one_host_alone_is_not_tried_twice():
    bench = Bench().signed_in()
    bench.swipe(500)
    down(bench)
    assert bench.screen() == "offline"


def test_the_backup_stays_in_use_and_is_not_signed_in_to_again():
    bench = on_backup()
    bench.swipe(600)
    assert bench.host == BACKUP
    assert sent(bench) == "0200"


def test_a_backup_that_cannot_be_connected_gives_way_to_the_primary_with_a_sign_in():
    bench = on_backup()
    bench.swipe(600)
    down(bench)
    signed_in(bench, PRIMARY)
    assert bench.host == PRIMARY
    assert sent(bench) == "0200"
    assert bench.records[-1]["host"] == PRIMARY


def test_a_restart_and_a_closed_batch_go_back_to_the_primary():
    bench = started(on_backup())
    bench.swipe(600)
    signed_in(bench, PRIMARY)
    bench = on_backup()
    bench.give("settle", 1000)
    assert bench.host == BACKUP
    assert sent(bench) == "0500"
    bench.reply("00")
    assert bench.known.phase == record.CLOSED
    bench.swipe(600)
    signed_in(bench, PRIMARY)


def test_a_request_that_was_sent_never_goes_to_the_other_host():
    bench = on_backup()
    bench.log = []
    bench.swipe(500)
    unanswered(bench, BACKUP)
    down(bench)
    signed_in(bench, PRIMARY)
    assert bench.host == PRIMARY
    bench.connect()
    bench.give("timer", "answer", bench.link)
    mtis = [effect[2][13:15] for effect in bench.did("send")]
    assert mtis == [b"\x02\x00", b"\x08\x00", b"\x04\x00"]


def test_a_reversal_tries_the_host_of_its_sale_first_and_the_other_may_confirm_it():
    for code in ("00", "94"):
        bench = on_backup()
        bench.swipe(500)
        unanswered(bench, BACKUP)
        down(bench)
        signed_in(bench, PRIMARY)
        assert bench.host == PRIMARY
        assert sent(bench) == "0400"
        bench.reply(code)
        assert bench.records[-1]["result"] == record.REV_OK


def test_a_host_that_was_not_sent_the_sale_cannot_say_that_there_is_none():
    for code in ("12", "25", "40", "22"):
        bench = on_backup()
        bench.swipe(500)
        unanswered(bench, BACKUP)
        for attempt in (1, 2, 3):
            assert bench.known.open.attempt == attempt - 1
            assert bench.host == BACKUP
            down(bench)
            if attempt == 1:
                signed_in(bench, PRIMARY)
            assert bench.host == PRIMARY
            assert sent(bench) == "0400"
            bench.reply(code, mac=False)
            if attempt < 3:
                assert bench.known.open
                bench.give("timer", "retry", bench.timers["retry"])
        assert bench.records[-1]["result"] == record.REV_SUSPENDED
        assert len(bench.known.suspended) == 1


def test_the_host_of_the_sale_still_says_it_after_the_other_did():
    bench = on_backup()
    bench.swipe(500)
    unanswered(bench, BACKUP)
    down(bench)
    signed_in(bench, PRIMARY)
    bench.connect()
    bench.reply("25", mac=False)
    bench.give("timer", "retry", bench.timers["retry"])
    signed_in(bench, BACKUP)
    assert bench.host == BACKUP
    assert sent(bench) == "0400"
    bench.reply("25", mac=False)
    assert bench.records[-1]["result"] == record.REV_ABSENT


def test_after_a_restart_the_reversal_is_the_first_message_and_goes_where_its_sale_went():
    bench = on_backup()
    bench.swipe(500)
    bench.connect()
    started(bench)
    bench.give("timer", "retry", bench.timers["retry"])
    assert bench.host == BACKUP
    assert sent(bench) == "0400"


def test_w23_a_notice_is_repeated_to_its_own_host_only():
    bench = on_backup()
    original = {"auth": "A12345", "date": "1122"}
    bench.deal(record.COMPLETION_NOTICE, 500, original)
    assert sent(bench) == "0220"
    stan = bench.request.fields[11]
    bench.give("timer", "answer", bench.link)
    for _ in range(3):
        bench.give("timer", "retry", bench.timers["retry"])
        assert bench.host == BACKUP
        down(bench)
        assert bench.screen() == "waiting"
    started(bench)
    bench.give("timer", "retry", bench.timers["retry"])
    assert bench.host == BACKUP
    assert sent(bench) == "0220"
    assert bench.request.fields[11] == stan


def test_w18_totals_that_were_sent_stay_with_their_host_until_a_restart():
    bench = on_backup()
    bench.give("settle", 1000)
    assert sent(bench) == "0500"
    bench.give("timer", "answer", bench.link)
    for _ in range(3):
        bench.give("timer", "retry", bench.timers["retry"])
        assert bench.host == BACKUP
        down(bench)
    started(bench)
    signed_in(bench, PRIMARY)
    assert sent(bench) == "0500"


def test_totals_that_were_not_sent_go_to_the_host_that_is_there():
    bench = on_backup()
    bench.give("settle", 1000)
    down(bench)
    signed_in(bench, PRIMARY)
    assert bench.host == PRIMARY
    assert sent(bench) == "0500"


def test_w29_hosts_that_come_and_go_do_not_fill_the_journal_with_sign_ins():
    bench = on_backup()
    bench.swipe(500)
    unanswered(bench, BACKUP)
    began = len(bench.records)
    for _ in range(50):
        while bench.screen() != "waiting":
            if bench.screen() == "signing_in":
                bench.connect()
                bench.reply()
            else:
                down(bench)
        bench.log = bench.log[-1:]
        bench.give("timer", "retry", bench.timers["retry"])
    assert bench.known.open
    # A note, and two sign-ins of two records for each try.
    assert len(bench.records) - began <= 1 + 4 * bench.config["reversal_tries"]


def test_a_new_wish_may_take_the_detour_again():
    bench = on_backup()
    for amount in range(600, 620):
        bench.swipe(amount)
        host = bench.host
        down(bench)
        signed_in(bench, 1 - host)
        bench.connect()
        bench.reply("00")
        assert bench.screen() == "approved"
        bench.log = []


def test_a_refused_sign_in_at_the_backup_gives_the_sale_up_and_returns_to_the_primary():
    bench = two_hosts()
    bench.swipe(500)
    down(bench)
    bench.connect()
    bench.reply("97")
    assert bench.screen() == "refused"
    bench.swipe(500)
    assert bench.host == PRIMARY


# A primary that can be connected and says nothing: the profile's backup_after is 2.


def silent(bench: Bench) -> None:
    """The line is there, the message goes out, and no answer comes."""
    bench.connect()
    bench.give("timer", "answer", bench.link)


def suspended(bench: Bench) -> None:
    """The reversal of what went out is tried in vain until it is a case."""
    while bench.known.open:
        assert bench.host == PRIMARY
        silent(bench)
        if bench.known.open:
            bench.give("timer", "retry", bench.timers["retry"])


def on_primary() -> Bench:
    bench = two_hosts()
    bench.swipe(300)
    signed_in(bench, PRIMARY)
    bench.connect()
    bench.reply("00")
    return bench


def test_a_host_that_does_not_answer_keeps_its_reversals_and_loses_the_next_sale():
    bench = on_primary()
    bench.swipe(500)
    silent(bench)
    suspended(bench)
    assert bench.records[-1]["result"] == record.REV_SUSPENDED
    bench.swipe(600)
    signed_in(bench, BACKUP)
    assert bench.host == BACKUP
    assert sent(bench) == "0200"
    assert bench.records[-1]["host"] == BACKUP
    bench.reply("00")
    assert bench.screen() == "approved"


def test_a_silent_host_is_left_after_so_many_messages_in_a_row_as_the_profile_says():
    for after, host in ((0, PRIMARY), (3, PRIMARY), (2, BACKUP)):
        bench = on_primary()
        bench.profile.backup_after = after
        bench = started(bench)
        bench.swipe(300)
        signed_in(bench, PRIMARY)
        bench.connect()
        bench.reply("51", mac=False)
        for _ in range(2):
            bench.deal(record.BALANCE, 0)
            assert bench.host == PRIMARY
            silent(bench)
        bench.swipe(600)
        assert bench.host == host, after


def test_any_answer_makes_a_host_one_that_answers():
    bench = on_primary()
    for _ in range(4):
        bench.deal(record.BALANCE, 0)
        silent(bench)
        bench.deal(record.BALANCE, 0)
        assert bench.host == PRIMARY
        bench.connect()
        bench.reply("96", mac=False)
    # And a line that breaks brings none.
    for _ in range(2):
        bench.deal(record.BALANCE, 0)
        bench.connect()
        bench.give("closed", bench.link, "closed by the host")
    bench.swipe(600)
    assert bench.host == BACKUP


def test_a_sign_in_that_nobody_answers_leads_the_same_wish_to_the_backup():
    bench = two_hosts()
    bench.swipe(500)
    assert bench.host == PRIMARY
    silent(bench)
    assert bench.screen() == "offline"
    bench.swipe(500)
    assert bench.host == PRIMARY
    silent(bench)
    signed_in(bench, BACKUP)
    assert sent(bench) == "0200"
    assert bench.records[-1]["host"] == BACKUP


def test_two_silent_hosts_are_given_up_and_each_wish_ends():
    bench = two_hosts()
    for _ in range(6):
        bench.swipe(500)
        silent(bench)
        if bench.screen() != "offline":
            silent(bench)
        assert bench.screen() == "offline"
    assert "ARMED" not in bench.kinds()


def test_a_silent_host_that_got_the_totals_keeps_them_and_a_batch_not_sent_goes_to_the_other():
    bench = on_primary()
    bench.give("settle", 1000)
    assert sent(bench) == "0500"
    bench.give("timer", "answer", bench.link)
    for _ in range(4):
        bench.give("timer", "retry", bench.timers["retry"])
        assert bench.host == PRIMARY
        silent(bench)
    bench = on_primary()
    for _ in range(2):
        bench.deal(record.BALANCE, 0)
        silent(bench)
    bench.give("settle", 1000)
    signed_in(bench, BACKUP)
    assert sent(bench) == "0500"


def test_a_closed_batch_goes_back_to_a_primary_that_was_silent():
    bench = on_primary()
    for _ in range(2):
        bench.deal(record.BALANCE, 0)
        silent(bench)
    bench.swipe(600)
    signed_in(bench, BACKUP)
    bench.connect()
    bench.reply("00")
    bench.give("settle", 1000)
    bench.connect()
    bench.reply("00")
    assert bench.known.phase == record.CLOSED
    bench.swipe(600)
    assert bench.host == PRIMARY


def test_one_host_alone_may_be_silent_for_ever():
    bench = Bench().signed_in()
    for _ in range(5):
        bench.deal(record.BALANCE, 0)
        assert bench.host == PRIMARY
        silent(bench)


def test_a_backup_that_is_to_go_is_left_at_once_unless_something_is_unfinished_there():
    bench = on_backup()
    assert bench.engine.route.leave_backup()
    bench.swipe(400)
    signed_in(bench, PRIMARY)
    assert bench.host == PRIMARY and sent(bench) == "0200"
    holding = two_hosts()
    holding.swipe(300)
    down(holding)
    signed_in(holding, BACKUP)
    unanswered(holding, BACKUP)
    assert not holding.engine.route.leave_backup()
