"""What happens to a good input: bytes that change, CBOR values that change, seeded.

Runs on both interpreters; ``dice`` is a tests.shared.expect.Random.
"""

from protocol import cbor
from tests.shared.expect import Random

# Heads and limits of CBOR, COBS, BCD and UTF-8.
_BYTES = bytes.fromhex("000117181920303a3f405b5f607f80818498999a9b9fa0c0c1dfe0edf4f6f8fbfeff")
_INTEGERS = [-1, 0, 1, 2, 3, 7, 8, 9, 16, 17, 23, 24, 31, 63, 64, 65, 127, 128, 200, 255, 256]
_INTEGERS += [2000, 65535, 65536, 999999, 1000000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0xFFFFFFFF]
_INTEGERS += [0x100000000, 999999999999, 1000000000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
_INTEGERS += [-0x80000000, -0x8000000000000000]
_LENGTHS = (0, 1, 2, 4, 8, 9, 15, 16, 17, 32, 48, 64, 128, 129, 255, 256, 460, 461, 1100, 4100)
_TEXTS = ("", "A", "00", "平账", "\n", "\x00", "\u202e", "\U0010ffff", "é")


def damage(dice: Random, data: bytes, other: bytes = b"", most: int = 4) -> bytes:
    """``data`` with 1 to ``most`` changes; ``other`` lends pieces."""
    out = bytearray(data)
    for _ in range(1 + dice.below(most)):
        size = len(out)
        at = dice.below(size + 1)
        what = dice.below(10)
        if what < 3 and at < size:
            out[at] ^= 1 << dice.below(8)
        elif what == 3 and at < size:
            out[at] = _BYTES[dice.below(len(_BYTES))]
        elif what == 4 and at < size:
            out[at] = dice.below(256)
        elif what == 5:
            out = out[:at] + dice.bytes(1 + dice.below(4)) + out[at:]
        elif what == 6:
            out = out[:at] + out[at + 1 + dice.below(8) :]
        elif what == 7:
            out = out[: at if dice.below(2) else dice.below(at + 1)]
        elif what == 8:
            length = 1 << dice.below(10)
            out = out[:at] + out[at : at + length] + out[at:]
        else:
            start = dice.below(len(other) + 1)
            out = out[:at] + other[start : start + 1 + dice.below(64)] + out[at:]
    return bytes(out)


def leaf(dice: Random) -> object:
    """A value that is not an array, most of them at some limit."""
    what = dice.below(8)
    if what < 3:
        return _INTEGERS[dice.below(len(_INTEGERS))]
    length = _LENGTHS[dice.below(len(_LENGTHS))]
    if what < 5:
        return bytes([dice.below(256)]) * length
    if what == 5:
        return _TEXTS[dice.below(len(_TEXTS))] * max(1, length // 4)
    if what == 6:
        return "9" * length
    return (None, True, False)[dice.below(3)]


def bend(dice: Random, value: object, depth: int = 0) -> object:
    """A copy of a CBOR value with one change somewhere in it."""
    if not isinstance(value, list) or (depth and not dice.below(4)):
        return near(dice, value)
    items = list(value)
    at = dice.below(len(items) + 1)
    what = dice.below(8)
    if at == len(items) or what == 0:
        items.insert(at, leaf(dice))
    elif what == 1:
        del items[at]
    elif what == 2:
        items.insert(at, items[dice.below(len(items))])
    elif what == 3:
        items[at] = [items[at]] * (1 + dice.below(3))
    else:
        items[at] = bend(dice, items[at], depth + 1)
    return items


def near(dice: Random, value: object) -> object:
    """Another leaf, most of them almost the same."""
    what = dice.below(4)
    if what == 0 or value is None or isinstance(value, (bool, list)):
        return leaf(dice)
    if isinstance(value, int):
        return value + dice.below(9) - 4 if what < 3 else value << dice.below(9)
    if isinstance(value, str):
        cut = dice.below(len(value) + 1)
        piece = chr(0x20 + dice.below(95)) if what == 1 else _TEXTS[dice.below(len(_TEXTS))]
        return value[:cut] + piece + value[cut + dice.below(2) :]
    return damage(dice, value, b"", 1) if isinstance(value, bytes) else leaf(dice)


def bent(dice: Random, data: bytes, other: bytes = b"") -> bytes:
    """An encoded CBOR value, changed as a value, as bytes or both."""
    what = dice.below(4)
    if what:
        try:
            value = cbor.loads(data)
        except cbor.CborError:
            return damage(dice, data, other)
        for _ in range(1 + dice.below(4) // 2):
            value = bend(dice, value)
        changed = encoded(value, data)
        if what > 1 and changed != data:
            return changed
        data = changed
    return damage(dice, data, other)


def encoded(value: object, otherwise: bytes) -> bytes:
    """The value's CBOR; ``otherwise`` when it has none, being too large or too deep."""
    try:
        return cbor.dumps(value)
    except cbor.CborError:
        return otherwise
