"""The terminal's memory and its start stay below what an ESP32 allows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import boardfile, firmware
from boards.virtual.shop import MERCHANT_NAME, WAIT, Shop
from companion.store import Store, terminals
from tests.bench import census, heap
from tests.bench.sync_journal import fill

_READY_NS = 500_000_000
# Of a full journal the start reads the sectors' heads, the newest checkpoint and what follows it.
_READS = 1500


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.provision()
        yield shop


def test_a_sale_with_a_sync_running_keeps_below_110_kb(tmp_path: Path) -> None:
    """As an ESP32 would hold it, with a board's own drivers: tests/bench/census.py."""
    _keeps(tmp_path, "esp32_devkitc", sales=3, every_s=0.02)


def _keeps(folder: Path, name: str, sales: int, every_s: float) -> None:
    with Shop(folder) as shop:
        shop.provision(heap.PATIENT_MS)
        most = heap.peak(shop, name, sales, every_s)
    assert most.counts > sales and most.kept - most.tables > 60_000
    assert most.kept <= heap.LIVE_BAR
    assert 900 < most.names <= heap.NAMES_BAR


def test_tables_of_names_double() -> None:
    """py/qstr.c: room for 20 and 40 and 80 ..., 7 bytes a name and 24 a table, blocks of 16."""
    assert [census.name_tables(count) for count in (0, 1, 20, 21, 60)] == [0, 176, 176, 480, 480]
    assert census.name_tables(1260) + 16 * 562 == census.name_tables(1261)


@pytest.mark.parametrize(("least", "found"), [(93, 95), (95, 95), (160, 160), (161, 0), (1, 85)])
def test_the_smallest_heap_is_found_by_halves(least: int, found: int) -> None:
    asked = []

    def works(kilowords: int) -> bool:
        asked.append(kilowords)
        return kilowords >= least

    assert heap.smallest(160, works) == found
    assert len(asked) <= 5 and len(set(asked)) == len(asked)


def test_a_start_with_a_full_journal_is_ready_in_half_a_second(shop: Shop) -> None:
    """Processor time: a flash that takes no time is behind it, so its reads are counted too."""
    with Store.open(shop.store) as store, store.read() as connection:
        terminal = terminals.every(connection)[0]
    board = shop.board
    board.power_off()
    journal = board.flash["journal"]
    records = fill(journal.path, terminal.seal_key, terminal.device_id)
    assert records > 3800
    before = journal.counts
    board.power_on()
    board.wait_screen(MERCHANT_NAME, WAIT)
    assert board.cpu_ns() < _READY_NS
    done = journal.counts - before
    assert 0 < done.reads < _READS
    assert done.programs <= 3 and done.erases == 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", boardfile.names())
def test_every_board_keeps_below_110_kb(tmp_path: Path, name: str) -> None:
    _keeps(tmp_path, name, sales=12, every_s=0.002)


@pytest.mark.thorough
def test_everything_works_in_a_heap_of_110_k_words() -> None:
    assert heap.works(heap.SMALLEST_BAR, source=False)


_CHINESE = """\
import micropython
from drivers import gb2312, text
from terminal import columns

def draw(begin, end):
    font = text.open_font("firmware/fonts/terminal.font")
    for first in range(begin, end, 10):
        line = bytes([byte for i in range(first, first + 10)
                      for byte in (0xE0 | i >> 12, 0x80 | i >> 6 & 63, 0x80 | i & 63)]).decode()
        sum(text.dots(font, line, True, 128))
        text.changes([(0, 12, line)], [(0, 12, line[:5] + "12345")])
        gb2312.encode(line)
        columns.cut(line, columns.width(line) - 3)

draw(0x4E00, 0x4E0A)
micropython.qstr_info()
draw(0x4E0A, 0x4F00)
micropython.qstr_info()
"""


def test_chinese_that_is_shown_leaves_no_names() -> None:
    """MicroPython keeps every text of one character for ever; of qstr_info, the names."""
    run = subprocess.run(
        [str(Path(sys.executable).parent / "micropython"), "-c", _CHINESE],
        cwd=firmware.REPOSITORY,
        env={"MICROPYPATH": "firmware:.:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    counts = [int(count) for count in re.findall(r"n_qstr=(\d+)", run.stdout)]
    assert len(counts) == 2 and counts[0] == counts[1], run.stdout + run.stderr
