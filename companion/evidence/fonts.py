"""The fonts that every page embeds, and which characters they have."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from companion.evidence import show

SANS = "WenQuanYiMicroHei"
MONO = "WenQuanYiMicroHeiMono"
_FOLDER = Path(__file__).parent / "fonts"
_FILES = {SANS: "wqy-microhei-gbk.ttf", MONO: "wqy-microhei-mono-ascii.ttf"}


@cache
def load() -> frozenset[int]:
    """Make both fonts known to reportlab; the code points that the first one has."""
    made = {name: TTFont(name, str(_FOLDER / file)) for name, file in _FILES.items()}
    for font in made.values():
        pdfmetrics.registerFont(font)
    return frozenset(made[SANS].face.charToGlyph)


def printable(text: str) -> str:
    """Text with a sign in the place of each character that cannot be drawn; lines stay."""
    has = load()
    lines = (show.plain(line) for line in text.split("\n"))
    return "\n".join(
        "".join(char if ord(char) in has else show.NO_GLYPH for char in line) for line in lines
    )


def markup(text: str) -> str:
    """Text from anywhere as a paragraph's markup: nothing in it acts."""
    return escape(printable(text)).replace("\n", "<br/>")


def width(text: str, size: float) -> float:
    """How wide a text is in the first font, in points."""
    load()
    return float(pdfmetrics.stringWidth(text, SANS, size))
