"""What a language has to say: the form of letters_en and letters_zh."""

from __future__ import annotations

from dataclasses import dataclass

ENGLISH = "en"
CHINESE = "zh"
LANGUAGES = (ENGLISH, CHINESE)


@dataclass(frozen=True)
class Code:
    """One code: a heading, what we saw, what the other side recorded, what we ask."""

    title: str
    saw: str
    recorded: str
    asks: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One kind of letter: its subject, and what its items are called."""

    subject: str
    noun: str
