"""One transaction of a profile, read from its JSON and checked."""

from protocol.iso8583.dialect import ProfileError, Transaction
from protocol.iso8583.schema import choice, digits, flag, items, members, texts, uint, under

# What follows when a transaction has no usable answer.
UNANSWERED = ("reverse", "resend", "recon", "none")
# A reversal never carries track data or a PIN block.
FORBIDDEN_IN_REVERSAL = (35, 36, 52)
_AMOUNT = 4


def read(name: str, value: object, names: dict[int, str], pool: dict) -> Transaction:
    """The transaction of this name; ``names`` are the fields', ``pool`` shares what is equal."""
    path = "transactions." + name
    keys = ("mti", "mac", "unanswered", "set", "required", "optional")
    found = members(value, path, keys, ("reverses", "repeat_mti"))
    mti = digits(found["mti"], under(path, "mti"), 4)
    repeat_mti = digits(found.get("repeat_mti", mti), under(path, "repeat_mti"), 4)
    unanswered = choice(found["unanswered"], under(path, "unanswered"), UNANSWERED)
    made = Transaction(name, mti, repeat_mti, unanswered)
    made.mac = flag(found["mac"], under(path, "mac"))
    made.reverses = flag(found.get("reverses", False), under(path, "reverses"))
    made.constants = texts(found["set"], under(path, "set"), 0, pool)
    required = _numbers(found["required"], under(path, "required"), names)
    optional = _numbers(found["optional"], under(path, "optional"), names)
    made.required = required
    made.fields = bytes(sorted(set(required + optional)))
    _check(made, path)
    return made


def _check(made: Transaction, path: str) -> None:
    """Refuse what no acquirer's rules allow."""
    moves = _AMOUNT in made.fields and not made.reverses
    # Notices and what closes a batch are sent again, never undone.
    if made.reversible and (not moves or made.mti not in ("0100", "0200")):
        raise ProfileError(under(path, "unanswered"), "is for a 0100 or 0200 that has field 4")
    if made.unanswered == "none" and moves:
        raise ProfileError(under(path, "unanswered"), "leaves a movement of money open")
    if made.repeat_mti != made.mti and not made.reverses:
        raise ProfileError(under(path, "repeat_mti"), "is for a transaction that reverses")
    for number in made.fields:
        if made.reverses and number in FORBIDDEN_IN_REVERSAL:
            raise ProfileError(path, f"has field {number}, never part of a reversal")


def _numbers(value: object, path: str, names: dict[int, str]) -> bytes:
    """Field numbers; as bytes, since there are many of them on the device's heap."""
    numbers = bytearray()
    for item in items(value, path):
        number = uint(item, path, 2, 127)
        if number not in names or number == 64:
            raise ProfileError(path, f"has field {number}, which is not defined or is the MAC")
        numbers.append(number)
    return bytes(numbers)
