"""The store: private, one of ours or refused, and exact about what a terminal gave it."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store, StoreBusy, StoreError, records, schema, terminals
from companion.store.sink import RecordSink
from companion.store.verify import MISSING, Damage
from companion.store.verify import verify as verify_chain
from protocol import record
from tests.companion.sealed import CARD, DAY, DayFile, Device


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


@pytest.fixture
def device(store: Store) -> Device:
    made = Device()
    made.offer(store)
    return made


def stored(store: Store, device: Device) -> list[records.Stored]:
    with store.read() as connection:
        return list(records.scan(connection, device.device_id))


def verify(store: Store, device: Device) -> tuple[int, list[Damage]]:
    with store.read() as connection:
        terminal = terminals.find(connection, device.device_id)
        assert terminal is not None
        return verify_chain(connection, terminal)


def change(store: Store, sql: str, *values: object) -> None:
    """Change the database behind the companion's back."""
    connection = sqlite3.connect(store.directory / "store.sqlite")
    with connection:
        assert connection.execute(sql, values).rowcount == 1
    connection.close()


def test_a_store_is_for_its_user_only(store: Store) -> None:
    for path in (store.directory, *store.directory.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_missing_store_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here"):
        Store.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(tmp_path, create=True)


def test_a_sqlite_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    foreign = tmp_path / "store.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = foreign.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path, create=True)
    assert foreign.read_bytes() == before


def test_a_store_of_a_newer_schema_is_refused(store: Store) -> None:
    connection = sqlite3.connect(store.directory / "store.sqlite")
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=f"schema version {schema.SCHEMA_VERSION + 1}"):
        Store.open(store.directory)


def test_an_empty_file_left_by_a_killed_start_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").touch()
    with Store.open(tmp_path, create=True) as store, store.read() as connection:
        assert terminals.every(connection) == []


def test_a_second_sync_adds_nothing(store: Store, device: Device) -> None:
    for stan in range(1, 30):
        device.sale(stan, 100 * stan, "approved")
    assert device.sync(store) == 58
    before = stored(store, device)
    assert device.sync(store) == 0
    with RecordSink(store) as sink:  # even when a terminal sends all of it again
        sink.store(device.device_id, 1, device.payloads)
    assert stored(store, device) == before
    assert all(item.seal_ok for item in before)
    assert verify(store, device) == (58, [])


def test_records_come_back_as_the_terminal_wrote_them(store: Store, device: Device) -> None:
    device.armed(7, 1234)
    device.sync(store)
    (item,) = stored(store, device)
    assert item.payload == device.payloads[0]
    assert item.content is not None
    assert (item.content["stan"], item.content["pan"]) == (7, CARD)


def test_a_record_that_differs_from_the_stored_one_is_refused_with_its_whole_frame(
    store: Store, device: Device
) -> None:
    device.sale(1, 100, "approved")
    device.sync(store)
    other = Device()
    other.sale(1, 999, "approved")
    other.sale(2, 100, "approved")
    with RecordSink(store) as sink, pytest.raises(StoreError, match=r"record 1 .* differs"):
        sink.store(device.device_id, 1, other.payloads)
    assert [item.payload for item in stored(store, device)] == device.payloads


def test_two_syncs_of_one_terminal_at_a_time_are_refused_and_two_terminals_are_not(
    store: Store, device: Device
) -> None:
    other = Device("pz-test-2", "10000002")
    other.offer(store)
    with RecordSink(store) as first, RecordSink(store) as second:
        assert first.begin(device.device_id) is not None
        assert second.begin(other.device_id) is not None
        with pytest.raises(StoreBusy, match="another sync of this terminal"):
            second.begin(device.device_id)
    with RecordSink(store) as third:
        assert third.begin(device.device_id) is not None


def test_an_unknown_terminal_has_no_keys(store: Store) -> None:
    with RecordSink(store) as sink:
        assert sink.begin("pz-stranger") is None
        assert sink.next_seq("pz-stranger") == 1


def test_a_damaged_record_is_a_gap_and_the_record_after_it_is_kept(
    store: Store, device: Device
) -> None:
    for stan in (1, 2, 3):
        device.sale(stan, 100, "approved")
    device.payloads[2] = device.payloads[3] = None
    device.sync(store)
    with store.read() as connection:
        gaps = records.known_gaps(connection, device.device_id)
    assert [(gap.first_seq, gap.last_seq) for gap in gaps] == [(3, 4)]
    assert [(item.seq, item.seal_ok) for item in stored(store, device)] == [
        (1, True),
        (2, True),
        (5, None),
        (6, True),
    ]
    assert device.sync(store) == 0
    assert [damage.first_seq for damage in verify(store, device)[1]] == [3]


def test_records_that_the_terminal_passes_over_are_a_gap(store: Store, device: Device) -> None:
    for stan in (1, 2):
        device.sale(stan, 100, "approved")
    with RecordSink(store) as sink:
        sink.store(device.device_id, 3, device.payloads[2:])
    _, (damage,) = verify(store, device)
    assert (damage.first_seq, damage.last_seq) == (1, 2)
    assert "not sent" in damage.problem


