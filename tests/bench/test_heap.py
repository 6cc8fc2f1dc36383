"""The terminal's memory and its start stay below what an ESP32 allows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from boards import boardfile
from boards.virtual.shop import MERCHANT_NAME, WAIT, Shop
from companion.store import Store, terminals
from tests.bench import heap
from tests.bench.sync_journal import fill

_READY_NS = 500_000_000
# Of a full journal the start reads the sectors' heads, the newest checkpoint and what follows it.
_READS = 1500


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.provision()
        yield shop


def test_a_sale_with_a_sync_running_keeps_below_110_kb(shop: Shop) -> None:
    """As an ESP32 would hold it: tests/bench/census.py."""
    without = heap.bare(shop.directory)
    most = heap.peak(shop)
    assert 4_000 < without.live32 < 12_000 < most.live32 < most.live <= most.allocated
    assert most.live32 - without.live32 <= heap.LIVE_BAR


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
def test_the_drivers_of_a_board_take_little_more(shop: Shop) -> None:
    for name in boardfile.names():
        assert 8_000 < heap.drivers(shop.directory, name) <= heap.DRIVERS_BAR


@pytest.mark.thorough
def test_everything_works_in_a_heap_of_110_k_words() -> None:
    assert heap.works(heap.SMALLEST_BAR, source=False)
