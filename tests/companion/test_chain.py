"""The fold over days: the same facts give the same state, in whatever order they came."""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import pytest

from companion.reconcile import chain
from companion.reconcile.run import Result, reconcile
from companion.statements.importing import import_file
from companion.store import Store, breaks
from tests.companion.sealed import DayFile, Device

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")


class World:
    """A week of one terminal: every kind of end, and rows that the host tells a day late."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.files = {day: DayFile(day=day) for day in DAYS}
        self.journal: list[tuple[int, int, str, str]] = []
        stans = itertools.count(1)
        for place, day in enumerate(DAYS):
            for _ in range(12):
                stan, amount = next(stans), dice.randrange(100, 100_000)
                end = dice.choice(("approved",) * 5 + ("declined", "reversed", "suspended"))
                self.journal.append((stan, amount, end, day))
                told = dice.choice(("same",) * 6 + ("late", "never", "other"))
                if told == "never" or (end != "approved" and told != "other"):
                    continue
                later = DAYS[min(place + (told == "late"), len(DAYS) - 1)]
                charged = amount + 100 if told == "other" and end == "approved" else amount
                self.files[later].add(stan, charged)

    def device(self, days: int) -> Device:
        """The terminal's journal of the first days."""
        made = Device()
        today = ""
        for stan, amount, end, day in self.journal:
            if DAYS.index(day) >= days:
                break
            if day != today:
                made.sign_in(f"{day[5:7]}{day[8:]}091500")
                today = day
            made.sale(stan, amount, end)
        return made


def found(result: Result) -> list[tuple[object, ...]]:
    return sorted(
        (item.id, item.code, item.amount_minor, item.effect_minor, item.provisional, item.reason)
        for item in result.breaks
    )


def straight(world: World, directory: Path) -> Result:
    with Store.open(directory, create=True) as store:
        device = world.device(len(DAYS))
        device.offer(store)
        device.sync(store)
        for day in DAYS:
            import_file(store, world.files[day].write(directory / f"{day}.csv"))
        return reconcile(store)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(1, 6))]
)
def test_days_in_any_order_with_runs_between_end_as_a_straight_run(
    seed: int, tmp_path: Path
) -> None:
    world = World(seed)
    wanted = straight(world, tmp_path / "straight")
    dice = random.Random(seed)
    order = [*DAYS, "sync", "sync", "again"]
    dice.shuffle(order)
    with Store.open(tmp_path / "mixed", create=True) as store:
        world.device(1).offer(store)
        for step in [*order, "sync"]:
            if step == "sync":
                world.device(dice.randrange(1, len(DAYS) + 1)).sync(store)
            elif step == "again":
                shutil.rmtree(store.facts, ignore_errors=True)
            else:
                wrong = DayFile(day=step).add(999, 1)
                import_file(store, wrong.write(tmp_path / f"{step}-wrong.csv"))
                if dice.random() < 0.5:
                    reconcile(store)
                import_file(store, world.files[step].write(tmp_path / f"{step}.csv"))
            if dice.random() < 0.6:
                assert reconcile(store).holds
        world.device(len(DAYS)).sync(store)
        result = reconcile(store)
        assert found(result) == found(wanted)
        assert result.break_set_hash == wanted.break_set_hash
        assert (result.equation, result.days) == (wanted.equation, wanted.days)
        with store.read() as connection:
            listed = {str(row["id"]) for row in breaks.listed(connection)}
        assert listed == {item.id for item in wanted.breaks}


def fresh(store: Store) -> list[str]:
    """The days whose step was done anew by a run."""
    before = {path.name: path.stat().st_ino for path in (store.facts / "state").glob("*")}
    reconcile(store)
    after = {path.name: path.stat().st_ino for path in (store.facts / "state").glob("*")}
    return sorted(name for name in after if name.isdigit() and after[name] != before.get(name))


def test_only_the_days_from_the_first_that_changed_are_done_again(tmp_path: Path) -> None:
    world = World(1)
    straight(world, tmp_path / "store")
    days = [str(20514 + place) for place in range(len(DAYS))]
    with Store.open(tmp_path / "store") as store:
        assert fresh(store) == []
        other = world.files[DAYS[2]].add(998, 5)
        import_file(store, other.write(tmp_path / "other.csv"))
        assert fresh(store) == days[2:]
        import_file(store, DayFile(day="2026-03-07").add(997, 5).write(tmp_path / "next.csv"))
        assert fresh(store) == [str(20519)]


def test_the_outcome_of_the_last_run_can_be_read_again(tmp_path: Path) -> None:
    world = World(2)
    result = straight(world, tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        outcome = chain.last(store.facts / "state")
    assert outcome is not None
    assert (outcome.as_of, outcome.facts_digest) == (result.as_of, result.facts_digest)
    assert len(outcome.breaks) == len(result.breaks)
    assert chain.last(tmp_path / "nowhere") is None


def test_a_step_that_a_kill_left_half_written_is_done_again(tmp_path: Path) -> None:
    world = World(3)
    wanted = straight(world, tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        state = store.facts / "state"
        steps = sorted(path for path in state.iterdir() if path.name.isdigit())
        steps[2].rename(steps[2].with_name(steps[2].name + ".part"))
        assert found(reconcile(store)) == found(wanted)
        assert not list(state.glob("*.part"))


def test_a_key_that_comes_again_on_another_day_is_another_break(tmp_path: Path) -> None:
    """A terminal that begins at batch 1 and STAN 1 again: both days count in the equation."""
    device = Device()
    for day in DAYS[:3]:
        device.sign_in(f"{day[5:7]}{day[8:]}091500")
        device.sale(1, 500, "declined")
    with Store.open(tmp_path / "store", create=True) as store:
        device.offer(store)
        device.sync(store)
        for day in DAYS[:3]:
            import_file(store, DayFile(day=day).add(1, 500).write(tmp_path / f"{day}.csv"))
        result = reconcile(store)
        code = "DECLINED_BUT_CAPTURED"
        assert len({item.id for item in result.breaks if item.code == code}) == 3
        with store.read() as connection:
            assert len(breaks.listed(connection, code=code)) == 3
            assert breaks.open_effect(connection) == 1500
        assert result.holds
        again = reconcile(store)
        assert (again.opened, again.closed) == ([], {})
