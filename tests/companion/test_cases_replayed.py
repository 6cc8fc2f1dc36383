"""Statements and syncs in any order, reconciled after each: the same cases in the end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from protocol import record
from tests.companion.casebook import Book
from tests.companion.sealed import DayFile, Device

pytestmark = pytest.mark.thorough

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
ORDERS = ("sync 0 1 2", "2 0 sync 1", "0 2 sync 1 sync 0")


def a_device() -> Device:
    """Each day an approved sale, one that the host lacks, a stuck one and a declined one."""
    device = Device()
    for place, day in enumerate(DAYS):
        device.sign_in(day[5:7] + day[8:] + "091500")
        first = 10 * place
        device.sale(first + 1, 1000 + place, "approved")
        device.sale(first + 2, 2000 + place, "approved")
        device.sale(first + 3, 3000 + place, "suspended")
        device.sale(first + 4, 4000 + place, "declined")
        device._wall += 86400
    device.add(record.BOOT, boot=2, cause="PWRON", firmware="x")
    return device


def statement(place: int) -> DayFile:
    first = 10 * place
    file = DayFile(day=DAYS[place])
    file.add(first + 1, 1000 + place).add(first + 3, 3000 + place).add(first + 4, 4000 + place)
    return file.add(first + 5, 5000 + place).add(first + 6, 6000, terminal="10000009")


def replay(place: Path, order: str) -> Book:
    book = Book(place)
    device = a_device()
    device.offer(book.store)
    for step in order.split():
        if step == "sync":
            device.sync(book.store)
        else:
            path = statement(int(step)).write(place.parent / f"{step}.csv")
            import_file(book.store, path)
        assert reconcile(book.store).holds
    return book


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    shape = replay(tmp_path_factory.mktemp("straight") / "store", ORDERS[0]).shape()
    assert len(shape) > 8
    return shape


@pytest.mark.parametrize("order", ORDERS[1:])
def test_the_order_does_not_matter(
    tmp_path: Path, straight: list[tuple[object, ...]], order: str
) -> None:
    assert replay(tmp_path / "store", order).shape() == straight


def test_a_case_that_somebody_works_on_keeps_its_breaks_when_everything_is_made_anew(
    tmp_path: Path,
) -> None:
    book = replay(tmp_path / "store", "sync 0 1 2")
    touched = book.open()[0]
    before = book.members(touched.id)
    book.act("WANG", "send", touched.id, "acquirer", None, "claim")
    shutil.rmtree(book.store.facts)
    result = reconcile(book.store)
    assert result.opened == [] and result.closed == {}
    assert book.members(touched.id) == before
    assert book.listed(ids=(touched.id,))[0].state == "sent"
