"""The dialects that the host speaks, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from companion.acquirer import generic, keys, wire
from companion.acquirer.answers import Policy
from companion.acquirer.wire import Message

UNIONPAY_POS, ISO8583_1987 = "unionpay_pos", "iso8583_1987"
NAMES = (UNIONPAY_POS, ISO8583_1987)


class Dialect(Protocol):
    """Bytes to what the rules speak of, and back."""

    def decode(self, data: bytes) -> Message:
        """TPDU, header and message; MessageError."""

    def encode(
        self, request: Message, mti: str, fields: Mapping[int, str], requirement: int
    ) -> bytes:
        """An answer; with a field 64, the last 8 bytes are to be filled by ``wire.set_mac``."""

    def mac_data(self, message: bytes) -> bytes:
        """What the MAC of an encoded message is computed over."""


class UnionPay:
    """The dialect that the rules speak: nothing to translate."""

    def decode(self, data: bytes) -> Message:
        return wire.decode(data)

    def encode(
        self, request: Message, mti: str, fields: Mapping[int, str], requirement: int
    ) -> bytes:
        return wire.encode(mti, fields, wire.answer_prefix(request.prefix, requirement))

    def mac_data(self, message: bytes) -> bytes:
        return wire.mac_data(message)


def make(
    name: str, mac: str | None = None, key_block: str = keys.DOUBLE, policy: Policy | None = None
) -> tuple[Dialect, Policy]:
    """A dialect and the policy that goes with it; without ``mac`` the one it usually has.
    ValueError when MAC and key block do not go together."""
    known = policy or Policy()
    if name == UNIONPAY_POS:
        scheme = keys.Scheme(mac or keys.CUP_ECB, key_block)
        return UnionPay(), replace(known, scheme=scheme)
    scheme = keys.Scheme(mac or keys.X9_19, key_block)
    reasons, codes = generic.REASONS, generic.CODES
    return generic.Generic(key_block), replace(known, scheme=scheme, reasons=reasons, codes=codes)
