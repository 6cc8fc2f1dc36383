"""The forms in which card data can lie in bytes, and where it does.

Whole card numbers of the test cards' issuers (in digits, also in groups of four; packed from
either nibble, also in hexadecimal text; as binary numbers), track 1 and 2, clear PIN blocks of the
known cards, whole ISO 8583 messages with track or PIN fields, fields named like card secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from boards.virtual.shop import card
from companion.store.records import luhn

# The first six digits of every card that this repository's tests, demo and simulator use.
BINS = ("999999", "622200", "622202", "622848", "476173", "541333", "411111", "555555")
# Cards to look for in forms that have no digits to go by.
KNOWN = (
    *(card(number)["pan"] for number in range(1000)),
    "6222000000000000005",
    "6222000000000000013",
    "6222000000000005",
    "6222000000000009",
    "6222001234560005",
    "6222001234560013",
    "6222001234567890005",
    "6222021234567890128",
    "6228481234567891233",
    "4761739001010119",
    "5413330089604111",
    "4111111111111111",
    "5555555551234567",
)

PAN, PACKED, BINARY, TRACK = "a clear PAN", "a packed PAN", "a binary PAN", "track data"
PIN, CVV, MESSAGE = "a clear PIN block", "a field named like card secrets", "an ISO 8583 message"


def inside(data: bytes) -> list[tuple[int, str]]:
    """(offset, what) of everything found in these bytes, each place once for each kind."""
    found: set[tuple[int, str]] = set()
    for start, piece in _written(data):
        for look in (
            _digits,
            _tracks,
            _packed,
            _hexadecimal,
            _binary,
            _pin_blocks,
            _messages,
            _named,
        ):
            found |= {(start + offset, what) for offset, what in look(piece)}
    return sorted(found)


def _written(data: bytes, block: int = 4096) -> Iterator[tuple[int, bytes]]:
    """The parts of a flash image that are not erased; of anything else, all of it."""
    start: int | None = None
    for offset in range(0, len(data) + block, block):
        blank = not data[offset : offset + block].strip(b"\xff")
        if blank and start is not None:
            yield start, data[start:offset]
            start = None
        elif not blank and start is None:
            start = offset


_Found = Iterator[tuple[int, str]]
_KNOWN = frozenset(KNOWN)
_RUN = re.compile(rb"\d{13,}")
_GROUPS = re.compile(rb"(?<!\d)\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?(?!\d)")
_NAMES = (b"cvv", b"cvc", b"cav2", b"csc", b"cvn", b"pin", b"track")
_NAMED = re.compile(
    rb"(?<![a-z0-9_])(?:cvv2?|cvc2?|cav2|csc|cvn2?|pin_?block|clear_?pin|track_?[123])"
    rb"[\"']?\s*[:=]\s*[\"']?(?=[0-9a-f]{3})"
)
_TRACK_2 = re.compile(rb"(?<!\d)(\d{13,19})[=D]\d\d(?:0[1-9]|1[0-2])\d{3}")
_TRACK_1 = re.compile(rb"B(\d{13,19})\^[^^\n]{2,26}\^\d{4}")
_HEX = re.compile(rb"[0-9A-Fa-f]{26,}")


def _digits(data: bytes) -> _Found:
    for run in _RUN.finditer(data):
        text = run.group().decode()
        # A run of its own, or a card inside a longer one, as two fields that stand together.
        lengths = (len(text),) if len(text) <= 19 else ()
        for offset in _bins(text):
            if any(_is_pan(text[offset:], length) for length in (*lengths, 16, 19)):
                yield run.start() + offset, PAN
    for run in _GROUPS.finditer(data):
        text = re.sub(rb"\D", b"", run.group()).decode()
        if text.startswith(BINS) and _is_pan(text, len(text)):
            yield run.start(), PAN


def _bins(text: str) -> Iterator[int]:
    for issuer in BINS:
        offset = text.find(issuer)
        while offset >= 0:
            yield offset
            offset = text.find(issuer, offset + 1)


def _is_pan(text: str, length: int) -> bool:
    digits = text[:length]
    if len(digits) != length or length < 13 or not digits.isdecimal():
        return False
    return luhn(digits) or digits in _KNOWN  # some of a test's have no right check digit


def _tracks(data: bytes) -> _Found:
    for pattern in (_TRACK_1, _TRACK_2):
        for run in pattern.finditer(data):
            if luhn(run.group(1).decode()):
                yield run.start(), TRACK


def _packed(data: bytes) -> _Found:
    for issuer in BINS:
        # From an even nibble on all of it, from an odd one the two whole bytes in it.
        for needle, back in ((bytes.fromhex(issuer), 0), (bytes.fromhex(issuer[1:5]), 1)):
            offset = data.find(needle)
            while offset >= 0:
                first = offset - back
                if first >= 0:
                    what = _nibbles(
                        data[max(0, first - 1) : first + 16].hex(), 2 * (first > 0) + back
                    )
                    if what:
                        yield first, what
                offset = data.find(needle, offset + 1)


def _hexadecimal(data: bytes) -> _Found:
    """Packed digits in text: the wire's bytes as a log or a fixture has them."""
    for run in _HEX.finditer(data):
        text = run.group().decode().lower()
        for offset in _bins(text):
            what = _nibbles(text, offset)
            if what:
                yield run.start() + offset, what
        if len(text) % 2 == 0:
            raw = bytes.fromhex(text)
            for look in (_binary, _pin_blocks, _messages, _tracks):
                for offset, what in look(raw):
                    yield run.start() + 2 * offset, what
            for offset, what in _digits(raw):
                yield run.start() + 2 * offset, what


