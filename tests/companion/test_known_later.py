"""What becomes known later counts as if it had been known from the start."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from companion.accounts import channels, fees, settlement
from companion.accounts.fees import Terms
from companion.reconcile import codes
from companion.reconcile.run import Result, reconcile
from companion.statements.importing import import_file
from companion.store import Store
from tests.books_chaos.world import DAYS, World
from tests.companion.sealed import MERCHANT
from tests.companion.statement_files import allinpay
from tests.companion.test_chain import found

pytestmark = pytest.mark.thorough

# Its acquirer states the fees.
OTHER = "821290053111234"
OLD, NEW = "CN6222***********5011", "CN6222***********0128"


def first_account(store: Store) -> None:
    with store.write() as connection:
        settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")


def account_change(store: Store) -> None:
    with store.write() as connection:
        start = date.fromisoformat(DAYS[2])
        number = settlement.ask(connection, MERCHANT, "card", NEW, start, "Zhang", "")
        settlement.approve(connection, number, "Li")


def payer(store: Store) -> None:
    with store.write() as connection:
        channels.tell_payer(connection, "card", "Allinpay", "Zhang")


def fee_plan(store: Store) -> None:
    with store.write() as connection:
        fees.set_plan(connection, OTHER, "card", Terms(6000), None, "Zhang")


def later_fee_plan(store: Store) -> None:
    with store.write() as connection:
        start = date.fromisoformat(DAYS[3])
        fees.set_plan(connection, OTHER, "card", Terms(3800), start, "Zhang")


def slower_channel(store: Store) -> None:
    with store.write() as connection:
        channels.change(connection, "card", {"pay_days": 2, "late_days": 3}, "Zhang")


KNOWN = (first_account, account_change, payer, fee_plan, later_fee_plan, slower_channel)


def feed(folder: Path, store: Store, seed: int, dice: random.Random | None) -> list[Result]:
    """Everything into a store; what is known of accounts, fees and channels from the start, or
    with `dice` at some time, with runs between."""
    waiting = list(KNOWN)
    results = []
    for tell in () if dice else KNOWN:
        tell(store)
    for act in World(folder, seed).acts():
        if act.beside and act.args[0] in ("channel", "import"):
            act.beside(store.directory)
        if act.args[0] == "import":
            import_file(store, Path(act.args[1]))
        elif dice and act.args[0] == "reconcile":
            results.append(reconcile(store))
            for _ in range(dice.randrange(3)):
                if waiting:
                    waiting.pop(0)(store)
    for day in DAYS:
        path = folder / f"allinpay-{day}.csv"
        rows = [_row(day, stan) for stan in range(1, 6)]
        path.write_text(allinpay(*rows))
        import_file(store, path)
    for tell in waiting if dice else ():
        results.append(reconcile(store))
        tell(store)
    return [*results, reconcile(store)]


def _row(day: str, stan: int) -> dict[str, str]:
    number = f"{day[-1]}{stan:05d}"
    return {
        "商户号": OTHER,
        "交易日期": day,
        "凭证号": number,
        "参考号": f"{number:0>12}",
        "交易金额": f"{10 * stan}.00",
        "手续费": f"{0.06 * stan:.2f}" if stan % 2 else f"{0.04 * stan:.2f}",
    }


@pytest.mark.parametrize("seed", range(2))
def test_what_is_told_late_counts_as_if_it_had_been_known_from_the_start(
    seed: int, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "early", create=True) as store:
        (wanted,) = feed(tmp_path / "a", store, seed, None)
    with Store.open(tmp_path / "late", create=True) as store:
        *before, result = feed(tmp_path / "b", store, seed, random.Random(seed))
    assert {item.code for item in wanted.breaks} >= {codes.FEE_DIFFERS, codes.HOST_ONLY}
    assert {one.break_set_hash for one in before} - {wanted.break_set_hash}
    assert found(result) == found(wanted)
    assert result.break_set_hash == wanted.break_set_hash
    assert (result.equation, result.debt, result.days) == (
        wanted.equation,
        wanted.debt,
        wanted.days,
    )
    assert result.holds
