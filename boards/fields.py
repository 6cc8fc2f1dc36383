"""Fields of a JSON file, each with its place for the message when it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class BoardError(ValueError):
    """A board's file is wrong, or there is no such board; the message says where and what."""


class Field:
    """One value and where it stands. An object's members are read by name, each once."""

    def __init__(self, path: str, value: Any, key: str = "") -> None:
        self.path = path
        self.key = key
        self._value = value
        self._read: set[str] = set()

    def _at(self, name: str, default: Any) -> Field:
        if not isinstance(self._value, dict):
            raise BoardError(f"{self.path}: must be an object")
        self._read.add(name)
        if name not in self._value and default is None:
            raise BoardError(f"{self.path}: {name} is missing")
        return Field(f"{self.path}: {name}", self._value.get(name, default), name)

    def has(self, name: str) -> bool:
        return isinstance(self._value, dict) and name in self._value

    def value_text(self) -> str:
        if not isinstance(self._value, str) or not self._value:
            raise BoardError(f"{self.path}: must be a text")
        return self._value

    def text(self, name: str, default: str | None = None) -> str:
        at = self._at(name, default)
        return "" if at._value == "" else at.value_text()

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        at = self._at(name, default)
        if at._value not in allowed:
            listed = ", ".join(repr(word) for word in allowed)
            raise BoardError(f"{at.path}: {at._value!r} is none of {listed}")
        return str(at._value)

    def number(self, name: str, default: int | None = None) -> int:
        """A number, or a text such as "0x1F0000"."""
        at = self._at(name, default)
        value = at._value
        if isinstance(value, str):
            try:
                value = int(value, 16)
            except ValueError:
                raise BoardError(f"{at.path}: {value!r} is no hexadecimal number") from None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BoardError(f"{at.path}: must be a number of 0 or more")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        at = self._at(name, default)
        if not isinstance(at._value, bool):
            raise BoardError(f"{at.path}: must be true or false")
        return at._value

    def items(self, name: str) -> Iterator[Field]:
        """The members of an object that may have any names."""
        at = self._at(name, None)
        if not isinstance(at._value, dict):
            raise BoardError(f"{at.path}: must be an object")
        for key, value in at._value.items():
            yield Field(f"{at.path}.{key}", value, key)

    def rows(self, name: str, default: list[Any] | None = None) -> Iterator[Field]:
        return self._at(name, default).cells()

    def cells(self) -> Iterator[Field]:
        if not isinstance(self._value, list):
            raise BoardError(f"{self.path}: must be a list")
        for number, value in enumerate(self._value):
            yield Field(f"{self.path}[{number}]", value, str(number))

    def nothing_else(self) -> None:
        """A misspelt name would be a field that is silently not there."""
        unknown = sorted(set(self._value) - self._read)
        if unknown:
            raise BoardError(f"{self.path}: unknown: {', '.join(unknown)}")