def _nibbles(text: str, start: int) -> str:
    """What begins at this nibble: its end is where the digits end, its own length says so in
    front, or it is as long as a card mostly is."""
    run = re.match(r"\d*", text[start : start + 20])
    digits = run.group() if run else ""
    if not digits.startswith(BINS):
        return ""
    lengths = {16, 19, len(digits)}
    if text[start - 2 : start].isdecimal() and start >= 2:
        lengths.add(int(text[start - 2 : start]))
    for length in lengths:
        if length <= 19 and _is_pan(digits, length):
            return TRACK if re.match(r"d\d{4}", text[start + length :]) else PACKED
    return ""


def _binary(data: bytes) -> _Found:
    for head, whole in _NUMBERS.items():
        offset = data.find(head)
        while offset >= 0:
            for back, number in whole:
                if offset >= back and data.startswith(number, offset - back):
                    yield offset - back, BINARY
            offset = data.find(head, offset + 1)


def _numbers() -> dict[bytes, list[tuple[int, bytes]]]:
    """Each known card as a number in seven or eight bytes, by the bytes that many have in common:
    the top three, at the front or at the back."""
    found: dict[bytes, list[tuple[int, bytes]]] = {}
    for pan in KNOWN:
        number = int(pan)
        size = (number.bit_length() + 7) // 8
        big, little = number.to_bytes(size, "big"), number.to_bytes(size, "little")
        found.setdefault(big[:3], []).append((0, big))
        found.setdefault(little[-3:], []).append((size - 3, little))
    return found


_NUMBERS = _numbers()
_PIN_LENGTHS = re.compile(rb"(?s)(?=([\x04-\x06].{7}))")


def _pin_blocks(data: bytes) -> _Found:
    """ISO 9564 format 0 with four to six digits, as cards here have: what remains after the card
    number's digits are taken off is a PIN. Of a longer one too few bytes are known to tell it."""
    for run in _PIN_LENGTHS.finditer(data):
        block = run.group(1)
        for pan in _TAILS.get(block[4:], ()):
            plain = (int.from_bytes(block, "big") ^ int(pan, 16)).to_bytes(8, "big").hex()
            length = int(plain[1], 16)
            pin, rest = plain[2 : 2 + length], plain[2 + length :]
            if pin.isdecimal() and rest == "f" * len(rest):
                yield run.start(), PIN


def _tails() -> dict[bytes, list[str]]:
    """The twelve digits that go into a PIN block, by the end that they give it."""
    found: dict[bytes, list[str]] = {}
    for pan in KNOWN:
        digits = pan[-13:-1]
        if digits.endswith("00000000"):
            continue  # any short record in front of erased flash looks like this card's
        tail = bytes(0xFF ^ byte for byte in bytes.fromhex(digits[4:]))
        found.setdefault(tail, []).append(digits)
    return found


_TAILS = _tails()
_BCD = b"[" + b"".join(b"\\x%d0-\\x%d9" % (tens, tens) for tens in range(10)) + b"]"
_HEADED = re.compile(
    rb"(?s)\x60"
    + 4 * _BCD
    + rb"[\x60\x61]"
    + 5 * _BCD
    + rb"[\x01\x02\x04\x05\x08][\x00\x01\x10\x20\x21\x30]([\x00-\x7f].{7})"
)
_ALWAYS = (11, 41, 42)
_MOST = 28  # fields
_FORBIDDEN = (35, 36, 45, 52)


def _has(bitmap: int, field: int) -> bool:
    return bool(bitmap >> (64 - field) & 1)


def _messages(data: bytes) -> _Found:
    """A whole message of the line, by TPDU, header, MTI and bitmap."""
    for run in _HEADED.finditer(data):
        bitmap = int.from_bytes(run.group(1), "big")
        # No message has more; the erased flash behind a torn slot would be one with all of them.
        whole = bitmap.bit_count() <= _MOST and all(_has(bitmap, field) for field in _ALWAYS)
        if whole and any(_has(bitmap, field) for field in _FORBIDDEN):
            yield run.start(), MESSAGE


def _named(data: bytes) -> _Found:
    lowered = data.lower()
    if any(name in lowered for name in _NAMES):
        for run in _NAMED.finditer(lowered):
            yield run.start(), CVV
