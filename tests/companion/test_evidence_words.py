"""Both languages say the same things, of every code there is."""

from __future__ import annotations

import string
from types import ModuleType

import pytest

from companion.evidence import (
    fonts,
    groups,
    letters_en,
    letters_zh,
    members,
    words_en,
    words_zh,
)
from companion.evidence.wording import Code, Group
from companion.evidence.words import Words
from companion.reconcile import codes
from companion.rules import verdicts
from companion.statements.statement import GIVES_BACK, HOLDS
from protocol import record


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def texts(module: ModuleType) -> dict[str, str]:
    """Every text of a language, by where it stands."""
    found = {}

    def walk(where: str, value: object) -> None:
        if isinstance(value, str):
            found[where] = value
        elif isinstance(value, dict):
            for key, one in value.items():
                walk(f"{where}.{key}", one)
        elif isinstance(value, tuple):
            for at, one in enumerate(value):
                walk(f"{where}.{at}", one)
        elif isinstance(value, (Code, Group)):
            walk(where, vars(value))

    for name, value in vars(module).items():
        if name.isupper():
            walk(name, value)
    return found


@pytest.mark.parametrize(("english", "chinese"), [(letters_en, letters_zh), (words_en, words_zh)])
def test_both_languages_have_the_same_texts_with_the_same_places(
    english: ModuleType, chinese: ModuleType
) -> None:
    one, other = texts(english), texts(chinese)
    assert set(one) == set(other)
    for where in one:
        assert places(one[where]) == places(other[where]), where
        assert bool(one[where]) == bool(other[where]), where


def test_every_code_has_a_letter_of_its_own_and_one_group() -> None:
    assert set(letters_en.CODES) == set(codes.BREAKS)
    grouped = [code for members in groups.GROUPS.values() for code in members]
    assert sorted(grouped) == sorted(codes.BREAKS)
    for module in (letters_en, letters_zh):
        said = module.CODES.values()
        for part in ("title", "saw"):
            assert len({getattr(one, part) for one in said}) == len(said), part
        subjects = [group.subject for group in (*module.GROUPS.values(), module.BANK)]
        assert len(set(subjects)) == len(groups.GROUPS) + 1


def test_every_kind_of_record_but_those_withheld_has_words() -> None:
    named = {name for name, _ in record.KINDS.values()} - {"SIGNED_IN", "CHECKPOINT"}
    for kind in named:
        assert kind in words_en.KINDS, kind
    for name, fields in record.KINDS.values():
        known = {field.removesuffix("_minor") for field, _ in fields}
        for form in (name, f"{name}.sent", f"{name}.bare"):
            assert places(words_en.KINDS.get(form, "")) <= known, form


def test_a_payout_is_made_of_what_the_rules_make_it_of() -> None:
    assert members._CAPTURED == verdicts.CAPTURED
    assert set(GIVES_BACK) == set(verdicts.GIVES_BACK)
    assert set(HOLDS) == set(verdicts.HOLDS)


def test_the_font_has_every_character_of_both_languages() -> None:
    for module in (letters_en, letters_zh, words_en, words_zh):
        for where, text in texts(module).items():
            assert fonts.printable(text) == text, where


def test_what_has_no_words_is_shown_as_it_is() -> None:
    words = Words("en")
    assert words.term("STATUS", "SOMETHING_NEW") == "SOMETHING_NEW"
    assert words.kind("KIND_99") == "KIND_99"
    assert words.code("OF_ANOTHER_VERSION").asks
