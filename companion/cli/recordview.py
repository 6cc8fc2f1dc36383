"""How a journal record is shown, to people and as JSON."""

from __future__ import annotations

from datetime import datetime, timezone

from companion.link.conversation import printable
from companion.reconcile.words import money
from protocol import record

Content = dict[str, object] | None


def kind(content: Content) -> str:
    """The name of the record's kind."""
    number = content["kind"] if content else None
    return record.kind_name(number) if isinstance(number, int) else "unreadable"


def time(content: Content) -> str:
    """The terminal's clock, UTC."""
    wall = (content or {}).get("wall")
    if not isinstance(wall, int) or wall == 0:
        return "not set"
    return datetime.fromtimestamp(wall, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def fields(content: Content) -> str:
    """The fields that say something to a person."""
    shown = []
    for key, value in (content or {}).items():
        if key in ("kind", "wall") or value in ("", b""):
            continue
        if key.endswith("_minor") and isinstance(value, int):
            shown.append(f"{key[:-6]}={money(value)}")
        else:
            shown.append(f"{key}={_plain(value)}")
    # Card ciphertext and key blocks are long and say nothing to a person; --json has them.
    text = " ".join(text for text in shown if not text.startswith(("card=", "key_block=")))
    return printable(text)


def seal(ok: bool | None) -> str:
    """What is known of the seal, as rich markup."""
    return {True: "holds", False: "[red]BROKEN[/red]", None: "after a gap"}[ok]


def document(seq: int, content: Content, payload: bytes) -> dict[str, object]:
    """The record for JSON, its bytes included."""
    return {
        "seq": seq,
        "kind": kind(content),
        "record": {key: _plain(value) for key, value in (content or {}).items() if key != "kind"},
        "payload": payload.hex(),
    }


def _plain(value: object) -> object:
    """Bytes as hexadecimal, in lists too: a record of a newer terminal is one."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def span(first: int, last: int) -> str:
    """A range of record numbers."""
    return f"{first}" if first == last else f"{first}-{last}"
