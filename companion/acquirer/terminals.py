"""The terminals a host knows: number, merchant, and the master key that wraps session keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAX_TERMINALS = 1000


class TerminalsError(ValueError):
    """A terminals file that breaks its rules; the text names the entry and the key."""


@dataclass(frozen=True)
class Terminal:
    terminal_no: str
    merchant_no: str
    tmk: bytes = field(repr=False)


TEST_TERMINAL = Terminal(
    "10000001", "104110070110001", bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
)


def load(path: Path) -> Mapping[str, Terminal]:
    """Terminals by number from a JSON list of {terminal_no, merchant_no, tmk (hex)}."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TerminalsError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise TerminalsError(f"{path}: not JSON") from None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_TERMINALS:
        raise TerminalsError(f"{path}: not a list of 1 to {MAX_TERMINALS} terminals")
    known: dict[str, Terminal] = {}
    for number, entry in enumerate(entries, start=1):
        terminal = _terminal(f"{path}: entry {number}", entry)
        if terminal.terminal_no in known:
            raise TerminalsError(f"{path}: entry {number}: {terminal.terminal_no} stands twice")
        known[terminal.terminal_no] = terminal
    return known


def _terminal(where: str, entry: object) -> Terminal:
    if not isinstance(entry, dict) or set(entry) != {"terminal_no", "merchant_no", "tmk"}:
        raise TerminalsError(f"{where}: not exactly terminal_no, merchant_no and tmk")
    for key, length in (("terminal_no", 8), ("merchant_no", 15)):
        text = entry[key]
        if not isinstance(text, str) or len(text) != length or not text.isalnum():
            raise TerminalsError(f"{where}: {key} is not {length} letters or digits")
    try:
        tmk = bytes.fromhex(entry["tmk"])
    except (TypeError, ValueError):
        raise TerminalsError(f"{where}: tmk is not hex") from None
    if len(tmk) not in (8, 16):
        raise TerminalsError(f"{where}: tmk has {len(tmk)} bytes, not 8 or 16")
    return Terminal(entry["terminal_no"], entry["merchant_no"], tmk)
