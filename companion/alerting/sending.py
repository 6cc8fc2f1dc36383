"""Checking the rules and telling those who are to be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from companion.alerting import delivery, ledger, message, receivers
from companion.alerting.checks import Checked, check
from companion.alerting.errors import AlertError
from companion.alerting.ledger import FAILED, OVER, SENT, Due, Told
from companion.alerting.receivers import Receiver
from companion.alerting.sight import as_text
from companion.store import Store
from companion.store.lock import locked

# (address, title, text, kind) -> whether it was taken.
Deliver = Callable[[str, str, str, delivery.Kind], bool]


@dataclass(frozen=True)
class Sent:
    """What one receiver was told, or would be; ``delivered`` is None when nothing was sent."""

    receiver: Receiver
    what: list[Due]
    title: str
    text: str
    delivered: bool | None


def send(
    store: Store, now: int, dry_run: bool = False, deliver: Deliver = delivery.deliver
) -> list[Sent]:
    """Check the rules as of ``now`` and send what each receiver has not got yet, in one message.

    What could not be delivered is due again the next time. A dry run changes nothing. Raises
    AlertError when nobody is to be told, StoreBusy when another one sends.
    """
    busy = f"{store.directory}: another `companion alert send` is going on"
    with locked(store.lock_path("alert"), busy):
        checked = check(store, now)
        with store.read() as connection:
            known = receivers.every(connection)
            every = ledger.known(connection)
        if not known and not dry_run:
            raise AlertError("nobody is to be told: companion alert to add NAME")
        changed = ledger.brought_up(every, checked)
        every.update(changed)
        if not dry_run:
            with store.write() as connection:
                ledger.keep(connection, changed.values())
        made = [_prepared(store, checked, list(every.values()), one) for one in known]
        if dry_run:
            return made
        return [_sent(store, now, one, deliver) if one.what else one for one in made]


def _prepared(store: Store, checked: Checked, every: Sequence[Told], receiver: Receiver) -> Sent:
    standing = {(alarm.rule, alarm.key): alarm for alarm in checked.alarms}
    now = {
        told.reference: standing[told.alarm.rule, told.alarm.key]
        for told in every
        if (told.alarm.rule, told.alarm.key) in standing
    }
    with store.read() as connection:
        what = ledger.due(connection, every, receiver, now)
    title, text = message.written(what, receiver.language) if what else ("", "")
    return Sent(receiver, what, title, text, None)


def _sent(store: Store, now: int, one: Sent, deliver: Deliver) -> Sent:
    at = as_text(now)
    with store.write() as connection:
        ledger.begun(connection, one.receiver, one.what, at)
    good = all(due.what == OVER for due in one.what)
    taken = deliver(one.receiver.url, one.title, one.text, delivery.GOOD if good else delivery.BAD)
    with store.write() as connection:
        ledger.ended(connection, one.receiver, one.what, SENT if taken else FAILED, at)
    return Sent(one.receiver, one.what, one.title, one.text, taken)


def test(store: Store, name: str | None, deliver: Deliver = delivery.deliver) -> list[Sent]:
    """Send a test to one receiver, or to all."""
    with store.read() as connection:
        known = receivers.every(connection)
    chosen = [one for one in known if name in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in known) or "none: companion alert to add NAME"
        raise AlertError(f"{name or 'alert test'}: no such receiver; there are {names}")
    made = []
    for one in chosen:
        title, text = message.test(one.language)
        taken = deliver(one.url, title, text, delivery.NEWS)
        made.append(Sent(one, [], title, text, taken))
    return made
