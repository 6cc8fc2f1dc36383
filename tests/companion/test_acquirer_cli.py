"""`companion host` and `companion host-day` as a person runs them."""

from __future__ import annotations

import asyncio
import csv
import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from companion.acquirer import dayfile
from companion.acquirer.events import Event, as_text
from companion.acquirer.terminals import TEST_TERMINAL, Terminal, TerminalsError, load
from companion.cli.main import main
from companion.statements import layouts
from tests.companion.acquirer_client import DAY, START, Counter, RunningHost, Till, host_process

SCRIPT = """
{"mti": "0200", "amount_minor": 200, "do": "decline", "f39": "51"}
{"mti": "0400", "amount_minor": 400, "do": "capture_after_reversal"}
"""
EXPECTED = """\
#pingzhang-host-1,104110070110001,2026-03-02
business_date,host_time,merchant_no,terminal_no,batch,stan,rrn,auth,type,card,currency,amount_minor,status,f39,reversal_f39
2026-03-02,2026-03-02T01:00:00Z,104110070110001,10000001,000001,000002,030209000003,000003,SALE,622200******0005,156,100,CAPTURED,00,
2026-03-02,2026-03-02T01:01:00Z,104110070110001,10000001,000001,000003,030209000005,,SALE,622200******0005,156,200,DECLINED,51,
2026-03-02,2026-03-02T01:02:00Z,104110070110001,10000001,000001,000004,030209000007,000007,SALE,622200******0005,156,300,REVERSED,00,00
2026-03-02,2026-03-02T01:03:00Z,104110070110001,10000001,000001,000005,030209000011,000011,SALE,622200******0005,156,400,CAPTURED,00,00
#totals,4,2,500
"""


def trade(path: Path, terminals: tuple[Terminal, ...] = (TEST_TERMINAL,)) -> None:
    async def run() -> None:
        async with RunningHost(path, SCRIPT, terminals=terminals) as running:
            for terminal in terminals:
                till = await running.till(terminal)
                for amount in (100, 200, 300, 400):
                    await till.code(till.sale_request(amount))
                    if amount >= 300:
                        await till.code(till.reversal_request(amount, till.stan))

    asyncio.run(run())


def day(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["host-day", *arguments])


def test_day_file_holds_every_transaction_and_its_totals(tmp_path: Path) -> None:
    ledger, out = tmp_path / "host.sqlite", tmp_path / "day.csv"
    trade(ledger)
    result = day("--ledger", str(ledger), "--date", DAY, "--out", str(out))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "4 rows, 2 captured, 500 minor units" in result.stdout
    assert out.read_text() == EXPECTED
    day("--ledger", str(ledger), "--date", DAY, "--out", str(out))
    assert out.read_text() == EXPECTED


def test_day_file_is_what_the_statement_reader_takes() -> None:
    statement = layouts.statement(EXPECTED.encode())
    assert statement.rows["amount_minor"].to_pylist() == [100, 200, 300, 400]


MIXED = """\
SALE,500,CAPTURED,00,
VOID,500,CAPTURED,00,
SALE,400,REVERSED,00,00
PREAUTH,1000,AUTHORISED,00,
COMPLETION,1100,CAPTURED,00,
PREAUTH,600,AUTHORISED,00,
PREAUTH_CANCEL,600,AUTHORISED,00,
REFUND,1,DECLINED,25,
#totals,8,3,1100
"""


def test_day_file_of_every_type_signs_its_total_and_is_read_back() -> None:
    till = Counter()
    sale = till.put(till.request("sale", 500))
    till.put(till.request("void", 500, original=f"{till.batch}{sale.stan}"))
    till.put(till.request("sale", 400))
    till.put(till.undo("sale", 400, till.stan))
    for name, amount, share in (("completion", 1000, 1100), ("preauth_cancel", 600, 600)):
        hold = till.put(till.request("preauth", amount))
        named = {"original": f"{till.batch}{hold.stan}0302", "auth": hold.get(38)}
        till.put(till.request(name, share, **named))
    till.put(till.request("refund", 1, original="0000010000020302", rrn=sale.get(37)))
    till.put(till.request("balance", None))
    text = dayfile.render(till.host.ledger, DAY, TEST_TERMINAL.merchant_no)
    rows = list(csv.DictReader(text.splitlines()[1:-1]))
    wanted = ("type", "amount_minor", "status", "f39", "reversal_f39")
    told = [",".join(row[name] for name in wanted) for row in rows]
    assert "\n".join([*told, text.splitlines()[-1]]) + "\n" == MIXED
    statement = layouts.statement(text.encode())
    assert (statement.captured_count, statement.captured_minor) == (3, 1100)
    assert till.moved() == 1100


