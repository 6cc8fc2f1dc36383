"""The rules: which there are, their limits, and what the house has made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from companion.alerting.errors import AlertError
from companion.store import decisions

SET = "alert rule set"

REVERSAL_STUCK = "reversal-stuck"
APPROVAL_RATE = "approval-rate"
STATEMENT_LATE = "statement-late"
PAYOUT = "payout"
JOURNAL_FULL = "journal-full"
DOUBLE_SWIPE = "double-swipe"
SELF_SWIPE = "self-swipe"
JOURNAL_DAMAGE = "journal-damage"
CASE_OVERDUE = "case-overdue"
TERMINAL_SILENT = "terminal-silent"


@dataclass(frozen=True)
class Number:
    """A limit of a rule: what it is unless it was set, and between what it may be."""

    default: int
    least: int
    most: int


@dataclass(frozen=True)
class Rule:
    """A rule: its label in English and Chinese, and its numbers."""

    label: tuple[str, str]
    numbers: Mapping[str, Number]


@dataclass(frozen=True)
class Chosen:
    """A rule as this house has it: whether it is on, whether to tell that a thing is over."""

    name: str
    numbers: Mapping[str, int]
    on: bool = True
    over: bool = True


_AGE = 100_000

RULES = {
    # Not ended so many minutes after it began.
    REVERSAL_STUCK: Rule(("reversal stuck", "冲正未完成"), {"minutes": Number(30, 1, _AGE)}),
    # So many percentage points below the usual rate, of at least so many answers in the last
    # so many hours.
    APPROVAL_RATE: Rule(
        ("approval rate falls", "成功率下降"),
        {"points": Number(20, 1, 100), "answers": Number(20, 1, _AGE), "hours": Number(24, 1, 72)},
    ),
    # So many days after the day on which it was due.
    STATEMENT_LATE: Rule(("statement late", "对账单迟到"), {"days": Number(1, 1, 365)}),
    # At once; it gets worse when it is older than so many days.
    PAYOUT: Rule(("payout", "结算款"), {"days": Number(3, 1, 365)}),
    # So much of a journal of so many slots; 512 KB have 128 sectors of 31 slots.
    JOURNAL_FULL: Rule(
        ("journal nearly full", "终端日志将满"),
        {"percent": Number(70, 1, 100), "slots": Number(3968, 31, 10_000_000)},
    ),
    # Two sales within so many minutes.
    DOUBLE_SWIPE: Rule(("swiped twice", "重复刷卡"), {"minutes": Number(5, 1, 60)}),
    SELF_SWIPE: Rule(("own card swiped", "自刷"), {}),
    JOURNAL_DAMAGE: Rule(("journal damaged", "终端日志受损"), {}),
    # So many days after its deadline.
    CASE_OVERDUE: Rule(("case overdue", "案件逾期"), {"days": Number(1, 1, 365)}),
    # Not synced for so many hours.
    TERMINAL_SILENT: Rule(("terminal silent", "终端失联"), {"hours": Number(24, 1, _AGE)}),
}


def chosen(connection: Connection) -> dict[str, Chosen]:
    """Every rule as it is now."""
    made = {
        name: Chosen(name, {key: number.default for key, number in rule.numbers.items()})
        for name, rule in RULES.items()
    }
    for decision in decisions.of(connection, (SET,)):
        name = str(decision.data["rule"])
        if name in made:
            known = {
                key: int(value)
                for key, value in decision.data["numbers"].items()
                if key in made[name].numbers
            }
            made[name] = replace(
                made[name],
                numbers={**made[name].numbers, **known},
                on=bool(decision.data["on"]),
                over=bool(decision.data["over"]),
            )
    return made


def choose(
    connection: Connection,
    name: str,
    numbers: Mapping[str, int],
    on: bool | None,
    over: bool | None,
    by: str,
    reason: str = "",
) -> Chosen:
    """Set what is given of a rule, the rest stays; it is kept who did it and why."""
    if name not in RULES:
        raise AlertError(f"{name}: no such rule; there are {', '.join(RULES)}")
    for key, value in numbers.items():
        _check(name, key, value)
    now = chosen(connection)[name]
    made = replace(
        now,
        numbers={**now.numbers, **numbers},
        on=now.on if on is None else on,
        over=now.over if over is None else over,
    )
    data = {"rule": name, "numbers": dict(made.numbers), "on": made.on, "over": made.over}
    decisions.record(connection, SET, data, by, reason)
    return made


def _check(name: str, key: str, value: int) -> None:
    known = RULES[name].numbers
    if key not in known:
        raise AlertError(f"{name}: no limit {key!r}; it has {', '.join(known) or 'none'}")
    if not known[key].least <= value <= known[key].most:
        raise AlertError(f"{name}: {key} is {value}, not in {known[key].least}..{known[key].most}")
