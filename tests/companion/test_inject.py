"""Injected worlds: what is put there is whole, balanced, and found by rules and SQL alike."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from companion.cli.check import check
from companion.cli.inject import inject
from companion.facts import manifest, schema
from companion.facts.schema import day_number
from companion.inject import days, found, marks, names, score, size, truth, world
from companion.inject.truth import Known
from companion.inject.world import FACTS, TRUTH
from companion.reconcile import chain, codes
from companion.rules import hashing
from companion.rules.engines import DuckDb
from tests.bench import reconcile_child

pytestmark = pytest.mark.thorough

_ROWS = 4000
_SEED = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("world")
    world.make(folder, _ROWS, _SEED)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def known(made: Path) -> list[Known]:
    return truth.read(made / TRUTH)


def test_check_finds_every_break_and_tells_the_one_that_is_not_there(
    made: Path, tmp_path: Path
) -> None:
    (tmp_path / FACTS).symlink_to(made / FACTS)
    invented = "HOST_ONLY,nobody,1,1,0,0,0,invented\n"
    (tmp_path / TRUTH).write_text((made / TRUTH).read_text() + invented)
    ended = CliRunner().invoke(check, ["--truth", str(tmp_path / TRUTH), "--json"])
    said = json.loads(ended.stdout)
    assert said["wrong"] == ["HOST_ONLY nobody: not found; it is (1, 1, 0, 0), invented"]
    assert [one["code"] for one in said["codes"] if one["recall"] < 1] == ["HOST_ONLY"]
    assert ended.exit_code == 1


def test_hand_written_sql_comes_to_the_same_breaks(
    made: Path, known: list[Known], tmp_path: Path
) -> None:
    report = score.score(known, reconcile_child.by_hand(made / FACTS, tmp_path))
    assert report.wrong == []


def test_every_code_is_there_and_most_of_them_in_several_ways(known: list[Known]) -> None:
    ways = {code: {one.variant for one in known if one.code == code} for code in codes.BREAKS}
    assert [code for code in codes.BREAKS if not ways[code]] == []
    single = {codes.JOURNAL_ALTERED, codes.JOURNAL_ROLLBACK}
    single |= {codes.BATCH_TOTALS_DIFFER, codes.BATCH_UNSETTLED}
    assert {code for code in codes.BREAKS if len(ways[code]) < 2} == single


def test_no_break_is_told_twice(known: list[Known]) -> None:
    assert len({(one.code, one.row_key) for one in known}) == len(known)


def test_the_same_numbers_make_the_same_world(made: Path, tmp_path: Path) -> None:
    world.make(tmp_path, _ROWS, _SEED)
    assert (tmp_path / TRUTH).read_bytes() == (made / TRUTH).read_bytes()
    assert manifest.load(tmp_path / FACTS) == manifest.load(made / FACTS)


def test_customer_debit_is_merchant_books_and_what_is_wrong(
    made: Path, known: list[Known]
) -> None:
    charged = _money(made, "acquirer", ("CAPTURED",))
    booked = _money(made, "terminal", ("APPROVED",))
    rows = _leg(made, "terminal")
    # This statement has not come, and need not have.
    early = (
        (pc.field("merchant_no") == names.merchant_no(size.EARLY))
        & (pc.field("channel") == "adyen")
        & (pc.field("day") == day_number(days.TODAY))
    )
    awaited = -pc.sum(rows.filter(early)["amount_minor"]).as_py()
    assert charged == booked + sum(one.effect_minor for one in known) + awaited


def test_what_the_acquirer_owes_is_what_came_and_what_is_wrong(
    made: Path, known: list[Known]
) -> None:
    net = awaited = 0
    for row in _leg(made, "acquirer").filter(pc.field("status") == "CAPTURED").to_pylist():
        back = row["txn"] in ("VOID", "REFUND", "COMPLETION_VOID")
        value = (-1 if back else 1) * row["amount_minor"] - (row["fee_minor"] or 0)
        channel, day = row["channel"], schema.as_date(row["day"])
        paid = days.pay_day(channel, days.settle_day(channel, day))
        silent = row["merchant_no"] == names.merchant_no(size.BANK_SILENT)
        net += value
        awaited += value if paid > days.TODAY or (silent and paid >= marks.SILENT_FROM) else 0
    bank = _leg(made, "bank")
    # What nothing explains may still be explained for some days.
    fresh = pc.field("day") >= day_number(days.TODAY) - 5
    young = pc.starts_with(pc.field("ref"), "X") & fresh
    awaited -= sum(bank.filter(young)["amount_minor"].to_pylist())
    came = sum(bank["amount_minor"].to_pylist())
    assert net == came + sum(one.owed_minor for one in known) + awaited


def test_the_score_sees_what_is_missing_wrong_or_too_much(known: list[Known]) -> None:
    some = known[:50]
    other = Known(*(*some[0].__dict__.values(),))
    off = Known(**{**some[1].__dict__, "amount_minor": some[1].amount_minor + 1})
    assert score.score(some, [other, *some[1:]]).kept
    assert not score.score(some, some[1:]).kept
    assert not score.score(some[1:], some).kept
    assert not score.score(some, [some[0], off, *some[2:]]).kept


def test_low_confidence_may_miss_one_in_a_hundred() -> None:
    low = [_known(f"{place}", 3) for place in range(200)]
    assert score.score(low, low[2:]).kept
    assert not score.score(low, low[3:]).kept
    exact = [_known(f"{place}", 1) for place in range(200)]
    assert not score.score(exact, exact[1:]).kept


def test_days_in_any_order_and_a_middle_one_again_come_to_the_same(
    made: Path, known: list[Known], tmp_path: Path
) -> None:
    """Statements of the big day come last, and one of the days before is taken away and back."""
    whole = manifest.load(made / FACTS)
    late = day_number(days.MAIN)
    facts, state = tmp_path / "facts", tmp_path / "state"
    shutil.copytree(made / FACTS, facts)
    engine = DuckDb(tmp_path)
    try:
        for left_out in ({late}, {late, day_number(days.EVE)}, set[int]()):
            manifest.save(facts, _without(whole, left_out))
            outcome = chain.run(engine, facts, state)
    finally:
        engine.close()
    fresh = [day.day for day in outcome.days if day.fresh]
    assert fresh[0] == day_number(days.EVE)
    assert hashing.break_set_hash(found.known(outcome.breaks)) == hashing.break_set_hash(known)


def test_a_folder_with_a_world_is_left_alone(made: Path) -> None:
    before = (made / TRUTH).read_bytes()
    ended = CliRunner().invoke(inject, ["--rows", str(_ROWS), "--out", str(made)])
    assert isinstance(ended.exception, world.InjectError)
    assert (made / TRUTH).read_bytes() == before


def test_a_world_of_an_earlier_version_is_refused_in_one_line(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "old")
    known = manifest.load(tmp_path / "old" / FACTS)
    del known.references["hold_terms"]
    manifest.save(tmp_path / "old" / FACTS, known)
    with pytest.raises(manifest.FactsError, match="earlier version, without hold_terms"):
        found.in_facts(tmp_path / "old" / FACTS)


def test_no_file_of_truth_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / TRUTH
    truth.write(path, [_known("a", 0)])
    path.write_text(path.read_text().replace(",7,", ",seven,"))
    with pytest.raises(truth.TruthError, match="line 2"):
        truth.read(path)


def _known(key: str, match_pass: int) -> Known:
    return Known(codes.HOST_ONLY, key, 7, 7, 0, 0, match_pass, "")


def _leg(folder: Path, leg: str) -> pq.ParquetFile:
    return pq.read_table(folder / FACTS / leg, schema=schema.LEGS[leg])


def _money(folder: Path, leg: str, statuses: tuple[str, ...]) -> int:
    rows = _leg(folder, leg)
    rows = rows.filter(pc.field("status").isin(statuses))
    back = rows.filter(pc.field("txn").isin(("VOID", "REFUND", "COMPLETION_VOID")))
    holds = rows.filter(pc.field("txn").isin(("PREAUTH", "PREAUTH_CANCEL")))
    total, given, held = (
        pc.sum(some["amount_minor"]).as_py() or 0 for some in (rows, back, holds)
    )
    return int(total - held - 2 * given)


def _without(whole: manifest.Manifest, left_out: set[int]) -> manifest.Manifest:
    return manifest.Manifest(
        {
            leg: {day: sources for day, sources in by_day.items() if day not in left_out}
            for leg, by_day in whole.legs.items()
        },
        whole.references,
    )