def test_the_same_day_twice_is_the_same_file(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        ledger, out = tmp_path / f"{name}.sqlite", tmp_path / f"{name}.csv"
        trade(ledger)
        day("--ledger", str(ledger), "--date", DAY, "--out", str(out))
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]


def test_day_file_of_two_merchants_asks_which(tmp_path: Path) -> None:
    ledger, out = tmp_path / "host.sqlite", tmp_path / "day.csv"
    trade(ledger, (TEST_TERMINAL, Terminal("10000002", "104110070110002", bytes(16))))
    base = ("--ledger", str(ledger), "--date", DAY, "--out", str(out))
    refused = day(*base)
    assert refused.exit_code == 2
    assert "104110070110001, 104110070110002" in refused.stderr
    assert not out.exists()
    assert day(*base, "--merchant-no", "104110070110002").exit_code == 0
    assert out.read_text().splitlines()[0] == f"#pingzhang-host-1,104110070110002,{DAY}"
    assert ",10000001," not in out.read_text()


@pytest.mark.parametrize("date", ["2026-03-03", "20260302", "yesterday"])
def test_date_without_trade_or_meaning_is_one_error(tmp_path: Path, date: str) -> None:
    ledger, out = tmp_path / "host.sqlite", tmp_path / "day.csv"
    trade(ledger)
    result = day("--ledger", str(ledger), "--date", date, "--out", str(out))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("companion: ")
    assert not out.exists()


def test_a_date_in_another_form_is_answered_with_the_form(tmp_path: Path) -> None:
    ledger = tmp_path / "host.sqlite"
    result = day("--ledger", str(ledger), "--date", "2.3.2026", "--out", str(tmp_path / "d"))
    assert result.stderr == "companion: --date '2.3.2026' is not YYYY-MM-DD\n"


def test_day_file_of_a_ledger_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    result = day("--ledger", str(tmp_path / "no"), "--date", DAY, "--out", str(tmp_path / "d"))
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert result.stderr == f"companion: {tmp_path / 'no'}: no such ledger\n"


BAD_HOSTS = {
    "line 2: unknown action 'loose'": ("--faults", '\n{"do": "loose"}\n'),
    "line 1: not JSON": ("--faults", "[" * 100_000),
    "input: not JSON": ("--terminals", "[" * 100_000),
    "entry 1: tmk has 3 bytes": (
        "--terminals",
        '[{"terminal_no": "10000001", "merchant_no": "104110070110001", "tmk": "010203"}]',
    ),
    "/no/such/file: No such file or directory": ("--faults", "/no/such/file"),
    "'noon' is not an ISO time": ("--clock", "noon"),
    "'here' is not HOST:PORT": ("--listen", "here"),
}


@pytest.mark.parametrize("error", BAD_HOSTS)
def test_host_with_a_bad_option_says_so_in_one_line(tmp_path: Path, error: str) -> None:
    option, value = BAD_HOSTS[error]
    if value[0] in "\n[":
        (tmp_path / "input").write_text(value)
        value = str(tmp_path / "input")
    ledger = tmp_path / "host.sqlite"
    result = CliRunner().invoke(main, ["host", "--ledger", str(ledger), option, value])
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert error in result.stderr
    assert not ledger.exists()


