"""Fault scripts: what the host does wrong, when, and how often.

One JSON object a line; blank lines and lines that start with ``#`` are skipped. ``do`` names the
action; ``mti``, ``type``, ``amount_minor``, ``stan``, ``batch`` and ``terminal`` say which
requests it is for (all that are given must match); ``times`` how often it strikes (default 1).
The first line that matches and has strikes left is used up, one for each request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.acquirer import kinds
from companion.acquirer.wire import Message

# On the way to the host.
DROP_REQUEST = "drop_request"
DELAY_REQUEST = "delay_request"
DUPLICATE_REQUEST = "duplicate_request"
REORDER_REQUEST = "reorder_request"
TRUNCATE_REQUEST = "truncate_request"
RESET_REQUEST = "reset_request"
# On the way back.
DROP_ANSWER = "drop_answer"
HOLD_ANSWER = "hold_answer"
DELAY_ANSWER = "delay_answer"
DUPLICATE_ANSWER = "duplicate_answer"
REORDER_ANSWER = "reorder_answer"
TRUNCATE_ANSWER = "truncate_answer"
RESET_ANSWER = "reset_answer"
# In the answer, after everything was booked as it should be.
BAD_MAC = "bad_mac"
NO_MAC = "no_mac"
NO_F39 = "no_f39"
SAY = "say"
ECHO_AMOUNT = "echo_amount"
SIGN_IN_AGAIN = "sign_in_again"
# In the decision.
DECLINE = "decline"
PARTIAL = "partial"
CAPTURE_AFTER_REVERSAL = "capture_after_reversal"
REFUSE_REVERSAL = "refuse_reversal"
LOOSE_LOOKUP = "loose_lookup"
UNBALANCED = "unbalanced"

# Each action with the one parameter it needs, if any.
ACTIONS = {
    DROP_REQUEST: None,
    DELAY_REQUEST: "ms",
    DUPLICATE_REQUEST: None,
    REORDER_REQUEST: None,
    TRUNCATE_REQUEST: "bytes",
    RESET_REQUEST: "bytes",
    DROP_ANSWER: None,
    HOLD_ANSWER: None,
    DELAY_ANSWER: "ms",
    DUPLICATE_ANSWER: None,
    REORDER_ANSWER: None,
    TRUNCATE_ANSWER: "bytes",
    RESET_ANSWER: "bytes",
    BAD_MAC: None,
    NO_MAC: None,
    NO_F39: None,
    SAY: "f39",
    ECHO_AMOUNT: "minor",
    SIGN_IN_AGAIN: None,
    DECLINE: "f39",
    PARTIAL: "minor",
    CAPTURE_AFTER_REVERSAL: None,
    REFUSE_REVERSAL: None,
    LOOSE_LOOKUP: None,
    UNBALANCED: None,
}
# What an action can only be for.
_ONLY_FOR = {
    CAPTURE_AFTER_REVERSAL: kinds.REVERSAL_MTIS,
    REFUSE_REVERSAL: kinds.REVERSAL_MTIS,
    LOOSE_LOOKUP: (*kinds.REVERSAL_MTIS, "0200"),
    PARTIAL: ("0200", "0100"),
    UNBALANCED: ("0500",),
}
MAX_LINES = 10_000
_MATCHED = ("mti", "type", "amount_minor", "stan", "batch", "terminal")
_MTIS = ("0800", "0100", "0200", "0220", *kinds.REVERSAL_MTIS, "0500", "0320")
_RANGES = {
    "times": (1, 1_000_000),
    "amount_minor": (0, 999_999_999_999),
    "minor": (1, 999_999_999_999),
    "ms": (1, 600_000),
    "bytes": (0, 1026),
}
_DIGITS = {"stan": 6, "batch": 6}


class FaultScriptError(ValueError):
    """A fault script that breaks its rules; the text names the line."""


@dataclass(frozen=True)
class Fault:
    """One line of the script."""

    line: int
    do: str
    times: int = 1
    ms: int = 0
    bytes: int = 0
    minor: int = 0
    f39: str = ""
    mti: str | None = None
    type: str | None = None
    amount_minor: int | None = None
    stan: str | None = None
    batch: str | None = None
    terminal: str | None = None

    def matches(self, request: Message) -> bool:
        if self.mti is None and request.mti not in _ONLY_FOR.get(self.do, (request.mti,)):
            return False
        if self.type is not None and self.type != kinds.type_name(request):
            return False
        pairs = (
            (self.mti, request.mti),
            (self.amount_minor, request.amount_minor),
            (self.stan, request.stan),
            (self.batch, request.batch),
            (self.terminal, request.terminal_no),
        )
        return all(wanted is None or wanted == found for wanted, found in pairs)


class FaultScript:
    """The faults still to come."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._faults = faults
        self._strikes = {fault.line: fault.times for fault in faults}

    def take(self, request: Message) -> Fault | None:
        """The fault that strikes this request, if any; that strike is used up."""
        for fault in self._faults:
            if self._strikes[fault.line] and fault.matches(request):
                self._strikes[fault.line] -= 1
                return fault
        return None


