"""Our codec and DES against independent ones: PyPI pyiso8583 and cryptography.

The pyiso8583 specification below is written from the field table of the dialect, not derived from
the profile, so that a mistake in either shows.
"""

import json
import random
from pathlib import Path
from typing import Any

import iso8583
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from protocol.iso8583 import codec, mac, wire
from protocol.iso8583.des import Des
from protocol.iso8583.profile import load_file

ROOT = Path(__file__).parents[2]
PROFILE = load_file(str(ROOT / "protocol/iso8583/profiles/unionpay_pos.json"))
GENERIC = load_file(str(ROOT / "protocol/iso8583/profiles/iso8583_1987.json"))
TPDU = bytes.fromhex("6000030000")
HEADER = "613100000000"
DIGITS = "0123456789"
ALNUM = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

Row = tuple[str, int, int, int, str]


def _n(length: int) -> Row:
    return ("n", 0, length, length, "right_pad")


def _text(length: int, kind: str = "an") -> Row:
    return (kind, 0, length, length, "")


# field -> (kind, bytes of length, shortest, longest, pad)
FIELDS: dict[int, Row] = {
    2: ("n", 1, 1, 19, "right_pad"),
    32: ("n", 1, 1, 11, "right_pad"),
    3: _n(6),
    4: _n(12),
    11: _n(6),
    12: _n(6),
    13: _n(4),
    14: _n(4),
    15: _n(4),
    22: _n(3),
    23: ("n", 0, 3, 3, "left_pad"),
    25: _n(2),
    26: _n(2),
    53: _n(16),
    35: ("z", 1, 1, 37, "right_pad"),
    48: ("n", 2, 1, 322, "right_pad"),
    37: _text(12),
    38: _text(6),
    39: _text(2),
    49: _text(3),
    41: _text(8, "ans"),
    42: _text(15, "ans"),
    44: ("an", 1, 0, 25, ""),
    52: ("b", 0, 8, 8, ""),
    54: ("an", 2, 1, 120, ""),
    55: ("b", 2, 1, 255, ""),
    60: ("n", 2, 11, 17, "right_pad"),
    61: ("n", 2, 12, 29, "right_pad"),
    59: ("ans", 2, 1, 600, ""),
    62: ("b", 2, 1, 512, ""),
    63: ("ans", 2, 0, 163, ""),
    64: ("b", 0, 8, 8, ""),
}


def _spec() -> dict[str, dict[str, Any]]:
    fixed: dict[str, Any] = {"data_enc": "b", "len_enc": "bcd", "len_type": 0, "desc": ""}
    spec: dict[str, dict[str, Any]] = {
        "h": {**fixed, "max_len": 11},
        "t": {**fixed, "max_len": 2},
        "p": {**fixed, "max_len": 8},
        "1": {**fixed, "max_len": 8},
    }
    for number, (kind, prefix, _, longest, pad) in FIELDS.items():
        entry = {**fixed, "len_type": prefix, "max_len": longest}
        if kind in ("n", "z"):
            entry["len_count"] = "nibbles"
            entry[pad] = "0"
        elif kind != "b":
            entry["data_enc"] = "ascii"
        spec[str(number)] = entry
    return spec


SPEC = _spec()


def _value(rng: random.Random, number: int) -> str | bytes:
    kind, _, low, high, _ = FIELDS[number]
    size = rng.randint(low, min(high, 80))
    if kind == "b":
        return rng.randbytes(size)
    if kind == "z":
        track = "".join(rng.choices(DIGITS, k=size))
        at = rng.randrange(size)
        return track[:at] + "D" + track[at + 1 :]
    return "".join(rng.choices({"n": DIGITS, "an": ALNUM, "ans": PRINTABLE}[kind], k=size))


def _fields(rng: random.Random) -> dict[int, str | bytes]:
    chosen = rng.sample(sorted(FIELDS), rng.randint(0, 20))
    return {number: _value(rng, number) for number in chosen}


def _theirs(mti: str, fields: dict[int, str | bytes]) -> dict[str, str]:
    """A message as pyiso8583 wants it: text keys, binary values as upper-case hex."""
    document = {"h": TPDU.hex() + HEADER, "t": mti}
    for number, value in fields.items():
        document[str(number)] = value.hex().upper() if isinstance(value, bytes) else value
    return document


def _ours(document: dict[str, str]) -> dict[int, str | bytes]:
    fields: dict[int, str | bytes] = {}
    for key, value in document.items():
        if key.isdigit() and key != "1":
            binary = FIELDS[int(key)][0] == "b"
            fields[int(key)] = bytes.fromhex(value) if binary else value
    return fields


def test_the_profile_defines_exactly_the_fields_of_the_table() -> None:
    defined = {n: entry for n, entry in enumerate(PROFILE.table) if entry}
    assert {n: (k, prefix, low, high) for n, (k, prefix, low, high, _) in defined.items()} == {
        n: row[:4] for n, row in FIELDS.items()
    }
    assert [n for n, entry in defined.items() if entry[4]] == [23]


