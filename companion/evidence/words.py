"""The words of one language, with their places filled in."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from companion.evidence import groups, letters_en, letters_zh, show, words_en, words_zh
from companion.evidence.wording import CHINESE, ENGLISH, Code, Group

_WORDS = {ENGLISH: words_en, CHINESE: words_zh}
_LETTERS = {ENGLISH: letters_en, CHINESE: letters_zh}


class Words:
    """What is said, in one language; `say` raises KeyError for a name that is not there."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._module: ModuleType = _WORDS[language]
        self._letters: ModuleType = _LETTERS[language]

    def say(self, name: str, /, **values: object) -> str:
        """The words of this name."""
        return fill(self._module.SAY[name], **values)

    def code(self, code: str) -> Code:
        """What a letter says of a code."""
        found: Code = self._letters.CODES.get(code, self._letters.OTHER)
        return found

    def group(self, group: str, recipient: str) -> Group:
        """Subject and noun of a letter."""
        to_bank = recipient == groups.BANK and group == groups.PAYOUT
        found: Group = self._letters.BANK if to_bank else self._letters.GROUPS[group]
        return found

    def term(self, table: str, value: object) -> str:
        """A code of the data in words (STATUS, TYPES, ...); one without words stays as it is."""
        found: Mapping[object, str] = getattr(self._module, table)
        return found.get(value, str(value)) if value not in ("", None) else show.NOTHING

    def kind(self, name: str, /, **values: object) -> str:
        """What a journal record of this kind says."""
        found: str | None = self._module.KINDS.get(name)
        return found.format(**values) if found else name

    def event(self, name: str, /, **values: object) -> str:
        """What happened outside of the terminal."""
        found: str = self._module.EVENTS[name]
        return found.format(**values).rstrip()

    def items(self, noun: str, count: int, name: str = "it") -> str:
        """The items of a table, as sentences in front of it ("it") or behind it ("these") say."""
        return self.say(f"{name}.{'one' if count == 1 else 'many'}", noun=noun, count=count)

    @property
    def bank_asks(self) -> tuple[str, ...]:
        """What the bank is asked."""
        found: tuple[str, ...] = self._letters.BANK_ASKS
        return found

    @property
    def seals(self) -> tuple[str, ...]:
        """What a seal is, and what it proves to whom."""
        found: tuple[str, ...] = self._module.SEALS
        return found

    @property
    def readme(self) -> tuple[str, ...]:
        """The lines of README.txt."""
        found: tuple[str, ...] = self._module.README
        return found


def fill(text: str, /, **values: object) -> str:
    """Text with its places filled; a sentence that begins with one gets a capital."""
    done = text.format(**values)
    return done[:1].upper() + done[1:] if text.startswith("{it}") else done
