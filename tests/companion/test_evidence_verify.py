"""verify.py, run as the acquirer runs it: alone, in the unpacked folder."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from companion.cases.errors import CaseError
from companion.evidence import disclosure, gather, pack
from companion.evidence.pages import Office
from companion.evidence.words import Words
from companion.reconcile import codes
from companion.store import Store, terminals
from companion.store.schema import terminals as rows
from protocol import cbor, record, seal
from tests.companion.evidence_world import World, reversed_sale
from tests.companion.sealed import Device

JOURNAL = "journal/pz-test-1.json"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def unpacked(store: Store, case: str, folder: Path) -> Path:
    done = pack.make(gather.case(store, case, "en"), Office(), Words("en"))
    zipfile.ZipFile(BytesIO(done.zip)).extractall(folder)
    return folder


def verify(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """In isolated mode nothing but the standard library can be imported."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def keys_of(device: Device, folder: Path) -> str:
    path = folder / "KEYS.json"
    key = device.config["seal_key"]
    assert isinstance(key, bytes)
    path.write_text(json.dumps({device.device_id: [key.hex()]}))
    return str(path)


def change(folder: Path, edit: Callable[[dict[str, Any]], object], record_: int = 0) -> None:
    """Change a record in the pack as a forger would, hashes and all."""
    path = folder / JOURNAL
    journal = json.loads(path.read_text())
    edit(journal["records"][record_])
    path.write_text(json.dumps(journal))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sums = folder / "SHA256SUMS"
    lines = [
        f"{digest}  {JOURNAL}" if line.endswith(JOURNAL) else line
        for line in sums.read_text().splitlines()
    ]
    sums.write_text("\n".join(lines) + "\n")


def test_a_pack_is_as_it_says_and_with_the_key_its_seals_hold(
    store: Store, tmp_path: Path
) -> None:
    world, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    without = verify(folder)
    assert without.returncode == 0, without.stderr
    assert "seal not checked: no key" in without.stdout
    assert "seal holds" not in without.stdout
    done = verify(folder, "--keys", keys_of(world.device, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("seal holds") == 4


def test_a_changed_byte_in_any_file_is_found(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    names = [line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert {"case.json", JOURNAL, "verify.py"} < set(names)
    for name in names:
        path = folder / name
        whole = path.read_bytes()
        path.write_bytes(
            whole[:-1] + bytes([whole[-1] ^ 1]) if name != "verify.py" else whole + b"#"
        )
        found = verify(folder)
        assert found.returncode == 1, name
        assert f"{name}: was changed" in found.stderr
        path.write_bytes(whole)
    (folder / "case.json").unlink()
    assert "case.json: missing" in verify(folder).stderr


def test_fields_that_are_not_what_the_bytes_say_are_found_without_a_key(
    store: Store, tmp_path: Path
) -> None:
    _, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    change(folder, lambda one: one["fields"].update(amount_minor=1))
    found = verify(folder)
    assert found.returncode == 1
    assert "record 2, ARMED: its fields are not what its bytes say" in found.stderr


def test_a_seal_that_the_next_record_does_not_stand_on_is_found_without_a_key(
    store: Store, tmp_path: Path
) -> None:
    _, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    change(folder, lambda one: one.update(payload=one["payload"][:-2] + "00"))
    found = verify(folder)
    assert found.returncode == 1
    assert "record 3, BOOT: it does not stand on the seal" in found.stderr


def test_a_forged_record_passes_without_the_key_and_not_with_it(
    store: Store, tmp_path: Path
) -> None:
    """As README.txt says: without the key the seals are not checked."""
    world, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")

    def forge(one: dict[str, Any]) -> None:
        payload = bytes.fromhex(one["payload"])
        content = record.decode(payload[:-8])
        content["attempt"] = 2
        one["payload"] = (record.encode(content) + payload[-8:]).hex()
        one["fields"]["attempt"] = 2

    change(folder, forge, 2)
    assert verify(folder).returncode == 0
    found = verify(folder, "--keys", keys_of(world.device, tmp_path))
    assert found.returncode == 1
    assert "record 4, REVERSAL: its seal does not hold, the pack says otherwise" in found.stderr


def test_a_journal_that_is_not_in_the_list_is_found(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    (folder / "journal/pz-other.json").write_bytes((folder / JOURNAL).read_bytes())
    assert verify(folder).returncode == 1


def test_a_folder_without_a_pack_cannot_be_checked(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    folder = unpacked(store, case, tmp_path / "pack")
    (folder / "SHA256SUMS").unlink()
    assert verify(folder).returncode == 2


def test_a_record_that_was_changed_in_the_store_is_shown_as_broken(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    for stan in (1, 2, 3):
        world.device.sale(stan, 100 * stan, "approved")
    good = world.device.payloads[2]
    assert good is not None
    content = record.decode(good[:-8])
    content["displayed_minor"] = 100
    world.device.payloads[2] = record.encode(content) + good[-8:]
    world.save(tmp_path)
    found = world.gap(codes.JOURNAL_ALTERED, 3, 3, "the seal does not match the record")
    folder = unpacked(store, world.case("c0ffee", [found]), tmp_path / "pack")
    done = verify(folder, "--keys", keys_of(world.device, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "record 3, ARMED: SEAL BROKEN, as the pack says" in done.stdout
    assert done.stdout.count("seal holds") == 5


def test_an_older_terminals_record_with_fewer_fields_is_as_its_bytes_say(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    device = world.device
    first = device.armed(1, 100)
    whole = device.payloads[0]
    assert whole is not None
    values = cbor.loads(whole[:-8])
    assert isinstance(values, list)
    data = cbor.dumps(values[:-7])  # as ARMED was before originals, chip data and host
    device.payloads[0] = data + seal.seal(
        device._key, seal.first(device._key, device.device_id), data
    )
    world.save(tmp_path)
    found = world.found(codes.TERMINAL_ONLY, 1, 100, world.ours(1, 100, first, first))
    folder = unpacked(store, world.case("c0ffee", [found]), tmp_path / "pack")
    done = verify(folder, "--keys", keys_of(device, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("seal holds") == 1


def test_a_key_is_given_out_only_when_nothing_is_sealed_with_it_any_more(
    store: Store, tmp_path: Path
) -> None:
    world, case = reversed_sale(store, tmp_path)
    with pytest.raises(CaseError, match="still seals with the key"):
        disclosure.seal_keys(store, gather.case(store, case, "en"))
    with store.write() as connection:
        (terminal,) = terminals.chosen(connection, "pz-test-1")
        terminals.begin_rotation(connection, terminal)
        terminals.confirm_rotation(connection, "pz-test-1")
    # Given, not yet used: the old key may still seal.
    with pytest.raises(CaseError, match="still seals with the key"):
        disclosure.seal_keys(store, gather.case(store, case, "en"))
    world.device.add(record.REKEYED, generation=1)
    world.device.sync(store)
    given = disclosure.seal_keys(store, gather.case(store, case, "en"))
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(given))
    folder = unpacked(store, case, tmp_path / "pack")
    done = verify(folder, "--keys", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("seal holds") == 4
    # The new one stays here.
    assert [key is None for key in given["pz-test-1"]] == [False, True]


def test_a_retired_terminal_seals_nothing_any_more(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    with store.write() as connection:
        connection.execute(rows.update().values(state="retired"))
    given = disclosure.seal_keys(store, gather.case(store, case, "en"))
    assert len(given["pz-test-1"]) == 1
