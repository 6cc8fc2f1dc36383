"""ISO 8583 on the wire, encoded and decoded by pyiso8583, and UnionPay's POS dialect of it.

The field tables here and in ``generic`` are written from the dialects' descriptions and
deliberately share nothing with the terminal's own codec in ``protocol/iso8583``: the two check
each other on the wire.

A frame is a 2-byte big-endian length (not counting itself), TPDU 5 bytes (60, destination,
source), header 6 bytes BCD where the dialect has one, MTI 2 bytes BCD, bitmap 8 or 16 bytes,
fields. Numeric fields are packed BCD; variable ones are left-aligned and right-padded with a 0
digit, their length counts digits. The MAC is last: field 64, or 128 under a second bitmap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import iso8583

MAX_MESSAGE = 1024
LENGTH_BYTES = 2
TPDU_BYTES = 5
_HEADER_BYTES = 6
_SMALLEST = TPDU_BYTES + 2 + 8
_MAC = 8
_NARROW = 64  # fields under one bitmap

_FieldSpec = dict[str, Any]
Fields = dict[int, _FieldSpec]


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
    """MTI to the field before the MAC: what the MAC is computed over."""

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


def digits(length: int, *, variable: int = 0, pad: str = "right_pad") -> _FieldSpec:
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


def printable(length: int, *, variable: int = 0) -> _FieldSpec:
    return {
        "data_enc": "ascii",
        "len_enc": "bcd",
        "len_type": variable,
        "max_len": length,
        "desc": "",
    }


def binary(length: int, *, variable: int = 0) -> _FieldSpec:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": variable,
        "max_len": length,
        "desc": "",
    }


LL, LLL = 1, 2

_NUMERIC: dict[int, _FieldSpec] = {
    2: digits(19, variable=LL),
    3: digits(6),
    4: digits(12),
    11: digits(6),
    12: digits(6),
    13: digits(4),
    14: digits(4),
    15: digits(4),
    22: digits(3),  # left-aligned: 071 travels as 0710
    23: digits(3, pad="left_pad"),  # the one right-aligned field
    25: digits(2),
    26: digits(2),
    32: digits(11, variable=LL),
    48: digits(322, variable=LLL),
    53: digits(16),
    60: digits(17, variable=LLL),
    61: digits(29, variable=LLL),
}
_TEXT: dict[int, _FieldSpec] = {
    37: printable(12),
    38: printable(6),
    39: printable(2),
    41: printable(8),
    42: printable(15),
    44: printable(25, variable=LL),
    49: printable(3),
    54: printable(120, variable=LLL),
    59: printable(600, variable=LLL),
    63: printable(163, variable=LLL),
}
_TRACK = {35: digits(37, variable=LL)}  # the separator is the nibble D
_BINARY: dict[int, _FieldSpec] = {
    52: binary(8),
    55: binary(255, variable=LLL),
    62: binary(512, variable=LLL),
    64: binary(_MAC),
}


@dataclass(frozen=True)
class Layout:
    """A dialect's fields, by kind, and the bytes in front of the MTI, which no MAC covers."""

    prefix: int
    numeric: Fields
    text: Fields
    track: Fields
    binary: Fields

    def decode(self, data: bytes) -> Message:
        """Decode TPDU, header and message (no length bytes). MessageError; stores nothing."""
        smallest = self.prefix + 2 + 8
        if not smallest <= len(data) <= MAX_MESSAGE:
            raise MessageError(f"message length {len(data)} is not in {smallest}..{MAX_MESSAGE}")
        if data[0] != 0x60:
            raise MessageError(f"TPDU starts with {data[0]:02X}, not 60")
        header, mti = data[TPDU_BYTES : self.prefix].hex(), data[self.prefix :][:2].hex()
        if header and not header.isdecimal():
            raise MessageError("header has a digit that is not BCD")
        if not mti.isdecimal():
            raise MessageError("MTI has a digit that is not BCD")
        mac = self._check_bitmap(data[self.prefix + 2 :])
        try:
            values, _ = iso8583.decode(data, self._spec)
        except iso8583.DecodeError as error:
            read = {key: value for key, value in error.doc_dec.items() if key != error.field}
            if error.field == str(mac) or error.msg.startswith("Extra data"):
                read = dict(error.doc_dec)
            where = "" if error.field == "h" else f"field {error.field}: "
            text = f"{where}{error.msg} (byte {error.pos})"
            partial = addressable(Message(mti, _fields(read), data[: self.prefix]))
            raise MessageError(text, partial) from None
        fields = _fields(values)
        mac_data = self.mac_data(data) if mac in fields else b""
        message = Message(mti, fields, data[: self.prefix], mac_data)
        self._check_characters(message)
        return message

    def encode(self, mti: str, fields: Mapping[int, str], prefix: bytes) -> bytes:
        """Encode TPDU, header and message. The value of a MAC is a placeholder to be filled by
        ``set_mac``. A value that does not fit its field is a defect here: EncodeError."""
        values = {"h": prefix.hex(), "t": mti, **{str(key): text for key, text in fields.items()}}
        data, _ = iso8583.encode(values, self._spec)
        return bytes(data)

    def mac_data(self, message: bytes) -> bytes:
        """What the MAC of an encoded message that has one is computed over."""
        return message[self.prefix : -_MAC]

    @cached_property
    def _known(self) -> Fields:
        return {**self.numeric, **self.text, **self.track, **self.binary}

    @cached_property
    def _spec(self) -> dict[str, _FieldSpec]:
        frame = {"h": binary(self.prefix), "t": binary(2), "p": binary(8), "1": binary(8)}
        return frame | {str(number): spec for number, spec in self._known.items()}

    def _check_bitmap(self, bitmap: bytes) -> int:
        """Refuse unknown fields; returns the number of the field that is the MAC, if any is."""
        wide = bitmap[0] >= 0x80 and max(self._known) > _NARROW
        size = 2 * _NARROW if wide else _NARROW
        bits = int.from_bytes(bitmap[: size // 8].ljust(size // 8, b"\x00"), "big")
        set_bits = [number for number in range(1, size + 1) if bits >> (size - number) & 1]
        for number in set_bits:
            if number not in self._known and not (wide and number == 1):
                raise MessageError(f"field {number} is in the bitmap but not in the dialect")
        if wide and (_NARROW in set_bits or set_bits[-1] < _NARROW):
            raise MessageError("a second bitmap without a field, or with field 64")
        return size

    def _check_characters(self, message: Message) -> None:
        for number, value in message.fields.items():
            if number in self.numeric:
                good = value.isdecimal()
            elif number in self.track:
                pan, separator, rest = value.partition("D")
                good = pan.isdecimal() and bool(separator) and (rest.isdecimal() or not rest)
            else:
                good = number in self.binary or value.isprintable()
            if not good:
                what = "printable text" if number in self.text else "digits"
                raise MessageError(f"field {number} is not {what}", addressable(message))


UNIONPAY = Layout(TPDU_BYTES + _HEADER_BYTES, _NUMERIC, _TEXT, _TRACK, _BINARY)
decode, encode, mac_data = UNIONPAY.decode, UNIONPAY.encode, UNIONPAY.mac_data


def read_length(prefix: bytes) -> int:
    """The message length from the first two bytes of a frame; MessageError if out of bounds."""
    length = int.from_bytes(prefix, "big")
    if not _SMALLEST <= length <= MAX_MESSAGE:
        raise MessageError(f"message length {length} is not in {_SMALLEST}..{MAX_MESSAGE}")
    return length


def frame(message: bytes) -> bytes:
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def set_mac(message: bytes, mac: bytes) -> bytes:
    """The encoded message with its MAC, which is always last, replaced."""
    return message[:-_MAC] + mac


def answer_tpdu(request: bytes) -> bytes:
    """A request's TPDU with destination and source swapped."""
    return request[:1] + request[3:5] + request[1:3]


def answer_prefix(request: bytes, requirement: int) -> bytes:
    """The TPDU of an answer, and its header with the processing requirement set."""
    digits = request[TPDU_BYTES:].hex()
    return answer_tpdu(request) + bytes.fromhex(digits[:5] + str(requirement) + digits[6:])


def _fields(values: Mapping[str, str]) -> dict[int, str]:
    return {int(key): text for key, text in values.items() if key.isdecimal() and key != "1"}


def addressable(message: Message) -> Message | None:
    """The message, if an answer can say whom it is for; None otherwise."""
    names = (message.terminal_no, message.merchant_no)
    whole = message.stan.isdecimal() and all(name and name.isprintable() for name in names)
    return message if whole else None
