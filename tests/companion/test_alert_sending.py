"""Each thing is told once, again when it is worse, once when it is over; by real mail and HTTP."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from companion.accounts import own_cards
from companion.alerting import delivery, receivers, rules
from companion.alerting.errors import AlertError
from companion.alerting.receivers import Receiver
from companion.alerting.sending import Sent, send
from companion.alerting.sending import test as send_test
from companion.store import Store, StoreError, breaks, decisions, settings, terminals
from companion.store.breaks import Break, record_run
from companion.store.lock import locked
from companion.store.schema import alert_sends
from companion.store.schema import terminals as terminal_rows
from tests.companion.doors import Hook, Mailbox, mail_server, webhook
from tests.companion.sealed import DAY, MERCHANT, Device

BEGIN = 1772442000
HOUR = 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With one terminal, synced last at BEGIN."""
    with Store.open(tmp_path / "store", create=True) as opened:
        device = Device()
        device.offer(opened)
        with opened.write() as connection:
            terminals.confirm(connection, device.device_id)
        heard(opened, BEGIN)
        yield opened


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


def heard(store: Store, at: int) -> None:
    text = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
    with store.write() as connection:
        connection.execute(update(terminal_rows).values(last_sync_at=text))


def tell(store: Store, name: str, url: str, language: str = "en", *only: str) -> None:
    with store.write() as connection:
        receivers.add(connection, Receiver(name, url, language, only), "LI")


def late(*amounts: int) -> list[Break]:
    """Payouts that are missing, one an amount."""
    return [
        Break(
            *("PAYOUT_MISSING", f"{MERCHANT}|card|{number}|PAYOUT", MERCHANT, "", DAY, amount, 0),
            *(False, "why", "acquirer", {}),
        )
        for number, amount in enumerate(amounts)
    ]


def found(store: Store, *amounts: int) -> None:
    """What a reconciliation finds."""
    made = late(*amounts)
    with store.read() as connection:
        closing = {
            id_: "paid"
            for id_ in breaks.open_keys(connection)
            if id_ not in {item.id for item in made}
        }
    record_run(store, "test", made, {}, closing)


def lines(made: list[Sent]) -> list[str]:
    return [line for one in made for line in one.text.splitlines()]


def states(store: Store) -> list[tuple[int, str, int]]:
    with store.read() as connection:
        query = select(alert_sends.c.telling, alert_sends.c.state, alert_sends.c.tries)
        return [tuple(row) for row in connection.execute(query.order_by(alert_sends.c.telling))]


def test_a_thing_is_told_once_again_when_worse_and_once_when_over(
    store: Store, hook: Hook
) -> None:
    tell(store, "till", hook.url)
    for now in (23, 24, 25, 47, 48, 60):
        send(store, BEGIN + now * HOUR)
    heard(store, BEGIN + 60 * HOUR)
    for now in (61, 62):
        send(store, BEGIN + now * HOUR)
    assert [text.split(":")[0] for text in hook.texts] == ["new", "worse", "over"]
    assert [one["title"] for one in hook.got] == [
        *("Pingzhang: 1 new", "Pingzhang: 1 worse", "Pingzhang: 1 over")
    ]
    assert [one["type"] for one in hook.got] == ["warning", "warning", "success"]
    assert hook.texts[1].startswith(
        f"worse: terminal silent: merchant {MERCHANT} terminal 10000001: not synced for 2 days ["
    )
    # One thing, three tellings.
    references = [re.findall(r"\[(\w+)\.(\d)\]", text) for text in hook.texts]
    assert len({one[0][0] for one in references}) == 1
    assert [one[0][1] for one in references] == ["1", "2", "3"]


