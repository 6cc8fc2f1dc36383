"""One terminal's rows and the acquirer's, by hand, through the fold."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from companion.facts import schema
from companion.rules import relations
from companion.rules.engines import Engine
from tests.companion.rules.reference import Books
from tests.companion.rules.worlds import FIRST, Fold, Row, World, row

_ids = itertools.count(1)

NOON = FIRST * 86_400 + 4 * 3600


def _row(columns: Any, stan: int, values: Row) -> Row:
    number = next(_ids)
    plain = {
        "id": number,
        "merchant_no": "M1",
        "terminal_no": "T1",
        "channel": "pos",
        "batch": "000001" if stan else "",
        "stan": f"{stan:06d}" if stan else "",
        "day": FIRST,
        "at": NOON + 7 * number,
        "txn": "SALE",
        "amount_minor": 1000 + number,
        "card": f"622200******{number:04d}",
    }
    return {**row(columns, **plain), **values}


def terminal(stan: int, status: str = "APPROVED", **values: Any) -> Row:
    """A row of the terminal; 0 is no STAN."""
    return {**_row(schema.TERMINAL, stan, values), "status": status}


def acquirer(stan: int, status: str = "CAPTURED", **values: Any) -> Row:
    """A row of the acquirer."""
    made = _row(schema.ACQUIRER, stan, values)
    return {**made, "status": status, "fee_minor": None}


def both(stan: int, here: str, there: str, **values: Any) -> tuple[Row, Row]:
    """A transaction as both sides have it, with their statuses."""
    t = terminal(stan, here, **values)
    a = acquirer(stan, there, **{name: t[name] for name in ("at", "txn", "amount_minor", "card")})
    return t, {**a, **values}


class Judged:
    """What a fold over the rows gives, each day's step and then the state."""

    def __init__(
        self,
        engine: Engine,
        place: Path,
        rows_t: list[Row],
        rows_a: list[Row],
        today: int = FIRST + 20,
        seen: int = schema.FAR * 86_400,
        covered: bool = True,
        grace: int = 2,
        hold_terms: dict[tuple[str, str], tuple[int, int]] | None = None,
    ) -> None:
        days = sorted({some["day"] for some in (*rows_t, *rows_a)})
        keys = itertools.product(("M1",), ("pos",), days)
        books = Books(
            covered=set(keys) if covered else set(),
            grace={("pos", day): day + grace for day in days},
            seen={("M1", "T1"): seen},
            hold_terms=hold_terms or {},
        )
        fold = Fold(engine, place, World(days, rows_t, rows_a, books))
        self.pairs: list[Row] = []
        self.breaks: list[Row] = []
        for day in days:
            fold.step(day)
            self.pairs += fold.rows("pairs", relations.PAIRS)
            self.breaks += fold.rows("breaks_now", relations.BREAKS)
        self.holds = fold.rows("holds_out", relations.HOLDS)
        fold.state(today)
        self.open = fold.rows("open_pairs", relations.PAIRS)
        self.breaks += fold.rows("breaks_open", relations.BREAKS)

    @property
    def codes(self) -> list[str]:
        """The codes of all breaks, sorted."""
        return sorted(found["code"] for found in self.breaks)

    def matched(self) -> set[tuple[int, int, int]]:
        """The pairs: both ids and the pass."""
        return {(p["t_id"], p["a_id"], p["match_pass"]) for p in self.pairs if p["match_pass"]}
