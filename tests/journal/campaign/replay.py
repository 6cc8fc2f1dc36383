"""The command `replay`: one case again, with what a person needs to see."""

from __future__ import annotations

import re
import signal
import sys

from tests.journal.campaign import against, plan
from tests.journal.campaign.engine import attempt, hung
from tests.journal.campaign.family import Family, UnknownCase
from tests.journal.world import KINDS

_SHOWN = 60  # lines
_NUMBER = r"\d{1,9}"
# What a part of an id may be, by the first word of its description.
_PARTS = {
    **dict.fromkeys(("seed", "number", "sector", "other", "byte", "n"), _NUMBER),
    "workload": rf"{_NUMBER}\.\d{{1,2}}",
    "operation": r"(?:\d{1,9}|0\.\d{1,9})",
    "bit": "[0-7]",
    "value": "[01]",
}


def find(name: str, target: str) -> tuple[Family, str]:
    """The family of an id, with the id's seed, and the rest of the id."""
    family, _, case = name.partition("/")
    known = {one.name: one for one in plan.FAMILIES}
    if target != "journal":
        known = {one.name: one for one in against.FAMILIES}
    if family not in known:
        raise UnknownCase(f"{name}: the families are {', '.join(known)}")
    if not re.fullmatch(_pattern(known[family].ids), case):
        raise UnknownCase(f"{name}: such an id reads {family}/{known[family].ids}")
    seed = int(case.partition(".")[0])
    return known[family](seed, against.TARGETS[target]), case


def _pattern(ids: str) -> str:
    """A regular expression for ids that are described like this."""
    pattern = re.escape(ids).replace(r"\[", "(?:").replace(r"\]", ")?")
    return re.sub(r"<(\w+).*?>", lambda match: _PARTS.get(match[1], "[^/]+"), pattern)


def replay(names: list[str], target: str) -> int:
    """Run cases again and tell them; 1 when one breaks a promise, 2 when one does not exist."""
    broken = False
    signal.signal(signal.SIGALRM, hung)
    for name in names:
        try:
            family, case = find(name, target)
            family.story = []
            faults, failure = attempt(family, case)
        except UnknownCase as err:
            print(f"no such case: {err}", file=sys.stderr)
            return 2
        story = family.story
        print(f"{name}  ({family.words})")
        if len(story) > 2 * _SHOWN:
            story = [*story[:_SHOWN], f"... {len(story) - 2 * _SHOWN} lines", *story[-_SHOWN:]]
        for line in story:
            print(f"  {line}")
        if family.last:
            print(f"  rows of the last mount: {' '.join(family.last.rows)}")
        if failure:
            broken = True
            print(f"BROKEN: {KINDS[failure.kind]}: {failure.text}")
        else:
            print(f"no promise was broken ({faults} faults)")
    return int(broken)
