"""The command as a person runs it: help, tables, JSON, exit codes, one line for each error."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from companion.cli.main import main
from companion.store import Store, terminals
from companion.store.sink import RecordSink
from protocol import cbor, config, record
from terminal.sync import SyncServer
from tests.companion.plain import listen
from tests.companion.sealed import DAY, TERMINAL, DayFile, Device
from tests.companion.terminal_rig import PYTHON, TerminalProcess

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)


def fine(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: object) -> str:
    """The one line on stderr of a command that ends with 2."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("companion: ")
    return line


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def command(path: tuple[str, ...]) -> click.Command:
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), name)
        assert inner is not None
        found = inner
    return found


def filled(path: tuple[str, ...]) -> list[str]:
    """Something for everything that a command must be given."""
    given = {"sync": ["--port", "tcp://127.0.0.1:1"], "import": ["no.csv"], "read": ["no.bin"]}
    if path[-1] in given:
        return given[path[-1]]
    words = []
    for parameter in command(path).params:
        if not parameter.required:
            continue
        kind, value = parameter.type, "x"
        if isinstance(kind, click.Choice):
            value = str(kind.choices[0])
        elif isinstance(kind, click.DateTime):
            value = DAY
        elif isinstance(kind, click.types.IntParamType):
            value = "1"
        named = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
        words += [*named, value]
    return words


EVERY = list(commands())
OURS = [
    path
    for path in EVERY
    if path[0] not in ("host", "host-day", "escape", "selftest", "inject", "check")
    and not isinstance(command(path), click.Group)
]


