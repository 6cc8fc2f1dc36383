"""What was told of each alarm, and to whom it was sent.

The sends are kept so that a kill at any moment loses none: at least once. A send is written down
as begun before it, and as done after it. Between the two nobody knows whether it went out, so it
goes out again, marked as perhaps the second; its reference is the same both times.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from companion.alerting.alarm import Alarm
from companion.alerting.checks import Checked
from companion.alerting.receivers import Receiver
from companion.alerting.sight import as_text
from companion.store.schema import alert_sends, alerts

NEW, WORSE, OVER, GONE = "new", "worse", "over", "gone"
SENDING, SENT, FAILED = "sending", "sent", "failed"

_REFERENCE = 8


@dataclass(frozen=True)
class Told:
    """An alarm and what its last telling says of it."""

    alarm: Alarm
    what: str
    first_telling: int
    telling: int
    since: str
    told_at: str

    @property
    def reference(self) -> str:
        """Names the telling: whoever gets it twice sees that it is one."""
        name = f"{self.alarm.rule}|{self.alarm.key}"
        return f"{hashlib.sha256(name.encode()).hexdigest()[:_REFERENCE]}.{self.telling}"


@dataclass(frozen=True)
class Due:
    """A telling that a receiver has to get. ``again``: he may have it."""

    told: Told
    what: str
    again: bool


def known(connection: Connection) -> dict[tuple[str, str], Told]:
    """Every alarm that was ever told of, by rule and key."""
    found = {}
    for row in connection.execute(select(alerts)).mappings():
        alarm = Alarm(row["rule"], row["key"], **json.loads(row["said"]))
        numbers = row["first_telling"], row["telling"]
        found[row["rule"], row["key"]] = Told(
            alarm, row["what"], *numbers, row["since"], row["told_at"]
        )
    return found


def brought_up(
    before: Mapping[tuple[str, str], Told], checked: Checked
) -> dict[tuple[str, str], Told]:
    """The alarms that change: new ones, worse ones, and those that are over."""
    now = as_text(checked.now)
    made = {}
    standing = {(alarm.rule, alarm.key): alarm for alarm in checked.alarms}
    for name, alarm in standing.items():
        last = before.get(name)
        if last is not None and last.what == GONE and last.alarm.until:
            continue  # an event that was told of, and is found by another way when it is old
        if last is None or last.what in (OVER, GONE):
            telling = last.telling + 1 if last else 1
            made[name] = Told(alarm, NEW, telling, telling, now, now)
        elif alarm.worse_than(last.alarm):
            telling = last.telling + 1
            made[name] = Told(alarm, WORSE, last.first_telling, telling, last.since, now)
    for name, last in before.items():
        if name not in standing and last.what in (NEW, WORSE):
            made[name] = _ended(last, checked, now)
    return made


def _ended(last: Told, checked: Checked, now: str) -> Told:
    """Over, or gone without a word: a rule that is off, one that does not tell it, and what only
    has become old."""
    rule = checked.rules.get(last.alarm.rule)
    old = 0 < last.alarm.until <= checked.now
    said = rule is not None and rule.on and rule.over and not old
    telling = last.telling + 1 if said else last.telling
    return Told(last.alarm, OVER if said else GONE, last.first_telling, telling, last.since, now)


def keep(connection: Connection, changed: Iterable[Told]) -> None:
    """Put changed alarms in the place of what was known of them."""
    for told in changed:
        values = {
            "what": told.what,
            "first_telling": told.first_telling,
            "telling": told.telling,
            "said": _said(told.alarm),
            "since": told.since,
            "told_at": told.told_at,
        }
        statement = insert(alerts).values(rule=told.alarm.rule, key=told.alarm.key, **values)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["rule", "key"], set_=values)
        )


def _said(alarm: Alarm) -> str:
    values = asdict(alarm)
    del values["rule"], values["key"]
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def due(
    connection: Connection, every: Iterable[Told], receiver: Receiver, now: Mapping[str, Alarm]
) -> list[Due]:
    """What a receiver has not got yet, the oldest first. ``now`` has the alarms as they stand, by
    reference, for those that were told of before: what is late says what is so by then."""
    sends: dict[tuple[str, str], dict[int, str]] = {}
    mine = select(alert_sends).where(alert_sends.c.receiver == receiver.name)
    for row in connection.execute(mine):
        sends.setdefault((row.rule, row.key), {})[row.telling] = row.state
    found = []
    for told in every:
        alarm = told.alarm
        states = sends.get((alarm.rule, alarm.key), {})
        state = states.get(told.telling)
        if told.what == GONE or state == SENT or not receiver.takes(alarm.rule):
            continue
        # What was begun and not ended counts as told: he may have it.
        heard = any(
            told.first_telling <= telling < told.telling and one in (SENT, SENDING)
            for telling, one in states.items()
        )
        if told.what == OVER and not heard:
            continue
        what = told.what if heard else NEW
        shown = Told(**{**told.__dict__, "alarm": now.get(told.reference, alarm)})
        found.append(Due(shown, what, again=state == SENDING))
    return sorted(
        found, key=lambda one: (one.told.told_at, one.told.alarm.rule, one.told.alarm.key)
    )


def begun(connection: Connection, receiver: Receiver, what: Iterable[Due], now: str) -> None:
    """Written down before the send."""
    for one in what:
        values = {"state": SENDING, "at": now}
        statement = insert(alert_sends).values(
            rule=one.told.alarm.rule,
            key=one.told.alarm.key,
            telling=one.told.telling,
            receiver=receiver.name,
            tries=1,
            **values,
        )
        names = ["rule", "key", "telling", "receiver"]
        tries = {**values, "tries": alert_sends.c.tries + 1}
        connection.execute(statement.on_conflict_do_update(index_elements=names, set_=tries))


def ended(
    connection: Connection, receiver: Receiver, what: Iterable[Due], state: str, now: str
) -> None:
    """Written down after the send: SENT or FAILED."""
    for one in what:
        connection.execute(
            update(alert_sends)
            .where(
                alert_sends.c.rule == one.told.alarm.rule,
                alert_sends.c.key == one.told.alarm.key,
                alert_sends.c.telling == one.told.telling,
                alert_sends.c.receiver == receiver.name,
            )
            .values(state=state, at=now)
        )


def sent(connection: Connection) -> dict[tuple[str, str, int], dict[str, str]]:
    """How each telling went, by rule, key and telling: state by receiver."""
    found: dict[tuple[str, str, int], dict[str, str]] = {}
    for row in connection.execute(select(alert_sends)):
        found.setdefault((row.rule, row.key, row.telling), {})[row.receiver] = row.state
    return found
