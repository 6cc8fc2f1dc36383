"""Every fault action on a real host, and scripts that are refused with the line named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from companion.acquirer import faults
from tests.companion.acquirer_client import DAY, RunningHost


def play(path: Path, script: str, scene: Callable[[RunningHost], Awaitable[None]]) -> None:
    async def run() -> None:
        async with RunningHost(path / "host.sqlite", script) as host:
            await scene(host)
            assert host.ledger.unbalanced() == []

    asyncio.run(run())


def test_drop_request_leaves_no_trace_in_the_ledger(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        dropped = await host.until("dropped", what="request")
        assert (dropped["mti"], dropped["amount_minor"]) == ("0200", 500)
        assert host.status(till, till.stan) == "absent"
        # On the same connection: had the sale been answered, its answer would come first.
        assert await till.code(till.reversal_request(500, till.stan)) == "25"

    play(tmp_path, '{"mti": "0200", "do": "drop_request"}', scene)


@pytest.mark.parametrize("action", ["drop_answer", "hold_answer"])
def test_drop_and_hold_book_the_sale_but_never_answer_it(tmp_path: Path, action: str) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        struck = await host.until("fault", do=action)
        assert (struck["f39"], struck["line"], struck["stan"]) == ("00", 1, f"{till.stan:06d}")
        assert host.status(till, till.stan) == "APPROVED"
        answer = await till.ask(till.reversal_request(500, till.stan))
        assert answer is not None
        assert (answer.mti, answer.get(39)) == ("0410", "00")

    play(tmp_path, f'{{"mti": "0200", "do": "{action}"}}', scene)


def test_delayed_answer_comes_after_what_was_asked_later(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        reversal = await till.ask(till.reversal_request(500, till.stan))
        late = await till.receive()
        assert reversal is not None
        assert late is not None
        assert (reversal.mti, reversal.get(39)) == ("0410", "00")
        assert (late.mti, late.get(39)) == ("0210", "00")
        assert host.status(till, till.stan) == "REVERSED"

    play(tmp_path, '{"mti": "0200", "do": "delay_answer", "ms": 200}', scene)


def test_delayed_answer_to_a_terminal_that_has_gone_is_told_as_dropped(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        await host.until("fault", do="delay_answer")
        await till.close()
        assert (await host.until("dropped", what="answer"))["f39"] == "00"
        assert host.status(till, till.stan) == "APPROVED"

    play(tmp_path, '{"mti": "0200", "do": "delay_answer", "ms": 50}', scene)


def test_delayed_request_meets_the_tombstone_of_its_reversal(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        reversal = await till.ask(till.reversal_request(500, till.stan))
        late = await till.receive()
        assert reversal is not None
        assert late is not None
        assert (reversal.mti, reversal.get(39)) == ("0410", "25")
        assert (late.mti, late.get(39)) == ("0210", "12")
        assert host.ledger.totals(DAY).customer_debit_minor == 0

    play(tmp_path, '{"mti": "0200", "do": "delay_request", "ms": 200}', scene)


def test_decline_books_the_refusal_of_a_sale(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        answer = await till.ask(till.sale_request(500))
        assert answer is not None
        assert answer.get(39) == "51"
        assert not {38, 64} & set(answer.fields)
        (row,) = host.ledger.transactions(DAY)
        assert (row.status, row.f39, row.auth) == ("DECLINED", "51", "")

    play(tmp_path, '{"mti": "0200", "do": "decline", "f39": "51"}', scene)


def test_decline_of_a_reversal_undoes_nothing_and_leaves_no_tombstone(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        assert await till.code(till.sale_request(500)) == "00"
        request = till.reversal_request(500, till.stan)
        assert await till.code(request) == "96"
        assert host.status(till, till.stan) == "APPROVED"
        assert await till.code(request) == "00"
        assert host.status(till, till.stan) == "REVERSED"
        late = till.sale_request(600)
        assert await till.code(till.reversal_request(600, till.stan)) == "96"
        assert await till.code(late) == "00"

    script = """
{"mti": "0400", "amount_minor": 500, "do": "decline", "f39": "96"}
{"mti": "0400", "amount_minor": 600, "do": "decline", "f39": "96"}
"""
    play(tmp_path, script, scene)


def test_decline_of_a_sign_in_keeps_the_old_keys(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till(sign_in=False)
        assert await till.code(till.sign_in_request()) == "96"
        await till.sign_in()
        assert till.batch == "000001"

    play(tmp_path, '{"mti": "0800", "do": "decline", "f39": "96"}', scene)


def test_bad_mac_spoils_the_answer_but_not_the_booking(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        answer = await till.ask(till.sale_request(500))
        assert answer is not None
        assert answer.get(39) == "00"
        assert not till.verifies(answer)
        assert host.status(till, till.stan) == "APPROVED"

    play(tmp_path, '{"mti": "0200", "do": "bad_mac"}', scene)


def test_capture_after_reversal_says_00_and_keeps_the_money(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        assert await till.code(till.sale_request(500)) == "00"
        for _ in range(2):
            answer = await till.ask(till.reversal_request(500, till.stan))
            assert answer is not None
            assert answer.get(39) == "00"
            assert till.verifies(answer)
        (row,) = host.ledger.transactions(DAY)
        assert (row.status, row.reversal_f39) == ("APPROVED", "00")
        assert host.ledger.totals(DAY).customer_debit_minor == 500

    play(tmp_path, '{"do": "capture_after_reversal", "amount_minor": 500}', scene)


def test_fault_strikes_only_what_it_names_and_only_so_often(tmp_path: Path) -> None:
    script = """
