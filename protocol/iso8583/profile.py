"""An acquirer's dialect, read from a JSON profile and checked whole before anything uses it.

What differs from acquirer to acquirer is in the profile; README.md documents every key. The parsed
JSON is dropped after loading: what stays is what the codec and the engine look up.
"""

import json
import os

from protocol.iso8583.mac import ALGORITHMS
from protocol.iso8583.schema import (
    ProfileError,
    choice,
    digits,
    flag,
    items,
    members,
    table,
    text,
    uint,
)

FORMAT = 1
MAX_PROFILE = 8192

# What a terminal can be told to do by F39; a profile maps codes to these, the engine acts on them.
ACTIONS = {
    "request": (
        "approve",
        "unknown",
        "partial",
        "decline",
        "decline_sign_in",
        "decline_alarm",
        "decline_reconcile",
        "block",
        "needs_recon",
        "stop",
    ),
    "reversal": (
        "done",
        "received",
        "absent",
        "absent_high",
        "absent_case",
        "retry",
        "back_off",
        "sign_in_retry",
        "sign_in_retry_once",
        "escalate",
        "suspend",
        "keep",
    ),
    "settlement": (
        "done",
        "done_if_repeated",
        "resend",
        "upload",
        "sign_in",
        "abort_sign_in",
        "stop",
    ),
}
REASONS = ("no_response", "terminal_failed", "bad_mac", "other")
KINDS = ("n", "an", "ans", "z", "b")
# A reversal never carries track data or a PIN block.
FORBIDDEN_IN_REVERSAL = (35, 36, 52)


class Transaction:
    """One transaction of a profile: its MTI, fixed values and fields."""

    def __init__(self, name: str, value: object, names: dict[int, str]) -> None:
        path = "transactions." + name
        keys = ("mti", "mac", "reversible", "set", "required", "optional")
        found = members(value, path, keys, ("reverses",))
        self.name = name
        self.mti = digits(found["mti"], path + ".mti", 4)
        self.mac = flag(found["mac"], path + ".mac")
        self.reversible = flag(found["reversible"], path + ".reversible")
        self.reverses = flag(found.get("reverses", False), path + ".reverses")
        self.constants = _texts(found["set"], path + ".set")
        self.required = _numbers(found["required"], path + ".required", names)
        self.optional = _numbers(found["optional"], path + ".optional", names)
        for number in self.required + self.optional:
            if self.reverses and number in FORBIDDEN_IN_REVERSAL:
                raise ProfileError(f"{path}: field {number} is never part of a reversal")
        self.fields = tuple(sorted(set(self.required + self.optional)))