def test_host_whose_mac_does_not_go_with_its_key_block_says_so(tmp_path: Path) -> None:
    ledger = tmp_path / "host.sqlite"
    options = ["--dialect", "iso8583_1987", "--key-block", "001"]
    result = CliRunner().invoke(main, ["host", "--ledger", str(ledger), *options])
    assert result.exit_code == 2
    assert result.stderr == "companion: MAC x9.19 has keys of 16 bytes, key block 001 of 8\n"
    assert not ledger.exists()


def test_host_on_a_port_in_use_says_so_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ["host", "--ledger", str(tmp_path / "host.sqlite"), "--listen", listen]
        result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr == f"companion: can't listen on {listen}: Address already in use\n"


@pytest.mark.parametrize("command", ["host", "host-day"])
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example:\n    companion {command} --l" in result.stdout


def test_host_says_where_it_listens_and_that_its_test_key_is_public(tmp_path: Path) -> None:
    with host_process(tmp_path / "host.sqlite") as running:
        listening = json.loads(running.output[0])
    assert (listening["event"], listening["host"]) == ("listening", "127.0.0.1")
    assert listening["port"] > 0
    assert "public" in listening["note"]


def test_own_terminals_take_the_place_of_the_test_terminal(tmp_path: Path) -> None:
    own = Terminal("30000001", "104110070110003", bytes(range(8)))
    file = tmp_path / "terminals.json"
    entry = {"terminal_no": own.terminal_no, "merchant_no": own.merchant_no, "tmk": own.tmk.hex()}
    file.write_text(json.dumps([entry]))

    async def run(port: int) -> None:
        till = Till(own)
        await till.open(port)
        await till.sign_in()
        assert await till.code(till.sale_request(5)) == "00"
        stranger = Till()
        await stranger.open(port)
        assert await stranger.code(stranger.sign_in_request()) == "97"
        await till.close()
        await stranger.close()

    with host_process(tmp_path / "host.sqlite", "--terminals", str(file)) as running:
        assert json.loads(running.output[0])["note"] == ""
        asyncio.run(run(running.port))


def test_terminal_that_stands_twice_is_refused(tmp_path: Path) -> None:
    entry = {"terminal_no": "30000001", "merchant_no": "104110070110003", "tmk": "00" * 8}
    (tmp_path / "t.json").write_text(json.dumps([entry, entry]))
    with pytest.raises(TerminalsError, match="entry 2: 30000001 stands twice"):
        load(tmp_path / "t.json")


def test_sigterm_ends_the_host_cleanly_with_a_connection_open_and_an_answer_due(
    tmp_path: Path,
) -> None:
    script = tmp_path / "faults.jsonl"
    script.write_text('{"mti": "0200", "do": "delay_answer", "ms": 600000}\n')

    async def run() -> None:
        till = Till()
        await till.open(running.port)
        await till.sign_in()
        till.send(till.sale_request(5))
        await asyncio.to_thread(running.until, "fault")
        code, errors = await asyncio.to_thread(running.terminate)
        assert (code, errors) == (0, "")
        assert await till.receive() is None
        await till.close()

    with host_process(tmp_path / "host.sqlite", "--faults", str(script)) as running:
        asyncio.run(run())
        running.until("stopped")


def test_host_goes_on_in_its_ledger_after_sigterm(tmp_path: Path) -> None:
    till = Till()

    async def sale(port: int, code: str) -> None:
        await till.open(port)
        if not till.stan:
            await till.sign_in()
            till.stan += 1
        assert await till.code(till.sale_request(5, till.stan)) == code
        await till.close()

    for code in ("00", "94"):
        with host_process(tmp_path / "host.sqlite", "--clock", START) as running:
            asyncio.run(sale(running.port, code))
            assert running.terminate() == (0, "")


def test_text_line_shows_units_and_identity() -> None:
    event: Event = {
        "event": "answer",
        "mti": "0210",
        "terminal": "10000001",
        "batch": "000001",
        "stan": "000002",
        "amount_minor": 5,
        "card": "622200******0005",
        "f39": "00",
    }
    assert as_text(event).split() == [
        "answer",
        "0210",
        "10000001",
        "000001",
        "000002",
        "0.05",
        "card=622200******0005",
        "f39=00",
    ]