# Their result is an XLSX file.
SHEETS = (("case", "export"), ("case", "import"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def day(store: Path, tmp_path: Path) -> Path:
    """A store with a synced day that has one break, and its host file imported."""
    device = Device()
    for stan, end in enumerate(("approved", "declined", "reversed", "suspended"), 1):
        device.sale(stan, 1000 * stan, end)
    with Store.open(store, create=True) as opened:
        device.offer(opened)
        device.sync(opened)
    file = DayFile().add(1, 1000).add(2, 2000, "DECLINED").add(3, 3000)
    fine("import", file.write(tmp_path / "day.csv"), "--store", store)
    return store


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    text = fine(*path, "--help").stdout
    assert "Example" in text
    assert f"companion {' '.join(path)}" in text.split("Example", 1)[1]


@pytest.mark.parametrize("path", OURS, ids=" ".join)
def test_every_command_of_the_store_can_be_given_one_and_speaks_json(
    path: tuple[str, ...],
) -> None:
    text = fine(*path, "--help").stdout
    assert "--store" in text
    assert "--json" in text or path in SHEETS


def test_the_help_documents_every_exit_code() -> None:
    text = fine("--help").stdout.split("Exit codes:")[1]
    assert [line.split()[0] for line in text.strip().splitlines()] == ["0", "1", "2", "3"]
    assert fine().stdout == fine("--help").stdout


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "companion", "breaks", "--store", "/nonexistent/store"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("companion: /nonexistent/store: no store here")
    assert done.stderr.count("\n") == 1 and done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("sync",), "Missing option '--port'"),
        (("import",), "Missing argument 'FILE...'"),
        (("breaks", "--code", "ODD"), "'ODD' is not one of"),
        (("reconcile", "--date", "yesterday"), "yesterday"),
        (("provision", "--port", "x", "--tmk", "0123XYZ"), "not hexadecimal"),
        (("provision", "--port", "x", "--terminal-no", "1"), "configuration: terminal_no"),
        (("provision", "--port", "x", "--tmk", "0123"), "configuration: tmk"),
        (
            ("provision", "--port", "x", "--profile", "own", "--response-ms", "9"),
            "give --reversal-tries, --reversal-wait-ms",
        ),
        (("provision", "--port", "x", "--backup", "10.0.0.2"), "'10.0.0.2' is not HOST:PORT"),
        (("provision", "--port", "x", "--backup", "h:65536"), "'h:65536' is not HOST:PORT"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert message in refused(*arguments)


def test_a_wrong_key_is_never_repeated_on_the_screen() -> None:
    assert "0123XYZ" not in refused("provision", "--port", "x", "--tmk", "0123XYZ")


@pytest.mark.parametrize("path", [path for path in OURS if path[0] != "provision"], ids=" ".join)
def test_without_a_store_nothing_is_made_and_one_line_says_so(
    path: tuple[str, ...], store: Path
) -> None:
    line = refused(*path, *filled(path), "--store", store)
    # What is wrong with the words themselves may be said first.
    assert "no store here" in line or len(filled(path)) > 0 or path[0] == "case"
    assert not store.exists()


def test_one_bad_file_among_several_is_named_and_the_others_are_taken_in(
    store: Path, tmp_path: Path
) -> None:
    good = [
        DayFile(day=day).add(1, 100).write(tmp_path / f"{day}.csv")
        for day in ("2026-03-02", "2026-03-04")
    ]
    bad = tmp_path / "other.csv"
    bad.write_text("date;amount\n")
    done = run("import", good[0], bad, good[1], "--store", store, "--json")
    assert done.exit_code == 2
    first, last = done.stderr.splitlines()
    assert first.startswith(f"companion: {bad}: unknown layout") and "1 of 3" in last
    told = [one["statements"][0]["first_day"] for one in json.loads(done.stdout)]
    assert told == ["2026-03-02", "2026-03-04"]


def test_a_statement_of_unknown_layout_is_refused_and_no_store_made_for_it(
    store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.csv"
    path.write_text("date;amount\n")
    assert "unknown layout: begins with 'date;amount'" in refused("import", path, "--store", store)
    assert not store.exists()


@pytest.mark.parametrize(
    ("folder", "command"),
    [("locks", "import"), ("files", "import"), ("locks", "reconcile"), ("facts", "reconcile")],
)
def test_a_store_that_cannot_be_written_is_one_line_that_says_where(
    day: Path, tmp_path: Path, folder: str, command: str
) -> None:
    shutil.rmtree(day / folder, ignore_errors=True)
    (day / folder).touch()  # modes do not stop root, a file in the place of a folder does
    more = [DayFile().add(9, 900).write(tmp_path / "more.csv")] if command == "import" else []
    assert f"{day / folder}" in refused(command, *more, "--store", day)
    (day / folder).unlink()
    fine(command, *more, "--store", day)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_has_seen_enough_gets_no_traceback(day: Path, form: list[str]) -> None:
    listing = subprocess.Popen(
        [sys.executable, "-m", "companion", "journal", "list", "--store", day, *form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert listing.stdout and listing.stderr
    listing.stdout.close()
    assert listing.stderr.read() == b""
    listing.stderr.close()
    assert listing.wait() == 1


@pytest.mark.parametrize("command", ["breaks", "reconcile", "journal verify"])
def test_a_foreign_or_damaged_database_is_one_line(store: Path, day: Path, command: str) -> None:
    database = day / "store.sqlite"
    whole = database.read_bytes()
    database.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    assert "malformed" in refused(*command.split(), "--store", day)
    database.write_bytes(b"garbage" * 1000)
    assert "file is not a database" in refused(*command.split(), "--store", day)
    database.unlink()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "of another program" in refused(*command.split(), "--store", day)


@pytest.mark.parametrize("port", ["/dev/no-such-port", "tcp://127.0.0.1:1", "tcp://nowhere"])
def test_a_port_that_is_not_there_is_one_line_and_leaves_no_terminal(day: Path, port: str) -> None:
    assert port in refused("sync", "--port", port, "--store", day)
    assert port in refused(
        "provision", "--port", port, "--terminal-no", "10000009", "--store", day
    )
    with Store.open(day) as store, store.read() as connection:
        assert [item.device_id for item in terminals.every(connection)] == ["pz-test-1"]


def test_importing_says_what_it_took_and_the_second_time_that_there_was_nothing(
    store: Path, tmp_path: Path
) -> None:
    path = DayFile().add(1, 123456).write(tmp_path / "day.csv")
    assert "rows 1, captured 1, 1,234.56" in fine("import", path, "--store", store).stdout
    assert "nothing to do" in fine("import", path, "--store", store).stdout
    again = json.loads(fine("import", path, "--store", store, "--json").stdout)
    (told,) = again["statements"]
    assert (again["new"], told["rows"], told["first_day"]) == (False, 1, DAY)
    corrected = DayFile().add(1, 123457).write(tmp_path / "day.csv")
    assert "takes the place" in fine("import", corrected, "--store", store).stdout


def test_a_file_of_no_known_layout_is_learned_and_then_read_by_its_mapping(
    store: Path, tmp_path: Path
) -> None:
    clear = "622200" + "0000000009"
    path = tmp_path / "pos.csv"
    path.write_text(
        f"商户号;终端号;凭证号;交易类型;卡号;金额;交易日期\nM1;T1;7;pay;{clear};12.50;20260302\n"
    )
    assert "or a mapping file (--learn drafts one)" in refused("import", path, "--store", store)
    draft = fine("import", "--learn", path).stdout
    assert clear not in draft and '"pay" = "?"' in draft
    seen = json.loads(fine("import", "--learn", path, "--json").stdout)
    assert (seen["delimiter"], seen["rows"]) == (";", 1)
    mapping = tmp_path / "pos.json"
    known = {one["suggested"]: one["name"] for one in seen["columns"]}
    made = {"name": "pos", "kind": "acquirer", "delimiter": ";", "date": "%Y%m%d"}
    mapping.write_text(json.dumps({**made, "columns": known, "types": {"pay": "?"}}))
    wanted = ["import", "--mapping", mapping, path, "--store", store]
    assert "what 'pay' means is not said yet" in refused(*wanted)
    mapping.write_text(json.dumps({**made, "columns": known, "types": {"pay": "SALE"}}))
    assert "clear card number" in refused(*wanted)
    assert not (store / "files").exists()
    assert (
        "pos, merchant M1, 2026-03-02: rows 1, captured 1, 12.50" in fine(*wanted, "--mask").stdout
    )
    assert "nothing to do" in fine(*wanted, "--mask").stdout
    day_file = DayFile().add(1, 5).write(tmp_path / "day.csv")
    assert "which needs no mapping" in refused("import", "--learn", day_file)


def test_reconcile_shows_counts_breaks_and_the_equation(day: Path) -> None:
    text = fine("reconcile", "--store", day).stdout
    assert "REVERSED_BUT_SETTLED" in text and "HEALED" in text
    assert "customer debit 40.00 = merchant books 10.00 + open breaks 30.00: holds" in text
    document = json.loads(fine("reconcile", "--json", "--store", day).stdout)
    assert document["counts"] == {
        "DECLINED": 1,
        "HEALED": 1,
        "MATCHED": 1,
        "REVERSED_BUT_SETTLED": 1,
    }
    assert document["equation"] == {
        "host_captured_minor": 4000,
        "terminal_approved_minor": 1000,
        "open_breaks_minor": 3000,
        "awaited_minor": 0,
        "holds": True,
    }
    assert (document["opened"], document["closed"], len(document["breaks"])) == ([], {}, 1)


def test_reconcile_of_one_day_shows_that_day(day: Path) -> None:
    other = json.loads(fine("reconcile", "--date", "2026-03-03", "--json", "--store", day).stdout)
    assert other["breaks"] == [] and other["equation"]["host_captured_minor"] == 0
    same = json.loads(fine("reconcile", "--date", DAY, "--json", "--store", day).stdout)
    assert len(same["breaks"]) == 1 and same["equation"]["open_breaks_minor"] == 3000


def test_reconcile_ends_with_3_when_the_equation_does_not_hold(
    day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.reconcile.run._told", lambda *_: iter(()))
    result = run("reconcile", "--store", day)
    assert result.exit_code == 3
    assert "does not hold" in result.stdout


def test_breaks_are_listed_in_words_and_checked_on_request(day: Path) -> None:
    assert "nothing was reconciled yet" in fine("breaks", "--store", day).stdout
    fine("reconcile", "--store", day)
    text = fine("breaks", "--store", day).stdout
    assert "REVERSED_BUT_SETTLED" in text and "acquirer" in text and "30.00" in text
    (row,) = json.loads(fine("breaks", "--json", "--store", day).stdout)
    assert (row["code"], row["state"], row["effect_minor"]) == (
        "REVERSED_BUT_SETTLED",
        "open",
        3000,
    )
    assert row["evidence"]["acquirer"]["line"] == 5
    assert run("breaks", "--check", "--store", day).exit_code == 1
    only = fine("breaks", "--check", "--code", "HOST_ONLY", "--json", "--store", day)
    assert json.loads(only.stdout) == []


def test_closed_breaks_are_listed_with_their_reason_when_asked(day: Path, tmp_path: Path) -> None:
    fine("reconcile", "--store", day)
    file = DayFile().add(1, 1000).add(2, 2000, "DECLINED").add(3, 3000, "REVERSED")
    fine("import", file.write(tmp_path / "corrected.csv"), "--store", day)
    fine("reconcile", "--store", day)
    assert json.loads(fine("breaks", "--json", "--store", day).stdout) == []
    (row,) = json.loads(fine("breaks", "--all", "--json", "--store", day).stdout)
    assert row["state"] == "closed" and "now agree: reversed" in row["closed_reason"]
    assert "closed: both sides now agree" in fine("breaks", "--all", "--store", day).stdout


def test_what_a_record_says_cannot_act_on_the_screen(tmp_path: Path) -> None:
    device = Device()
    device.add(record.NOTE, code="\x1b[2J\x07", detail="[red]\u202e\r\n\x9b31m")
    with Store.open(tmp_path / "store", create=True) as store:
        device.offer(store)
        device.sync(store)
    text = fine("journal", "list", "--store", tmp_path / "store").stdout
    assert "[red]????31m" in text.replace("\n", "")
    assert all(char.isprintable() for char in text.replace("\n", ""))


def test_a_record_of_a_newer_terminal_has_its_bytes_as_hex(tmp_path: Path) -> None:
    device = Device()
    device.payloads.append(cbor.dumps([200, b"\xff", [7, b"\1\2"]]) + bytes(8))
    with Store.open(tmp_path / "store", create=True) as store:
        device.offer(store)
        device.sync(store)
    rows = json.loads(fine("journal", "list", "--json", "--store", tmp_path / "store").stdout)
    assert rows[0]["record"] == {"fields": ["ff", [7, "0102"]]}
    assert "fields=['ff', [7, '0102']]" in fine(
        "journal", "list", "--store", tmp_path / "store"
    ).stdout.replace("\n", "")


def test_the_journal_is_listed_field_by_field(day: Path) -> None:
    text = fine("journal", "list", "--store", day).stdout
    assert "ARMED" in text and "amount=10.00" in text and "holds" in text
    rows = json.loads(
        fine("journal", "list", "--from", 2, "--limit", 3, "--json", "--store", day).stdout
    )
    assert [row["seq"] for row in rows] == [2, 3, 4]
    assert (rows[0]["kind"], rows[0]["record"]["code"]) == ("OUTCOME", "00")
    line = refused("journal", "list", "--device", "pz-none", "--store", day)
    assert "pz-none: no such terminal" in line and "pz-test-1" in line


def test_verifying_a_journal_ends_with_1_when_a_record_was_changed_or_is_missing(
    day: Path,
) -> None:
    assert "the chain holds" in fine("journal", "verify", "--store", day).stdout
    connection = sqlite3.connect(day / "store.sqlite")
    with connection:
        connection.execute("DELETE FROM records WHERE seq = 3")
        (payload,) = connection.execute("SELECT payload FROM records WHERE seq = 6").fetchone()
        changed = payload[:5] + bytes([payload[5] ^ 4]) + payload[6:]
        connection.execute("UPDATE records SET payload = ? WHERE seq = 6", (changed,))
    connection.close()
    result = run("journal", "verify", "--store", day)
    assert result.exit_code == 1
    assert "record 3: missing from the store" in result.stdout
    assert "record 6: the seal does not match" in result.stdout
    (found,) = json.loads(run("journal", "verify", "--json", "--store", day).stdout)
    assert [item["first_seq"] for item in found["damage"]] == [3, 6]


class Ledger:
    """A device's journal as the terminal's sync server reads it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.first_seq = 1
        self.released = 1

    @property
    def next_seq(self) -> int:
        return len(self.device.payloads) + 1

    def read(self, seq: int) -> bytes | None:
        return self.device.payloads[seq - 1]

    def release(self, seq: int) -> None:
        self.released = seq


@pytest.fixture
def served() -> Iterator[tuple[Device, Ledger, str]]:
    """A terminal's own sync server over TCP, with a device's journal behind it."""
    device = Device()
    ledger = Ledger(device)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    loop = asyncio.new_event_loop()
    server: Any = SyncServer(
        device.config, ledger, lambda data: False, lambda: None, "0.1.0", lambda: b"n" * 16
    )
    listening = loop.run_until_complete(listen(server, port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield device, ledger, f"tcp://127.0.0.1:{port}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()

    async def ended() -> None:
        listening.close()
        await listening.wait_closed()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop.run_until_complete(ended())
    loop.close()


def test_syncing_twice_moves_the_records_once(
    store: Path, served: tuple[Device, Ledger, str]
) -> None:
    device, ledger, url = served
    for stan in range(1, 40):
        device.sale(stan, 100, "approved")
    with Store.open(store, create=True) as opened:
        device.offer(opened)
    first = fine("sync", "--port", url, "--store", store).stdout
    assert "pz-test-1 (firmware 0.1.0): 78 new records" in first
    assert ledger.released == 79
    assert "nothing new, next is 79" in fine("sync", "--port", url, "--store", store).stdout
    again = json.loads(fine("sync", "--port", url, "--json", "--store", store).stdout)
    assert (again["records"], again["gaps"], again["broken_seals"]) == (0, 0, [])
    fine("journal", "verify", "--store", store)


def test_a_sync_tells_of_damaged_records_and_broken_seals(
    store: Path, served: tuple[Device, Ledger, str]
) -> None:
    device, _, url = served
    for stan in range(1, 5):
        device.sale(stan, 100, "approved")
    device.payloads[2] = None
    last = device.payloads[7]
    assert last is not None
    device.payloads[7] = last[:-1] + bytes([last[-1] ^ 1])
    with Store.open(store, create=True) as opened:
        device.offer(opened)
    text = fine("sync", "--port", url, "--store", store).stdout
    assert "damaged or gone at the terminal: 1" in text
    assert "the seal does not match at record 8" in text
    assert run("journal", "verify", "--store", store).exit_code == 1


def test_a_second_sync_at_the_same_time_is_refused_and_nothing_is_lost(
    store: Path, served: tuple[Device, Ledger, str]
) -> None:
    device, ledger, url = served
    device.sale(1, 100, "approved")
    with Store.open(store, create=True) as opened:
        device.offer(opened)
        with RecordSink(opened) as other:
            other.begin(device.device_id)
            line = refused("sync", "--port", url, "--store", store)
    assert "another sync of this terminal is going on" in line
    assert ledger.released == 1
    assert "2 new records" in fine("sync", "--port", url, "--store", store).stdout


def test_a_terminal_of_another_store_is_refused(
    store: Path, served: tuple[Device, Ledger, str]
) -> None:
    with Store.open(store, create=True):
        pass
    line = refused("sync", "--port", served[2], "--store", store)
    assert "terminal pz-test-1 was not provisioned by this store" in line


@pytest.mark.parametrize(("last", "start"), [(41, 1041), (999500, 501)])
def test_a_terminal_that_takes_over_a_number_goes_on_above_its_stans(
    store: Path, last: int, start: int
) -> None:
    with Store.open(store, create=True) as opened:
        device = Device()
        device.offer(opened)
        device.sale(last - 1, 1250, "approved")
        device.sale(last, 1250, "declined")
        device.sync(opened)
    terminal = TerminalProcess(PYTHON, serial=True, config="", records=0)
    try:
        fine("provision", "--port", terminal.url, "--store", store, "--replace")
        data = terminal.said().split()[1]
        assert config.decode(bytes.fromhex(data))["stan_start"] == start
    finally:
        terminal.close()


def test_provisioning_gives_a_terminal_the_keys_that_the_store_has(store: Path) -> None:
    with Store.open(store, create=True) as opened:
        neighbour = Device("pz-test-2", "10000002")
        neighbour.offer(opened)
    terminal = TerminalProcess(PYTHON, serial=True, config="", records=0)
    try:
        arguments = ("provision", "--port", terminal.url, "--store", store, "--json")
        named = ("--merchant-name", "CORNER SHOP", "--backup", "10.0.0.2:8590")
        done = json.loads(fine(*arguments, *named, "--reversal-tries", "5").stdout)
        word, data = terminal.said().split()
        assert word == "provisioned"
        given = config.decode(bytes.fromhex(data))
        with Store.open(store) as opened, opened.read() as connection:
            kept = terminals.find(connection, done["device_id"])
        assert kept is not None and given["device_id"] == kept.device_id
        assert (given["seal_key"], given["sync_key"]) == (kept.seal_key, kept.sync_key)
        assert given["token_key"] == kept.token_key == neighbour.config["token_key"]
        assert (given["backup_host"], given["backup_port"]) == ("10.0.0.2", 8590)
        timing = [given[name] for name in ("response_ms", "reversal_tries", "reversal_wait_ms")]
        assert timing == [60000, 5, 60000]  # what is not given is the profile's
        assert (kept.state, kept.terminal_no, kept.merchant_name) == (
            "provisioned",
            TERMINAL,
            "CORNER SHOP",
        )
        again = refused("provision", "--port", terminal.url, "--store", store)
        assert "--replace" in again
        again = refused("provision", "--port", terminal.url, "--store", store, "--replace")
        assert f"{kept.device_id} already" in again
        with Store.open(store) as opened, opened.read() as connection:
            assert terminals.every(connection) == sorted(
                [kept, *terminals.chosen(connection, "pz-test-2")], key=lambda one: one.device_id
            )
    finally:
        terminal.close()
