"""One transaction of a profile, read from its JSON and checked."""

from protocol.iso8583.schema import ProfileError, choice, digits, flag, items, members, texts, uint

# What follows when a transaction has no usable answer.
UNANSWERED = ("reverse", "resend", "recon", "none")
# A reversal never carries track data or a PIN block.
FORBIDDEN_IN_REVERSAL = (35, 36, 52)
_AMOUNT = 4


class Transaction:
    """One transaction of a profile: its MTI, fixed values and fields.

    ``unanswered`` is one of UNANSWERED. ``repeat_mti`` is the MTI of a reversal's second and later
    tries, the MTI itself where the profile has no other.
    """

    def __init__(self, name: str, value: object, names: dict[int, str], pool: dict) -> None:
        path = "transactions." + name
        keys = ("mti", "mac", "unanswered", "set", "required", "optional")
        found = members(value, path, keys, ("reverses", "repeat_mti"))
        self.name = name
        self.mti = digits(found["mti"], path + ".mti", 4)
        self.mac = flag(found["mac"], path + ".mac")
        self.unanswered = choice(found["unanswered"], path + ".unanswered", UNANSWERED)
        self.reverses = flag(found.get("reverses", False), path + ".reverses")
        self.repeat_mti = digits(found.get("repeat_mti", self.mti), path + ".repeat_mti", 4)
        self.constants = texts(found["set"], path + ".set", 0, pool)
        self.required = _numbers(found["required"], path + ".required", names)
        optional = _numbers(found["optional"], path + ".optional", names)
        self.fields = bytes(sorted(set(self.required + optional)))
        self._check(path)

    @property
    def reversible(self) -> bool:
        return self.unanswered == "reverse"

    def _check(self, path: str) -> None:
        """Refuse what no acquirer's rules allow."""
        moves = _AMOUNT in self.fields and not self.reverses
        # Notices and what closes a batch are sent again, never undone.
        if self.reversible and (not moves or self.mti not in ("0100", "0200")):
            raise ProfileError(path + ".unanswered", "is for a 0100 or 0200 that has field 4")
        if self.unanswered == "none" and moves:
            raise ProfileError(path + ".unanswered", "leaves a movement of money open")
        if self.repeat_mti != self.mti and not self.reverses:
            raise ProfileError(path + ".repeat_mti", "is for a transaction that reverses")
        for number in self.fields:
            if self.reverses and number in FORBIDDEN_IN_REVERSAL:
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
