"""What shared tests need and pytest cannot give them, since it does not run on MicroPython."""

import json
from binascii import unhexlify

try:  # noqa: SIM105
    from collections.abc import Callable
except ImportError:  # MicroPython needs no type, and has no contextlib
    pass

_ROOT = __file__[: -len("tests/shared/expect.py")]


def raises(kind: type[Exception], function: "Callable[..., object]", *args: object) -> Exception:
    """Call the function and return the exception of that kind which it must raise."""
    try:
        result = function(*args)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised; the result is {result!r}")


def vectors(name: str) -> dict:
    """Golden vectors of protocol/vectors/<name>.json."""
    with open(_ROOT + "protocol/vectors/" + name + ".json") as file:
        content: dict = json.load(file)
    return content


class Random:
    """A seeded generator that gives the same numbers on both interpreters (xorshift32)."""

    def __init__(self, seed: int) -> None:
        self._state = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def below(self, limit: int) -> int:
        state = self._state
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        self._state = state
        return state % limit

    def bytes(self, length: int) -> bytes:
        return bytes([self.below(256) for _ in range(length)])


def from_json(value: object) -> object:
    """Undo what JSON cannot hold: {"bytes": hex}, and {"int": text} for 2^30 and more."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return unhexlify(value["bytes"])
    if "int" in value:
        return int(value["int"])
    return {key: from_json(value[key]) for key in value}


def row_of(golden: dict, name: str) -> dict:
    """The message of this name in a file of golden messages."""
    for row in golden["messages"]:
        if row["name"] == name:
            return row
    raise AssertionError(name)
