"""The registry of statement layouts: each file is one of these, or it is refused."""

from __future__ import annotations

from types import ModuleType

from companion.statements import host_day
from companion.statements.statement import Statement, StatementError

# A layout is a module with NAME, EXPECTED (what it looks like, in words), recognises(head) and
# parse(data).
LAYOUTS: tuple[ModuleType, ...] = (host_day,)

_HEAD = 4096
_HIDE_DIGITS = bytes.maketrans(b"012345678", b"9" * 9)


def parse(data: bytes) -> Statement:
    """Parse a statement of any known layout; StatementError says what was seen and expected."""
    for layout in LAYOUTS:
        if layout.recognises(data[:_HEAD]):
            statement: Statement = layout.parse(data)
            return statement
    expected = "; or ".join(f"{layout.NAME}: {layout.EXPECTED}" for layout in LAYOUTS)
    raise StatementError(f"unknown layout: begins with {_seen(data)}; expected {expected}")


def _seen(data: bytes) -> str:
    if not data:
        return "nothing, it is empty"
    first = data[:_HEAD].splitlines()[0][:48]
    if not first:
        return "an empty line"
    # Digits are hidden: the first line of a foreign file may hold card numbers.
    return f"{ascii(first.translate(_HIDE_DIGITS))[1:]} (digits shown as 9)"
