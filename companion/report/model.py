"""A report before it has a form: sections of typed cells, and charts."""

from __future__ import annotations

from dataclasses import dataclass, field

from companion.reconcile.phrases import ENGLISH

# What the cells of a column are. Money is minor units, a rate parts per million; None is "nothing
# to say", which is not 0.
TEXT = "text"
WORD = "word"  # a text of ours, which has a translation
COUNT = "count"
MONEY = "money"
RATE = "rate"

WORDS = (TEXT, WORD)

Cell = str | int | None


@dataclass(frozen=True)
class Column:
    """One column: its heading, and what its cells are."""

    name: str
    kind: str = TEXT


@dataclass(frozen=True)
class Section:
    """A table with its heading, and sentences that say what it counts."""

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    notes: tuple[str, ...] = ()
    # What is said instead when there are no rows.
    empty: str = "none"


@dataclass(frozen=True)
class Chart:
    """Bars: a label and a value for each series, of one kind."""

    title: str
    kind: str
    labels: list[str]
    series: dict[str, list[int]]
    # Lying bars are for labels that are words.
    lying: bool = False


@dataclass(frozen=True)
class Report:
    """All of it. `head` is what it is about, `key` what a reader in a hurry needs."""

    title: str
    # Its day or month.
    period: str
    head: list[tuple[str, str]]
    key: list[tuple[str, str, Cell]]
    sections: list[Section]
    charts: list[Chart] = field(default_factory=list)
    language: str = ENGLISH

    @property
    def name(self) -> str:
        """What stands over it."""
        return f"{self.title} {self.period}"


def shown(kind: str, cell: Cell) -> str:
    """A cell as people read it; the same in text and HTML."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if kind == MONEY:
        return _grouped(cell, 2)
    if kind == RATE:
        return _grouped(cell // 100, 2) + "%"
    return f"{cell:,}"


def rate(part: int, whole: int) -> int | None:
    """Part of a whole in parts per million, rounded down, so that 100% is all of it; None of
    nothing."""
    return part * 1_000_000 // whole if whole else None


def columns(*given: str | tuple[str, str]) -> tuple[Column, ...]:
    """Columns of names, or of names and kinds."""
    return tuple(Column(one) if isinstance(one, str) else Column(*one) for one in given)


def _grouped(scaled: int, places: int) -> str:
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**places)
    return f"{sign}{whole:,}.{part:0{places}d}"
