"""A real host on loopback: sign-in, sale, refusals, malformed input, several terminals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from companion.acquirer import keys, wire
from companion.acquirer.server import Limits
from companion.acquirer.terminals import TEST_TERMINAL, Terminal
from tests.companion.acquirer_client import (
    DAY,
    MASKED,
    PREFIX,
    RunningHost,
    Till,
    bcd,
    ll,
    lll,
    pack,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "host.sqlite"


def play(host: RunningHost, scene: Callable[[RunningHost], Awaitable[None]]) -> None:
    async def run() -> None:
        async with host:
            await scene(host)

    asyncio.run(run())


def test_sign_in_gives_keys_a_batch_and_the_host_time(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till(sign_in=False)
        answer = await till.ask(till.sign_in_request())
        assert answer is not None
        assert (answer.mti, answer.get(39), answer.stan) == ("0810", "00", "000001")
        assert (answer.get(13), answer.get(12)) == ("0302", "090000")
        assert answer.get(60) == "00000001003"
        assert 64 not in answer.fields
        block = bytes.fromhex(answer.get(62))
        pin = keys.decrypt(TEST_TERMINAL.tmk, block[:16])
        mac = keys.decrypt(TEST_TERMINAL.tmk, block[20:28])
        assert (block[16:20], block[28:]) == (keys.kcv(pin), bytes(8) + keys.kcv(mac))
        assert (await till.sign_in()).batch == "000001"  # nothing of it is settled yet

    play(RunningHost(path), scene)


def test_approved_sale_is_answered_with_a_mac_and_booked_once(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        answer = await till.ask(till.sale_request(123456))
        assert answer is not None
        assert (answer.mti, answer.get(39), answer.amount_minor) == ("0210", "00", 123456)
        assert (answer.stan, answer.batch) == (f"{till.stan:06d}", till.batch)
        assert len(answer.get(37)) == 12
        assert len(answer.get(38)) == 6
        assert till.verifies(answer)
        (sale,) = host.ledger.transactions(DAY)
        assert (sale.status, sale.amount_minor, sale.card) == ("APPROVED", 123456, MASKED)
        assert (sale.rrn, sale.auth) == (answer.get(37), answer.get(38))
        assert host.ledger.totals(DAY).customer_debit_minor == 123456
        assert host.ledger.totals(DAY).merchant_credit_minor == 123456

    play(RunningHost(path), scene)


def test_repeated_sale_is_answered_94_and_moves_nothing(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        request = till.sale_request(500)
        assert [await till.code(request) for _ in range(3)] == ["00", "94", "94"]
        assert host.ledger.totals(DAY).customer_debit_minor == 500

    play(RunningHost(path), scene)


def test_sale_with_a_wrong_or_missing_mac_is_answered_a0_and_not_booked(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        good = till.sale_request(500)
        answer = await till.ask(good[:-1] + bytes([good[-1] ^ 1]))
        assert answer is not None
        assert answer.get(39) == "A0"
        assert answer.prefix[5:].hex()[5] == "3"  # sign in again
        assert await till.code(pack("0200", till.sale_fields(500, till.stan))) == "A0"
        assert host.ledger.transactions() == []
        assert await till.code(good) == "00"

    play(RunningHost(path), scene)


def test_sale_before_sign_in_or_in_an_old_batch_is_answered_77(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till(sign_in=False)
        assert await till.code(till.sale_request(500)) == "77"
        await till.sign_in()
        assert await till.code(replace(till, batch="000000").sale_request(500, stan=9)) == "77"
        assert host.ledger.transactions() == []

    play(RunningHost(path), scene)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (3, bcd("200000"), "40"),
        (25, bcd("06"), "40"),
        (60, lll("23000001000"), "40"),
        (4, bcd("000000000000"), "13"),
        (49, b"840", "12"),
        (2, ll("622200123456"), "30"),
        (41, b"10000002", "97"),
        (42, b"104110070110002", "03"),
    ],
)
def test_what_the_host_does_not_do_is_refused(
    path: Path, field: int, value: bytes, code: str
) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        fields = till.sale_fields(500) | {field: value}
        answer = await till.ask(pack("0200", fields, till.mac_key))
        assert answer is not None
        assert answer.get(39) == code
        assert 64 not in answer.fields
        assert host.ledger.transactions() == []

    play(RunningHost(path), scene)


@pytest.mark.parametrize("field", [2, 3, 4, 22, 25, 49])
def test_sale_without_a_needed_field_is_answered_30(path: Path, field: int) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        fields = till.sale_fields(500)
        del fields[field]
        fields.pop(35)
        assert await till.code(pack("0200", fields, till.mac_key)) == "30"
        assert host.ledger.transactions() == []

    play(RunningHost(path), scene)


def test_transaction_of_another_kind_is_answered_40(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        answer = await till.ask(pack("0620", till.common("000009", f"00{till.batch}201")))
        assert answer is not None
        assert (answer.mti, answer.get(39)) == ("0630", "40")

    play(RunningHost(path), scene)


def malformed() -> dict[str, bytes]:
    """Whole byte streams, each wrong in its own way."""
    till = Till(batch="000001")
    sale = till.sale_request(500)
    fields = till.sale_fields(500)
    stray = random.Random(20260302)
    return {
        "garbage": stray.randbytes(400),
        "length of zero": b"\x00\x00",
        "length over the limit": b"\x04\x01" + sale,
        "length one too small": (len(sale) - 1).to_bytes(2, "big") + sale,
        "truncated and closed": wire.frame(sale)[:-20],
        "half a length": b"\x00",
        "trailing byte": wire.frame(sale + b"\x00"),
        "unknown field": wire.frame(pack("0200", fields | {17: bcd("0302")}, bytes(8))),
        "bad BCD in the amount": wire.frame(pack("0200", fields | {4: b"\xff" * 6}, bytes(8))),
        "field over its maximum": wire.frame(pack("0200", fields | {60: lll("2" * 18)})),
        "answer instead of a request": wire.frame(pack("0210", fields, bytes(8))),
        "zeros": wire.frame(bytes(64)),
        "only TPDU and header": wire.frame(PREFIX),
    }


@pytest.mark.parametrize("name", malformed())
def test_malformed_message_is_answered_30_or_closed_with_one_line(path: Path, name: str) -> None:
    async def scene(host: RunningHost) -> None:
        bystander = await host.till()
        heard = len(host.events)
        till = await host.till(sign_in=False)
        assert till.connection is not None
        till.connection[1].write(malformed()[name])
        till.connection[1].write_eof()
        answer = await till.receive()
        assert answer is None or answer.get(39) == "30"
        while answer is not None:
            answer = await till.receive()
        lines = [event["event"] for event in host.events[heard:] if event["event"] != "answer"]
        assert lines in (["rejected"], ["connection_lost"], ["rejected", "connection_lost"])
        assert host.ledger.transactions() == []
        assert await bystander.code(bystander.sale_request(700)) == "00"

    play(RunningHost(path), scene)


def test_broken_message_that_names_its_terminal_is_answered_30_and_may_go_on(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        good = till.sale_request(500)
        answer = await till.ask(good + b"\x00")
        assert answer is not None
        assert (answer.mti, answer.get(39), answer.stan) == ("0210", "30", f"{till.stan:06d}")
        assert "Extra data" in str((await host.until("rejected"))["error"])
        assert await till.code(good) == "00"

    play(RunningHost(path), scene)


def test_peer_that_stalls_inside_a_message_is_cut_off(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till(sign_in=False)
        assert till.connection is not None
        till.connection[1].write(b"\x00\x50half")
        assert await till.receive() is None
        assert await host.until("connection_lost") == {
            "event": "connection_lost",
            "error": "timed out",
        }

    play(RunningHost(path, limits=Limits(message_s=0.05)), scene)


def test_connections_beyond_the_limit_are_refused(path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        first = await host.till()
        second = await host.till(sign_in=False)
        assert await second.receive() is None
        assert await first.code(first.sale_request(1)) == "00"

    play(RunningHost(path, limits=Limits(connections=1)), scene)


def test_session_keys_outlive_the_host(path: Path) -> None:
    tills = []

    async def before(host: RunningHost) -> None:
        tills.append(await host.till())

    async def after(host: RunningHost) -> None:
        (till,) = tills
        await till.open(host.port)
        answer = await till.ask(till.sale_request(900))
        assert answer is not None
        assert answer.get(39) == "00"
        assert till.verifies(answer)
        await till.close()

    play(RunningHost(path), before)
    play(RunningHost(path), after)


def test_terminal_with_a_new_master_key_has_to_sign_in_again(path: Path) -> None:
    changed = replace(TEST_TERMINAL, tmk=bytes(range(16)))

    async def before(host: RunningHost) -> None:
        await host.till()

    async def after(host: RunningHost) -> None:
        till = await host.till(changed, sign_in=False)
        assert await till.code(till.sale_request(900)) == "77"
        await till.sign_in()
        assert await till.code(till.sale_request(900)) == "00"

    play(RunningHost(path), before)
    play(RunningHost(path, terminals=(changed,)), after)


def test_terminals_at_the_same_time_keep_their_keys_and_books_apart(path: Path) -> None:
    terminals = tuple(
        Terminal(f"2000000{i}", "104110070110001", bytes([i] * 16)) for i in range(1, 6)
    )

    async def trade(host: RunningHost, terminal: Terminal) -> None:
        till = await host.till(terminal)
        for amount in range(1, 21):
            answer = await till.ask(till.sale_request(amount))
            assert answer is not None
            assert (answer.get(39), answer.terminal_no) == ("00", terminal.terminal_no)
            assert answer.amount_minor == amount
            assert till.verifies(answer)
            if amount % 4 == 0:
                assert await till.code(till.reversal_request(amount, till.stan)) == "00"

    async def scene(host: RunningHost) -> None:
        await asyncio.gather(*(trade(host, terminal) for terminal in terminals))
        kept = sum(amount for amount in range(1, 21) if amount % 4)
        assert host.ledger.totals(DAY).customer_debit_minor == 5 * kept
        assert host.ledger.totals(DAY).captured_count == 5 * 15
        assert host.ledger.unbalanced() == []
        rrns = {row.rrn for row in host.ledger.transactions()}
        assert len(rrns) == 100

    play(RunningHost(path, terminals=terminals), scene)


def test_scripted_clock_moves_a_minute_a_sale_and_survives_a_restart(path: Path) -> None:
    times: list[str] = []

    async def two_sales(host: RunningHost) -> None:
        till = await host.till()
        till.stan += len(times)
        for _ in range(2):
            answer = await till.ask(till.sale_request(100))
            assert answer is not None
            times.append(answer.get(13) + answer.get(12))

    play(RunningHost(path), two_sales)
    play(RunningHost(path), two_sales)
    assert times == ["0302090000", "0302090100", "0302090200", "0302090300"]
