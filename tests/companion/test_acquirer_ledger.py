"""The host's ledger: always balanced, durable before an answer, and free of card data."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import stat
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from companion.acquirer.events import as_text
from companion.acquirer.ledger import Ledger, LedgerError
from companion.acquirer.records import PostTransaction
from companion.acquirer.terminals import TEST_TERMINAL
from tests.companion.acquirer_client import (
    DAY,
    PAN,
    START,
    TRACK2,
    RunningHost,
    Till,
    host_process,
)


def test_double_entry_balances_after_every_step_of_a_random_day(tmp_path: Path) -> None:
    chance = random.Random(7)
    script = '{"do": "capture_after_reversal", "times": 5}\n' + "\n".join(
        f'{{"mti": "0200", "amount_minor": {amount}, "do": "decline", "f39": "51"}}'
        for amount in range(1, 200, 7)
    )

    async def run() -> None:
        async with RunningHost(tmp_path / "host.sqlite", script) as host:
            till = await host.till()
            expected: dict[int, int] = {}
            undone = 0
            for _ in range(150):
                amount = chance.randrange(1, 200)
                if await till.code(till.sale_request(amount)) == "00":
                    expected[till.stan] = amount
                    if chance.random() < 0.4:
                        assert await till.code(till.reversal_request(amount, till.stan)) == "00"
                        undone += 1
                        if undone > 5:
                            del expected[till.stan]
                totals = host.ledger.totals(DAY)
                assert totals.customer_debit_minor == sum(expected.values())
                assert totals.merchant_credit_minor == totals.customer_debit_minor
                assert totals.captured_count == len(expected)
                assert host.ledger.unbalanced() == []
            assert undone > 5

    asyncio.run(run())


def test_an_entry_taken_out_is_found(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"

    async def run() -> None:
        async with RunningHost(path) as host:
            till = await host.till()
            await till.code(till.sale_request(500))
            with sqlite3.connect(path) as database:
                database.execute("DELETE FROM entries WHERE side = 'CREDIT'")
            database.close()
            (found,) = host.ledger.unbalanced()
            assert found.stan == f"{till.stan:06d}"

    asyncio.run(run())


def test_sale_that_can_not_be_committed_is_not_answered(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"

    async def run() -> None:
        async with RunningHost(path, busy_s=0.05) as host:
            till = await host.till()
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            request = till.sale_request(500)
            assert await till.ask(request) is None
            assert "locked" in str((await host.until("ledger_failed"))["error"])
            other.execute("ROLLBACK")
            other.close()
            assert host.ledger.transactions() == []
            await till.open(host.port)
            assert await till.code(request) == "00"

    asyncio.run(run())


def test_change_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningHost(tmp_path / "host.sqlite") as host:
            till = await host.till()
            await till.code(till.sale_request(500))
            (sale,) = host.ledger.transactions()
            at = datetime(2026, 3, 2, tzinfo=timezone.utc)
            twice = replace(sale, stan="000099", amount_minor=1)
            with pytest.raises(LedgerError, match="UNIQUE"), host.ledger.begin() as posting:
                posting.write(PostTransaction(twice), at)
                posting.write(PostTransaction(twice), at)
            assert host.ledger.transactions() == [sale]
            assert host.ledger.totals(DAY).customer_debit_minor == 500

    asyncio.run(run())


def test_kill_right_after_an_answer_keeps_what_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"

    async def one_sale(port: int, till: Till) -> None:
        await till.open(port)
        if till.batch == "000000":
            await till.sign_in()
        assert await till.code(till.sale_request(500)) == "00"
        await till.close()

    till = Till()
    for count in range(1, 4):
        with host_process(path, "--clock", START) as host:
            asyncio.run(one_sale(host.port, till))
            host.kill()
        ledger = Ledger(path, create=False)
        assert len(ledger.transactions(DAY)) == count
        assert ledger.totals(DAY).customer_debit_minor == 500 * count
        assert ledger.unbalanced() == []
        ledger.close()


def test_kill_while_an_answer_is_held_keeps_what_was_booked(tmp_path: Path) -> None:
    path, script = tmp_path / "host.sqlite", tmp_path / "faults.jsonl"
    script.write_text('{"mti": "0200", "do": "hold_answer"}\n')

    async def hold(port: int) -> None:
        till = Till()
        await till.open(port)
        await till.sign_in()
        till.send(till.sale_request(500))
        assert till.connection is not None
        await till.connection[1].drain()
        await asyncio.to_thread(host.until, "fault")
        await till.close()

    with host_process(path, "--clock", START, "--faults", str(script)) as host:
        asyncio.run(hold(host.port))
        host.kill()
    ledger = Ledger(path, create=False)
    assert [row.status for row in ledger.transactions(DAY)] == ["APPROVED"]
    ledger.close()


def test_no_card_data_in_ledger_log_or_output(tmp_path: Path) -> None:
    path, script = tmp_path / "host.sqlite", tmp_path / "faults.jsonl"
    script.write_text('{"mti": "0200", "amount_minor": 2, "do": "decline", "f39": "51"}\n')

    async def trade(port: int) -> Till:
        till = Till()
        await till.open(port)
        await till.sign_in()
        for amount in (1, 2):
            request = till.sale_request(amount)
            await till.code(request)
            await till.code(till.reversal_request(amount, till.stan))
        await till.code(request + b"\x00")
        await till.close()
        return till

    with host_process(path, "--clock", START, "--faults", str(script)) as host:
        till = asyncio.run(trade(host.port))
        # While it runs, so that the write-ahead log is looked at too.
        kept = [file.read_bytes() for file in tmp_path.iterdir() if file != script]
        code, errors = host.terminate()
        host.until("stopped")
    assert code == 0
    spoken = [as_text(json.loads(line)) for line in host.output]
    stored = b"".join(kept) + "\n".join([*host.output, *spoken, errors]).encode()
    assert b"622200******0005" in stored
    for secret in (PAN, TRACK2, TRACK2[16:], PAN[6:12]):
        assert secret.encode() not in stored
    for secret in (PAN, TRACK2 + "0"):
        assert bytes.fromhex(secret) not in stored
    assert till.mac_key not in stored
    assert TEST_TERMINAL.tmk not in stored
    assert TEST_TERMINAL.tmk.hex().encode() not in stored.lower()


def test_ledger_and_its_card_key_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"
    ledger = Ledger(path)
    for file in (path, tmp_path / "host.sqlite.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ledger.close()


def test_same_card_is_the_same_account_after_a_restart(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "host.sqlite")
    card = first.card(PAN)
    first.close()
    again = Ledger(tmp_path / "host.sqlite")
    assert again.card(PAN) == card
    assert again.card(PAN[:-1] + "6").token != card.token
    again.close()


def test_ledger_with_cards_is_not_opened_without_their_key(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"

    async def run() -> None:
        async with RunningHost(path) as host:
            till = await host.till()
            await till.code(till.sale_request(500))

    asyncio.run(run())
    (tmp_path / "host.sqlite.key").unlink()
    with pytest.raises(LedgerError, match=r"card key host\.sqlite\.key is missing"):
        Ledger(path)
    assert not (tmp_path / "host.sqlite.key").exists()


def test_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database at all " * 100)
    with pytest.raises(LedgerError, match=r"notes\.txt: file is not a database"):
        Ledger(path)
    assert path.read_bytes() == b"not a database at all " * 100


def test_ledger_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "host.sqlite"
    Ledger(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=1")
    database.close()
    with pytest.raises(LedgerError, match=r"host\.sqlite: a ledger of version 1, not 2"):
        Ledger(path)


def test_missing_ledger_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no such ledger"):
        Ledger(tmp_path / "absent.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []
