"""Every fault action on a real host, and scripts that are refused with the line named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from companion.acquirer import faults, wire
from companion.acquirer.inprocess import Arrival, Sending
from tests.companion.acquirer_client import DAY, Counter, RunningHost, Till, f48

SALE_BYTES = len(Till().sale_request(500))


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


@pytest.mark.parametrize("fault", ['"do": "delay_request", "ms": 200', '"do": "reorder_request"'])
def test_a_request_that_its_reversal_overtook_meets_the_tombstone(
    tmp_path: Path, fault: str
) -> None:
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

    play(tmp_path, f'{{"mti": "0200", {fault}}}', scene)


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
    "f39 is not two letters or digits": '{"do": "say", "f39": "0"}',
    "say needs f39": '{"do": "say"}',
    "partial needs minor": '{"do": "partial"}',
    "minor is not a whole number in 1..": '{"do": "echo_amount", "minor": 0}',
    "bytes is not a whole number in 0..1026": '{"do": "reset_answer", "bytes": 1027}',
    "unbalanced is for mti 0500": '{"do": "unbalanced", "mti": "0200"}',
    "partial is for mti 0200, 0100": '{"do": "partial", "minor": 1, "mti": "0220"}',
    "type is not one of sale, void": '{"do": "bad_mac", "type": "gift"}',
    "ms is not a whole number in 1..600000": '{"do": "delay_answer", "ms": 0}',
    "times is not a whole number in 1..1000000": '{"do": "bad_mac", "times": true}',
    "amount_minor is not a whole number": '{"do": "bad_mac", "amount_minor": 1.5}',
    "stan is not 6 digits": '{"do": "bad_mac", "stan": "12"}',
    "mti is not one of 0800, 0100, 0200": '{"do": "bad_mac", "mti": "0210"}',
    "terminal is not text": '{"do": "bad_mac", "terminal": 1}',
    "capture_after_reversal is for mti 0400": '{"do": "capture_after_reversal", "mti": "0200"}',
}


@pytest.mark.parametrize("error", BAD_LINES)
def test_bad_script_line_is_refused_and_named(error: str) -> None:
    with pytest.raises(faults.FaultScriptError) as caught:
        faults.parse('{"do": "drop_answer"}\n\n' + BAD_LINES[error])
    assert str(caught.value).startswith("line 3: ")
    assert error in str(caught.value)


def test_duplicated_request_is_answered_twice_and_booked_once(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        answers = [await till.receive() for _ in range(2)]
        assert [answer and answer.get(39) for answer in answers] == ["00", "94"]
        assert host.ledger.totals(DAY).customer_debit_minor == 500

    play(tmp_path, '{"mti": "0200", "do": "duplicate_request"}', scene)


def test_duplicated_answer_comes_twice(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        first, second = await till.receive(), await till.receive()
        assert first is not None
        assert first == second
        assert await till.code(till.sale_request(500)) == "00"

    play(tmp_path, '{"mti": "0200", "do": "duplicate_answer"}', scene)


def test_reordered_answer_comes_after_the_next_one(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        till.send(till.sale_request(600))
        answers = [await till.receive() for _ in range(2)]
        assert [answer and answer.amount_minor for answer in answers] == [600, 500]
        assert host.ledger.totals(DAY).customer_debit_minor == 1100

    play(tmp_path, '{"amount_minor": 500, "do": "reorder_answer"}', scene)


@pytest.mark.parametrize(
    ("length", "code"), [(0, "closed"), (30, "closed"), (SALE_BYTES - 1, "30")]
)
def test_truncated_request_is_refused_and_not_booked(
    tmp_path: Path, length: int, code: str
) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        assert await till.code(till.sale_request(500)) == code
        assert host.status(till, till.stan) == "absent"

    play(tmp_path, f'{{"mti": "0200", "do": "truncate_request", "bytes": {length}}}', scene)


def test_truncated_answer_is_a_whole_frame_of_a_cut_message(tmp_path: Path) -> None:
    async def scene(host: RunningHost) -> None:
        till = await host.till()
        till.send(till.sale_request(500))
        assert till.connection is not None
        assert await till.connection[0].readexactly(2) == b"\x00\x28"
        assert (await till.connection[0].readexactly(40))[11:13] == b"\x02\x10"
        assert host.status(till, till.stan) == "APPROVED"
        assert await till.code(till.reversal_request(500, till.stan)) == "00"

    play(tmp_path, '{"mti": "0200", "do": "truncate_answer", "bytes": 40}', scene)


def test_reset_lets_exactly_its_bytes_out() -> None:
    whole = Counter().host.receive(Counter().sale_request(5))[0]
    assert isinstance(whole, Sending)
    for n in (0, 1, 2, 60, len(whole.data)):
        till = Counter(f'{{"mti": "0200", "do": "reset_answer", "bytes": {n}}}')
        (due,) = till.host.receive(till.sale_request(5))
        assert isinstance(due, Sending)
        assert (len(due.data), due.close, due.reset) == (n, True, True)


def test_a_request_is_booked_when_the_reset_lets_all_of_it_in() -> None:
    whole = len(wire.frame(Counter().sale_request(5)))
    for n, booked in ((0, "absent"), (whole - 1, "absent"), (whole, "APPROVED")):
        till = Counter(f'{{"mti": "0200", "do": "reset_request", "bytes": {n}}}')
        (due,) = till.host.receive(till.sale_request(5))
        assert isinstance(due, Sending)
        assert (due.data, due.reset, till.booked()) == (b"", True, booked)


def test_no_mac_leaves_field_64_out() -> None:
    till = Counter('{"mti": "0200", "do": "no_mac"}')
    answer = till.put(till.sale_request(500))
    assert (answer.get(39), 64 in answer.fields) == ("00", False)
    assert till.moved() == 500


def test_no_f39_leaves_the_code_out_and_signs_the_rest() -> None:
    till = Counter('{"mti": "0200", "do": "no_f39"}')
    answer = till.put(till.sale_request(500))
    assert 39 not in answer.fields
    assert till.verifies(answer)
    assert till.moved() == 500


@pytest.mark.parametrize("code", ["94", "77", "A0", "09", "96", "98", "68", "22", "Z9"])
def test_say_books_the_sale_and_answers_something_else(code: str) -> None:
    till = Counter(f'{{"mti": "0200", "do": "say", "f39": "{code}"}}')
    answer = till.put(till.sale_request(500))
    assert (answer.get(39), 64 in answer.fields) == (code, False)
    assert (answer.prefix[5:].hex()[5] == "3") == (code in ("77", "A0"))
    assert (till.booked(), till.moved()) == ("APPROVED", 500)


def test_say_00_to_the_reversal_of_an_unknown_sale_with_a_good_mac() -> None:
    till = Counter('{"mti": "0400", "do": "say", "f39": "00"}')
    answer = till.put(till.undo("sale", 500, 77))
    assert answer.get(39) == "00"
    assert till.verifies(answer)
    assert till.booked(77) == "absent"
    assert till.f39(till.undo("sale", 500, 77)) == "25"


def test_echo_amount_answers_another_amount_under_a_good_mac() -> None:
    till = Counter('{"mti": "0200", "do": "echo_amount", "minor": 499}')
    answer = till.put(till.sale_request(500))
    assert (answer.get(39), answer.amount_minor) == ("00", 499)
    assert till.verifies(answer)
    assert till.moved() == 500


def test_sign_in_again_asks_in_the_header_of_an_approval() -> None:
    till = Counter('{"mti": "0200", "do": "sign_in_again"}')
    answer = till.put(till.sale_request(500))
    assert (answer.get(39), answer.prefix[5:].hex()[5]) == ("00", "3")
    assert till.verifies(answer)


def test_partial_approval_moves_and_says_the_smaller_amount() -> None:
    till = Counter('{"type": "sale", "do": "partial", "minor": 300, "times": 2}')
    answer = till.put(till.sale_request(500))
    assert (answer.get(39), answer.amount_minor) == ("10", 300)
    assert till.verifies(answer)
    assert till.moved() == 300
    assert till.f39(till.undo("sale", 500, till.stan)) == "00"  # it names the amount it asked
    assert till.moved() == 0
    assert till.f39(till.sale_request(200)) == "00"


def test_refuse_reversal_is_40_for_the_types_it_names() -> None:
    till = Counter('{"type": "void", "do": "refuse_reversal", "times": 9}')
    sale = till.put(till.sale_request(500))
    sale_stan = till.stan
    assert till.f39(till.request("void", 500, original=f"{till.batch}{sale.stan}")) == "00"
    assert till.f39(till.undo("void", 500, till.stan)) == "40"
    assert till.moved() == 0
    assert till.f39(till.sale_request(300)) == "00"
    assert till.f39(till.undo("sale", 300, till.stan)) == "00"
    assert till.booked(sale_stan) == "APPROVED"


def settled_once(script: str) -> Counter:
    """A till in its second batch, whose first has a sale of 500 under STAN 2."""
    till = Counter(script)
    till.put(till.sale_request(500, 2))
    till.put(till.settlement_request(f48(0, 0), 3))  # unbalanced: reversals still work
    till.signed_in(till.put(till.sign_in_request()))
    assert till.batch == "000002"
    return till


def test_loose_lookup_reverses_an_old_sale_of_the_same_stan() -> None:
    till = settled_once('{"mti": "0400", "do": "loose_lookup"}')
    assert till.f39(till.sale_request(500, 2)) == "00"
    assert till.f39(till.undo("sale", 500, 2)) == "00"
    statuses = {row.batch: row.status for row in till.host.ledger.transactions()}
    assert statuses == {"000001": "REVERSED", "000002": "APPROVED"}
    assert till.f39(till.undo("sale", 500, 2)) == "00"
    assert till.moved() == 0


def test_loose_lookup_voids_an_old_sale_of_the_same_stan() -> None:
    till = settled_once('{"mti": "0200", "type": "void", "do": "loose_lookup"}')
    assert till.f39(till.sale_request(700, 2)) == "00"
    assert till.f39(till.request("void", 700, 9, original="000002000002")) == "64"


def test_fault_given_with_a_request_strikes_before_the_script() -> None:
    till = Counter('{"mti": "0200", "do": "decline", "f39": "51"}')
    fault = faults.Fault(line=0, do=faults.DELAY_ANSWER, ms=900)
    (due,) = till.host.receive(till.sale_request(500), fault=fault)
    assert isinstance(due, Sending)
    assert (due.delay_ms, till.moved()) == (900, 500)
    assert till.f39(till.sale_request(500)) == "51"


def test_delayed_request_comes_out_to_be_given_back_in_its_time() -> None:
    till = Counter('{"mti": "0200", "do": "delay_request", "ms": 700}')
    (due,) = till.host.receive(till.sale_request(500), line="a")
    assert isinstance(due, Arrival)
    assert (due.delay_ms, due.line, till.moved()) == (700, "a", 0)
    (answer,) = till.host.arrive(due)
    assert isinstance(answer, Sending)
    assert (answer.line, till.moved()) == ("a", 500)


def test_every_action_is_in_a_test_and_in_the_readme() -> None:
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_acquirer_*.py"))
    readme = Path(faults.__file__).with_name("README.md").read_text()
    for action in faults.ACTIONS:
        assert f'"do": "{action}"' in tests or f'"{action}"]' in tests, action
        assert f"| `{action}` |" in readme, action
