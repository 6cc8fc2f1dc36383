"""Who is told, and how: an address as the `apprise` library reads it.

An address may hold passwords and tokens. It is kept in a setting, which can be taken back, and
shown only as far as it is no secret; the decision that somebody is told has it in that form too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Connection

from companion.alerting import delivery
from companion.alerting.errors import AlertError
from companion.alerting.rules import RULES
from companion.reconcile.phrases import ENGLISH, LANGUAGES
from companion.store import decisions, settings

SETTING = "alert.receivers"
ADDED = "alert receiver added"
REMOVED = "alert receiver removed"

LONGEST = 2000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}")
# Where the host in an address is a computer. Elsewhere it is what others call a token.
_HOSTED = ("json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos")


@dataclass(frozen=True)
class Receiver:
    """One who is told: of every rule, or of some only; the address stays out of its repr."""

    name: str
    url: str = field(repr=False)
    language: str = ENGLISH
    rules: tuple[str, ...] = ()

    def takes(self, rule: str) -> bool:
        """Whether he is told of this rule."""
        return not self.rules or rule in self.rules

    @property
    def shown(self) -> str:
        """The address without anything that may be a secret."""
        return shown(self.url)


def shown(url: str) -> str:
    """The kind of an address, and its host and port where that is a computer."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _HOSTED:
        return f"{scheme}://…"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{scheme}://…"
    return f"{scheme}://{parts.hostname or ''}{port}/…"


def every(connection: Connection) -> list[Receiver]:
    """Those who are told, by name."""
    document = json.loads(settings.get(connection, SETTING, "{}"))
    return [
        Receiver(name, one["url"], one["language"], tuple(one["rules"]))
        for name, one in sorted(document.items())
    ]


def add(connection: Connection, receiver: Receiver, by: str) -> None:
    """Tell this one too; AlertError when the address is none that can be told."""
    _check(receiver)
    known = every(connection)
    if receiver.name in [one.name for one in known]:
        raise AlertError(f"{receiver.name}: there is one already; remove it first")
    _put(connection, [*known, receiver])
    data = {
        "name": receiver.name,
        "to": receiver.shown,
        "language": receiver.language,
        "rules": list(receiver.rules),
    }
    decisions.record(connection, ADDED, data, by)


def remove(connection: Connection, name: str, by: str) -> Receiver:
    """Tell this one no more, and forget the address."""
    known = every(connection)
    found = [one for one in known if one.name == name]
    if not found:
        names = ", ".join(one.name for one in known) or "none"
        raise AlertError(f"{name}: no such receiver; there are {names}")
    _put(connection, [one for one in known if one.name != name])
    decisions.record(connection, REMOVED, {"name": name, "to": found[0].shown}, by)
    return found[0]


def _put(connection: Connection, known: Sequence[Receiver]) -> None:
    document = {
        one.name: {"url": one.url, "language": one.language, "rules": list(one.rules)}
        for one in known
    }
    settings.put(connection, SETTING, json.dumps(document, sort_keys=True))


def _check(receiver: Receiver) -> None:
    if not _NAME.fullmatch(receiver.name):
        raise AlertError("a receiver's name has 1 to 40 of a-z, 0-9 and . _ -")
    if receiver.language not in LANGUAGES:
        raise AlertError(f"{receiver.name}: {receiver.language!r} is no language of ours")
    for rule in receiver.rules:
        if rule not in RULES:
            raise AlertError(f"{rule}: no such rule; there are {', '.join(RULES)}")
    # The address itself is never repeated.
    scheme, between, _ = receiver.url.partition("://")
    whole = between and receiver.url.isprintable() and len(receiver.url) <= LONGEST
    if not whole or not _SCHEME.fullmatch(scheme.lower()):
        raise AlertError(f"{receiver.name}: the address is not KIND://..., e.g. mailto:// json://")
    if not delivery.understood(receiver.url):
        raise AlertError(
            f"{receiver.name}: apprise does not understand this {scheme.lower()}:// address"
        )
