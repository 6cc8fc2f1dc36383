"""`companion journal read`: records out of a dead terminal's flash, and into the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from companion import flash
from companion.cli.main import main
from companion.store import Store, records, schema, terminals
from companion.store.records import uncovered
from companion.store.sink import RecordSink
from companion.store.verify import verify as verify_chain
from protocol import cbor, record, seal
from terminal.journal import Journal
from tests.companion.flashed import Shop, whole_flash
from tests.companion.sealed import DAY, DayFile, Device
from tests.journal.nor import SECTOR

HERE = Path(__file__).parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)


def ended(code: int, *arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    return result


def document(code: int, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended(code, *arguments, "--json").stdout)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def shop(store: Path) -> Shop:
    """A terminal of this store that has sold ten times and was never synced."""
    made = Shop()
    with Store.open(store, create=True) as opened:
        made.device.offer(opened)
    made.sell(1, 10)
    return made


@pytest.fixture
def dump(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(image: bytes) -> Path:
        path = tmp_path / "flash.bin"
        path.write_bytes(image)
        return path

    return write


Dump = Callable[[bytes], Path]


def damage(shop: Shop, *seqs: int) -> bytes:
    """The shop's flash with these records damaged."""
    image = bytearray(shop.image())
    for item in flash.read(bytes(image)).records:
        if item.seq in seqs:
            slot = item.slots[0]
            image[slot.sector * SECTOR + slot.number * 128 + 20] ^= 1
    return bytes(image)


