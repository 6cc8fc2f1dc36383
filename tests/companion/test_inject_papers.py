"""A plain injected world as files: imported into a store, it is squared to the same truth."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from companion.cli.check import check
from companion.cli.inject import inject
from companion.inject import papers, practice
from companion.inject.world import TRUTH
from companion.reconcile import run
from companion.statements import importing
from companion.store import Store

pytestmark = pytest.mark.thorough


def test_files_imported_into_a_store_give_the_breaks_that_were_injected(tmp_path: Path) -> None:
    made = CliRunner().invoke(inject, ["--papers", "--seed", "3", "--out", str(tmp_path / "shop")])
    assert made.exit_code == 0, made.output
    folder = tmp_path / "shop" / papers.PAPERS
    store_at = tmp_path / "shop" / practice.SHOP
    with Store.open(store_at) as store:
        # Late files first: the order is of no matter, but that a corrected one comes behind.
        for path in sorted(folder.glob("*/*.*"), key=lambda path: (path.name[-5], path.name)):
            importing.import_file(store, path)
        assert run.reconcile(store).holds
    arguments = ["--truth", str(tmp_path / "shop" / TRUTH), "--store", str(store_at)]
    ended = CliRunner().invoke(check, arguments)
    assert ended.exit_code == 0, ended.output
