"""Facts made of the store: the same whatever came first, and only what changed is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from companion.facts import build, manifest, schema
from companion.facts.numbers import Numbers
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import MERCHANT, DayFile, Device


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as made:
        yield made


def two_days(store: Store) -> Device:
    device = Device()
    device.sign_in("0302090000")
    device.sale(1, 100, "approved")
    device.sign_in("0303090000")
    device.sale(2, 200, "approved")
    device.offer(store)
    device.sync(store)
    return device


def digests(store: Store) -> dict[int, list[str]]:
    """The terminal leg's digest of each day."""
    known = manifest.load(build.build(store))
    return {
        day: [one.digest for one in known.sources("terminal", day)]
        for day in known.legs["terminal"]
    }


def test_a_sale_changes_the_facts_of_its_own_day_only(store: Store) -> None:
    device = two_days(store)
    before = digests(store)
    assert sorted(before) == [20514, 20515]
    device.sale(3, 300, "approved")
    device.sync(store)
    after = digests(store)
    assert after[20514] == before[20514] and after[20515] != before[20515]


def test_what_is_the_same_is_not_written_again(store: Store) -> None:
    two_days(store)
    import_file(store, DayFile().add(1, 100).write(store.directory.parent / "day.csv"))
    facts = build.build(store)
    folders = ("numbers", "terminal", "statements")
    files = [path for name in folders for path in (facts / name).rglob("*") if path.is_file()]
    before = {path: path.stat().st_ino for path in files}
    assert len(before) >= 5
    build.build(store)
    assert {path: path.stat().st_ino for path in before} == before


def test_facts_that_were_deleted_are_made_the_same_again(store: Store) -> None:
    two_days(store)
    import_file(store, DayFile().add(1, 100).write(store.directory.parent / "day.csv"))
    facts = build.build(store)
    before = (facts / manifest.NAME).read_text()
    shutil.rmtree(facts)
    assert (build.build(store) / manifest.NAME).read_text() == before


def test_rows_know_their_terminal_and_record_or_their_file_and_line(store: Store) -> None:
    two_days(store)
    path = DayFile().add(1, 100).add(2, 50).write(store.directory.parent / "day.csv")
    sha256 = import_file(store, path).original.sha256
    facts = build.build(store)
    known = manifest.load(facts)
    (source,) = known.sources("acquirer", 20514)
    rows = pq.read_table(facts / source.path).to_pylist()
    assert [(row["file"], row["line"]) for row in rows] == [(sha256, 3), (sha256, 4)]
    assert [schema.source_of(row["id"])[1] for row in rows] == [3, 4]
    (source,) = known.sources("terminal", 20515)
    (row,) = pq.read_table(facts / source.path).to_pylist()
    assert (row["device_id"], row["first_seq"]) == ("pz-test-1", 5)
    assert schema.source_of(row["id"])[1] == 5
    assert (row["merchant_no"], row["stan"], row["channel"]) == (MERCHANT, "000002", "card")


def test_the_tables_of_reference_say_what_is_here_and_what_should_come(store: Store) -> None:
    two_days(store)
    import_file(store, DayFile().add(1, 100).write(store.directory.parent / "day.csv"))
    facts = build.build(store)

    def rows(name: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = pq.read_table(facts / f"{name}.parquet").to_pylist()
        return found

    assert rows("coverage") == [
        {"leg": "acquirer", "party": MERCHANT, "channel": "card", "day": 20514}
    ]
    wanted = {row["day"] for row in rows("wanted") if row["leg"] == "acquirer"}
    assert {20514, 20515} <= wanted and 20513 not in wanted
    (seen,) = rows("seen")
    assert (seen["merchant_no"], seen["terminal_no"]) == (MERCHANT, "10000001")
    assert {row["channel"] for row in rows("due")} == {"card"}


def test_an_import_that_takes_anothers_place_takes_its_rows_too(store: Store) -> None:
    folder = store.directory.parent
    import_file(store, DayFile().add(1, 100).add(2, 50).write(folder / "day.csv"))
    first = manifest.load(build.build(store))
    import_file(store, DayFile().add(1, 100).write(folder / "day.csv"))
    second = manifest.load(build.build(store))
    (old,), (new,) = (one.sources("acquirer", 20514) for one in (first, second))
    assert old.path != new.path and not (store.facts / old.path).exists()
    assert pq.read_table(store.facts / new.path).num_rows == 1


def test_numbers_depend_on_names_alone_and_are_never_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"file-{place}" for place in range(40)]
    one, other = Numbers(names), Numbers(reversed(names))
    assert [one.of(name) for name in names] == [other.of(name) for name in names]
    # A space so small that hashes meet.
    monkeypatch.setattr(schema, "SOURCES", 41)
    crowded = Numbers(names)
    assert len({crowded.of(name) for name in names}) == len(names)
