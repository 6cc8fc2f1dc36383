"""kill -9 of the companion at random moments, against a run in which nobody was killed."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.books_chaos import lasting
from tests.books_chaos.world import DAYS, Act, World

_ROOT = Path(__file__).resolve().parents[2]
# One in so many companions is started as people start it; the others are forked, which is faster.
_STARTED = 15
_SPOILED = 0.25


@dataclass
class Tally:
    """What a campaign did."""

    worlds: int = 0
    acts: int = 0
    kills: int = 0
    # Kills by command, and by how their moment was chosen.
    commands: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    # Kills after which the act was done, or not.
    done: int = 0
    undone: int = 0
    # Facts that were removed or cut.
    spoiled: int = 0


class Companions:
    """Companion processes, one after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.books_chaos.victim"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, act: Act, store: Path, at: int | None = None, after: float | None = None
    ) -> dict[str, Any]:
        """What one did; it is killed at a step, after so many seconds, or not."""
        assert self._process.stdin is not None and self._process.stdout is not None
        args = [*act.args, "--store", str(store)]
        order = {"args": args, "typed": act.typed, "at": at, "after": after}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process that makes them."""
        self._process.communicate()


@dataclass(frozen=True)
class _Straight:
    """An act as nobody killed it: how it ended, and the store after it."""

    answer: dict[str, Any]
    told: dict[str, lasting.Rows]


def campaign(
    directory: Path, kills: int, seed: int, days: int = len(DAYS), started: int = _STARTED
) -> Tally:
    """Worlds until at least so many companions were killed; an AssertionError says what was
    different."""
    tally = Tally()
    companions = Companions()
    try:
        while tally.kills < kills:
            one = _One(companions, directory / str(tally.worlds), seed, tally, started)
            one.run(days)
            tally.worlds += 1
    finally:
        companions.close()
    return tally


class _One:
    """One world, done straight and done with kills."""

    def __init__(
        self,
        companions: Companions,
        folder: Path,
        seed: int,
        tally: Tally,
        started: int,
    ) -> None:
        self._companions = companions
        self._folder = folder
        self._seed = f"{seed}-{tally.worlds}"
        self._dice = random.Random(self._seed)
        self._tally = tally
        self._started = started

    def run(self, days: int) -> None:
        """Both, and what is left of them compared."""
        straight, killed = self._folder / "straight", self._folder / "killed"
        acts = self._acts("straight-files", days)
        ended = self._straight(acts, straight)
        # The same acts on files of its own: a sheet is exported by each.
        before: dict[str, lasting.Rows] = {}
        for place, act in enumerate(self._acts("killed-files", days)):
            if act.beside:
                act.beside(killed)
                before = lasting.told(killed)
            self._kill(act, killed, before, ended[place], place)
            before = ended[place].told
            self._spoil(killed)
        again = self._companions.run(acts[-1], killed)
        assert again["code"] == 0, again["said"]
        self._same(lasting.told(killed), ended[-1].told, "at the end")
        self._same(lasting.kept(killed), lasting.kept(straight), "at the end")
        lasting.proved(killed)
        self._signed(straight, killed)
        shutil.rmtree(self._folder)

    def _acts(self, files: str, days: int) -> list[Act]:
        return list(World(self._folder / files, self._dice_of_world(), days).acts())

    def _dice_of_world(self) -> int:
        return random.Random(self._seed).randrange(1 << 30)

    def _straight(self, acts: Sequence[Act], store: Path) -> list[_Straight]:
        made = []
        for act in acts:
            if act.beside:
                act.beside(store)
            answer = self._companions.run(act, store)
            assert answer["code"] == 0, (act, answer)
            made.append(_Straight(answer, lasting.told(store)))
        return made

    def _kill(
        self,
        act: Act,
        store: Path,
        before: dict[str, lasting.Rows],
        straight: _Straight,
        place: int,
    ) -> None:
        """Kill an act some times and let it come to its end then."""
        most = 7 if act.args[0] == "reconcile" else 4
        for attempt in range(self._dice.randrange(most)):
            where = f"act {place} ({' '.join(act.args)}), kill {attempt}"
            how, killed = self._strike(act, store, straight.answer, attempt == 0)
            if not killed:
                continue
            self._tally.kills += 1
            self._tally.commands[act.name] += 1
            self._tally.moments[how] += 1
            now = lasting.told(store)
            if now == straight.told and now != before:
                self._tally.done += 1
            else:
                self._tally.undone += 1
                self._same(now, before, where)
        done = lasting.told(store) == straight.told
        answer = self._companions.run(act, store)
        # What people decide about accounts is refused a second time.
        refused = answer["code"] == 2 and done and act.args[0] == "account"
        assert answer["code"] == 0 or refused, (self._seed, act, answer)
        self._same(lasting.told(store), straight.told, f"act {place} ({' '.join(act.args)})")
        self._tally.acts += 1

    def _strike(
        self, act: Act, store: Path, straight: dict[str, Any], first: bool
    ) -> tuple[str, bool]:
        """Run it and kill it at a moment of some kind; whether it was still there."""
        dice = self._dice
        if self._started and dice.randrange(self._started) == 0:
            return "started, by time", _started(act, store, dice)
        between = 0 < straight["renamed"] < straight["commits"]
        if between and (first or dice.random() < 0.2):
            at = dice.randint(straight["renamed"] + 1, straight["commits"])
            return "chain done, not committed", self._at(act, store, at)
        if dice.random() < 0.6:
            return "by step", self._at(act, store, dice.randint(1, straight["steps"]))
        after = dice.uniform(0, straight["seconds"])
        return "by time", bool(self._companions.run(act, store, after=after)["killed"])

    def _at(self, act: Act, store: Path, at: int) -> bool:
        return bool(self._companions.run(act, store, at=at)["killed"])

    def _spoil(self, store: Path) -> None:
        """Now and then some of the facts get lost: they are no truth."""
        facts = store / "facts"
        if self._dice.random() > _SPOILED or not facts.is_dir():
            return
        self._tally.spoiled += 1
        if self._dice.random() < 0.1:
            shutil.rmtree(facts)
            return
        files = sorted(path for path in facts.rglob("*") if path.is_file())
        for path in self._dice.sample(files, min(3, len(files))):
            size = path.stat().st_size
            how = self._dice.randrange(3)
            if how == 0:
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[: size * (how - 1) // 2])

    def _signed(self, straight: Path, killed: Path) -> None:
        """What the one signed the other finds, on another engine."""
        answer = self._companions.run(Act(("reconcile", "--dry-run", "--json")), straight)
        signed = self._folder / "signed.json"
        signed.write_text(answer["said"])
        other = ("reconcile", "--dry-run", "--engine", "sqlite", "--same-as", str(signed))
        answer = self._companions.run(Act(other), killed)
        assert answer["code"] == 0, answer["said"]

    def _same(self, now: dict[str, Any], wanted: dict[str, Any], where: str) -> None:
        for name in sorted(now.keys() | wanted.keys()):
            one, other = now.get(name), wanted.get(name)
            if one != other:
                raise AssertionError(f"{self._seed}: {where}: {name}: {_difference(one, other)}")


def _difference(one: Any, other: Any) -> str:
    if not isinstance(one, list) or not isinstance(other, list):
        return f"{str(one)[:500]} instead of {str(other)[:500]}"
    more = [row for row in one if row not in other][:5]
    less = [row for row in other if row not in one][:5]
    return f"has {more}, has not {less}"


def _started(act: Act, store: Path, dice: random.Random) -> bool:
    """A companion as people start one, killed while it works."""
    process = subprocess.Popen(
        [sys.executable, "-m", "companion", *act.args, "--store", str(store)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    begun = time.monotonic()
    try:
        process.communicate(act.typed, timeout=dice.uniform(0.5, 4))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.returncode in (0, -9), (act, process.returncode, time.monotonic() - begun)
    return process.returncode == -9
