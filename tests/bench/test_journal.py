"""A slice of the journal's bench: every bar, on few sales and one size."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.bench import journal_measure as measure
from tests.bench.journal import SECTORS, Results, as_json


@pytest.fixture(scope="module")
def results() -> Results:
    designs = ("journal", "littlefs")
    return Results(
        trades=[measure.measure_trade(design, SECTORS, 60, 20, 1) for design in designs],
        mounts=measure.measure_mounts("journal", SECTORS, (0, 100), 2),
        heaps=[measure.measure_heap(design, 3) for design in designs],
        worst_mounts={SECTORS: measure.measure_worst_mount(SECTORS, 100, 4)},
    )


def test_the_journal_keeps_every_bar(results: Results) -> None:
    bars = results.bars()
    assert len(bars) == 9
    missed = [bar for bar in bars if not bar.kept]
    assert not missed


def test_a_bar_can_be_missed(results: Results) -> None:
    other = Results(
        trades=[dataclasses.replace(results.trades[1], design="journal")],
        mounts=results.mounts,
        heaps=results.heaps,
        worst_mounts={SECTORS: 4097},
    )
    missed = {bar.name for bar in other.bars() if not bar.kept}
    assert "write amplification" in missed and "bytes a mount reads, 512 KB" in missed


def test_an_idle_journal_erases_off_the_path_and_littlefs_on_it(results: Results) -> None:
    journal, littlefs = results.trades
    assert journal.path.erases == 0 < journal.idle.erases
    assert littlefs.path.erases > littlefs.sales


def test_the_report_is_json(results: Results) -> None:
    report = json.loads(json.dumps(as_json(results, results.bars())))
    assert report["trades"][0]["path"]["pages"] == 180
