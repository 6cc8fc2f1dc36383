"""How fast is our ISO 8583 codec beside PyPI pyiso8583, on the same 0200?

    python -m tests.bench.codec [--rounds N]

Both decode and encode the golden sale of protocol/vectors/iso8583.json, F64 as given. Rounds are
interleaved, so that a busy machine slows both, and the best round of each counts. It ends with 1
when ours is slower at either.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import iso8583

from protocol.iso8583 import codec
from protocol.iso8583.profile import load_file

ROOT = Path(__file__).resolve().parent.parent.parent
BAR = 1.0
_CALLS = 300


@dataclass(frozen=True)
class Measured:
    """Microseconds a call, the best of all rounds."""

    what: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def _spec() -> dict[str, dict[str, Any]]:
    """The fields of a sale as pyiso8583 describes them."""
    fixed: dict[str, Any] = {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "desc": ""}
    spec = {key: {**fixed, "max_len": size} for key, size in (("h", 11), ("t", 2), ("p", 8))}
    for number, size in ((3, 6), (4, 12), (11, 6), (14, 4), (22, 3), (25, 2)):
        nibbles = {"len_count": "nibbles", "right_pad": "0"}
        spec[str(number)] = {**fixed, **nibbles, "max_len": size}
    for number, kind, size in ((2, 1, 19), (35, 1, 37), (60, 2, 17)):
        nibbles = {"len_count": "nibbles", "right_pad": "0"}
        spec[str(number)] = {**fixed, **nibbles, "len_type": kind, "max_len": size}
    for number, size in ((41, 8), (42, 15), (49, 3)):
        spec[str(number)] = {**fixed, "data_enc": "ascii", "max_len": size}
    spec["64"] = {**fixed, "max_len": 8}
    return spec


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - start) / _CALLS * 1e6


def measure(rounds: int) -> list[Measured]:
    """Decode and encode; both codecs are checked to agree before anything is timed."""
    golden = json.loads((ROOT / "protocol/vectors/iso8583.json").read_text())
    row = next(row for row in golden["messages"] if row["name"] == "sale")
    data = bytes.fromhex("".join(piece for _, piece in row["wire"]))
    profile = load_file(str(ROOT / "protocol/iso8583/profiles/unionpay_pos.json"))
    spec = _spec()
    message = codec.decode(profile, data)
    fields, tpdu = message.fields, message.tpdu
    document = {"h": data[:11].hex(), "t": row["mti"], **row["fields"]}
    assert codec.encode(profile, "0200", fields, tpdu) == bytes(iso8583.encode(document, spec)[0])
    assert bytes(data) == bytes(iso8583.encode(iso8583.decode(data, spec)[0], spec)[0])
    calls: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "decode",
            lambda: codec.decode(profile, data),
            lambda: iso8583.decode(data, spec),
        ),
        (
            "encode",
            lambda: codec.encode(profile, "0200", fields, tpdu),
            lambda: iso8583.encode(document, spec),
        ),
    ]
    found = []
    for what, ours, theirs in calls:
        times = [(_timed(ours), _timed(theirs)) for _ in range(rounds)]
        found.append(Measured(what, min(t for t, _ in times), min(t for _, t in times)))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.codec", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each (20)")
    rounds = max(1, parser.parse_args(arguments).rounds)
    print("a 0200, microseconds a call      ours   pyiso8583   times as fast")
    kept = True
    for row in measure(rounds):
        print(f"{row.what:30}{row.ours:7.1f}{row.theirs:12.1f}{row.ratio:16.2f}")
        kept = kept and row.ratio >= BAR
    print(f"bar: at least {BAR:.1f}: {'kept' if kept else 'MISSED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
