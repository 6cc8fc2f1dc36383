"""Generic ISO 8583:1987, translated to and from the words of the rules, which are UnionPay's.

No header; field 60 is the batch alone and field 70 says which control message it is; processing
codes are ISO's; a refund is a 0200; a reversal is an advice (0420, repeated as 0421) that names
its original in field 90. ``decode`` gives what the same request would be in UnionPay's dialect,
so that the rules and the ledger know one kind of each; ``encode`` gives the answer back in the
words of its request. Fields 70 and 90 stay in the message and are echoed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from companion.acquirer import kinds, wire
from companion.acquirer.wire import LL, LLL, Layout, Message, MessageError, digits, printable

_SALE_MTI, _SALE_ANSWER = "0200", "0210"
_LOGON = "001"  # field 70
_UPLOAD, _END = "201", "202"  # field 60.3
_PROCESSING_OF_THE_END = "960000"
_UNKNOWN_TYPE = "99"

# MTI, F3 and F25 of each kind on the wire.
_SHAPES = {
    kinds.SALE: (_SALE_MTI, "000000", "00"),
    kinds.VOID: (_SALE_MTI, "020000", "00"),
    kinds.REFUND: (_SALE_MTI, "200000", "00"),
    kinds.PREAUTH: ("0100", "000000", "06"),
    kinds.PREAUTH_CANCEL: ("0100", "020000", "06"),
    kinds.COMPLETION: (_SALE_MTI, "000000", "06"),
    kinds.COMPLETION_NOTICE: ("0220", "000000", "06"),
    kinds.COMPLETION_VOID: (_SALE_MTI, "020000", "06"),
    kinds.BALANCE: (_SALE_MTI, "310000", "00"),
}
_KINDS = {shape: kinds.KINDS[name] for name, shape in _SHAPES.items()}

LAYOUT = Layout(
    wire.TPDU_BYTES,
    numeric={
        2: digits(19, variable=LL),
        3: digits(6),
        4: digits(12),
        11: digits(6),
        12: digits(6),
        13: digits(4),
        14: digits(4),
        15: digits(4),
        22: digits(3, pad="left_pad"),
        23: digits(3, pad="left_pad"),
        25: digits(2),
        26: digits(2),
        32: digits(11, variable=LL),
        48: digits(322, variable=LLL),
        53: digits(16),
        70: digits(3, pad="left_pad"),
        90: digits(42),
    },
    text={
        37: printable(12),
        38: printable(6),
        39: printable(2),
        41: printable(8),
        42: printable(15),
        44: printable(25, variable=LL),
        49: printable(3),
        54: printable(120, variable=LLL),
        60: printable(6, variable=LLL),
        61: printable(16, variable=LLL),
        63: printable(163, variable=LLL),
    },
    track={35: digits(37, variable=LL)},
    binary={
        52: wire.binary(8),
        55: wire.binary(255, variable=LLL),
        62: wire.binary(512, variable=LLL),
        64: wire.binary(8),
        128: wire.binary(8),
    },
)

CODES = {"77": "63", "A0": "63", "97": "58", "C8": "61"}
"""F39 of the rules that this dialect has other codes for: sign in again (63 is all it has for
that), terminal not known, over the limit."""

REASONS = ("68", "22", "96", "06")
"""F39 of a reversal: no answer, the terminal failed, wrong MAC, other."""


class Generic:
    """The dialect; ``key_block`` is the form of the keys that it gives at a sign-in."""

    def __init__(self, key_block: str) -> None:
        self._key_block = key_block

    def decode(self, data: bytes) -> Message:
        try:
            message = LAYOUT.decode(data)
        except MessageError as error:
            if error.partial is None:
                raise
            raise MessageError(str(error), self._translated(error.partial)) from None
        translated = self._translated(message)
        wrong = ""
        if 60 in message.fields and not re.fullmatch("[0-9]{6}", message.get(60)):
            wrong = "field 60 is not a batch of 6 digits"
        elif message.mti in kinds.REVERSAL_MTIS and message.get(90)[4:10] != message.stan:
            wrong = "field 90 does not name the STAN of field 11"
        if wrong:
            raise MessageError(wrong, wire.addressable(translated))
        return translated

    def encode(
        self, request: Message, mti: str, fields: Mapping[int, str], requirement: int
    ) -> bytes:
        """The answer to a request that ``decode`` gave. There is no header to ask for anything
        in: ``requirement`` is left to F39."""
        del requirement
        told = dict(fields)
        kind = kinds.of(request)
        if kind is not None:
            shape, processing, _ = _SHAPES[kind.name]
            if shape == _SALE_MTI and request.mti not in kinds.REVERSAL_MTIS:
                mti = _SALE_ANSWER  # of a refund too
            if 3 in told:
                told[3] = processing
        if 60 in told:
            told[60] = told[60][2:8]
        told |= {
            number: request.get(number) for number in (70, 90) if request.get(number).isdecimal()
        }
        if 64 in told and max(told) > 64:
            told[128] = told.pop(64)
        return LAYOUT.encode(mti, told, wire.answer_tpdu(request.prefix))

    def mac_data(self, message: bytes) -> bytes:
        return LAYOUT.mac_data(message)

    def _translated(self, message: Message) -> Message:
        fields = dict(message.fields)
        mti, kind = message.mti, None
        reverses = mti in kinds.REVERSAL_MTIS
        if 60 in fields:
            shape = (message.get(90)[:4] if reverses else mti, message.get(3), message.get(25))
            kind = _KINDS.get(shape)
            fields[60] = self._field_60(message, kind.message_type if kind else _UNKNOWN_TYPE)
        if kind is not None and not reverses:
            mti = kind.mti
        if kind is not None and kind.processing:
            fields[3] = kind.processing
        if reverses:
            fields[61] = message.get(60) + message.get(90)[4:10]
        if 128 in fields:
            fields[64] = fields.pop(128)
        return replace(message, mti=mti, fields=fields)

    def _field_60(self, message: Message, transaction: str) -> str:
        """60.1, 60.2 and 60.3, which this dialect spreads over MTI and fields 3, 60 and 70."""
        batch = message.get(60)
        if message.mti in ("0800", "0820"):
            code = self._key_block if message.get(70) == _LOGON else message.get(70)
            return f"00{batch}{code}"
        if message.mti in ("0500", "0320"):
            ends = message.mti == "0320" and message.get(3) == _PROCESSING_OF_THE_END
            return f"00{batch}{_END if ends else _UPLOAD}"
        return f"{transaction}{batch}000"
