"""A dry run changes nothing; what a run signed is found again on another engine, or refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from companion.cli.main import main
from companion.reconcile import chain
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import DayFile
from tests.companion.test_chain import DAYS, World, straight

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def reconciled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("world")
    straight(World(5), folder / "store")
    yield folder / "store"
    shutil.rmtree(folder)


@pytest.fixture
def store(reconciled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(reconciled, tmp_path / "store")


def run(store: Path, *more: str, code: int = 0) -> str:
    arguments = ["reconcile", "--store", str(store), *more]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def document(store: Path, *more: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(run(store, "--json", *more))
    return made


def dump(store: Path) -> bytes:
    """Every byte that the database says."""
    connection = sqlite3.connect(store / "store.sqlite")
    text = "\n".join(connection.iterdump())
    connection.close()
    return text.encode()


def corrected(store: Path, folder: Path) -> None:
    """A middle day comes again: some breaks will close and one will open."""
    file = World(5).files[DAYS[2]]
    file.rows, file.captured = file.rows[:-2], file.captured[:-2]
    file.add(998, 777)
    with Store.open(store) as opened:
        import_file(opened, file.write(folder / "corrected.csv"))


def signed(store: Path, folder: Path) -> Path:
    path = folder / "signed.json"
    path.write_text(run(store, "--json"))
    return path


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_dry_run_changes_nothing_and_says_what_the_run_then_does(
    store: Path, tmp_path: Path, engine: str
) -> None:
    corrected(store, tmp_path)
    originals = sorted((store / "files").iterdir())
    before = dump(store)
    told = document(store, "--dry-run", "--engine", engine)
    assert dump(store) == before
    assert sorted((store / "files").iterdir()) == originals
    assert told["run"] is None and told["opened"] and told["closed"]
    shown = run(store, "--dry-run", "--engine", engine)
    assert f"would open {len(told['opened'])} and would close {len(told['closed'])}" in shown
    assert dump(store) == before

    done = document(store, "--engine", engine)
    assert dump(store) != before
    of_this_run = ("run", "signed")
    assert {**told, **dict.fromkeys(of_this_run)} == {**done, **dict.fromkeys(of_this_run)}
    connection = sqlite3.connect(store / "store.sqlite")
    rows = connection.execute("SELECT id, closed_reason FROM breaks WHERE state = 'closed'")
    closed = dict(rows.fetchall())
    query = "SELECT id FROM breaks WHERE first_run = ?"
    opened = {row[0] for row in connection.execute(query, (done["run"],))}
    connection.close()
    assert {key: closed[key] for key in told["closed"]} == told["closed"]
    assert opened == set(told["opened"])


def test_a_dry_run_leaves_the_last_outcome_and_the_report_as_they_were(store: Path) -> None:
    state = store / "facts" / "state"
    before, told = chain.last(state), report(store)
    assert before is not None
    document(store, "--dry-run", "--as-of", "2026-03-20")
    after = chain.last(state)
    assert after is not None and after.as_of == before.as_of
    assert after.open_pairs == before.open_pairs
    assert report(store) == told


def test_no_report_mixes_the_breaks_of_one_run_with_the_pairs_of_another(
    store: Path, tmp_path: Path
) -> None:
    told = report(store)
    corrected(store, tmp_path)
    document(store, "--dry-run")
    assert chain.last(store / "facts" / "state") is None
    assert "companion reconcile makes it anew" in report(store, code=2)
    document(store)
    assert report(store) != told
    # A run that was killed when its chain was done, before its breaks were in the store.
    with sqlite3.connect(store / "store.sqlite") as connection:
        connection.execute("UPDATE runs SET summary = replace(summary, 'facts_digest', 'other')")
    connection.close()
    assert chain.last(store / "facts" / "state") is not None
    assert "companion reconcile makes it anew" in report(store, code=2)


def report(store: Path, code: int = 0) -> str:
    arguments = ["report", "month", "2026-03", "--json", "--store", str(store)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_a_dry_run_after_a_run_would_change_nothing(store: Path) -> None:
    told = document(store, "--dry-run")
    assert (told["opened"], told["closed"]) == ([], {})


def test_what_one_engine_signed_the_other_finds_too(store: Path, tmp_path: Path) -> None:
    for first, second in (("duckdb", "sqlite"), ("sqlite", "duckdb")):
        path = tmp_path / f"{first}.json"
        path.write_text(run(store, "--json", "--engine", first))
        run(store, "--dry-run", "--engine", second, "--same-as", str(path))
        # In whatever store the same facts are, and without what the first one made of them.
        other = shutil.copytree(store, tmp_path / first)
        shutil.rmtree(other / "facts")
        (other / "signing.key").unlink()
        run(other, "--dry-run", "--engine", second, "--same-as", str(path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("break_set_hash", "0" * 64),
        ("facts_digest", "0" * 64),
        ("as_of", "2026-03-05"),
        ("rules", "older"),
        ("signed", {}),
    ],
)
def test_a_changed_document_is_refused(
    store: Path, tmp_path: Path, name: str, value: object
) -> None:
    path = signed(store, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    before = dump(store)
    output = run(store, "--dry-run", "--same-as", str(path), code=2)
    assert len(output.splitlines()) == 1
    assert "the signature is not of these breaks" in output or "not a signed" in output
    assert dump(store) == before


def test_what_is_no_document_is_refused_in_one_line(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("", "[]", "null", '{"signed": 3}', '{"a": 1}', "\x00\xff"):
        path.write_bytes(text.encode("latin-1"))
        output = run(store, "--dry-run", "--same-as", str(path), code=2)
        assert len(output.splitlines()) == 1 and "not a" in output, text


def test_the_breaks_that_are_shown_are_the_ones_that_were_signed(
    store: Path, tmp_path: Path
) -> None:
    path = signed(store, tmp_path)
    told = json.loads(path.read_text())
    first, *others = told["breaks"]
    changes: tuple[dict[str, object], ...] = (
        {"breaks": [{**first, "amount_minor": first["amount_minor"] + 1}, *others]},
        {"breaks": [{**first, "code": "SELF_SWIPE"}, *others]},
        {"breaks": others},
        {"breaks": others, "date": first["business_date"]},
        {"breaks": []},
        {"breaks": None},
    )
    for changed in changes:
        path.write_text(json.dumps({**told, **changed}))
        output = run(store, "--dry-run", "--same-as", str(path), code=2)
        assert "its breaks are not the ones that were signed" in output
    one_day = json.loads(run(store, "--json", "--date", first["business_date"]))
    path.write_text(json.dumps(one_day))
    run(store, "--dry-run", "--same-as", str(path))


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_other_facts_are_refused(store: Path, tmp_path: Path, engine: str) -> None:
    path = signed(store, tmp_path)
    corrected(store, tmp_path)
    output = run(store, "--dry-run", "--engine", engine, "--same-as", str(path), code=2)
    assert "facts_digest was" in output


def test_a_statement_more_without_a_break_is_another_fact(store: Path, tmp_path: Path) -> None:
    path = signed(store, tmp_path)
    with Store.open(store) as opened:
        empty = DayFile(day="2026-03-07").write(tmp_path / "empty.csv")
        import_file(opened, empty)
    output = run(store, "--dry-run", "--same-as", str(path), code=2)
    assert "was" in output and "now it is" in output


def test_another_day_as_today_is_refused(store: Path, tmp_path: Path) -> None:
    path = signed(store, tmp_path)
    output = run(store, "--dry-run", "--as-of", "2026-03-09", "--same-as", str(path), code=2)
    assert "as_of was 2026-03-06, now it is 2026-03-09" in output


def test_a_changed_original_is_refused_before_anything_is_found(
    store: Path, tmp_path: Path
) -> None:
    path = signed(store, tmp_path)
    original = sorted((store / "files").iterdir())[0]
    data = original.read_bytes()
    original.chmod(0o600)
    original.write_bytes(data.replace(b",CAPTURED,", b",DECLINED,", 1))
    shutil.rmtree(store / "facts")
    output = run(store, "--dry-run", "--same-as", str(path), code=2)
    assert "was changed; import it again" in output