def load(path: Path) -> FaultScript:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FaultScriptError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FaultScriptError(f"{path}: not UTF-8 text") from None
    try:
        return parse(text)
    except FaultScriptError as error:
        raise FaultScriptError(f"{path}: {error}") from None


def parse(text: str) -> FaultScript:
    """A script from its text; FaultScriptError names the first bad line."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise FaultScriptError(f"line {MAX_LINES + 1}: more than {MAX_LINES} lines")
    faults = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            faults.append(_fault(number, line))
    return FaultScript(tuple(faults))


def _fault(number: int, line: str) -> Fault:
    where = f"line {number}"
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise FaultScriptError(f"{where}: not JSON") from None
    if not isinstance(entry, dict):
        raise FaultScriptError(f"{where}: not a JSON object")
    action = entry.get("do")
    if not isinstance(action, str) or action not in ACTIONS:
        names = ", ".join(ACTIONS)
        raise FaultScriptError(f"{where}: unknown action {action!r}, not one of {names}")
    needed = ACTIONS[action]
    if needed is not None and needed not in entry:
        raise FaultScriptError(f"{where}: {action} needs {needed}")
    for key in entry:
        if key not in ("do", "times", needed, *_MATCHED):
            raise FaultScriptError(f"{where}: unknown key {key!r} for {action}")
    values: dict[str, Any] = {key: _value(where, key, item) for key, item in entry.items()}
    only = _ONLY_FOR.get(action)
    if only is not None and values.get("mti", only[0]) not in only:
        raise FaultScriptError(f"{where}: {action} is for mti {', '.join(only)}")
    if action == DECLINE and values["f39"] in ("00", "10"):
        raise FaultScriptError(f"{where}: f39 is not two characters of a refusal")
    return Fault(line=number, **values)


def _value(where: str, key: str, value: object) -> object:
    if key in _RANGES:
        low, high = _RANGES[key]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise FaultScriptError(f"{where}: {key} is not a whole number in {low}..{high}")
        return value
    if key in _DIGITS and isinstance(value, int) and not isinstance(value, bool):
        value = str(value).zfill(_DIGITS[key])
    if not isinstance(value, str):
        raise FaultScriptError(f"{where}: {key} is not text")
    if key in _DIGITS and not (value.isdecimal() and len(value) == _DIGITS[key]):
        raise FaultScriptError(f"{where}: {key} is not {_DIGITS[key]} digits")
    if key == "mti" and value not in _MTIS:
        raise FaultScriptError(f"{where}: mti is not one of {', '.join(_MTIS)}")
    if key == "type":
        names = (*kinds.KINDS, *kinds.OTHER_TYPES)
        value = value.upper()
        if value not in names:
            raise FaultScriptError(f"{where}: type is not one of {', '.join(names).lower()}")
    if key == "f39" and (len(value) != 2 or not value.isascii() or not value.isalnum()):
        raise FaultScriptError(f"{where}: f39 is not two letters or digits")
    return value
