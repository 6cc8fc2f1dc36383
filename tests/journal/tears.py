"""What a power cut leaves of a program or an erase, and of the bits that were changing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Tear = Callable[[bytes, bytes, random.Random], bytes]
"""From the old bytes and those there would be, the ones that are left."""


def before(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Nothing changed."""
    return old


def after(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """It was done, and nobody had been told."""
    return new


def prefix(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Only the first bytes changed; at least one, not all."""
    split = rng.randrange(1, len(old))
    return new[:split] + old[split:]


def suffix(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Only the last bytes changed; at least one, not all."""
    split = rng.randrange(1, len(old))
    return old[:split] + new[split:]


def bits(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A random subset of the bits changed."""
    pick = rng.getrandbits(8 * len(old))
    was, is_ = int.from_bytes(old, "big"), int.from_bytes(new, "big")
    return (was ^ ((was ^ is_) & pick)).to_bytes(len(old), "big")


def word(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A single 32-bit word changed."""
    at = rng.randrange(len(old) // 4) * 4
    return old[:at] + new[at : at + 4] + old[at + 4 :]


def words(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A random subset of the 32-bit words changed."""
    left = bytearray(old)
    for at in range(0, len(old), 4):
        if rng.getrandbits(1):
            left[at : at + 4] = new[at : at + 4]
    return bytes(left)


def most(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """All but one of the bytes changed."""
    at = rng.randrange(len(old))
    return new[:at] + old[at : at + 1] + new[at + 1 :]


def half(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """The first half changed."""
    middle = len(old) // 2
    return new[:middle] + old[middle:]


def zeros(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Every bit is 0: a NOR part programs a sector to zeros before it erases it."""
    return bytes(len(old))


def noise(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Every bit is anything: cut between those zeros and the erased state."""
    return rng.randbytes(len(old))


# The same number of each, so that a case can name its tear by place in either.
PROGRAM_TEARS: tuple[Tear, ...] = (before, prefix, suffix, bits, word, words, most, after)
ERASE_TEARS: tuple[Tear, ...] = (before, half, prefix, bits, words, zeros, noise, after)
TEARS = {tear.__name__: tear for tear in (*PROGRAM_TEARS, *ERASE_TEARS)}


class Fate(NamedTuple):
    """How weak bits read and when, and as what, they settle."""

    reads: int | None
    settle_as: int | None
    """1, 0, or None: each bit by itself."""
    words: str


FATES = {
    "settle": Fate(1, 0, "read erased at first and settle programmed"),
    "relax": Fate(0, 1, "read programmed at first and relax to erased"),
    "flicker0": Fate(None, 0, "read differently at each read, then settle programmed"),
    "flicker1": Fate(None, 1, "read differently at each read, then settle erased"),
    "flicker": Fate(None, None, "read differently at each read, then settle one by one"),
}
