"""Requests from named values, and whether an answer belongs to a request.

A value is looked up by the name of the field (or of the part of F60, F61 or F63) in the profile:
first among what the transaction fixes, then in what the caller gives, then in the defaults.
"""

from protocol.iso8583.codec import Iso8583Error, Message
from protocol.iso8583.dialect import Profile, Transaction


def build(
    profile: Profile, transaction: str, values: dict[str, object]
) -> tuple[str, dict[int, str | bytes]]:
    """The MTI and the fields of a request, without F64.

    Integers are written as digits, zero-padded to the field. A reversal also takes ``of``, the
    name of the transaction it undoes, whose processing code, condition and message type it
    repeats, and whose ``batch`` and ``stan`` F61 or F90 points at; ``repeat`` is true from its
    second try on. Raises Iso8583Error for a missing value, one that does not fit, or a reversal
    of what may not be reversed; ProfileError for an unknown transaction.
    """
    kind = profile.transaction(transaction)
    known = _known(profile, kind, values)
    fields: dict[int, str | bytes] = {}
    for number in kind.fields:
        if number in profile.parts:
            value: str | bytes | None = join(profile, number, known) or None
        else:
            value = _value(profile, number, known)
        if value is not None:
            fields[number] = value
        elif number in kind.required:
            raise Iso8583Error(f"{profile.names[number]} is missing", number)
    return kind.repeat_mti if values.get("repeat") else kind.mti, fields


def _known(profile: Profile, kind: Transaction, values: dict[str, object]) -> dict[str, object]:
    known: dict[str, object] = dict(profile.defaults)
    known.update(values)
    if kind.reverses:
        original = profile.transaction(str(values.get("of")))
        if not original.reversible:
            raise Iso8583Error(f"{original.name} may not be reversed")
        known.update(original.constants)
        # Of a void, what is undone is the void, not the sale it pointed at.
        known["original_batch"] = values.get("batch")
        known["original_stan"] = values.get("stan")
        known["original_mti"] = original.mti
        known["response"] = values.get("reason")
    known.update(kind.constants)
    return known


def _value(profile: Profile, number: int, known: dict[str, object]) -> str | bytes | None:
    name = profile.names[number]
    value = known.get(name)
    entry = profile.table[number]
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        return value or None
    if isinstance(value, int) and entry and entry[0] == "n" and not entry[1]:
        return _padded(value, entry[3], name, number)
    raise Iso8583Error(f"{name} has a value of the wrong type", number)


def _padded(value: int, length: int, name: str, number: int) -> str:
    digits = str(value)
    if value < 0 or len(digits) > length:
        raise Iso8583Error(f"{name} does not fit {length} digits", number)
    return "0" * (length - len(digits)) + digits


def join(profile: Profile, number: int, values: dict[str, object]) -> str:
    """The text of a field of parts: its parts in order, up to the first that has no value.

    Raises Iso8583Error when a part has the wrong length or a later one has a value all the same.
    """
    text = ""
    missing = ""
    for name, length in profile.parts[number]:
        value = values.get(name)
        if value is None or value == "":
            missing = missing or name
            continue
        if missing:
            raise Iso8583Error(f"{name} is given, {missing} before it is not", number)
        part = _padded(value, length, name, number) if isinstance(value, int) else value
        if not isinstance(part, str) or (length and len(part) != length):
            raise Iso8583Error(f"{name} is not text of {length} characters", number)
        text += part
    return text


def split(profile: Profile, number: int, text: str) -> dict[str, str]:
    """The parts that ``text`` has, by name; raises Iso8583Error when it ends inside a part."""
    parts = {}
    at = 0
    for name, length in profile.parts[number]:
        part = text[at : at + length] if length else text[at:]
        if not part:
            break
        if length and len(part) != length:
            raise Iso8583Error(f"{name} has {len(part)} of {length} characters", number)
        parts[name] = part
        at += len(part)
    if at != len(text):
        raise Iso8583Error(f"{len(text) - at} characters after the last part", number)
    return parts


def match(
    profile: Profile,
    request_fields: dict[int, str | bytes],
    request_mti: str,
    response: Message,
) -> str | None:
    """None when ``response`` answers the request, or the name of the first field that differs.

    The profile lists what must be equal; a field the request does not have is not compared, one
    that only the response lacks differs. The MTI is called "mti". Where the profile accepts
    partial approvals, the amount of one may be lower.
    """
    expected, rules = profile.answers.get(request_mti, ("", ()))
    if response.mti != expected:
        return "mti"
    for name, number, start, end in rules:
        sent = request_fields.get(number)
        if isinstance(sent, str) and not _same(sent, response.text(number), start, end):
            if number != 4 or not _partial(profile, sent, response):
                return name
    return None


def _partial(profile: Profile, sent: str, response: Message) -> bool:
    """Whether the answer approves a part, more than nothing, of the amount in F4."""
    if profile.partial != "accept":
        return False
    code = response.text(39).strip()
    part = response.text(4)
    return profile.action("request", code) == "partial" and "0" * len(sent) < part < sent


def _same(sent: str, received: str, start: int, end: int) -> bool:
    # An ans field comes back padded with the spaces that encoding added.
    return sent[start:end].rstrip() == received[start:end].rstrip()
