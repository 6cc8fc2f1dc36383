"""ISO 8583 as the acquirer speaks it: UnionPay's POS dialect, encoded and decoded by pyiso8583.

The field table below is written from the dialect's description and deliberately shares nothing
with the terminal's own codec in ``protocol/iso8583``: the two check each other on the wire.

A frame is a 2-byte big-endian length (not counting itself), TPDU 5 bytes (60, destination,
source), header 6 bytes BCD, MTI 2 bytes BCD, bitmap 8 bytes, fields. Numeric fields are packed
BCD; variable ones are left-aligned and right-padded with a 0 digit, their length counts digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import iso8583

MAX_MESSAGE = 1024
LENGTH_BYTES = 2
_TPDU = 5
_PREFIX = 11  # TPDU and header, which no MAC covers
_SMALLEST = _PREFIX + 2 + 8
_MAC = 8

_FieldSpec = dict[str, Any]


class MessageError(ValueError):
    """A message that breaks the dialect; the text names the field and the rule.

    ``partial`` is what could be read before the error, None when not even the MTI and the
    identity of the terminal could.
    """

    def __init__(self, text: str, partial: Message | None = None) -> None:
        super().__init__(text)
        self.partial = partial


@dataclass(frozen=True)
class Message:
    """One decoded message. Field values are digits, text, or upper-case hex for binary fields."""

    mti: str
    fields: Mapping[int, str]
    prefix: bytes
    mac_data: bytes = b""
    """MTI to the field before 64: what field 64 is computed over."""

    def get(self, number: int) -> str:
        return self.fields.get(number, "")

    @property
    def stan(self) -> str:
        return self.get(11)

    @property
    def terminal_no(self) -> str:
        return self.get(41)

    @property
    def merchant_no(self) -> str:
        return self.get(42)

    @property
    def message_type(self) -> str:
        return self.get(60)[:2]

    @property
    def batch(self) -> str:
        return self.get(60)[2:8]

    @property
    def network_code(self) -> str:
        return self.get(60)[8:11]

    @property
    def amount_minor(self) -> int | None:
        return int(self.get(4)) if self.get(4) else None

    @property
    def pan(self) -> str:
        return self.get(2) or self.get(35).partition("D")[0]


def _digits(length: int, *, variable: int = 0, pad: str = "right_pad") -> _FieldSpec:
    """Packed BCD; ``variable`` is the number of BCD bytes of the length, 0 for a fixed field."""
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": variable,
        "max_len": length,
        "len_count": "nibbles",
        pad: "0",
        "desc": "",
    }


def _text(length: int, *, variable: int = 0) -> _FieldSpec:
    return {
        "data_enc": "ascii",
        "len_enc": "bcd",
        "len_type": variable,
        "max_len": length,
        "desc": "",
    }


def _bytes(length: int, *, variable: int = 0) -> _FieldSpec:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": variable,
        "max_len": length,
        "desc": "",
    }


_LL, _LLL = 1, 2

_NUMERIC: dict[int, _FieldSpec] = {
    2: _digits(19, variable=_LL),
    3: _digits(6),
    4: _digits(12),
    11: _digits(6),
    12: _digits(6),
    13: _digits(4),
    14: _digits(4),
    15: _digits(4),
    22: _digits(3),  # left-aligned: 071 travels as 0710
    23: _digits(3, pad="left_pad"),  # the one right-aligned field
    25: _digits(2),
    26: _digits(2),
    32: _digits(11, variable=_LL),
    48: _digits(322, variable=_LLL),
    53: _digits(16),
    60: _digits(17, variable=_LLL),
    61: _digits(29, variable=_LLL),
}
_TEXT: dict[int, _FieldSpec] = {
    37: _text(12),
    38: _text(6),
    39: _text(2),
    41: _text(8),
    42: _text(15),
    44: _text(25, variable=_LL),
    49: _text(3),
    54: _text(120, variable=_LLL),
    59: _text(600, variable=_LLL),
    63: _text(163, variable=_LLL),
}
_TRACK = {35: _digits(37, variable=_LL)}  # the separator is the nibble D
_BINARY: dict[int, _FieldSpec] = {
    52: _bytes(8),
    55: _bytes(255, variable=_LLL),
    62: _bytes(512, variable=_LLL),
    64: _bytes(_MAC),
}
_FIELDS = {**_NUMERIC, **_TEXT, **_TRACK, **_BINARY}
_SPEC: dict[str, _FieldSpec] = {
    "h": _bytes(_PREFIX),
    "t": _bytes(2),
    "p": _bytes(8),
    **{str(number): spec for number, spec in _FIELDS.items()},
}


def read_length(prefix: bytes) -> int:
    """The message length from the first two bytes of a frame; MessageError if out of bounds."""
    length = int.from_bytes(prefix, "big")
    if not _SMALLEST <= length <= MAX_MESSAGE:
        raise MessageError(f"message length {length} is not in {_SMALLEST}..{MAX_MESSAGE}")
    return length


def frame(message: bytes) -> bytes:
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def decode(data: bytes) -> Message:
    """Decode TPDU, header and message (no length bytes). Raises MessageError, stores nothing."""
    if not _SMALLEST <= len(data) <= MAX_MESSAGE:
        raise MessageError(f"message length {len(data)} is not in {_SMALLEST}..{MAX_MESSAGE}")
    if data[0] != 0x60:
        raise MessageError(f"TPDU starts with {data[0]:02X}, not 60")
    header, mti = data[_TPDU:_PREFIX].hex(), data[_PREFIX : _PREFIX + 2].hex()
    if not header.isdecimal():
        raise MessageError("header has a digit that is not BCD")
    if not mti.isdecimal():
        raise MessageError("MTI has a digit that is not BCD")
    bits = int.from_bytes(data[_PREFIX + 2 : _SMALLEST], "big")
    for number in range(1, 65):
        if bits >> (64 - number) & 1 and number not in _FIELDS:
            raise MessageError(f"field {number} is in the bitmap but not in the dialect")
    try:
        values, _ = iso8583.decode(data, _SPEC)
    except iso8583.DecodeError as error:
        read = {key: value for key, value in error.doc_dec.items() if key != error.field}
        if error.field == "64" or error.msg.startswith("Extra data"):
            read = dict(error.doc_dec)
        where = "" if error.field == "h" else f"field {error.field}: "
        text = f"{where}{error.msg} (byte {error.pos})"
        raise MessageError(text, _identified(mti, read, data)) from None
    message = Message(mti, _fields(values), data[:_PREFIX], _mac_data(data, bits))
    _check_characters(message)
    return message


def encode(mti: str, fields: Mapping[int, str], prefix: bytes) -> bytes:
    """Encode TPDU, header and message. With a field 64, its value is a placeholder to be filled
    by ``set_mac``. A value that does not fit its field is a defect here: iso8583.EncodeError."""
    values = {"h": prefix.hex(), "t": mti, **{str(key): text for key, text in fields.items()}}
    data, _ = iso8583.encode(values, _SPEC)
    return bytes(data)


def mac_data(message: bytes) -> bytes:
    """What field 64 of an encoded message that has one is computed over."""
    return message[_PREFIX:-_MAC]


def set_mac(message: bytes, mac: bytes) -> bytes:
    """The encoded message with its field 64, which is always last, replaced."""
    return message[:-_MAC] + mac


def answer_prefix(request: bytes, requirement: int) -> bytes:
    """TPDU with destination and source swapped; header with the processing requirement set."""
    tpdu = request[:1] + request[3:5] + request[1:3]
    digits = request[_TPDU:_PREFIX].hex()
    return tpdu + bytes.fromhex(digits[:5] + str(requirement) + digits[6:])


def _fields(values: Mapping[str, str]) -> dict[int, str]:
    return {int(key): text for key, text in values.items() if key.isdecimal() and key != "1"}


def _mac_data(data: bytes, bits: int) -> bytes:
    return data[_PREFIX:-_MAC] if bits & 1 else b""


def _identified(mti: str, values: Mapping[str, str], data: bytes) -> Message | None:
    """What was read of a broken message, if that is enough to address an answer."""
    return _addressable(Message(mti, _fields(values), data[:_PREFIX]))


def _addressable(message: Message) -> Message | None:
    """The message, if an answer can say whom it is for; None otherwise."""
    names = (message.terminal_no, message.merchant_no)
    whole = message.stan.isdecimal() and all(name and name.isprintable() for name in names)
    return message if whole else None


def _check_characters(message: Message) -> None:
    for number, value in message.fields.items():
        if number in _NUMERIC:
            good = value.isdecimal()
        elif number in _TRACK:
            pan, separator, rest = value.partition("D")
            good = pan.isdecimal() and bool(separator) and (rest.isdecimal() or not rest)
        elif number in _TEXT:
            good = value.isprintable()
        else:
            good = True
        if not good:
            kind = "digits" if number in _NUMERIC or number in _TRACK else "printable text"
            raise MessageError(f"field {number} is not {kind}", _addressable(message))
