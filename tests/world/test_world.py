"""A slice of the world, and the world as a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from terminal import trade
from tests.world import __main__ as command
from tests.world import report, shrink
from tests.world.actions import ACTIONS
from tests.world.campaign import Result, campaign, run_batch
from tests.world.case import SELLS, World, run, shop_of, steps_of
from tests.world.coverage import WINDOWS
from tests.world.dice import Step
from tests.world.shop import DIALECTS

ROOT = Path(__file__).resolve().parents[2]
SEED = 1
SLICE = 2000  # transactions


def _quietly(result: Result, cases: int) -> None:
    pass


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.world", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)


def test_a_slice_of_the_world_breaks_no_invariant() -> None:
    result = campaign(SEED, SLICE, 1, _quietly)
    assert result.tally.failed == []
    assert result.transactions > 0.9 * SLICE
    assert result.faults > 0.3 * result.transactions
    reached = {number for number, count in result.tally.coverage.windows.items() if count}
    assert reached >= set(WINDOWS) - {6, 22, 23, 24, 30}


def test_the_number_of_workers_changes_nothing() -> None:
    alone, together = (campaign(3, 20 * SELLS, workers, _quietly) for workers in (1, 2))
    assert alone.digest == together.digest
    assert alone.tally.coverage == together.tally.coverage


def test_a_case_is_the_same_every_time_and_every_action_is_drawn() -> None:
    first, again = run("5.1"), run("5.1")
    assert (first.print, first.coverage) == (again.print, again.coverage)
    drawn = {step[0] for number in range(40) for step in steps_of(f"5.{number}")}
    assert drawn == set(ACTIONS)
    assert sum(ACTIONS[step[0]].sells for step in steps_of("5.1")) == SELLS


def test_w17_no_reversal_leaves_on_the_day_after_an_outage() -> None:
    outage: list[Step] = [
        ("sell", 500, 0, 90_000, ""),
        ("net", "answer", "dies", "0200", 100_000_000),
        ("sell", 700, 1, 400_000, ""),
        ("wait", 101_000_000),
    ]
    done = [run(f"7.{number}", outage) for number in range(6)]
    assert [case.violation for case in done if case.violation] == []
    ends = [case.coverage.states["REV_SUSPENDED"] for case in done]
    assert max(ends) == 1 and min(ends) == 0  # a backup, or an acquirer without the rule


def test_a_till_refunds_what_the_other_one_sold_and_no_more_of_it_goes_back() -> None:
    case = next(c for c in (f"8.{n}" for n in range(40)) if len(shop_of(c).tills) == 2)
    world = World(case)
    refund = ("refund", 0, 60, "", 400_000)
    sale = [("sell", 50_000, 0, 400_000, ""), ("wait", 86_400_000), ("turn", 1)]
    for step in (*sale, (*refund, True), ("turn", 0), (*refund, False), ("turn", 0)):
        world.do(step)
    sold, first, second = world.books.rows()
    assert (first.of, first.stands, first.amount_minor) == (sold, True, 30_000)
    assert (second.of, second.stands) == (sold, False)  # the host's word: no till knows of both
    assert [len(oracle.entries) for oracle in world.oracles] == [2, 1]
    assert world.books.of["10000002"].merchant_minor == -30_000
    world.quieten()


def test_every_dialect_and_both_sizes_of_shop_are_drawn() -> None:
    shops = [shop_of(f"5.{number}") for number in range(60)]
    assert {shop.dialect for shop in shops} == set(range(len(DIALECTS)))
    assert {shop.profile.name for shop in shops} == {"unionpay_pos", "iso8583_1987"}
    assert {len(shop.tills) for shop in shops} == {1, 2}


def test_a_failing_trace_shrinks_to_the_steps_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*values: object) -> list[tuple[object, ...]]:
        return [("show", "result", "approved", "1.00", "", "", "")]

    monkeypatch.setattr(trade, "declined", lying)
    failing = next(c for c in (f"6.{n}" for n in range(40)) if run(c).violation)
    steps = shrink.shrink(failing)
    assert 1 <= len(steps) <= 6 < len(steps_of(failing))
    assert run(failing, steps).violation is not None
    assert run_batch(6, int(failing[2:]), int(failing[2:]) + 1).violations == 1


def test_shrinking_finds_the_two_steps_of_many() -> None:
    steps: list[Step] = [("wait", n) for n in range(60)]

    def fails(some: object) -> bool:
        return isinstance(some, list) and ("wait", 17) in some and ("wait", 44) in some

    assert shrink.least(steps, fails) == [("wait", 17), ("wait", 44)]


def test_the_command_reports_what_it_reached_and_replays(tmp_path: Path) -> None:
    done = start(
        "--transactions", "50", "--seed", "1", "--workers", "1", "--report", str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failure windows" in done.stdout and "digest" in done.stdout
    told = json.loads((tmp_path / "world.json").read_text("utf-8"))
    assert told["cases"] == 3 and told["violations"] == 0
    assert len(told["windows"]) == 30
    again = start("replay", "1.0")
    assert again.returncode == 0 and "no promise was broken" in again.stdout
    assert start("replay", "nonsense").returncode == 2
    assert start("--transactions", "0").returncode == 2


def test_a_large_campaign_that_misses_a_window_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--transactions", "20", "--workers", "1", "--report", str(tmp_path)]
    assert command.main(few) == 0
    monkeypatch.setattr(report, "ENOUGH", 20)
    assert command.main(few) == 1
    assert "never reached: W" in capsys.readouterr().err
    reached = {"windows": {"1": 3, "26": 0}, "f39_actions": {"request stop": 0}, "states": {}}
    assert report.missed(reached) == ["W26", "request stop"]
