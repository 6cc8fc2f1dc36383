"""An acquirer's dialect, read from a JSON profile and checked whole before anything uses it.

What differs from acquirer to acquirer is in the profile; README.md documents every key. The parsed
JSON is dropped after loading: what stays is what the codec and the engine look up.
"""

import io
import json
import os

from protocol.iso8583 import transaction
from protocol.iso8583.dialect import Profile, ProfileError
from protocol.iso8583.mac import KEY_LENGTHS
from protocol.iso8583.schema import (
    choice,
    digits,
    flag,
    items,
    members,
    once,
    table,
    text,
    texts,
    uint,
    under,
)

FORMAT = 2
MAX_PROFILE = 12288

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
KEY_BLOCKS = ("001", "003", "004")
_NARROW = 65  # entries of a field table without a second bitmap
_WIDE = 129


def read(value: object) -> Profile:
    """A profile from its parsed JSON; ProfileError for what breaks its format."""
    keys = (
        "format",
        "name",
        "framing",
        "mac",
        "response_ms",
        "reversal",
        "preauth",
        "partial",
        "defaults",
        "fields",
        "transactions",
        "answers",
        "f39",
    )
    found = members(value, "", keys, ("header", "backup_after"))
    uint(found["format"], "format", FORMAT, FORMAT)
    profile = Profile(text(found["name"], "name", 1, 32))
    profile.response_ms = uint(found["response_ms"], "response_ms", 1, 600000)
    profile.backup_after = uint(found.get("backup_after", 0), "backup_after", 0, 99)
    profile.partial = choice(found["partial"], "partial", ("reverse", "accept"))
    profile.defaults = texts(found["defaults"], "defaults", 1, {})
    _framing(profile, found["framing"])
    _header(profile, found.get("header"))
    _mac(profile, found["mac"])
    _reversal(profile, found["reversal"])
    _preauth(profile, found["preauth"])
    # The large parts leave the parsed JSON as they are read, so that both need not fit.
    _fields(profile, found.pop("fields"))
    _transactions(profile, found.pop("transactions"))
    _answers(profile, found.pop("answers"))
    _f39(profile, found.pop("f39"))
    return profile


def _framing(profile: Profile, value: object) -> None:
    found = members(value, "framing", ("tpdu_id", "max_message"))
    profile.tpdu_id = int(digits(found["tpdu_id"], "framing.tpdu_id", 2), 16)
    profile.max_message = uint(found["max_message"], "framing.max_message", 32, 4096)


def _header(profile: Profile, value: object) -> None:
    if value is not None:
        found = members(value, "header", ("default", "requirement_digit", "requirements"))
        profile.header = digits(found["default"], "header.default", 12)
        place = uint(found["requirement_digit"], "header.requirement_digit", 1, 12)
        profile.requirement_at = place - 1
        names = items(found["requirements"], "header.requirements")
        if not 1 <= len(names) <= 10:
            raise ProfileError("header.requirements", "is not a list of 1 to 10 names")
        profile.requirements = tuple([text(n, "header.requirements", 1, 32) for n in names])
    profile.mti_at = 5 + len(profile.header) // 2


def _mac(profile: Profile, value: object) -> None:
    found = members(value, "mac", ("algorithm", "key_block", "required_on"))
    profile.mac_algorithm = choice(found["algorithm"], "mac.algorithm", tuple(sorted(KEY_LENGTHS)))
    profile.mac_key_lengths = KEY_LENGTHS[profile.mac_algorithm]
    profile.key_block = choice(found["key_block"], "mac.key_block", KEY_BLOCKS)
    codes = items(found["required_on"], "mac.required_on")
    profile.mac_required_on = tuple([text(code, "mac.required_on", 2, 2) for code in codes])


def _reversal(profile: Profile, value: object) -> None:
    found = members(value, "reversal", ("tries", "wait_ms", "same_day", "reasons"))
    profile.reversal_tries = uint(found["tries"], "reversal.tries", 1, 99)
    profile.reversal_wait_ms = uint(found["wait_ms"], "reversal.wait_ms", 1, 600000)
    profile.reversal_same_day = flag(found["same_day"], "reversal.same_day")
    reasons = members(found["reasons"], "reversal.reasons", REASONS)
    for name in REASONS:
        profile.reasons[name] = text(reasons[name], "reversal.reasons." + name, 2, 2)


def _preauth(profile: Profile, value: object) -> None:
    found = members(value, "preauth", ("percent", "days"))
    profile.preauth_percent = uint(found["percent"], "preauth.percent", 100, 200)
    profile.preauth_days = uint(found["days"], "preauth.days", 1, 366)


def _fields(profile: Profile, value: object) -> None:
    pool: dict = {}
    found = table(value, "fields")
    wide = max([_number(key, under("fields", key)) for key in found] or [0]) >= _NARROW
    size = _WIDE if wide else _NARROW
    profile.table = [None] * size
    for key, entry in found.items():
        path = under("fields", key)
        number = int(key)
        found = members(
            entry, path, ("name", "kind"), ("length", "ll", "lll", "min", "align", "parts")
        )
        profile.names[number] = once(text(found["name"], under(path, "name"), 1, 24), pool)
        profile.table[number] = once(_entry(found, path), pool)
        if "parts" in found:
            profile.parts[number] = _parts(found["parts"], under(path, "parts"), pool)
    for number in (64, size - 1):
        if profile.table[number] != ("b", 0, 8, 8, False):
            raise ProfileError(under("fields", str(number)), "is not the MAC: kind b, length 8")


