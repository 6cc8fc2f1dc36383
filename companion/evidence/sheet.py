"""The paper: styles, page frame, page numbers, and the kinds of block that pages are built of."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from unicodedata import east_asian_width

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from companion.evidence import fonts
from companion.evidence.wording import CHINESE
from companion.evidence.words import Words

INK = HexColor("#1a1a1a")
GREY = HexColor("#5f6368")
LINE = HexColor("#b8bcc2")
SHADE = HexColor("#f1f3f5")
ACCENT = HexColor("#0b4f7d")

WIDTH = 174  # mm between the margins
_MARGIN = 18 * mm


class Sheet:
    """Makes the blocks of a document in one language."""

    def __init__(self, words: Words) -> None:
        fonts.load()
        self.words = words
        # CJK breaks anywhere; English at spaces, and a long word where it must.
        wrap = "CJK" if words.language == CHINESE else None
        self._styles = {
            "text": _style(9.5, 14, wrap, spaceAfter=5),
            "small": _style(8, 11, wrap, color=GREY, spaceAfter=3),
            "title": _style(15, 20, wrap, color=ACCENT, spaceAfter=6),
            "head": _style(11, 15, wrap, color=ACCENT, spaceBefore=8, spaceAfter=3),
            "label": _style(8, 11, wrap, color=GREY),
            "cell": _style(7.6, 10, wrap),
            "cellhead": _style(7.2, 9.5, wrap, color=GREY),
            "money": _style(7.6, 10, wrap, alignment=2),
            "code": _style(7, 9.5, "CJK"),
            "name": _style(13, 17, wrap),
        }

    def text(self, text: str, style: str = "text") -> Paragraph:
        """A paragraph of plain text."""
        return Paragraph(fonts.markup(text), self._styles[style])

    def gap(self, millimetres: float) -> Spacer:
        """Empty space."""
        return Spacer(1, millimetres * mm)

    def numbered(self, texts: Sequence[str]) -> Table:
        """Paragraphs with numbers in front."""
        rows = [[self.text(f"{place}."), self.text(text)] for place, text in enumerate(texts, 1)]
        made = Table(rows, colWidths=[8 * mm, (WIDTH - 8) * mm])
        made.setStyle(TableStyle([*_BARE, ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]))
        return made

    def pairs(self, pairs: Sequence[tuple[str, str]], width: float = WIDTH) -> Table:
        """Labels over values, side by side in a shaded band."""
        cells = [
            [self.text(label, "label"), self.text(value or "—", "cell")] for label, value in pairs
        ]
        made = Table([cells], colWidths=[width * mm / len(cells)] * len(cells))
        made.setStyle(
            TableStyle(
                [
                    _FONT,
                    ("BACKGROUND", (0, 0), (-1, -1), SHADE),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 5),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                ]
            )
        )
        return made

    def grid(
        self,
        heads: Sequence[str],
        widths: Sequence[float],
        rows: Sequence[Sequence[str]],
        right: Sequence[int] = (),
        code: Sequence[int] = (),
        last: Sequence[str] = (),
    ) -> Table:
        """A table that may run over pages, its heading on each. Columns in `right` are amounts, in
        `code` they break anywhere; `last` is a row of totals."""
        done = [[self.text(head, "cellhead") for head in heads]]
        for row in [*rows, *([last] if last else [])]:
            done.append(
                [
                    self.text(
                        value,
                        "money" if at in right else "code" if at in code else "cell",
                    )
                    for at, value in enumerate(row)
                ]
            )
        made = Table(done, colWidths=[width * mm for width in widths], repeatRows=1)
        style: list[tuple[Any, ...]] = [
            _FONT,
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, GREY),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
        if last:
            style.append(("BACKGROUND", (0, -1), (-1, -1), SHADE))
        made.setStyle(TableStyle(style))
        return made

    def beside(self, left: Flowable, right: Flowable, left_width: float) -> Table:
        """Two blocks side by side."""
        made = Table([[left, right]], colWidths=[left_width * mm, (WIDTH - left_width) * mm])
        made.setStyle(TableStyle(_BARE))
        return made


class SlipPaper(Flowable):
    """A slip on its paper: one line a row, ASCII one column wide and Chinese two, as it prints."""

    _SIZE = 7.5
    _LEADING = 9.5
    _PAD = 6

    def __init__(self, lines: Sequence[str], columns: int) -> None:
        super().__init__()
        self._lines = [fonts.printable(line) for line in lines]
        self._cell = self._SIZE * 1229 / 2048  # the advance of the fixed-width font
        self.width = columns * self._cell + 2 * self._PAD
        self.height = len(self._lines) * self._LEADING + 2 * self._PAD

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Its size does not depend on the place."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw paper and lines."""
        canvas = self.canv
        canvas.setStrokeColor(LINE)
        canvas.setFillColor(HexColor("#fffdf5"))
        canvas.rect(0, 0, self.width, self.height, stroke=1, fill=1)
        canvas.setFillColor(INK)
        for row, line in enumerate(self._lines):
            y = self.height - self._PAD - (row + 0.8) * self._LEADING
            column = 0
            for font, part in _runs(line):
                canvas.setFont(font, self._SIZE)
                x = self._PAD + column * self._cell
                if font == fonts.MONO:
                    canvas.drawString(x, y, part)
                    column += len(part)
                else:
                    for char in part:
                        canvas.drawString(self._PAD + column * self._cell, y, char)
                        column += 2 if east_asian_width(char) in "WF" else 1


