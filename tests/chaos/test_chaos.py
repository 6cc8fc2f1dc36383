"""A slice of `make chaos-sync`."""

from __future__ import annotations

import asyncio
import shutil
import tracemalloc
from pathlib import Path

import pytest

from companion.store import Store, terminals
from companion.syncing import sync_terminal
from tests.chaos import kills, syncs
from tests.chaos.terminal import TIMEOUT, Terminal


@pytest.mark.parametrize("serial", [True, False], ids=["serial", "tcp"])
def test_syncs_that_break_off_at_any_byte_lose_nothing_and_bring_nothing_twice(
    tmp_path: Path, serial: bool
) -> None:
    tally = syncs.campaign(tmp_path / "store", 60, 2026, serial)
    assert tally.syncs == 60 and tally.stored > 15 and tally.released and tally.restarts


def test_a_companion_killed_at_any_moment_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    tally = kills.campaign(tmp_path / "store", 20, 2026, amid=3)
    assert tally.kills >= 20 and tally.amid > 2


def test_two_companions_on_one_terminal_are_served_one_after_the_other(tmp_path: Path) -> None:
    terminal = Terminal(1, sectors=32)
    with Store.open(tmp_path / "a", create=True) as store:
        terminals.offer(store, terminal.config, replace=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    async def at_once() -> list[str]:
        errors = []
        async with kills.served(terminal) as url:
            both = [kills.Companions(tmp_path / name, url) for name in "ab"]
            for _ in range(8):
                terminal.sell(40)
                jobs = [asyncio.to_thread(companion.sync) for companion in both]
                errors += [answer["error"] for answer in await asyncio.gather(*jobs)]
            for companion in both:
                errors.append((await asyncio.to_thread(companion.sync))["error"])
                companion.close()
        return errors

    errors = terminal.loop.run_until_complete(at_once())
    refused = [error for error in errors if error]
    assert all("another sync is running" in error for error in refused), refused
    assert errors[-2:] == ["", ""] and len(refused) < 16
    for name in "ab":
        with Store.open(tmp_path / name) as store:
            syncs.check(store, terminal, 0)
            syncs.prove(store, terminal)
    terminal.close()


def test_two_terminals_are_synced_into_one_store_at_once(tmp_path: Path) -> None:
    first = Terminal(1, sectors=32)
    second = Terminal(2, 32, "pz-test-2", "10000002", first.loop)
    with Store.open(tmp_path / "store", create=True) as store:
        for terminal in (first, second):
            terminals.offer(store, terminal.config, replace=False)

    async def at_once() -> None:
        async with kills.served(first) as one, kills.served(second) as two:
            both = [kills.Companions(tmp_path / "store", url) for url in (one, two)]
            for _ in range(5):
                for terminal in (first, second):
                    terminal.sell(40)
                jobs = [asyncio.to_thread(companion.sync) for companion in both]
                assert [answer["error"] for answer in await asyncio.gather(*jobs)] == ["", ""]
            for companion in both:
                companion.close()

    first.loop.run_until_complete(at_once())
    with Store.open(tmp_path / "store") as store:
        for terminal in (first, second):
            syncs.prove(store, terminal)
    second.close()
    first.close()


def test_syncing_and_verifying_take_no_more_memory_for_a_longer_journal(tmp_path: Path) -> None:
    _peaks(tmp_path / "warm up", 8)
    peaks = [_peaks(tmp_path / str(sectors), sectors) for sectors in (8, 64)]
    for short, long in zip(*peaks, strict=True):
        assert long < 1.25 * short + 16384, peaks


def _peaks(directory: Path, sectors: int) -> tuple[int, int]:
    """Bytes at most, for the sync of a full journal and for verifying it."""
    terminal = Terminal(1, sectors)
    terminal.sell(10000)
    assert len(terminal.written) > 25 * sectors
    with Store.open(directory, create=True) as store:
        terminals.offer(store, terminal.config, replace=False)
        tracemalloc.start()
        sync_terminal(store, terminal.plug(), timeout=TIMEOUT)
        for_sync = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        tracemalloc.start()
        syncs.prove(store, terminal)
        for_verify = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    terminal.close()
    return for_sync, for_verify