def test_a_record_with_a_wrong_seal_is_kept_as_evidence_and_marked(
    store: Store, device: Device
) -> None:
    device.sale(1, 100, "approved")
    payload = device.payloads[0]
    assert payload is not None
    device.payloads[0] = payload[:-1] + bytes([payload[-1] ^ 1])
    device.sync(store)
    assert [item.seal_ok for item in stored(store, device)] == [False, False]
    damages = verify(store, device)[1]
    assert [damage.first_seq for damage in damages] == [1], "one change is one finding"


@pytest.mark.parametrize("seq", [1, 4, 10])
@pytest.mark.parametrize("where", ["first byte", "middle", "seal"])
def test_a_bit_flipped_in_the_store_is_found_at_its_record(
    store: Store, device: Device, seq: int, where: str
) -> None:
    for stan in range(1, 6):
        device.sale(stan, 100, "approved")
    device.sync(store)
    payload = bytearray(stored(store, device)[seq - 1].payload)
    payload[{"first byte": 0, "middle": len(payload) // 2, "seal": -1}[where]] ^= 0x10
    change(store, "UPDATE records SET payload = ? WHERE seq = ?", bytes(payload), seq)
    count, damages = verify(store, device)
    assert count == 10
    assert [(item.first_seq, item.last_seq) for item in damages] == [(seq, seq)]


@pytest.mark.parametrize("seq", [1, 5, 10])
def test_a_record_deleted_from_the_store_is_found_at_the_end_too(
    store: Store, device: Device, seq: int
) -> None:
    for stan in range(1, 6):
        device.sale(stan, 100, "approved")
    device.sync(store)
    change(store, "DELETE FROM records WHERE seq = ?", seq)
    assert verify(store, device) == (9, [Damage(seq, seq, MISSING)])


def test_two_records_swapped_in_the_store_are_found(store: Store, device: Device) -> None:
    for stan in range(1, 4):
        device.sale(stan, 100, "approved")
    device.sync(store)
    change(store, "UPDATE records SET seq = 99 WHERE seq = 2")
    change(store, "UPDATE records SET seq = 2 WHERE seq = 3")
    change(store, "UPDATE records SET seq = 3 WHERE seq = 99")
    damages = verify(store, device)[1]
    # What stands where 2 was, and 4, whose predecessor is not where it was.
    assert [damage.first_seq for damage in damages] == [2, 4]


def test_a_record_with_a_clear_card_number_is_never_stored(store: Store, device: Device) -> None:
    clear = "6222000000000009"
    assert records.luhn(clear)
    device.armed(1, 100)
    device.add(record.NOTE, code="DEBUG", detail=f"card {clear}")
    device.outcome(1, 100)
    device.sync(store)
    assert [item.seq for item in stored(store, device)] == [1, 3]
    _, (damage,) = verify(store, device)
    assert damage.first_seq == 2 and "clear card number" in damage.problem
    assert_nowhere(store, clear)


def test_after_a_day_no_file_of_the_store_has_the_master_key_or_the_wifi_password(
    store: Store, device: Device, tmp_path: Path
) -> None:
    file = DayFile()
    for stan in range(1, 50):
        device.sale(stan, 100 + stan, "approved")
        file.add(stan, 100 + stan)
    device.sync(store)
    import_file(store, file.write(tmp_path / f"{DAY}.csv"))
    reconcile(store)
    assert_nowhere(store, "secret-of-the-shop")
    tmk = device.config["tmk"]
    assert isinstance(tmk, bytes)
    assert_nowhere(store, tmk.hex())
    for path in store.directory.rglob("*"):
        if path.is_file():
            assert tmk not in path.read_bytes(), path


def assert_nowhere(store: Store, text: str) -> None:
    store.close()  # what is in the write-ahead log must be seen too, so look at every file
    looked_at = [path for path in store.directory.rglob("*") if path.is_file()]
    assert any(path.name == "store.sqlite" for path in looked_at)
    for path in looked_at:
        assert text.encode() not in path.read_bytes(), path


def test_a_terminal_number_is_given_twice_only_when_asked(store: Store, device: Device) -> None:
    device.armed(1, 100)
    device.sync(store)  # now it is known to live
    again = Device("pz-test-2")
    with pytest.raises(StoreError, match="pz-test-1 already"):
        again.offer(store)
    terminals.offer(store, again.config, replace=True)
    with store.read() as connection:
        states = {item.device_id: item.state for item in terminals.every(connection)}
    assert states == {"pz-test-1": "provisioned", "pz-test-2": "offered"}
    again.armed(1, 100)
    again.sync(store)
    with store.read() as connection:
        states = {item.device_id: item.state for item in terminals.every(connection)}
    assert states == {"pz-test-1": "retired", "pz-test-2": "provisioned"}


def test_keys_stay_out_of_what_is_printed_of_a_terminal(store: Store, device: Device) -> None:
    with store.read() as connection:
        terminal = terminals.find(connection, device.device_id)
    assert terminal is not None
    assert repr(terminal.seal_key) not in repr(terminal)
