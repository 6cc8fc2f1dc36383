"""Every rule applied to a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from companion.alerting import approvals, deadlines, papers, reversals, rules, swipes, terminals
from companion.alerting.alarm import Alarm
from companion.alerting.rules import Chosen
from companion.alerting.sight import Sight
from companion.store import Store
from companion.store.lock import locked

_CHECKS: dict[str, Callable[[Sight], Iterable[Alarm]]] = {
    rules.REVERSAL_STUCK: reversals.stuck,
    rules.APPROVAL_RATE: approvals.fell,
    rules.STATEMENT_LATE: papers.late,
    rules.PAYOUT: papers.payouts,
    rules.JOURNAL_FULL: terminals.filling,
    rules.DOUBLE_SWIPE: swipes.double,
    rules.SELF_SWIPE: swipes.own,
    rules.JOURNAL_DAMAGE: terminals.damaged,
    rules.CASE_OVERDUE: deadlines.overdue,
    rules.TERMINAL_SILENT: terminals.silent,
}


@dataclass(frozen=True)
class Checked:
    """What stands at an instant, by rule, and the rules that were applied."""

    now: int
    rules: dict[str, Chosen]
    alarms: list[Alarm]


def check(store: Store, now: int) -> Checked:
    """Apply every rule that is on to the store as it is at ``now`` (seconds since 1970, UTC).

    Nobody may reconcile meanwhile: rules read breaks and facts, which belong together.
    """
    busy = f"{store.directory}: a reconcile is going on; the rules are checked after it"
    with locked(store.lock_path("reconcile"), busy), store.read() as connection:
        chosen = rules.chosen(connection)
        sight = Sight(store, connection, now, chosen)
        found = {
            (alarm.rule, alarm.key): alarm
            for name, made in _CHECKS.items()
            if chosen[name].on
            for alarm in made(sight)
        }
    return Checked(now, chosen, list(found.values()))
