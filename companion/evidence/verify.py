#!/usr/bin/env python3
"""Checks this evidence pack with nothing but Python's standard library (3.8 or later).

    python3 verify.py                    in the unpacked folder
    python3 verify.py --keys KEYS.json   the seals too, with the keys that the merchant gave you

Without keys: each file has the hash that SHA256SUMS says, each journal record is written out as
its sealed bytes say, and records that follow one another stand on each other's seals as given.
With keys: each seal is computed anew,

    seal = first 8 bytes of HMAC-SHA256(key, seal before || record)

A seal is no signature: whoever has the key could have made it, and the merchant has it. README.txt
says what that proves, and to whom. Exit code 0: all that could be checked is as the pack says;
1: something is not; 2: there is no pack here, or no key file.
"""

import argparse
import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple  # noqa: UP035

SEAL = 8


class Bad(Exception):
    """The pack is not as it says."""


def check_files(folder: Path) -> int:
    """Compare every file with SHA256SUMS; how many there are."""
    listed = {}
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file():
            raise Bad(f"{name}: missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Bad(f"{name}: was changed, its SHA-256 is not the one in SHA256SUMS")
    for path in (folder / "journal").glob("*"):
        if f"journal/{path.name}" not in listed:
            raise Bad(f"journal/{path.name}: is not in SHA256SUMS")
    return len(listed)


def decode(data: bytes) -> List[Any]:  # noqa: UP006
    """The values of one record: CBOR, of which the journal uses numbers, bytes, text, arrays."""
    value, end = _item(data, 0)
    if end != len(data) or not isinstance(value, list):
        raise Bad("a record that cannot be read")
    return value


def _item(data: bytes, at: int) -> Tuple[Any, int]:  # noqa: UP006
    if at >= len(data):
        raise Bad("a record that ends too early")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info < 24:
        number = info
    elif info < 28:
        size = 1 << (info - 24)
        number = int.from_bytes(data[at : at + size], "big")
        at += size
    else:
        raise Bad("a record that cannot be read")
    if major == 0:
        return number, at
    if major in (2, 3):
        piece = data[at : at + number]
        return (piece.hex() if major == 2 else piece.decode("utf-8")), at + number
    if major == 4:
        values = []
        for _ in range(number):
            value, at = _item(data, at)
            values.append(value)
        return values, at
    raise Bad("a record that cannot be read")


def seal(key: bytes, before: bytes, record: bytes) -> bytes:
    """The seal of a record that stands on the seal `before`."""
    return hmac.new(key, before + record, hashlib.sha256).digest()[:SEAL]


def check_record(
    one: Dict[str, Any],  # noqa: UP006
    last: Optional[Dict[str, Any]],  # noqa: UP006, UP045
    key: Optional[bytes],  # noqa: UP045
) -> str:
    """Check one record against what the pack says of it; what was found, in words."""
    payload = bytes.fromhex(one["payload"])
    record, own = payload[:-SEAL], payload[-SEAL:]
    values = decode(record)
    said = [one["kind_number"], *one["fields"].values()]
    # A record of an older terminal lacks fields at its end, which are shown empty.
    rest = said[len(values) :]
    if values != said[: len(values)] or any(value not in (0, "", []) for value in rest):
        raise Bad("its fields are not what its bytes say")
    if one["before"] is None:
        return "not checked: the record before it is missing"
    before = bytes.fromhex(one["before"])
    follows = last is not None and one["holds"] and one["stands_on"] == last["seq"]
    if last is not None and follows and before != bytes.fromhex(last["payload"])[-SEAL:]:
        raise Bad("it does not stand on the seal of the record before it")
    if key is None:
        return "seal not checked: no key"
    holds = hmac.compare_digest(seal(key, before, record), own)
    if holds != one["holds"]:
        raise Bad(f"its seal {'holds' if holds else 'does not hold'}, the pack says otherwise")
    return "seal holds" if holds else "SEAL BROKEN, as the pack says"


def check_journal(path: Path, keys: Dict[str, List[str]]) -> List[str]:  # noqa: UP006
    """Check one journal; a line for each record."""
    journal = json.loads(path.read_text("utf-8"))
    given = keys.get(journal["device_id"], [])
    lines, last = [], None
    for one in journal["records"]:
        where = f"{journal['device_id']} record {one['seq']}, {one['kind']}"
        generation = one["generation"]
        text = given[generation] if generation < len(given) else None
        try:
            found = check_record(one, last, bytes.fromhex(text) if text else None)
        except Bad as error:
            raise Bad(f"{where}: {error}") from None
        lines.append(f"{where}: {found}")
        last = one
    return lines


def main() -> int:
    """Check the pack in the folder of this program."""
    parser = argparse.ArgumentParser(description="Check an evidence pack.")
    parser.add_argument("--keys", type=Path, help="JSON: device id -> list of keys (hex or null)")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    given = parser.parse_args()
    try:
        keys = json.loads(given.keys.read_text("utf-8")) if given.keys else {}
        print(f"files: {check_files(given.folder)}, all with the hash of SHA256SUMS")
        for path in sorted((given.folder / "journal").glob("*.json")):
            for line in check_journal(path, keys):
                print(line)
    except Bad as error:
        print(f"NOT AS IT WAS MADE: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"cannot be checked: {error}", file=sys.stderr)
        return 2
    print("all that was checked is as the pack says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