def test_what_was_over_and_comes_back_is_new(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    for amounts in ((900,), (), (900,)):
        found(store, *amounts)
        send(store, BEGIN)
    assert [text.split(":")[0] for text in hook.texts] == ["new", "over", "new"]


@pytest.mark.parametrize(("after", "told"), [((901,), True), ((900,), False), ((899,), False)])
def test_a_grown_amount_is_worse(
    store: Store, hook: Hook, after: tuple[int, ...], told: bool
) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    send(store, BEGIN)
    found(store, *after)
    send(store, BEGIN)
    assert len(hook.got) == 1 + told


def test_the_end_is_not_told_when_the_rule_says_so(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    send(store, BEGIN)
    with store.write() as connection:
        rules.choose(connection, rules.PAYOUT, {}, None, False, "LI")
    found(store)
    send(store, BEGIN)
    assert [text.split(":")[0] for text in hook.texts] == ["new"]


def test_switching_a_rule_off_is_not_the_end_of_what_it_found(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    send(store, BEGIN)
    with store.write() as connection:
        rules.choose(connection, rules.PAYOUT, {}, False, None, "LI")
    send(store, BEGIN)
    assert len(hook.got) == 1


def test_an_event_that_grows_old_is_not_told_to_be_over(store: Store, hook: Hook) -> None:
    device = Device("pz-test-2", "10000002")
    device.offer(store)
    with store.write() as connection:
        terminals.confirm(connection, device.device_id)
    device.sale(1, 1250, "approved")
    device.sale(2, 1250, "approved")
    device.sync(store)
    tell(store, "till", hook.url, "en", rules.DOUBLE_SWIPE)
    last = 72 * HOUR + 1  # the first of the two is too old then, the second is not
    for seconds in (HOUR, last - 1, last, last + 1, last + 2, 80 * HOUR):
        send(store, BEGIN + seconds)
    assert [text.split(":")[0] for text in hook.texts] == ["new"]


def test_mail_arrives_with_every_alert_in_one_message(store: Store, mailbox: Mailbox) -> None:
    tell(store, "owner", mailbox.url, "zh")
    found(store, 900, 123456)
    send(store, BEGIN + 24 * HOUR)
    send(store, BEGIN + 25 * HOUR)
    (mail,) = mailbox.got
    assert mailbox.to == [["owner@example.com"]]
    assert mail["Subject"] == "Pingzhang: 3 新"
    text = mail.get_body(("plain", "html"))
    assert text is not None
    content = text.get_content()
    assert "结算款未到账：1,234.56，结算日 2026-03-02（card）" in content
    assert "终端失联：商户 104110070110001 终端 10000001：已 24 小时 未同步" in content


def test_each_receiver_gets_his_rules_in_his_language(
    store: Store, hook: Hook, mailbox: Mailbox
) -> None:
    tell(store, "till", hook.url, "en", rules.TERMINAL_SILENT)
    tell(store, "owner", mailbox.url, "zh", rules.PAYOUT)
    found(store, 900)
    made = send(store, BEGIN + 24 * HOUR)
    assert [(one.receiver.name, len(one.what), one.delivered) for one in made] == [
        ("owner", 1, True),
        ("till", 1, True),
    ]
    assert "not synced" in hook.texts[0] and "结算款" not in hook.texts[0]


def test_who_is_told_later_gets_what_stands_and_not_what_is_over(
    store: Store, hook: Hook, mailbox: Mailbox
) -> None:
    tell(store, "till", hook.url)
    found(store, 900, 700)
    send(store, BEGIN)
    found(store, 901)
    tell(store, "owner", mailbox.url)
    made = {one.receiver.name: one for one in send(store, BEGIN)}
    assert sorted(due.what for due in made["till"].what) == ["over", "worse"]
    assert [due.what for due in made["owner"].what] == ["new"]


def test_what_could_not_be_delivered_is_due_until_it_is(
    store: Store, hook: Hook, mailbox: Mailbox
) -> None:
    tell(store, "till", hook.url)
    tell(store, "owner", mailbox.url)
    found(store, 900)
    hook.status = 500
    assert [one.delivered for one in send(store, BEGIN)] == [True, False]
    found(store, 950)
    hook.status = 200
    made = {one.receiver.name: one for one in send(store, BEGIN)}
    # He never heard that it was less.
    assert [due.what for due in made["till"].what] == ["new"]
    assert [due.what for due in made["owner"].what] == ["worse"]
    assert "9.50" in hook.texts[-1]
    assert [one.what for one in send(store, BEGIN)] == [[], []]


def test_what_was_over_before_it_could_be_told_is_not_told(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    hook.status = 500
    send(store, BEGIN)
    found(store)
    assert lines(send(store, BEGIN)) == []


def test_an_event_that_was_told_is_not_new_when_it_is_reconciled_late(
    store: Store, hook: Hook
) -> None:
    device = Device("pz-test-2", "10000002")
    device.offer(store)
    number = "6222020000000007"
    with store.write() as connection:
        terminals.confirm(connection, device.device_id)
        own_cards.add(connection, MERCHANT, number, "LI")
        (card,) = own_cards.cards(connection)
    for stan, token in enumerate(sorted(card.tokens), 1):
        device.armed(stan, 5000, token=bytes.fromhex(token))
        device.outcome(stan, 5000)
    device.sync(store)
    tell(store, "till", hook.url, "en", rules.SELF_SWIPE)
    send(store, BEGIN + HOUR)
    send(store, BEGIN + 80 * HOUR)
    assert len(hook.texts[0].splitlines()) == len(card.tokens) == 2
    who = (MERCHANT, "10000002", DAY)
    swipes = [
        Break("SELF_SWIPE", key, *who, 5000, 0, False, "why", "shop", {})
        for stan in (1, 2)
        for key in [f"{MERCHANT}|10000002|000001|{stan:06d}|1"]
    ]
    record_run(store, "test", swipes, {}, {})
    send(store, BEGIN + 81 * HOUR)
    assert [text.split(":")[0] for text in hook.texts] == ["new"]


def test_who_heard_of_it_the_last_time_only_is_not_told_that_it_is_over(
    store: Store, hook: Hook
) -> None:
    tell(store, "till", hook.url)
    for amounts, status in (((900,), 200), ((), 200), ((900,), 500), ((), 200)):
        hook.status = status
        found(store, *amounts)
        send(store, BEGIN)
    assert [text.split(":")[0] for text in hook.texts] == ["new", "over", "new"]


class Killed(Exception):
    """Stands for the end of the process: nothing behind it runs."""


def test_a_send_is_on_record_before_it_begins_and_done_only_after_it(
    store: Store, hook: Hook
) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    during: list[Any] = []
    hook.on_post = lambda document: during.append(states(store))
    send(store, BEGIN)
    assert during == [[(1, "sending", 1)]]
    assert states(store) == [(1, "sent", 1)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_send_tells_it_again_and_says_so(
    store: Store, hook: Hook, when: str
) -> None:
    tell(store, "till", hook.url)
    found(store, 900)

    def cut(url: str, title: str, text: str, kind: delivery.Kind) -> bool:
        if when == "after":
            assert delivery.deliver(url, title, text, kind)
        raise Killed

    with pytest.raises(Killed):
        send(store, BEGIN, deliver=cut)
    send(store, BEGIN)
    send(store, BEGIN)
    assert len(hook.got) == (2 if when == "after" else 1)  # at least once
    first, last = hook.texts[0], hook.texts[-1]
    assert last.endswith("(perhaps told already)")
    assert last.startswith(first.removesuffix(" (perhaps told already)"))  # one reference
    assert states(store) == [(1, "sent", 2)]


def test_sigkill_while_the_webhook_answers_loses_nothing(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url, "en", rules.PAYOUT)
    found(store, 900)
    told: list[dict[str, Any]] = []

    def kill(document: dict[str, Any]) -> None:
        if not told:
            child.kill()
        told.append(document)

    hook.on_post = kill
    command = [sys.executable, "-m", "companion", "alert", "send", "--store"]
    child = subprocess.Popen([*command, str(store.directory)])
    assert child.wait() == -signal.SIGKILL
    assert {state for _, state, _ in states(store)} == {"sending"}
    send(store, BEGIN)
    assert "(perhaps told already)" in hook.texts[-1]
    assert {state for _, state, _ in states(store)} == {"sent"}


def test_a_dry_run_sends_and_keeps_nothing(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    found(store, 900)
    (made,) = send(store, BEGIN, dry_run=True)
    assert made.delivered is None and "9.00" in made.text
    assert hook.got == [] and states(store) == []
    assert len(send(store, BEGIN)[0].what) == 1


def test_many_alerts_are_one_message_that_somebody_reads(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    found(store, *range(1, 101))
    send(store, BEGIN)
    send(store, BEGIN)
    (document,) = hook.got
    text = document["message"].splitlines()
    assert document["title"] == "Pingzhang: 100 new"
    assert len(text) == 41 and text[-1] == "and 60 more: companion alert list"


def test_two_sends_at_once_do_not_tell_twice(store: Store, hook: Hook) -> None:
    tell(store, "till", hook.url)
    with locked(store.lock_path("alert"), "?"), pytest.raises(StoreError, match="another"):
        send(store, BEGIN)


def test_nobody_to_tell_is_an_error_that_says_how(store: Store) -> None:
    with pytest.raises(AlertError, match="companion alert to add"):
        send(store, BEGIN)


def test_a_test_reaches_each_receiver(store: Store, hook: Hook, mailbox: Mailbox) -> None:
    tell(store, "till", hook.url)
    tell(store, "owner", mailbox.url, "zh")
    assert [one.delivered for one in send_test(store, None)] == [True, True]
    assert hook.got[0]["title"] == "Pingzhang: a test"
    assert mailbox.got[0]["Subject"] == "Pingzhang：测试"
    with pytest.raises(AlertError, match="there are owner, till"):
        send_test(store, "nobody")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "jsons://user:s3cret@shop.example:8443/hook/s3cret?key=s3cret",
            "jsons://shop.example:8443/…",
        ),
        ("mailtos://s3cret:s3cret@example.com?to=s3cret@example.com", "mailtos://example.com/…"),
        ("slack://s3crets3c/s3crets3c/s3crets3crets3crets3cret1", "slack://…"),
        ("wecombot://s3cret", "wecombot://…"),
        ("json://[s3cret", "json://…"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(url: str, shown: str) -> None:
    assert receivers.shown(url) == shown
    assert "s3cret" not in repr(Receiver("owner", url)) + shown


def test_an_address_is_in_no_decision_error_or_log(
    store: Store, hook: Hook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        tell(store, "till", hook.url)
        hook.status = 500
        send_test(store, None)
        for bad in ("nonsense://s3cret", "s3cret", "json://", "mailto://s3cret\n"):
            with pytest.raises(AlertError) as error:
                tell(store, "other", bad)
            assert "s3cret" not in str(error.value)
        with store.write() as connection:
            receivers.remove(connection, "till", "LI")
            told = decisions.of(connection, (receivers.ADDED, receivers.REMOVED))
    assert [one.data["name"] for one in told] == ["till", "till"]
    assert [one for one in caplog.records if one.name.startswith("apprise")] == []
    assert "s3cret" not in repr(told) + "".join(capfd.readouterr())
    with store.read() as connection:
        assert "s3cret" not in settings.get(connection, receivers.SETTING)


def test_no_alert_has_card_data_in_it(store: Store, hook: Hook) -> None:
    device = Device("pz-test-2", "10000002")
    device.offer(store)
    with store.write() as connection:
        terminals.confirm(connection, device.device_id)
    device.sale(1, 1250, "approved")
    device.sale(2, 1250, "approved")
    device.sale(3, 900, "suspended")
    device.sale(4, 900, "pending")
    device.payloads[-1] = None
    device.sync(store)
    found(store, 900)
    tell(store, "till", hook.url)
    send(store, BEGIN + 30 * HOUR)
    (text,) = hook.texts
    assert len(text.splitlines()) >= 5
    assert "622200" not in text and "0005" not in text and "*" not in text
    assert b"tokentok".hex() not in text and "tokentok" not in text
    assert re.findall(r"\d{13,}", text.replace(MERCHANT, "")) == []
