"""Our CBOR against PyPI's cbor2: whatever we write it reads, whatever we read it agrees on."""

from __future__ import annotations

import random
from typing import Any

import cbor2

from protocol import cbor


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(7 if depth < cbor.MAX_DEPTH else 6)
    if kind == 0:
        return rng.getrandbits(rng.randrange(65))
    if kind == 1:
        return -1 - rng.getrandbits(rng.randrange(64))
    if kind == 2:
        return rng.randbytes(rng.randrange(300))
    if kind == 3:
        return "".join(chr(rng.randrange(0x20, 0xD800)) for _ in range(rng.randrange(60)))
    if kind == 4:
        return rng.random() < 0.5
    if kind == 5:
        return None
    return [_value(rng, depth + 1) for _ in range(rng.randrange(6))]


def test_both_write_the_same_bytes() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        value = _value(rng, 0)
        if len(cbor2.dumps(value, canonical=True)) > cbor.MAX_DATA:
            continue
        data = cbor.dumps(value)
        assert data == cbor2.dumps(value, canonical=True)
        assert cbor2.loads(data) == value == cbor.loads(data)


def test_random_bytes_that_we_accept_mean_the_same_to_both() -> None:
    rng = random.Random(2)
    accepted = 0
    for _ in range(60000):
        data = bytes([rng.randrange(0xA0)]) + rng.randbytes(rng.randrange(8))
        try:
            value = cbor.loads(data)
        except cbor.CborError:
            continue
        accepted += 1
        assert cbor2.loads(data) == value
    assert accepted > 1000


def test_every_code_point_is_accepted_or_refused_as_cbor2_does() -> None:
    for first in range(0xC0, 0x100):
        for second in range(0x70, 0xD0):
            data = bytes([0x64, first, second, 0x80, 0x80])
            try:
                expected = cbor2.loads(data)
            except cbor2.CBORDecodeError:
                expected = None
            try:
                ours = cbor.loads(data)
            except cbor.CborError:
                ours = None
            assert ours == expected, data.hex()
