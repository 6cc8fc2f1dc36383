"""The merchant's own cards, as the tokens that his terminals make of them.

The number is used to compute the tokens and dropped. All terminals of a merchant make the same
one, but those of an older store may have token keys of their own: `unknown` says where the card
has to be told again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from companion.errors import CompanionError
from companion.statements.cards import is_card
from companion.store import decisions
from companion.store.terminals import Terminal, every
from protocol import seal

ADDED = "own card added"
REMOVED = "own card removed"

# As firmware/terminal/cards.py makes it.
_TOKEN_LENGTH = 8


class OwnCardError(CompanionError):
    """A card that cannot be used; the message never contains its number."""


@dataclass(frozen=True)
class OwnCard:
    """One card: whose it is, its masked number, and what terminals call it."""

    merchant_no: str
    card: str
    tokens: frozenset[str]
    # The terminals whose tokens these are.
    devices: frozenset[str]
    by: str
    at: str


def cards(connection: Connection) -> list[OwnCard]:
    """Every card that counts, in the order in which they were told."""
    made: dict[tuple[str, str], OwnCard] = {}
    for decision in decisions.of(connection, (ADDED, REMOVED)):
        merchant_no, card = str(decision.data["merchant_no"]), str(decision.data["card"])
        key = (merchant_no, card)
        if decision.kind == REMOVED:
            made.pop(key, None)
            continue
        tokens = frozenset(decision.data["tokens"])
        devices = frozenset(decision.data["devices"])
        if key in made:
            tokens |= made[key].tokens
            devices |= made[key].devices
        made[key] = OwnCard(merchant_no, card, tokens, devices, decision.actor, decision.at)
    return list(made.values())


def add(connection: Connection, merchant_no: str, number: str, by: str) -> OwnCard:
    """Tell a card by its number, which is not kept; again is a no-op where it is known."""
    pan = _checked(number)
    terminals = _of(every(connection), merchant_no)
    if not terminals:
        raise OwnCardError(f"{merchant_no}: no terminal of that merchant is in this store")
    card = "*" * 4 + pan[-4:]
    tokens = {token(one.token_key, pan) for one in terminals}
    known = _known(connection, merchant_no, card)
    devices = {one.device_id for one in terminals}
    if known is None or not (tokens <= known.tokens and devices <= known.devices):
        data = {
            "merchant_no": merchant_no,
            "card": card,
            "tokens": sorted(tokens),
            "devices": sorted(devices),
        }
        decisions.record(connection, ADDED, data, by)
    made = _known(connection, merchant_no, card)
    assert made is not None
    return made


def remove(connection: Connection, merchant_no: str, card: str, by: str) -> None:
    """Take every card of these last four digits back."""
    shown = "*" * 4 + card[-4:]
    if _known(connection, merchant_no, shown) is None:
        raise OwnCardError(f"{merchant_no}: has no own card {shown}")
    decisions.record(connection, REMOVED, {"merchant_no": merchant_no, "card": shown}, by)


def unknown(connection: Connection, card: OwnCard) -> list[str]:
    """The merchant's terminals that call this card something else, which nobody knows here."""
    terminals = _of(every(connection), card.merchant_no)
    keys = {one.token_key for one in terminals if one.device_id in card.devices}
    return [
        one.device_id for one in terminals if one.token_key not in keys and one.state != "retired"
    ]


def token(key: bytes, pan: str) -> str:
    """What a terminal with this token key calls a card, as facts have it."""
    return seal.hmac_sha256(key, pan.encode())[:_TOKEN_LENGTH].hex()


def _known(connection: Connection, merchant_no: str, card: str) -> OwnCard | None:
    for one in cards(connection):
        if (one.merchant_no, one.card) == (merchant_no, card):
            return one
    return None


def _of(terminals: Iterable[Terminal], merchant_no: str) -> list[Terminal]:
    return [one for one in terminals if one.merchant_no == merchant_no]


def _checked(number: str) -> str:
    if not is_card(number.strip()):
        raise OwnCardError(
            "this is no card number: its beginning, length or check digit is not one's"
        )
    return re.sub(r"[^0-9]", "", number)
