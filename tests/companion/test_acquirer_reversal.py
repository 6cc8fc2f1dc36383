"""What a reversal does to each kind of original, on a real host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.companion.acquirer_client import DAY, RunningHost, bcd, f48, ll, lll, pack


def play(path: Path, scene: Callable[[RunningHost], Awaitable[None]], script: str = "") -> None:
    async def run() -> None:
        async with RunningHost(path / "host.sqlite", script) as host:
            await scene(host)
            assert host.ledger.unbalanced() == []

    asyncio.run(run())


def test_reversal_of_an_approved_sale_undoes_it_and_is_answered_with_a_mac(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        assert await till.code(till.sale_request(500)) == "00"
        answer = await till.ask(till.reversal_request(500, till.stan))
        assert answer is not None
        assert (answer.mti, answer.get(39), answer.amount_minor) == ("0410", "00", 500)
        assert (answer.stan, answer.batch) == (f"{till.stan:06d}", till.batch)
        assert till.verifies(answer)
        assert host.status(till, till.stan) == "REVERSED"
        assert host.ledger.totals(DAY).customer_debit_minor == 0

    play(tmp_path, scene)


def test_repeated_reversal_is_answered_00_and_undoes_once(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        request = till.reversal_request(500, till.stan)
        assert [await till.code(request) for _ in range(3)] == ["00"] * 3
        assert host.ledger.totals(DAY).customer_debit_minor == 0

    play(tmp_path, scene)


def test_reversal_of_an_unknown_sale_is_25_and_its_late_original_is_declined(
    tmp_path: Path,
) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        sale = till.sale_request(500)
        for _ in range(2):
            answer = await till.ask(till.reversal_request(500, till.stan))
            assert answer is not None
            assert answer.get(39) == "25"
            assert 64 not in answer.fields
        assert await till.code(sale) == "12"
        assert host.status(till, till.stan) == "DECLINED"
        assert host.ledger.totals(DAY).customer_debit_minor == 0
        assert await till.code(till.reversal_request(500, till.stan)) == "25"

    play(tmp_path, scene)


def test_reversal_of_a_declined_sale_is_25(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        assert await till.code(till.sale_request(500)) == "51"
        assert await till.code(till.reversal_request(500, till.stan)) == "25"
        assert host.status(till, till.stan) == "DECLINED"

    play(tmp_path, scene, '{"mti": "0200", "do": "decline", "f39": "51"}')


def test_reversal_after_a_new_sign_in_finds_its_original_by_the_old_batch(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        batch, stan = till.batch, till.stan
        await till.code(till.settlement_request(f48(0, 0)))  # unbalanced, so not settled
        await till.sign_in()
        assert till.batch != batch
        answer = await till.ask(till.reversal_request(500, stan, batch))
        assert answer is not None
        assert (answer.get(39), answer.batch) == ("00", batch)
        assert host.status(till, stan, batch) == "REVERSED"

    play(tmp_path, scene)


@pytest.mark.parametrize("field", [2, 4])
def test_reversal_with_another_amount_or_card_is_64_and_undoes_nothing(
    tmp_path: Path, field: int
) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        other = {2: ll("6222001234560006"), 4: bcd("000000000501")}
        fields = till.reversal_fields(500, till.stan) | {field: other[field]}
        assert await till.code(pack("0400", fields, till.mac_key)) == "64"
        assert host.status(till, till.stan) == "APPROVED"
        assert await till.code(till.reversal_request(500, till.stan)) == "00"

    play(tmp_path, scene)


def test_reversal_whose_original_is_named_twice_and_differently_is_30(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        fields = till.reversal_fields(500, till.stan) | {61: lll(f"{till.batch}000099")}
        assert await till.code(pack("0400", fields, till.mac_key)) == "30"
        assert host.status(till, till.stan) == "APPROVED"

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("reason", "code"), [(b"98", "00"), (b"96", "00"), (b"A0", "00"), (b"06", "00"), (b"00", "30")]
)
def test_reasons_of_a_reversal(tmp_path: Path, reason: bytes, code: str) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        request = till.reversal_request(500, till.stan, reason=reason)
        assert await till.code(request) == code

    play(tmp_path, scene)


def test_reversal_with_a_wrong_mac_is_a0_and_undoes_nothing(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        await till.code(till.sale_request(500))
        good = till.reversal_request(500, till.stan)
        assert await till.code(good[:-8] + b"00000000") == "A0"
        assert host.status(till, till.stan) == "APPROVED"

    play(tmp_path, scene)
