"""A tapped card or tag becomes a synthetic test card. Its own number is never read.

A bare reader chip has no keys and no certification, so all that is taken from a real card is its
UID, which says nothing about an account. The prefix 999999 is assigned to no issuer: no real host
can charge such a card, and the panel and the slips show that it is one.
"""

import hashlib

from drivers import iso14443

PREFIX = "999999"
_EXPIRY = "4912"
_CONTACTLESS = "072"  # F22: contactless chip, no PIN entry at this terminal
_DIGITS = 9


def card(found: bytes) -> dict:
    """The reader's event of a UID: always the same for the same UID, and one and the same for all
    UIDs that change with every tap."""
    number = 0
    if not iso14443.is_random(found):
        number = int.from_bytes(hashlib.sha256(found).digest()[:6], "big") % 10**_DIGITS
    body = PREFIX + "%09d" % number
    pan = body + str(_check_digit(body))
    return {"pan": pan, "expiry": _EXPIRY, "entry": _CONTACTLESS, "test": True}


def _check_digit(body: str) -> int:
    total = 0
    for i in range(len(body)):
        digit = int(body[len(body) - 1 - i])
        if i % 2 == 0:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return -total % 10
