"""How well a reconciliation has found what was injected: precision and recall of each code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from companion.inject.truth import Known
from companion.reconcile import codes

# Of what the third pass has found by amount and time; everything else has to be found exactly.
LOW_CONFIDENCE = 3
LOW_BAR = 0.99
_SHOWN = 20


@dataclass
class Score:
    """One code: what is true, what was found, and what of it was right in every figure."""

    code: str
    true: int = 0
    found: int = 0
    right: int = 0
    # Of the same among pairs of low confidence.
    low_true: int = 0
    low_found: int = 0
    low_right: int = 0
    # Found, but with another amount.
    off: int = 0

    @property
    def precision(self) -> float:
        """The part of what was found that is true."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The part of what is true that was found."""
        return self.right / self.true if self.true else 1.0

    @property
    def kept(self) -> bool:
        """Exact pairs without a fault, those of low confidence with one in a hundred."""
        exact = self.right - self.low_right
        if exact != self.true - self.low_true or exact != self.found - self.low_found:
            return False
        most = max(self.low_true, self.low_found)
        return self.low_right >= LOW_BAR * most


@dataclass
class Report:
    """Every code, and some of what is wrong, in words."""

    scores: list[Score]
    wrong: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every code keeps its bar."""
        return all(score.kept for score in self.scores)


def score(known: Iterable[Known], found: Iterable[Known]) -> Report:
    """Hold what was found against what is known; a break is right when all its figures are."""
    true, seen = _by_name(known), _by_name(found)
    scores = {code: Score(code) for code in codes.BREAKS}
    report = Report(list(scores.values()))
    for name in sorted(true.keys() | seen.keys()):
        one, other = true.get(name), seen.get(name)
        line = scores[name[0]]
        right = one is not None and other is not None and _figures(one) == _figures(other)
        # A row that the third pass has a hand in, on either side.
        low = LOW_CONFIDENCE in [some.match_pass for some in (one, other) if some]
        line.true += one is not None
        line.found += other is not None
        line.right += right
        line.low_true += low and one is not None
        line.low_found += low and other is not None
        line.low_right += low and right
        line.off += not right and one is not None and other is not None
        if not right:
            report.wrong.append(_words(name, one, other))
    return report


def _by_name(some: Iterable[Known]) -> dict[tuple[str, str], Known]:
    return {(one.code, one.row_key): one for one in some}


def _figures(one: Known) -> tuple[int, ...]:
    return (one.amount_minor, one.effect_minor, one.owed_minor, one.provisional)


def _words(name: tuple[str, str], one: Known | None, other: Known | None) -> str:
    what = " ".join(name)
    if one is None and other is not None:
        return f"{what}: found {_figures(other)}, but nothing is wrong"
    if other is None and one is not None:
        return f"{what}: not found; it is {_figures(one)}, {one.variant}"
    assert one is not None and other is not None
    return f"{what}: found {_figures(other)}; it is {_figures(one)}, {one.variant}"


def shown(report: Report) -> list[str]:
    """Some of what is wrong, for people."""
    more = len(report.wrong) - _SHOWN
    return report.wrong[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])
