"""The registry of statement layouts: each file is one of these, or it is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from companion.statements import (
    adyen,
    allinpay,
    bai2,
    camt053,
    host_day,
    mapped,
    mt940,
    terminal_export,
    wechat,
)
from companion.statements.options import Options
from companion.statements.source import Source
from companion.statements.statement import Statement, StatementError

# A layout is a module with NAME, EXPECTED (what it looks like, in words), recognises(head) and
# parse(source, options).
LAYOUTS: tuple[ModuleType, ...] = (
    host_day,
    terminal_export,
    allinpay,
    wechat,
    adyen,
    camt053,
    mt940,
    bai2,
)

_HIDE_DIGITS = bytes.maketrans(b"012345678", b"9" * 9)


def read(
    origin: Path | bytes, mapping: str = "", channel: str = "", party: str = ""
) -> tuple[Statement, ...]:
    """Read a file of any known layout, or by the text of a mapping file.

    Most files are one statement; a file of several merchants, accounts or kinds is one for each.
    Raises StatementError, which says what was seen and expected.
    """
    options = Options(mapping, channel, party)
    with Source(origin) as source:
        if mapping:
            return tuple(mapped.parse(source, options))
        for layout in LAYOUTS:
            if layout.recognises(source.head):
                return tuple(layout.parse(source, options))
        expected = "; or ".join(f"{layout.NAME}: {layout.EXPECTED}" for layout in LAYOUTS)
        raise StatementError(
            f"unknown layout: begins with {_seen(source)}; expected {expected}; or a mapping file "
            "(--learn drafts one)"
        )


def known(origin: Path | bytes) -> str:
    """The name of the layout of a file, "" when no layout knows it."""
    with Source(origin) as source:
        return next((layout.NAME for layout in LAYOUTS if layout.recognises(source.head)), "")


def statement(origin: Path | bytes) -> Statement:
    """The only statement of a file that has one."""
    found = read(origin)
    if len(found) != 1:
        raise StatementError(f"{len(found)} statements in one file")
    return found[0]


def _seen(source: Source) -> str:
    if not source.size:
        return "nothing, it is empty"
    first = source.at(0, 4096).splitlines()[0][:48]
    if not first:
        return "an empty line"
    # Digits are hidden: the first line of a foreign file may hold card numbers.
    return f"{ascii(first.translate(_HIDE_DIGITS))[1:]} (digits shown as 9)"
