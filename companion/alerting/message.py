"""The message that a receiver gets: a line for each alarm, the most for one message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from companion.alerting import phrases
from companion.alerting.ledger import NEW, OVER, WORSE, Due
from companion.reconcile.phrases import LANGUAGES

# More than so many nobody reads: the rest is counted.
_MOST = 40

_WHAT = {NEW: ("new", "新"), WORSE: ("worse", "加重"), OVER: ("over", "已解除")}
_AGAIN = ("perhaps told already", "可能已通知过")
_REST = ("and {} more: companion alert list", "另有 {} 条：companion alert list")
_TEST = (
    ("Pingzhang: a test", "This is what an alert will reach you by."),
    ("Pingzhang：测试", "这是一条测试消息，告警将以此方式送达。"),
)
_COMMA = (", ", "，")


def written(what: Sequence[Due], language: str) -> tuple[str, str]:
    """Title and text."""
    place = LANGUAGES.index(language)
    counted = Counter(one.what for one in what)
    parts = [
        f"{counted[name]} {_WHAT[name][place]}" for name in (NEW, WORSE, OVER) if counted[name]
    ]
    lines = [_line(one, language) for one in what[:_MOST]]
    if len(what) > _MOST:
        lines.append(_REST[place].format(len(what) - _MOST))
    return "Pingzhang: " + _COMMA[place].join(parts), "\n".join(lines)


def _line(one: Due, language: str) -> str:
    place = LANGUAGES.index(language)
    again = f" ({_AGAIN[place]})" if one.again else ""
    said = phrases.said(one.told.alarm, language)
    return f"{_WHAT[one.what][place]}: {said} [{one.told.reference}]{again}"


def test(language: str) -> tuple[str, str]:
    """Title and text of a test."""
    return _TEST[LANGUAGES.index(language)]
