"""A plain injected world as files: imported into a store, it is squared to the same truth."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from companion.accounts import channels, settlement
from companion.cli.check import check
from companion.cli.inject import inject
from companion.inject import days, papers
from companion.inject.world import TRUTH
from companion.reconcile import run
from companion.statements import importing
from companion.store import Store

pytestmark = pytest.mark.thorough


def test_files_imported_into_a_store_give_the_breaks_that_were_injected(tmp_path: Path) -> None:
    made = CliRunner().invoke(inject, ["--papers", "--seed", "3", "--out", str(tmp_path / "shop")])
    assert made.exit_code == 0, made.output
    folder = tmp_path / "shop" / papers.PAPERS
    with Store.open(tmp_path / "store", create=True) as store:
        _settings(store, folder)
        # Late files first: the order is of no matter, but that a corrected one comes behind.
        for path in sorted(folder.glob("*/*.*"), key=lambda path: (path.name[-5], path.name)):
            importing.import_file(store, path)
        assert run.reconcile(store).holds
    arguments = ["--truth", str(tmp_path / "shop" / TRUTH), "--store", str(tmp_path / "store")]
    ended = CliRunner().invoke(check, arguments)
    assert ended.exit_code == 0, ended.output


def _settings(store: Store, folder: Path) -> None:
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with store.write() as connection:
        channels.change(connection, "card", papers.CHANNEL, "maker")
        channels.tell_payer(connection, "card", papers.PAYER, "maker")
        for row in sorted(rows, key=lambda row: row["valid_from"]):
            of = (row["merchant_no"], row["channel"], row["account"])
            if not row["valid_from"]:
                settlement.tell(connection, *of, "maker")
                continue
            change = settlement.ask(connection, *of, days.CHANGED, "maker", "moved")
            settlement.approve(connection, change, "checker")
