"""Statements of every leg in any order, and a middle day again, end as a straight run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from companion.reconcile.run import Result, reconcile
from companion.statements.importing import import_file
from companion.store import Store
from tests.books_chaos.world import Act, World
from tests.companion.test_chain import found
from tests.companion.test_known_later import first_account, payer

pytestmark = pytest.mark.thorough


def fed(folder: Path, seed: int, dice: random.Random | None) -> Result:
    """The files of a world in a store of its own: in order, or mixed with runs between."""
    acts = [act for act in World(folder / "files", seed).acts() if act.args[0] != "reconcile"]
    syncs = [act for act in acts if act.beside and act.args[0] in ("channel", "import")]
    files = [act for act in acts if act.args[0] == "import"]
    with Store.open(folder / "store", create=True) as store:
        _beside(syncs[0], store)
        first_account(store)
        payer(store)
        if dice:
            dice.shuffle(files)
            # The wrong file of a day comes before the one that takes its place.
            files.sort(key=lambda act: not act.args[1].endswith("wrong.csv"))
            files += dice.choices(files[1:], k=2)
        for act in files:
            import_file(store, Path(act.args[1]))
            if dice and dice.random() < 0.25:
                _beside(dice.choice(syncs[1:]), store)
                assert reconcile(store).holds
        for act in syncs[1:]:
            _beside(act, store)
        return reconcile(store)


def _beside(act: Act, store: Store) -> None:
    assert act.beside
    act.beside(store.directory)


@pytest.mark.parametrize("seed", range(2))
def test_any_order_and_a_middle_day_again_end_as_a_straight_run(seed: int, tmp_path: Path) -> None:
    wanted = fed(tmp_path / "straight", seed, None)
    result = fed(tmp_path / "mixed", seed, random.Random(seed))
    assert wanted.debt.credited_minor and wanted.debt.owed_minor
    assert found(result) == found(wanted)
    assert (result.break_set_hash, result.facts_digest) == (
        wanted.break_set_hash,
        wanted.facts_digest,
    )
    assert (result.equation, result.debt, result.days) == (
        wanted.equation,
        wanted.debt,
        wanted.days,
    )
