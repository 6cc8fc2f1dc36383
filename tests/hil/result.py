"""What a campaign came to: counted once, told as JSON, JUnit XML and a page."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from companion.acquirer.kinds import KINDS
from tests.hil.cashier import SETTLEMENT, TRANSACTION
from tests.hil.shift import Line

CONFIDENCE = 0.95


@dataclass
class Result:
    """``cuts`` by kind and by what they came during; ``failures`` with the shift and cycle.
    ``mix``: of each type of transaction, how many and how they ended."""

    board: str
    seed: int
    power: str
    cycles: int = 0
    shifts: int = 0
    seconds: float = 0.0
    settlements: int = 0
    cuts: int = 0
    in_transactions: int = 0
    in_settlements: int = 0
    lost: int = 0
    double: int = 0
    cases: int = 0
    """Transactions that the terminal left to a person; no failures."""
    mix: dict[str, dict[str, int]] = field(default_factory=dict)
    by_kind: dict[str, int] = field(default_factory=dict)
    by_hit: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    records: int = 0
    laps: int = 0
    recovery_ms: list[int] = field(default_factory=list)
    """Of each cycle: from its first key to rest again, cuts and restarts in between."""
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed_cycles(self) -> int:
        return len({(one["shift"], one["cycle"]) for one in self.failures})

    @property
    def upper_bound(self) -> float:
        """Of the probability that a cut ends in a failure."""
        return upper_bound(min(self.failed_cycles, self.cuts), self.cuts)

    def words(self) -> str:
        """The claim, as it was measured and no more."""
        kind = "a virtual board" if self.board == "virtual" else self.board
        claim = (
            f"{self.cuts} power cuts on {kind}, {self.in_transactions} of them during a card "
            f"transaction and {self.in_settlements} during a settlement: "
            f"{len(self.failures)} failures, {self.lost} lost, {self.double} double."
        )
        if not self.cuts:
            return claim
        return (
            f"{claim} If cuts are alike, at most {self.upper_bound:.2%} of them end in a failure "
            f"({CONFIDENCE:.0%} confidence, Clopper-Pearson)."
        )


def upper_bound(failures: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper bound of Clopper and Pearson (Biometrika 26, 1934, pp. 404-413): the
    probability at which so few failures, or fewer, come in one of 1 / (1 - confidence) series.

    Without a failure it is 1 - (1 - confidence)^(1/trials), close to 3 / trials at 95%: the rule
    of three (Hanley and Lippman-Hand, JAMA 249, 1983, pp. 1743-1745).
    """
    if not 0 <= failures <= trials or trials < 1:
        raise ValueError(f"{failures} failures in {trials} trials")
    if failures == trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(failures, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(failures: int, trials: int, chance: float) -> float:
    """The binomial distribution up to ``failures``."""
    total = 0.0
    for count in range(failures + 1):
        ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
        total += math.exp(ways + count * math.log(chance) + (trials - count) * math.log1p(-chance))
    return total


def count(lines: list[Line], seconds: float = 0.0) -> Result:
    """From the lines of one campaign, the first of which says what it is."""
    about = lines[0]
    result = Result(str(about["board"]), int(about["seed"]), "", seconds=seconds)
    kinds: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    during: Counter[str] = Counter()
    mix: dict[str, Counter[str]] = {}
    for line in lines[1:]:
        for failure in line["failures"]:
            where = {"shift": line["shift"], "cycle": line.get("cycle", 0)}
            result.failures.append({**where, **failure})
        if line["line"] == "start":
            result.shifts += 1
            result.power = line["power"]
        elif line["line"] == "end":
            result.records += line.get("records", 0)
            result.laps = max(result.laps, line.get("laps", 0))
        elif line["line"] == "settlement":
            result.settlements += 1
        elif line["line"] == "cycle":
            result.cycles += 1
            result.cases += "CASE" in line["terminal"]
            result.recovery_ms.append(line["ms"])
            host = " and ".join(line["host"]) or "nothing"
            terminal = line["terminal"] or "nothing"
            ends[f"{terminal} / {host}"] += 1
            mix.setdefault(line["what"], Counter())[terminal] += 1
        for cut in line.get("cuts", ()):
            result.cuts += 1
            during[cut["during"]] += 1
            kinds[f"{cut['kind']}, {cut['during']}"] += 1
            hits[
                " ".join(cut["hit"].split(" ")[:2]) if cut["kind"] == "exact" else cut["kind"]
            ] += 1
    codes = Counter(failure["code"] for failure in result.failures)
    result.lost, result.double = codes["LOST"] + codes["RECORD"], codes["DOUBLE"]
    result.by_kind, result.by_hit = dict(kinds.most_common()), dict(hits.most_common())
    result.ends = dict(ends.most_common())
    result.in_transactions, result.in_settlements = during[TRANSACTION], during[SETTLEMENT]
    result.mix = {what: dict(mix[what].most_common()) for what in KINDS if what in mix}
    return result


def as_json(result: Result) -> str:
    slow = sorted(result.recovery_ms)
    told = asdict(result) | {
        "failed_cycles": result.failed_cycles,
        "upper_bound": result.upper_bound if result.cuts else None,
        "words": result.words(),
        "recovery_ms": {name: _quantile(slow, at) for name, at in _QUANTILES},
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


_QUANTILES = (("median", 0.5), ("p99", 0.99), ("max", 1.0))


def _quantile(ordered: list[int], at: float) -> int:
    return ordered[min(len(ordered) - 1, int(at * len(ordered)))] if ordered else 0


def as_junit(lines: list[Line], result: Result) -> str:
    """A test case for each cycle and settlement, and for the start and end of each shift."""
    suite = ElementTree.Element(
        "testsuite", name=f"hil {result.board} seed {result.seed}", time=f"{result.seconds:.1f}"
    )
    failed = 0
    for line in lines[1:]:
        what = f"{line['line']} {line['cycle']}" if "cycle" in line else line["line"]
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"shift {line['shift']}", name=what
        )
        case.set("time", f"{line.get('ms', 0) / 1000:.3f}")
        failed += bool(line["failures"])
        for failure in line["failures"]:
            told = ElementTree.SubElement(case, "failure", type=failure["code"])
            told.set("message", failure["text"])
            told.text = json.dumps(line, ensure_ascii=False)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failed))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def write(directory: Path, lines: list[Line], result: Result, page: str) -> None:
    """Replace the three files of a result."""
    for name, text in (
        ("result.json", as_json(result)),
        ("junit.xml", as_junit(lines, result)),
        ("report.html", page),
    ):
        file = directory / (name + ".new")
        file.write_text(text, encoding="utf-8")
        file.replace(directory / name)