class Profile:
    """A checked profile. Read the attributes, do not change them.

    ``table[number]`` is None or the codec's entry (kind, bytes of length prefix, shortest,
    longest, right-aligned). Lengths count digits for n and z, characters for an and ans, and
    bytes for b.
    """

    def __init__(self, value: object) -> None:
        keys = (
            "format",
            "name",
            "framing",
            "header",
            "mac",
            "response_ms",
            "reversal",
            "defaults",
            "fields",
            "transactions",
            "answers",
            "f39",
        )
        found = members(value, "", keys)
        uint(found["format"], "format", FORMAT, FORMAT)
        self.name = text(found["name"], "name", 1, 32)
        self.response_ms = uint(found["response_ms"], "response_ms", 1, 600000)
        self.defaults = _texts(found["defaults"], "defaults")
        self._framing(found["framing"])
        self._header(found["header"])
        self._mac(found["mac"])
        self._reversal(found["reversal"])
        self._fields(found["fields"])
        self.transactions: dict[str, Transaction] = {}
        for name, entry in table(found["transactions"], "transactions").items():
            self.transactions[name] = Transaction(name, entry, self.names)
        self._answers(found["answers"])
        self._f39(found["f39"])

    def transaction(self, name: str) -> Transaction:
        """The transaction called ``name``; raises ProfileError when there is none."""
        if name not in self.transactions:
            raise ProfileError(f"transactions.{name} is missing")
        return self.transactions[name]

    def action(self, column: str, code: str) -> str:
        """What F39 ``code`` ("" when the answer has none) asks for; a name out of ACTIONS[column].

        ``column`` is "request", "reversal" or "settlement".
        """
        actions = self.actions[column]
        return actions.get(code or "missing") or actions["other"]

    def requirement(self, digit: int) -> str:
        """The name of the processing requirement in a header; "none" for a digit not assigned."""
        return self.requirements[digit] if digit < len(self.requirements) else "none"

    def _framing(self, value: object) -> None:
        found = members(value, "framing", ("tpdu_id", "max_message"))
        self.tpdu_id = int(digits(found["tpdu_id"], "framing.tpdu_id", 2), 16)
        self.max_message = uint(found["max_message"], "framing.max_message", 32, 4096)

    def _header(self, value: object) -> None:
        found = members(value, "header", ("default", "requirement_digit", "requirements"))
        self.header = digits(found["default"], "header.default", 12)
        place = uint(found["requirement_digit"], "header.requirement_digit", 1, 12)
        self.requirement_at = place - 1
        names = items(found["requirements"], "header.requirements")
        uint(len(names), "header.requirements length", 1, 10)
        self.requirements = tuple([text(name, "header.requirements", 1, 32) for name in names])

    def _mac(self, value: object) -> None:
        found = members(value, "mac", ("algorithm", "required_on"))
        self.mac_algorithm = choice(found["algorithm"], "mac.algorithm", ALGORITHMS)
        codes = items(found["required_on"], "mac.required_on")
        self.mac_required_on = tuple([text(code, "mac.required_on", 2, 2) for code in codes])

    def _reversal(self, value: object) -> None:
        found = members(value, "reversal", ("tries", "wait_ms", "reasons"))
        self.reversal_tries = uint(found["tries"], "reversal.tries", 1, 99)
        self.reversal_wait_ms = uint(found["wait_ms"], "reversal.wait_ms", 1, 600000)
        reasons = members(found["reasons"], "reversal.reasons", REASONS)
        self.reasons = {}
        for name in REASONS:
            self.reasons[name] = text(reasons[name], "reversal.reasons." + name, 2, 2)

    def _fields(self, value: object) -> None:
        self.table: list[tuple[str, int, int, int, bool] | None] = [None] * 65
        self.names: dict[int, str] = {}
        self.parts: dict[int, tuple[tuple[str, int], ...]] = {}
        for key, entry in table(value, "fields").items():
            path = "fields." + key
            number = _number(key, path)
            found = members(
                entry, path, ("name", "kind"), ("length", "ll", "lll", "min", "align", "parts")
            )
            self.names[number] = text(found["name"], path + ".name", 1, 24)
            self.table[number] = _entry(found, path)
            if "parts" in found:
                self.parts[number] = _parts(found["parts"], path + ".parts")
        if self.table[64] != ("b", 0, 8, 8, False):
            raise ProfileError("fields.64 is the MAC: kind b, length 8")

    def _answers(self, value: object) -> None:
        """What matches an answer to a request: MTI -> (MTI, ((name, field, from, to), ...))."""
        self.answers: dict[str, tuple[str, tuple[tuple[str, int, int, int], ...]]] = {}
        for mti, entry in table(value, "answers").items():
            path = "answers." + mti
            found = members(entry, path, ("mti", "equal"))
            rules = [
                self._rule(item, path + ".equal")
                for item in items(found["equal"], path + ".equal")
            ]
            self.answers[mti] = (digits(found["mti"], path + ".mti", 4), tuple(rules))
        for name in sorted(self.transactions):
            if self.transactions[name].mti not in self.answers:
                raise ProfileError(f"answers.{self.transactions[name].mti} is missing")

    def _rule(self, item: object, path: str) -> tuple[str, int, int, int]:
        if isinstance(item, int):
            if item not in self.names:
                raise ProfileError(f"{path}: field {item} is not defined")
            return self.names[item], item, 0, 1024
        for number in sorted(self.parts):
            start = 0
            for name, length in self.parts[number]:
                if name == item and length:
                    return name, number, start, start + length
                start += length
        raise ProfileError(f"{path}: {item} is neither a field nor a fixed part of one")

    def _f39(self, value: object) -> None:
        columns = members(value, "f39", tuple(sorted(ACTIONS)))
        self.actions: dict[str, dict[str, str]] = {}
        for column in sorted(ACTIONS):
            self.actions[column] = _codes(columns[column], "f39." + column, ACTIONS[column])


