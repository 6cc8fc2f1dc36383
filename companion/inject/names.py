"""What merchants, terminals, cards and accounts of an injected world are called.

The cards are synthetic test cards, and never whole: masked, as every source has to give them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from companion.inject.stage import CARDS, MASKS
from companion.inject.terms import Ints


def digits(values: Ints, width: int) -> pa.Array:
    """Numbers as text of that many digits; "" for 0."""
    text = pc.utf8_lpad(pa.array(values).cast(pa.string()), width, "0")
    return pc.if_else(pa.array(values == 0), "", text)


def merchant_nos(places: Ints) -> pa.Array:
    """898 and twelve digits."""
    return digits(898_000_000_000_001 + places, 15)


def merchant_no(place: int) -> str:
    """One of them."""
    return f"{898_000_000_000_001 + place:015d}"


def terminal_nos(places: Ints) -> pa.Array:
    """Eight digits."""
    return digits(10_000_001 + places, 8)


def terminal_no(place: int) -> str:
    """One of them."""
    return f"{10_000_001 + place:08d}"


def device_id(place: int) -> str:
    """Twelve digits, as of a chip's address."""
    return f"{place + 1:012d}"


_MASKED = pa.array(
    [f"6222{card // 10_000:02d}******{card % 10_000:04d}" for card in range(MASKS)] + [""]
)


def cards(places: Ints) -> pa.Array:
    """First six and last four digits; "" for -1."""
    return _MASKED.take(pa.array(np.where(places < 0, MASKS, places % MASKS)))


def tokens(places: Ints) -> pa.Array:
    """What the terminals' token key makes of a card; "" for -1."""
    text = pc.binary_join_element_wise(
        "T", pc.utf8_lpad(pa.array(places).cast("string"), 15, "0"), ""
    )
    return pc.if_else(pa.array(places < 0), "", text)


def token(place: int) -> str:
    """One of them."""
    return f"T{place:015d}"


def account(merchant: int, kind: int = 0) -> str:
    """A merchant's account, masked; kind 1: the one before, 2: one that no channel may pay to.

    Every tenth is the second shop of the one before him: both are paid to one account.
    """
    holder = merchant - (kind == 0 and merchant % 10 == 9)
    return f"62{kind}{holder // 10_000:03d}******{holder % 10_000:04d}"


assert CARDS % MASKS == 0