def _runs(line: str) -> list[tuple[str, str]]:
    """A line in pieces of one font."""
    found: list[tuple[str, str]] = []
    for char in line:
        font = fonts.MONO if " " <= char <= "~" else fonts.SANS
        if found and found[-1][0] == font:
            found[-1] = font, found[-1][1] + char
        else:
            found.append((font, char))
    return found


def build(story: list[Flowable], words: Words, title: str, head: str) -> bytes:
    """The document as PDF. The same blocks give the same bytes: no clock, no random id."""
    done = BytesIO()
    template = BaseDocTemplate(
        done,
        pagesize=A4,
        title=fonts.printable(title),
        author=fonts.printable(head),
        lang={CHINESE: "zh-CN"}.get(words.language, words.language),
        invariant=1,
    )
    width, height = A4
    inside = (_MARGIN, 18 * mm, width - 2 * _MARGIN, height - 38 * mm)
    frame = Frame(*inside, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    template.addPageTemplates([PageTemplate("page", [frame])])

    def canvas(*given: Any, **named: Any) -> Canvas:
        return _Numbered(words, fonts.printable(head), *given, **named)

    template.build(story, canvasmaker=canvas)
    return done.getvalue()


class _Numbered(Canvas):
    """Keeps its pages until it knows how many there are."""

    def __init__(self, words: Words, head: str, *given: Any, **named: Any) -> None:
        named["initialFontName"] = fonts.SANS
        super().__init__(*given, **named)
        self._words = words
        self._head = head
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page."""
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Number the pages and write them."""
        kept = self._pages
        for number, page in enumerate(kept, 1):
            self.__dict__.update(page)
            self._frame(number, len(kept))
            super().showPage()
        super().save()

    def _frame(self, number: int, count: int) -> None:
        width, height = A4
        self.setFont(fonts.SANS, 7.5)
        self.setFillColor(GREY)
        head = self._head
        while fonts.width(head, 7.5) > width - 2 * _MARGIN:
            head = head[:-2] + "…"
        self.drawString(_MARGIN, height - 12 * mm, head)
        self.drawRightString(
            width - _MARGIN, 10 * mm, self._words.say("page", page=number, pages=count)
        )
        self.setStrokeColor(LINE)
        self.setLineWidth(0.4)
        self.line(_MARGIN, height - 14 * mm, width - _MARGIN, height - 14 * mm)


# A table sets its font even where every cell is a paragraph, and reportlab's is not embedded.
_FONT = ("FONTNAME", (0, 0), (-1, -1), fonts.SANS)
_BARE = [
    _FONT,
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
]


def _style(
    size: float, leading: float, wrap: str | None, color: Any = INK, **more: Any
) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}",
        fontName=fonts.SANS,
        fontSize=size,
        leading=leading,
        textColor=color,
        wordWrap=wrap,
        **more,
    )