def stored(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the load may touch, without the moments."""
    connection = sqlite3.connect(store / "store.sqlite")
    rows = {
        table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
        for table, columns in {
            "terminals": "device_id, state, next_seq, last_sync_at",
            "records": "device_id, seq, payload, kind, seal_ok, image",
            "gaps": "device_id, first_seq, last_seq, reason",
            "images": "device_id, first_seq, next_seq, unsure_seq, sha256",
        }.items()
    }
    connection.close()
    return rows


def sync(shop: Shop, store: Path) -> list[int]:
    """A sync as the terminal's mount serves it now; returns what it replaced."""
    shop.journal = Journal(shop.nor)
    shop.journal.mount()
    device = shop.device.device_id
    with Store.open(store) as opened, RecordSink(opened) as sink:
        assert sink.begin(device) is not None
        first = max(sink.next_seq(device), shop.journal.first_seq)
        sink.store(device, first, [payload for _, payload in shop.journal.scan(first)])
        return sink.replaced


# Reading


def test_without_a_store_records_are_listed_and_their_seals_called_unverified(
    shop: Shop, dump: Dump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = dump(shop.image())
    text = ended(1, "journal", "read", path).stdout
    assert "ARMED" in text and "amount=10.00" in text and "not verified" in text
    assert "seals not verified: no key, for there is no store here" in text
    found = document(1, "journal", "read", path, "--from", 3, "--limit", 2)
    assert [row["seq"] for row in found["records"]] == [3, 4]
    assert found["device_id"] is None and found["records"][0]["seal_ok"] is None


def test_the_seals_say_whose_journal_it_is(shop: Shop, store: Path, dump: Dump) -> None:
    with Store.open(store) as opened:
        Device("pz-test-2", "10000002").offer(opened)
    path = dump(whole_flash(shop.image()))
    text = ended(0, "journal", "read", path, "--store", store).stdout
    assert "pz-test-1, terminal 10000001" in text
    assert "20 seals hold, 0 broken, 0 after a gap" in text
    assert "record 20 was written last" in text
    found = document(0, "journal", "read", path, "--store", store)
    assert (found["device_id"], found["findings"], found["unsure_seq"]) == ("pz-test-1", [], 20)
    assert all(row["seal_ok"] for row in found["records"])


def test_of_an_unknown_terminal_no_seal_is_verified_and_nothing_loaded(
    shop: Shop, tmp_path: Path, dump: Dump
) -> None:
    other = tmp_path / "other"
    with Store.open(other, create=True) as opened:
        Device("pz-test-2", "10000002").offer(opened)
    path = dump(shop.image())
    text = ended(1, "journal", "read", path, "--store", other).stdout
    assert "seals not verified: no key, for no terminal of this store" in text
    before = stored(other)
    for extra in ([], ["--device", "pz-test-2"]):
        line = ended(2, "journal", "read", path, "--load", "--store", other, *extra).stderr
        assert "nothing was loaded" in line and line.count("\n") == 1
    assert stored(other) == before
    text = ended(1, "journal", "read", path, "--store", other, "--device", "pz-test-2").stdout
    assert "record 1-20: the seal does not match the record" in text


def test_gaps_are_named_and_a_changed_record_is_found(shop: Shop, store: Path, dump: Dump) -> None:
    path = dump(damage(shop, 3, 4, 9))
    found = document(1, "journal", "read", path, "--store", store)
    assert [(gap["first_seq"], gap["last_seq"]) for gap in found["gaps"]] == [(3, 4), (9, 9)]
    assert [row["seq"] for row in found["records"] if row["seal_ok"] is None] == [5, 10]
    text = ended(1, "journal", "read", path, "--store", store).stdout
    assert "record 3-4: damaged: sector" in text and "15 seals hold, 0 broken, 2 after" in text


def test_a_forged_record_with_a_good_checksum_breaks_the_chain(
    shop: Shop, store: Path, dump: Dump
) -> None:
    payload = shop.device.payloads[4]
    assert payload is not None
    shop.device.payloads[4] = payload[:-1] + bytes([payload[-1] ^ 1])
    forged = Shop(device=shop.device)
    forged.write()
    text = ended(1, "journal", "read", dump(forged.image()), "--store", store).stdout
    assert "record 5: the seal does not match the record" in text
    assert "19 seals hold, 1 broken" in text


def test_a_clear_card_number_is_neither_shown_nor_stored(
    shop: Shop, store: Path, dump: Dump
) -> None:
    shop.device.add(record.NOTE, code="DEBUG", detail="card 6222000000000009")
    shop.sell(11, 11)
    path = dump(shop.image())
    for arguments in (["--json"], [], ["--load"]):
        result = ended(1, "journal", "read", path, "--store", store, *arguments)
        assert "6222000000000009" not in result.output
        assert b"6222000000000009".hex() not in result.output
        assert "record 21: holds a clear card number" in result.output
    assert 21 not in [row[1] for row in stored(store)["records"]]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"\xff" * 65536, [], "erased, all of it"),
        (b"", ["--offset", "-5"], "not a number of bytes"),
        (b"", ["--size", "lots"], "not a number of bytes"),
        (b"", ["--load"], "no store here"),
        (b"", ["--device", "pz-1"], "no store here"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_store(
    content: bytes, arguments: list[str], message: str, store: Path, dump: Dump
) -> None:
    where = ["--store", store] if message == "no store here" else []
    line = ended(2, "journal", "read", dump(content), *arguments, *where).stderr
    assert message in line and line.count("\n") == 1
    assert not store.exists()


def test_an_image_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    line = ended(2, "journal", "read", tmp_path / "none.bin").stderr
    assert line == f"companion: {tmp_path}/none.bin: No such file or directory\n"


# Loading


def test_a_dead_terminal_is_reconciled_from_its_flash(
    shop: Shop, store: Path, dump: Dump, tmp_path: Path
) -> None:
    shop.device.sign_in("0302091500")
    shop.sell(11, 12, "suspended")
    path = dump(shop.image())
    assert document(0, "journal", "read", path, "--load", "--store", store)["loaded"] == 27
    text = ended(0, "journal", "verify", "--store", store).stdout
    assert "27 records, the chain holds" in text
    file = DayFile()
    for stan in range(1, 13):
        file.add(stan, 100 * stan)
    ended(0, "import", file.write(tmp_path / f"{DAY}.csv"), "--store", store)
    found = json.loads(ended(0, "reconcile", "--json", "--store", store).stdout)
    assert found["holds"] and found["counts"]["REVERSAL_STUCK"] == 2
    rows = json.loads(ended(0, "journal", "list", "--json", "--store", store).stdout)
    digest = document(0, "journal", "read", path, "--store", store)["image"]["sha256"]
    assert {row["image"] for row in rows} == {digest}


def test_loading_twice_changes_nothing(shop: Shop, store: Path, dump: Dump) -> None:
    path = dump(damage(shop, 4))
    ended(1, "journal", "read", path, "--load", "--store", store)
    before = stored(store)
    assert document(1, "journal", "read", path, "--load", "--store", store)["loaded"] == 0
    assert stored(store) == before


def test_what_a_sync_brought_stays_as_it_is(shop: Shop, store: Path, dump: Dump) -> None:
    sync(shop, store)
    shop.sell(11, 12)
    before = stored(store)
    path = dump(damage(shop, 4, 22))
    assert document(1, "journal", "read", path, "--load", "--store", store)["loaded"] == 3
    after = stored(store)
    assert after["records"][:20] == before["records"]
    assert [row[5] is None for row in after["records"]] == [True] * 20 + [False] * 3
    assert [row[1:3] for row in after["gaps"]] == [(22, 22)], "4 is stored: it is no gap"
    assert after["terminals"][0][3] == before["terminals"][0][3], "a load is no sync"


def test_a_record_that_differs_from_the_stored_one_stops_it_and_nothing_is_kept(
    shop: Shop, store: Path, dump: Dump
) -> None:
    sync(shop, store)
    other = Shop()
    other.sell(1, 4)
    other.sell(6, 14)
    before = stored(store)
    line = ended(2, "journal", "read", dump(other.image()), "--load", "--store", store).stderr
    assert "record 9 from the image differs from the stored one; nothing was changed" in line
    assert stored(store) == before


def test_a_gap_is_kept_with_its_reason_and_filled_by_a_better_image(
    shop: Shop, store: Path, dump: Dump
) -> None:
    ended(1, "journal", "read", dump(damage(shop, 4, 5, 6)), "--load", "--store", store)
    text = ended(1, "journal", "verify", "--store", store).stdout
    assert "record 4-6: flash image: damaged: sector" in text
    assert (
        document(1, "journal", "read", dump(damage(shop, 4)), "--load", "--store", store)["loaded"]
        == 2
    )
    assert [row[1:3] for row in stored(store)["gaps"]] == [(4, 4)]
    assert (
        document(0, "journal", "read", dump(shop.image()), "--load", "--store", store)["loaded"]
        == 1
    )
    assert stored(store)["gaps"] == []
    assert "the chain holds" in ended(0, "journal", "verify", "--store", store).stdout
    rows = json.loads(ended(0, "journal", "list", "--json", "--store", store).stdout)
    assert all(row["seal_ok"] for row in rows)


def test_only_what_a_mount_would_serve_is_loaded(store: Path, dump: Dump, shop: Shop) -> None:
    for stan in range(11, 130):
        shop.sell(stan, stan)
        shop.journal.release(shop.journal.next_seq - 10)
    first = shop.journal.first_seq
    assert first > 1
    path = dump(shop.image())
    ended(0, "journal", "read", path, "--load", "--store", store)
    text = ended(1, "journal", "verify", "--store", store).stdout
    assert f"record 1-{first - 1}: recycled before the image was read" in text
    assert [row[1] for row in stored(store)["records"]] == list(range(first, 259))


# A terminal that comes back to life


def test_a_terminal_that_comes_back_goes_on_where_its_image_ended(
    shop: Shop, store: Path, dump: Dump
) -> None:
    ended(0, "journal", "read", dump(shop.image()), "--load", "--store", store)
    assert stored(store)["images"][0][3] == 20
    shop.journal = Journal(shop.nor)
    shop.journal.mount()
    shop.sell(11, 12)
    assert sync(shop, store) == []
    assert stored(store)["images"][0][3] is None, "the terminal has said it too"
    assert "24 records, the chain holds" in ended(0, "journal", "verify", "--store", store).stdout


def torn(shop: Shop) -> None:
    """The newest record's slot reads torn from now on."""
    slot = flash.read(shop.image()).served[-1].slots[-1]
    start = slot.sector * SECTOR + slot.number * 128
    shop.nor.data[start + 4 : start + 128] = bytes(124)


def test_a_newest_record_that_the_restart_found_torn_gives_way_to_the_terminals(
    shop: Shop, store: Path, dump: Dump
) -> None:
    image = shop.image()
    ended(0, "journal", "read", dump(image), "--load", "--store", store)
    torn(shop)
    assert sync(shop, store) == [], "the terminal has nothing yet in the place of 20"
    again = Device()
    for stan in range(1, 10):
        again.sale(stan, 100 * stan, "approved")
    again.armed(10, 1000)
    again.add(record.NOTE, code="RESTART", detail="")
    again.add(record.NOTE, code="MORE", detail="")
    shop.device = again
    shop.write()
    assert sync(shop, store) == [20]
    assert "21 records, the chain holds" in ended(0, "journal", "verify", "--store", store).stdout
    assert [row[5] is None for row in stored(store)["records"]] == [False] * 19 + [True] * 2
    line = ended(2, "journal", "read", dump(image), "--load", "--store", store).stderr
    assert "record 20 from the image differs" in line


def test_numbers_that_may_have_been_given_out_do_not_keep_the_terminals_records_out(
    shop: Shop, store: Path, dump: Dump
) -> None:
    while shop.journal.next_seq < 36:  # into the second sector
        shop.sell(len(shop.device.payloads), len(shop.device.payloads))
    image = bytearray(shop.image())
    place = flash.read(bytes(image)).served[-1].slots[0].sector
    image[place * SECTOR : (place + 1) * SECTOR] = bytes(SECTOR)
    found = document(1, "journal", "read", dump(bytes(image)), "--load", "--store", store)
    (gap,) = found["gaps"]
    assert gap["unknown"] and gap["last_seq"] == found["next_seq"] - 1
    text = ended(1, "journal", "verify", "--store", store).stdout
    assert "flash image: may have been given out" in text
    assert sync(shop, store) == []  # the sector reads well after all
    rows = stored(store)["records"]
    assert [row[2] for row in rows] == shop.device.payloads
    assert all(low > len(rows) for _, low, _, _ in stored(store)["gaps"])


# The store


def test_a_store_of_version_1_is_opened_and_brought_up(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    connection = sqlite3.connect(tmp_path / "old" / "store.sqlite")
    connection.executescript((HERE / "store-v1.sql").read_text())
    connection.close()
    with Store.open(tmp_path / "old") as old, old.read() as read:
        (terminal,) = terminals.every(read)
        assert [(item.seq, item.image) for item in records.scan(read, terminal.device_id)] == [
            (1, None),
            (2, None),
            (4, None),
        ]
        assert verify_chain(read, terminal)[0] == 3
    Store.open(tmp_path / "new", create=True).close()
    assert columns(tmp_path / "old") == columns(tmp_path / "new")
    shop = Shop()
    shop.device.sale(1, 1000, "approved")
    shop.device.sale(2, 2000, "declined")
    as_written_then(shop.device)
    shop.write()
    path = tmp_path / "flash.bin"
    path.write_bytes(shop.image())
    ended(0, "journal", "read", path, "--load", "--store", tmp_path / "old")
    assert "the chain holds" in ended(0, "journal", "verify", "--store", tmp_path / "old").stdout


def as_written_then(device: Device) -> None:
    """Turn its records into those of a terminal whose ARMED had no original and no chip data."""
    key = device.config["seal_key"]
    assert isinstance(key, bytes)
    before = seal.first(key, device.device_id)
    for number, payload in enumerate(device.payloads):
        assert payload is not None
        values = cbor.loads(seal.split(payload)[0])
        assert isinstance(values, list)
        data = cbor.dumps(values[:-7] if values[0] == record.ARMED else values)
        before = seal.seal(key, before, data)
        device.payloads[number] = data + before


def columns(store: Path) -> dict[str, Any]:
    connection = sqlite3.connect(store / "store.sqlite")
    found: dict[str, Any] = {
        name: (
            sorted(row[1:4] + row[5:] for row in connection.execute(f"PRAGMA table_info({name})")),
            sorted(row[2:5] for row in connection.execute(f"PRAGMA foreign_key_list({name})")),
        )
        for name in schema.metadata.tables
    }
    found["version"] = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("ranges", "left"),
    [
        ([], [(5, 9)]),
        ([(1, 4), (10, 12)], [(5, 9)]),
        ([(1, 5), (7, 7), (9, 20)], [(6, 6), (8, 8)]),
        ([(7, 8), (7, 7)], [(5, 6), (9, 9)]),
        ([(1, 30)], []),
    ],
)
def test_what_no_range_covers(ranges: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    assert list(uncovered(5, 9, ranges)) == left