def _transactions(profile: Profile, value: object) -> None:
    pool: dict = {}
    left = table(value, "transactions")
    for name in sorted(left):
        profile.transactions[name] = transaction.read(name, left.pop(name), profile.names, pool)


def _answers(profile: Profile, value: object) -> None:
    pool: dict = {}
    for mti, entry in table(value, "answers").items():
        path = under("answers", mti)
        found = members(entry, path, ("mti", "equal"))
        rules = [
            once(_rule(profile, item, under(path, "equal")), pool)
            for item in items(found["equal"], under(path, "equal"))
        ]
        answer = once(digits(found["mti"], under(path, "mti"), 4), pool)
        profile.answers[once(mti, pool)] = (answer, once(tuple(rules), pool))
    for name in sorted(profile.transactions):
        kind = profile.transactions[name]
        for mti in (kind.mti, kind.repeat_mti):
            if mti not in profile.answers:
                raise ProfileError(under("answers", mti), "is missing")


def _rule(profile: Profile, item: object, path: str) -> tuple[str, int, int, int]:
    if isinstance(item, int):
        if item not in profile.names:
            raise ProfileError(path, f"has field {item}, which is not defined")
        return profile.names[item], item, 0, 1024
    for number in sorted(profile.parts):
        start = 0
        for name, length in profile.parts[number]:
            if name == item and length:
                return name, number, start, start + length
            start += length
    raise ProfileError(path, f"has {item}, neither a field nor a fixed part of one")


def _f39(profile: Profile, value: object) -> None:
    pool: dict = {}
    columns = members(value, "f39", tuple(sorted(ACTIONS)))
    for column in sorted(ACTIONS):
        profile.actions[column] = _codes(
            columns[column], under("f39", column), ACTIONS[column], pool
        )


def _number(key: str, path: str) -> int:
    for number in range(2, _WIDE):
        if key == str(number) and number != _NARROW:
            return number
    raise ProfileError(path, "is not a field number: 2 to 64, or 66 to 128")


def _entry(found: dict[str, object], path: str) -> tuple[str, int, int, int, bool]:
    kind = choice(found["kind"], under(path, "kind"), KINDS)
    forms = [form for form in ("length", "ll", "lll") if form in found]
    if len(forms) != 1:
        raise ProfileError(path, "needs exactly one of length, ll and lll")
    form = forms[0]
    prefix = len(form) - 1 if form != "length" else 0
    high = uint(found[form], f"{path}.{form}", 1, (1024, 99, 999)[prefix])
    low = 1 if prefix else high
    if "min" in found:
        if not prefix:
            raise ProfileError(under(path, "min"), "is for a field of variable length")
        low = uint(found["min"], under(path, "min"), 0, high)
    right = choice(found.get("align", "left"), under(path, "align"), ("left", "right")) == "right"
    return kind, prefix, low, high, right


def _parts(value: object, path: str, pool: dict) -> tuple[tuple[str, int], ...]:
    parts: list[tuple[str, int]] = []
    listed = items(value, path)
    for item in listed:
        pair = items(item, path)
        if len(pair) != 2:
            raise ProfileError(path, "has a part that is not a name and a length")
        # Length 0 is "the rest", which only the last part can be.
        low = 0 if len(parts) == len(listed) - 1 else 1
        part = once(text(pair[0], path, 1, 24), pool), uint(pair[1], path, low, 99)
        parts.append(once(part, pool))
    return tuple(parts)


def _codes(value: object, path: str, allowed: tuple[str, ...], pool: dict) -> dict[str, str]:
    """Turns action -> codes into code -> action; "missing" and "other" must be among the codes."""
    actions: dict[str, str] = {}
    columns = members(value, path, (), allowed)
    for action in allowed:
        for code in items(columns.get(action, []), f"{path}.{action}"):
            if code not in ("missing", "other"):
                text(code, f"{path}.{action}", 2, 2)
            if code in actions:
                raise ProfileError(path, f"gives code {code} two actions")
            actions[once(code, pool)] = action
    for code in ("missing", "other"):
        if code not in actions:
            raise ProfileError(path, f"has no action for {code}")
    return actions


def load(source: str | bytes) -> Profile:
    """Parse and check a profile; raises ProfileError naming the line and path of the key."""
    data = source.encode() if isinstance(source, str) else source
    _check_size(len(data))
    return _read(io.BytesIO(data))


def load_file(path: str) -> Profile:
    """Load a profile file. Raises ProfileError, or OSError when the file can't be read."""
    _check_size(os.stat(path)[6])
    # Parsed from the file: an ESP32's heap may have no hole for the whole text.
    with open(path, "rb") as file:
        return _read(file)


def _check_size(size: int) -> None:
    if size > MAX_PROFILE:
        raise ProfileError("", f"is {size} bytes, more than {MAX_PROFILE}")


def _read(file) -> Profile:  # type: ignore[no-untyped-def]
    try:
        return read(json.load(file))
    except ProfileError as error:
        path = error.path
        what = error.what
        reached = -1
        line = 0
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply
        path = ""
        what = f"is not JSON: {error}"
        reached = getattr(error, "start", file.seek(0, 1))  # of a byte that is not UTF-8
        line = getattr(error, "lineno", 0)  # MicroPython has none
    # Here only: a profile without an error needs none of it in memory.
    from protocol.iso8583 import place

    file.seek(0)
    if reached >= 0:
        line = line or place.line_at(file, reached)
    else:
        line = place.line_of(file, path)
    raise ProfileError(path, what, line)