@pytest.mark.parametrize("seed", range(8))
def test_what_we_encode_pyiso8583_decodes_to_the_same_fields(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(150):
        fields = _fields(rng)
        data = codec.encode(PROFILE, "0200", fields, TPDU)
        document, _ = iso8583.decode(data, SPEC)
        assert document["h"] == TPDU.hex() + HEADER
        assert document["t"] == "0200"
        assert _ours(document) == fields


@pytest.mark.parametrize("seed", range(8))
def test_what_pyiso8583_encodes_we_decode_to_the_same_fields(seed: int) -> None:
    rng = random.Random(100 + seed)
    for _ in range(150):
        fields = _fields(rng)
        data, _ = iso8583.encode(_theirs("0210", fields), SPEC)
        message = codec.decode(PROFILE, bytes(data))
        assert message.fields == fields
        assert (message.tpdu, message.header, message.mti) == (TPDU, HEADER, "0210")
        # Both encoders write the same bytes.
        assert codec.encode(PROFILE, "0210", fields, TPDU) == bytes(data)


def _golden(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]]
    rows = json.loads((ROOT / f"protocol/vectors/{name}.json").read_text())["messages"]
    return rows


def test_golden_messages_read_the_same_in_pyiso8583() -> None:
    rows = _golden("iso8583") + _golden("iso8583_transactions")
    assert len(rows) == 24
    for row in rows:
        data = bytes.fromhex("".join(piece for _, piece in row["wire"]))
        document, _ = iso8583.decode(data, SPEC)
        found = {k: v for k, v in document.items() if k.isdigit() and k != "1"}
        assert found == row["fields"], row["name"]


def _generic_spec() -> dict[str, dict[str, Any]]:
    """What the generic profile has otherwise: no header, F60 and F61 as text, a second bitmap."""
    spec = {key: dict(entry) for key, entry in SPEC.items()}
    spec["h"]["max_len"] = 5
    spec["90"] = {**spec["3"], "max_len": 42}
    for number in ("22", "70"):
        spec[number] = dict(SPEC["23"])
    for number, longest in (("60", 6), ("61", 16)):
        spec[number] = {**SPEC["59"], "max_len": longest}
    spec["128"] = dict(SPEC["64"])
    return spec


def test_generic_golden_messages_read_the_same_in_pyiso8583() -> None:
    spec = _generic_spec()
    rows = _golden("iso8583_1987")
    assert len(rows) == 7
    for row in rows:
        data = bytes.fromhex("".join(piece for _, piece in row["wire"]))
        document, _ = iso8583.decode(data, spec)
        found = {k: v for k, v in document.items() if k.isdigit() and k != "1"}
        assert found == row["fields"], row["name"]


@pytest.mark.parametrize("seed", range(4))
def test_messages_with_a_second_bitmap_agree_both_ways(seed: int) -> None:
    rng = random.Random(seed)
    spec = _generic_spec()
    for _ in range(100):
        fields: dict[int, str | bytes] = {
            n: _value(rng, n) for n in rng.sample((2, 3, 4, 35, 55), 3)
        }
        if rng.random() < 0.7:
            fields[90] = "".join(rng.choices(DIGITS, k=42))
        if rng.random() < 0.5:
            fields[70] = "".join(rng.choices(DIGITS, k=3))
        if rng.random() < 0.5:
            fields[128] = rng.randbytes(8)
        ours = codec.encode(GENERIC, "0420", fields, TPDU)
        theirs, _ = iso8583.encode({**_theirs("0420", fields), "h": TPDU.hex()}, spec)
        assert ours == bytes(theirs)
        assert codec.decode(GENERIC, ours).fields == fields


def _des(key: bytes, data: bytes) -> bytes:
    triple = key * 3 if len(key) == 8 else key + key[:8]
    encryptor = Cipher(TripleDES(triple), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def test_des_and_3des_agree_with_cryptography() -> None:
    rng = random.Random(46)
    for _ in range(300):
        key = rng.randbytes(rng.choice((8, 16)))
        data = rng.randbytes(8 * rng.randint(1, 4))
        cipher = _des(key, data)
        assert Des(key).encrypt(data) == cipher
        assert Des(key).decrypt(cipher) == data


def test_cup_ecb_agrees_with_its_definition_over_cryptography() -> None:
    rng = random.Random(39)
    for _ in range(100):
        key = rng.randbytes(rng.choice((8, 16)))
        data = rng.randbytes(rng.randint(0, 200))
        padded = data + bytes(-len(data) % 8)
        folded = 0
        for at in range(0, len(padded), 8):
            folded ^= int.from_bytes(padded[at : at + 8], "big")
        text = f"{folded:016X}".encode()
        first = int.from_bytes(_des(key, text[:8]), "big")
        second = _des(key, (first ^ int.from_bytes(text[8:], "big")).to_bytes(8, "big"))
        assert mac.cup_ecb(key, data) == second.hex().upper()[:8].encode()


def test_thousands_of_seeded_mutations_raise_nothing_but_iso8583_error() -> None:
    rng = random.Random(8583)
    refused = 0
    for _ in range(20000):
        data = bytearray(codec.encode(PROFILE, "0200", _fields(rng), TPDU))
        for _ in range(rng.randint(1, 5)):
            start = rng.randrange(len(data))
            end = min(len(data), start + rng.randint(0, 4))
            data[start:end] = rng.randbytes(rng.randint(0, 4))
            if not data:
                break
        try:
            codec.decode(PROFILE, bytes(data))
        except codec.Iso8583Error:
            refused += 1
    assert 1000 < refused < 20000


def test_random_bytes_raise_nothing_but_iso8583_error() -> None:
    rng = random.Random(7)
    for _ in range(5000):
        data = TPDU + bytes.fromhex(HEADER) + b"\x02\x00" + rng.randbytes(rng.randint(0, 300))
        with pytest.raises(codec.Iso8583Error):
            codec.decode(PROFILE, data)


def test_a_message_that_does_not_fit_its_length_prefix_is_refused() -> None:
    assert len(wire.wrap(bytes(0xFFFF))) == 0x10001
    with pytest.raises(codec.Iso8583Error):
        wire.wrap(bytes(0x10000))
