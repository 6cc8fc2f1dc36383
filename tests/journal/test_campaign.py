"""A slice of every family of the campaign, and the campaign as a command."""

from __future__ import annotations

import functools
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journal.campaign import against, command
from tests.journal.campaign.engine import campaign, run_batch
from tests.journal.campaign.plan import FAMILIES, Batch, batches, plan
from tests.journal.campaign.report import coverage

ROOT = Path(__file__).resolve().parents[2]
SEED = 1
SLICE = 6000  # faults


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journal.campaign", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(*arguments: str) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@functools.cache
def slices() -> dict[str, Batch]:
    planned = plan(SLICE, command.make(SEED, "journal", False))
    return {part.family: Batch(part.family, part.cases) for part in planned}


@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_a_slice_of_every_family_breaks_no_promise(family: str) -> None:
    families = {one.name: one for one in command.make(SEED, "journal", False)}
    batch = slices()[family]
    tally = run_batch(families, batch)
    assert tally.failed == []
    assert tally.cases == len(batch.cases) > 0
    assert tally.faults >= 0.9 * tally.cases * families[family].faults


def test_a_million_faults_cover_every_exhaustive_family_completely() -> None:
    families = command.make(SEED, "journal", False)
    planned = plan(1_000_000, families)
    faults = {family.name: family.faults for family in families}
    assert sum(len(part.cases) * faults[part.family] for part in planned) >= 1_000_000
    for family in families:
        part = next(part for part in planned if part.family == family.name)
        assert part.complete == family.exhaustive
        assert len(set(part.cases)) == len(part.cases)


def test_the_ids_of_a_family_are_all_different_and_a_batch_holds_each_once() -> None:
    families = command.make(SEED, "journal", False)
    planned = plan(SLICE, families)
    names = {family.name: family for family in families}
    ids = [
        f"{batch.family}/{names[batch.family].case(index)}"
        for batch in batches(planned, families)
        for index in batch.cases
    ]
    assert len(set(ids)) == len(ids) == sum(len(part.cases) for part in planned)


def test_the_same_seed_gives_the_same_digest_however_many_workers() -> None:
    digests = set()
    for workers in (1, 2):
        make = functools.partial(command.make, SEED, "journal", False)
        result = campaign(make, plan(600, make()), workers, lambda _: None)
        assert result.faults >= 590 and not result.interrupted
        digests.add(result.digest)
    make = functools.partial(command.make, SEED + 1, "journal", False)
    digests.add(campaign(make, plan(600, make()), 1, lambda _: None).digest)
    assert len(digests) == 2


def test_the_report_says_what_was_run(tmp_path: Path) -> None:
    code, out, _ = run("--faults", "300", "--seed", "5", "--report", str(tmp_path), "--json")
    report = json.loads(out)
    assert code == 0 and report == json.loads((tmp_path / "campaign.json").read_text())
    assert report["seed"] == 5 and report["faults"] >= 290 and report["failures"] == 0
    assert report["faults"] == sum(family["faults"] for family in report["families"])
    by_name = {family["name"]: family for family in report["families"]}
    assert set(by_name) == {family.name for family in FAMILIES}
    assert re.fullmatch(r"sampled \d+ of \d\d,\d+", coverage(by_name["cut"]))
    assert coverage(by_name["workload"]) == "exhaustive: all 3"
    assert coverage(by_name["burst"]) == f"{by_name['burst']['cases']} drawn at random"
    page = (tmp_path / "campaign.html").read_text()
    assert not re.search(r"https?:|<script|<link|src=|url\(", page), "nothing from elsewhere"
    for family in report["families"]:
        assert coverage(family) in page


@pytest.fixture(scope="module")
def without_burning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A firmware that believes a slot which reads erased."""
    folder: Path = tmp_path_factory.mktemp("firmware")
    shutil.copytree(ROOT / "firmware" / "terminal", folder / "terminal")
    with (folder / "terminal" / "slot.py").open("a") as slot:
        slot.write("\n\nSlotFlash.burn = lambda self, sector, slot: None\n")
    return folder


def test_a_broken_journal_fails_and_its_first_failure_can_be_replayed(
    without_burning: Path, tmp_path: Path
) -> None:
    where = ("--firmware", str(without_burning))
    code, out, _ = run(
        *where, "--faults", "2000", "--report", str(tmp_path), "--json", "--first-failure"
    )
    report = json.loads(out)
    assert code == 1 and report["failures"] > 0 and report["interrupted"]
    case = report["failed"][0]
    assert case["id"] in (tmp_path / "campaign.html").read_text()
    code, out, _ = run("replay", *where, case["id"])
    assert code == 1
    assert f"BROKEN: {report['kinds'][case['kind']]}: {case['text']}" in out
    assert "mount: " in out and "program sector" in out
    code, out, _ = run("replay", case["id"])
    assert code == 0 and "no promise was broken" in out


def test_ctrl_c_ends_it_with_a_report_of_what_was_done(tmp_path: Path) -> None:
    process = start("--faults", "10000000", "--report", str(tmp_path))
    assert process.stderr is not None
    assert "faults/s" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads((tmp_path / "campaign.json").read_text())
    assert report["interrupted"] and 0 < report["faults"] < 10_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--faults", "0"), "'0' is not a number above 0"),
        (("--firmware", "tests"), "no terminal/journal.py in 'tests'"),
        (("--target", "fcb"), "invalid choice: 'fcb'"),
        (("replay", "cot/1.0/3/before/strong"), "the families are workload, cut, cut2"),
        (("replay", "cut/1.0/3"), "reads cut/<workload>/<operation>/<tear>/<fate>"),
        (("replay", "cut/1.0/99999/before/strong"), "workload 1.0 has no operation 99999"),
        (("replay", "cut/1.0/3/torn/strong"), "no tear 'torn' of a program"),
        (("replay", "cut/1.0/3/before/weak"), "no fate 'weak' of weak bits"),
        (("replay", "stuck/1.0/3/9/1"), "reads stuck/<workload>/<operation>/<byte>.<bit>/<value>"),
        (("replay", "stuck/1.0/3/99999.1/1"), "there is no 99999"),
        (("replay", "sector/1.0/3/swapped/0/4"), "there is no 4"),
        (("replay", "sector/1.0/3/melted/0"), "there is no 'melted'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2 and not out and message in err
    assert "Traceback" not in err


@pytest.mark.thorough
def test_a_rival_is_tried_with_the_same_cases_and_its_losses_are_a_finding(
    tmp_path: Path,
) -> None:
    code, out, _ = run(
        "--faults", "30", "--against", "littlefs", "--report", str(tmp_path), "--json"
    )
    report = json.loads(out)
    rival = report["against"][0]
    assert code == 0 and report["failures"] == 0 and rival["target"] == "littlefs"
    assert [family["cases"] for family in rival["families"]] == [
        family["cases"] for family in report["families"]
    ]
    assert len(report["families"]) == len(against.FAMILIES)
    assert "Side by side" in (tmp_path / "campaign.html").read_text()
