"""Whatever the terminal says to a person, it can say in Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from terminal import screens, texts_rare_zh, texts_zh, transactions

FIRMWARE = Path(__file__).parent.parent / "firmware" / "terminal"
# Where effects for the panel and rows of slips are made.
SPEAKING = (
    *("desk", "trade", "judge", "engine", "batch", "reversal", "takeover", "front", "receipt"),
    *("cases", "screens", "cards", "app", "operation", "health", "practice"),
)
# Keys of the panel, codes of NOTE records and of F39, what goes into the log, and what is none of
# the terminal's words.
NO_WORDS = {
    *("ENTER", "CLEAR", "CANCEL"),
    *("UNKNOWN", "REFUSED", "MISMATCH", "A0", "D", "SCREENS", "PHRASES"),
    *("FOREIGN", "UNFORMATTED", "Wi-Fi: connected", "Wi-Fi: not connected"),
}
MORE = "..."
_CODE = re.compile(r"[A-Z]+(_[A-Z0-9]+)+")


def spoken(module: str) -> Iterator[str]:
    """The literals of a module that a person may read, a formatted number as 0."""
    tree = ast.parse((FIRMWARE / f"{module}.py").read_text())
    passed = {
        id(node.value)  # a docstring
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        raised = isinstance(node, ast.Raise) and "CardError" not in ast.dump(node)
        if raised:
            passed |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = node.value
        if id(node) in passed or text in NO_WORDS or _CODE.fullmatch(text):
            continue
        if module == "screens" and text.count("\n") > 1:
            yield from (row[3:] for row in text.strip().split("\n"))
        elif module == "cards" and " " in text:
            yield screens._numberless(text)[0]
        # The title of a slip is in both languages.
        elif text[:1].isupper() and text.isascii():
            text = re.sub(r"%0?\d*d", "0", text).replace("%%", "%")
            first, formatted, _ = text.partition("%s")
            more = formatted or text[-1] == " "
            yield screens._numberless(first)[0] + (MORE if more else "")


def test_every_phrase_has_its_chinese() -> None:
    known = (texts_zh.PHRASES + texts_rare_zh.PHRASES[1:]).strip().split("\n")
    phrases = dict(row.split("=", 1) for row in known)
    said = {module: set(spoken(module)) for module in SPEAKING}
    assert sum(map(len, said.values())) > 60
    missing = {
        f"{module}: {text}"
        for module in said
        for text in said[module] - phrases.keys()
        if not any(MORE in text and phrase.startswith(text[: -len(MORE)]) for phrase in phrases)
    }
    assert not missing
    assert {transactions.title(txn) for txn in transactions._ROWS} <= phrases.keys()


def test_no_phrase_is_twice_and_its_numbers_stay() -> None:
    for texts in (texts_zh, texts_rare_zh):
        rows = texts.PHRASES.strip().split("\n")
        words = [row.split("=", 1)[0] for row in rows]
        assert len(words) == len(set(words))
        for row in rows:
            english, chinese = row.split("=", 1)
            assert english.count("0") == chinese.count("0"), row
            assert screens._numberless(english)[0] == english, row
