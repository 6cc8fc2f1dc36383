"""A slice of the sync's bench: what does not depend on how busy this machine is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from boards.virtual.serialport import Line
from boards.virtual.wire import Traffic
from tests.bench.sync import KB, Results, as_json
from tests.bench.sync_latency import Latency
from tests.bench.sync_measure import Moved, Rig


@pytest.fixture(scope="module")
def syncs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Moved, Moved]]:
    folder = tmp_path_factory.mktemp("rig")
    with Rig(folder, Line(max_rate=921600), 192 * KB) as rig:
        yield rig.first_sync(), rig.sync()


def test_a_first_sync_keeps_the_bar_for_overhead_and_goes_at_the_raised_rate(
    syncs: tuple[Moved, Moved],
) -> None:
    first, _ = syncs
    assert first.records > 1300
    assert 0 < first.overhead <= 0.04
    assert first.line.seconds < 0.5 * first.size * 10 / 115200


def test_a_resync_takes_three_round_trips_and_moves_no_record(syncs: tuple[Moved, Moved]) -> None:
    _, again = syncs
    assert (again.records, again.line.flights) == (0, 3)
    assert 0 < again.line.to_chip < 200 and 0 < again.line.to_host < 200


def _moved(size: int, seconds: float, flights: int = 9, peak_kb: int = 1000) -> Moved:
    line = Traffic(100, size + size // 50, flights, 1, 1 + round(seconds * 1e9))
    return Moved(115200, size // 50, size, line, peak_kb)


def _results(seconds: float, flights: int, growth: int, during: float) -> Results:
    """A line of 115200 baud carries the 115200 bytes in 10 s."""
    first, again = _moved(115200, seconds), _moved(0, 0.1, flights)
    return Results(
        firsts={115200: [_moved(115200, 20.0), first]},
        resyncs={115200: again},
        copies={115200: first},
        memory=[(1, first), (2, first), (4, _moved(115200, 1.0, peak_kb=1000 + growth))],
        latencies=[Latency("serial", (1.0,) * 10, (during,) * 10)],
    )


def test_each_bar_can_be_missed() -> None:
    good = _results(10.5, 3, 10, 1.1).bars()
    assert len(good) == 6 and all(bar.kept for bar in good)
    bad = {bar.name.split(",")[0]: bar.kept for bar in _results(10.6, 4, 30, 1.3).bars()}
    assert bad == {
        "share of the line": False,
        "overhead": True,
        "round trips of a re-sync": False,
        "records in a re-sync": True,
        "companion's memory": False,
        "a sale during a sync": False,
    }


def test_the_report_is_json() -> None:
    results = _results(10.5, 3, 10, 1.1)
    report = json.loads(json.dumps(as_json(results, results.bars())))
    assert report["firsts"][1]["seconds"] == pytest.approx(10.5)