# comments and blank lines count as lines

{"mti": "0200", "amount_minor": 700, "do": "decline", "f39": "05", "times": 2}
{"stan": 6, "batch": "000001", "terminal": "10000001", "do": "decline", "f39": "14"}
{"terminal": "10000009", "do": "decline", "f39": "99", "times": 9}
"""

    async def scene(host: RunningHost) -> None:
        till = await host.till()  # STAN 1
        amounts = [700, 701, 700, 700, 702, 703]
        codes = [await till.code(till.sale_request(amount)) for amount in amounts]
        assert codes == ["05", "00", "05", "00", "14", "00"]
        assert (await host.until("fault", f39="14"))["line"] == 5

    play(tmp_path, script, scene)


BAD_LINES = {
    "not JSON": "{drop}",
    "not a JSON object": "[1]",
    "unknown action 'vanish'": '{"do": "vanish"}',
    "unknown action None": '{"mti": "0200"}',
    "unknown key 'amount' for drop_answer": '{"do": "drop_answer", "amount": 5}',
    "unknown key 'ms' for drop_answer": '{"do": "drop_answer", "ms": 5}',
    "delay_answer needs ms": '{"do": "delay_answer"}',
    "decline needs f39": '{"do": "decline"}',
    "f39 is not two characters of a refusal": '{"do": "decline", "f39": "00"}',
    "ms is not a whole number in 1..600000": '{"do": "delay_answer", "ms": 0}',
    "times is not a whole number in 1..1000000": '{"do": "bad_mac", "times": true}',
    "amount_minor is not a whole number": '{"do": "bad_mac", "amount_minor": 1.5}',
    "stan is not 6 digits": '{"do": "bad_mac", "stan": "12"}',
    "mti is not one of 0800, 0200, 0400": '{"do": "bad_mac", "mti": "0210"}',
    "terminal is not text": '{"do": "bad_mac", "terminal": 1}',
    "capture_after_reversal is for mti 0400": '{"do": "capture_after_reversal", "mti": "0200"}',
}


@pytest.mark.parametrize("error", BAD_LINES)
def test_bad_script_line_is_refused_and_named(error: str) -> None:
    with pytest.raises(faults.FaultScriptError) as caught:
        faults.parse('{"do": "drop_answer"}\n\n' + BAD_LINES[error])
    assert str(caught.value).startswith("line 3: ")
    assert error in str(caught.value)


def test_every_action_is_one_of_the_tested_ones() -> None:
    assert set(faults.ACTIONS) == {
        "drop_request",
        "drop_answer",
        "delay_request",
        "delay_answer",
        "hold_answer",
        "decline",
        "bad_mac",
        "capture_after_reversal",
    }