def _number(key: str, path: str) -> int:
    for number in range(2, 65):
        if key == str(number):
            return number
    raise ProfileError(f"{path}: a field number is 2 to 64")


def _entry(found: dict[str, object], path: str) -> tuple[str, int, int, int, bool]:
    kind = choice(found["kind"], path + ".kind", KINDS)
    forms = [form for form in ("length", "ll", "lll") if form in found]
    if len(forms) != 1:
        raise ProfileError(f"{path} needs exactly one of length, ll and lll")
    form = forms[0]
    prefix = len(form) - 1 if form != "length" else 0
    high = uint(found[form], f"{path}.{form}", 1, (1024, 99, 999)[prefix])
    low = 1 if prefix else high
    if "min" in found:
        if not prefix:
            raise ProfileError(f"{path}.min is for a field of variable length")
        low = uint(found["min"], path + ".min", 0, high)
    right = choice(found.get("align", "left"), path + ".align", ("left", "right")) == "right"
    return kind, prefix, low, high, right


def _parts(value: object, path: str) -> tuple[tuple[str, int], ...]:
    parts: list[tuple[str, int]] = []
    listed = items(value, path)
    for item in listed:
        pair = items(item, path)
        if len(pair) != 2:
            raise ProfileError(f"{path}: a part is a name and a length")
        # Length 0 is "the rest", which only the last part can be.
        low = 0 if len(parts) == len(listed) - 1 else 1
        parts.append((text(pair[0], path, 1, 24), uint(pair[1], path, low, 99)))
    return tuple(parts)


def _numbers(value: object, path: str, names: dict[int, str]) -> tuple[int, ...]:
    numbers = []
    for item in items(value, path):
        number = uint(item, path, 2, 63)
        if number not in names:
            raise ProfileError(f"{path}: field {number} is not defined")
        numbers.append(number)
    return tuple(numbers)


def _texts(value: object, path: str) -> dict[str, str]:
    found = {}
    for key, item in table(value, path).items():
        found[key] = text(item, f"{path}.{key}", 1, 32)
    return found


def _codes(value: object, path: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """Turns action -> codes into code -> action; "missing" and "other" must be among the codes."""
    actions: dict[str, str] = {}
    columns = members(value, path, (), allowed)
    for action in allowed:
        for code in items(columns.get(action, []), f"{path}.{action}"):
            if code not in ("missing", "other"):
                text(code, f"{path}.{action}", 2, 2)
            if code in actions:
                raise ProfileError(f"{path}: code {code} has two actions")
            actions[str(code)] = action
    for code in ("missing", "other"):
        if code not in actions:
            raise ProfileError(f"{path}: no action for {code}")
    return actions


def load(source: str | bytes) -> Profile:
    """Parse and check a profile; raises ProfileError naming the path of the offending key."""
    if len(source) > MAX_PROFILE:
        raise ProfileError(f"profile is {len(source)} bytes, more than {MAX_PROFILE}")
    return _parse(json.loads, source)


def _parse(parse, source) -> Profile:  # type: ignore[no-untyped-def]
    failure = ""
    try:
        value = parse(source)
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply
        value = None
        failure = str(error) or "syntax error"
    if failure:
        raise ProfileError("profile is not JSON: " + failure)
    return Profile(value)


def load_file(path: str) -> Profile:
    """Load a profile file. Raises ProfileError, or OSError when the file can't be read."""
    size = os.stat(path)[6]
    if size > MAX_PROFILE:
        raise ProfileError(f"profile is {size} bytes, more than {MAX_PROFILE}")
    # Parsed from the file: an ESP32's heap may have no hole for the whole text.
    with open(path, "rb") as file:
        return _parse(json.load, file)
