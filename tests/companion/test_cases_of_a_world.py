"""Every break of an injected world, with its real rows: it is said, has its case and a cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.cases import causes, listing
from companion.inject import world
from companion.reconcile import chain, codes, run, words
from companion.rules.engines import DuckDb
from companion.store.breaks import Break
from tests.companion.casebook import Book, ids

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Break], int]]:
    place = tmp_path_factory.mktemp("world")
    world.make(place, 4000, 1)
    engine = DuckDb(place)
    outcome = chain.run(engine, place / "facts", place / "state", None)
    yield list(run._found(outcome, place / "facts")), outcome.as_of
    engine.close()


def test_every_break_is_said_in_both_languages(found: tuple[list[Break], int]) -> None:
    assert {item.code for item in found[0]} == set(codes.BREAKS)
    for item in found[0]:
        assert words.said(item.__dict__) == item.reason
        for reason in (item.reason, words.said(item.__dict__, "zh")):
            assert reason and "?" not in reason and "{" not in reason, (item.code, reason)


def test_every_break_is_in_one_case_and_every_case_has_a_cause(
    found: tuple[list[Break], int], tmp_path: Path
) -> None:
    now, as_of = found
    book = Book(tmp_path / "store")
    book.found(*now, as_of=as_of)
    cases = book.open()
    places = [member for one in cases for member in book.members(one.id)]
    assert sorted(places) == ids(now)
    assert len(cases) < len(now)
    with book.store.read() as connection:
        for one in cases[:: len(cases) // 60]:
            why = causes.ranked(connection, one, listing.breaks_of(connection, one.id))
            assert why and one.due, one.code


def test_days_in_any_order_give_the_same_cases(
    found: tuple[list[Break], int], tmp_path: Path
) -> None:
    now, as_of = found
    straight, other = Book(tmp_path / "straight"), Book(tmp_path / "other")
    straight.found(*now, as_of=as_of)
    days = sorted({item.business_date or "" for item in now}, reverse=True)
    for day in days[:4]:
        other.found(*(item for item in now if item.business_date == day), as_of=as_of - 3)
    other.found(*now, as_of=as_of)
    assert other.shape() == straight.shape()
