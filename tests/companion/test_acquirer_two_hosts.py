"""A primary and a backup host, two processes on one ledger: one set of books."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from companion.acquirer.ledger import Ledger
from companion.acquirer.records import BALANCED
from companion.acquirer.terminals import TEST_TERMINAL
from tests.companion.acquirer_client import DAY, START, HostProcess, Till, f48, host_process

ROUNDS = 40


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "host.sqlite"


@pytest.fixture
def hosts(ledger_file: Path) -> Iterator[list[HostProcess]]:
    with ExitStack() as stack:

        def start(_number: int) -> HostProcess:
            return stack.enter_context(host_process(ledger_file, "--clock", START))

        # At the same moment: both find no ledger.
        with ThreadPoolExecutor(2) as pool:
            yield list(pool.map(start, range(2)))


async def two_tills(hosts: list[HostProcess]) -> list[Till]:
    """One terminal with a connection to each host, signed in at the first."""
    tills = [Till(), Till()]
    for till, host in zip(tills, hosts, strict=True):
        await till.open(host.port)
    await tills[0].sign_in()
    tills[1].batch, tills[1].mac_key = tills[0].batch, tills[0].mac_key
    return tills


async def both(tills: list[Till], message: bytes) -> list[str]:
    """F39 of the same message sent to both hosts at once."""
    return list(await asyncio.gather(*(till.code(message) for till in tills)))


def test_hosts_that_make_the_ledger_at_the_same_moment_make_one(tmp_path: Path) -> None:
    openers = 6
    for number in range(20):
        path = tmp_path / f"{number}.sqlite"
        together = Barrier(openers)

        def token(_opener: int, path: Path = path, together: Barrier = together) -> str:
            together.wait()
            ledger = Ledger(path)
            found = ledger.card("6222001234560005").token
            ledger.close()
            return found

        with ThreadPoolExecutor(openers) as pool:
            assert len(set(pool.map(token, range(openers)))) == 1  # one card key


def test_the_same_message_at_both_hosts_at_once_counts_once(
    hosts: list[HostProcess], ledger_file: Path
) -> None:
    async def run() -> None:
        tills = await two_tills(hosts)
        for number in range(ROUNDS):
            sale = tills[0].sale_request(100 + number)
            stan = tills[0].stan
            assert sorted(await both(tills, sale)) == ["00", "94"]
            if number % 2:
                undo = tills[0].reversal_request(100 + number, stan)
                assert await both(tills, undo) == ["00", "00"]
        stands = [100 + number for number in range(0, ROUNDS, 2)]
        totals = tills[0].settlement_request(f48(sum(stands), len(stands)))
        assert await both(tills, totals) == ["00", "00"]
        for till in tills:
            await till.close()

    asyncio.run(run())
    ledger = Ledger(ledger_file)
    rows = ledger.transactions()
    assert len({row.rrn for row in rows}) == len(rows) == ROUNDS
    assert ledger.unbalanced() == []
    stands = [row.amount_minor for row in rows if row.status == "APPROVED"]
    assert ledger.totals(DAY).customer_debit_minor == sum(stands)
    assert len(stands) == ROUNDS // 2
    batch = ledger.batch(TEST_TERMINAL.terminal_no, rows[0].batch)
    assert batch is not None
    assert batch.state == BALANCED
    ledger.close()


def test_the_backup_goes_on_where_a_killed_primary_stopped(
    hosts: list[HostProcess], ledger_file: Path
) -> None:
    async def run() -> None:
        tills = await two_tills(hosts)
        assert await tills[0].code(tills[0].sale_request(500)) == "00"
        assert await tills[0].code(tills[0].sale_request(600)) == "00"
        hosts[0].kill()
        # The keys and the batch that the primary gave are good at the backup.
        stan = tills[0].stan
        assert await tills[1].code(tills[0].sale_request(600, stan)) == "94"
        assert await tills[1].code(tills[0].reversal_request(600, stan)) == "00"
        await tills[1].sign_in()
        assert tills[1].batch == tills[0].batch
        tills[1].stan = stan
        assert await tills[1].code(tills[1].sale_request(700)) == "00"
        for till in tills:
            await till.close()

    asyncio.run(run())
    ledger = Ledger(ledger_file)
    assert [row.status for row in ledger.transactions()] == ["APPROVED", "REVERSED", "APPROVED"]
    assert ledger.unbalanced() == []
    ledger.close()


def test_a_sign_in_at_one_host_ends_the_keys_at_the_other(hosts: list[HostProcess]) -> None:
    async def run() -> None:
        tills = await two_tills(hosts)
        await tills[1].sign_in()
        assert await tills[0].code(tills[0].sale_request(500)) == "A0"
        assert await tills[0].code(tills[1].sale_request(500)) == "00"
        for till in tills:
            await till.close()

    asyncio.run(run())
