"""Why a row matched, or did not: the row, the pair that the rules made of it, and what of the
other side came near, pass by pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from companion.errors import CompanionError
from companion.facts import manifest, schema
from companion.reconcile.chain import Outcome
from companion.reconcile.words import money
from companion.rules.settings import NEAR_SECONDS

_MOST = 20  # rows that one question may name
_HASH = 64  # hex digits of a file's SHA-256
_NEAR = 3  # rows of the other side that are told of in each pass
_OTHER = {"terminal": "acquirer", "acquirer": "terminal"}
_ID = {"terminal": "t_id", "acquirer": "a_id"}
_PASSES = {
    1: "pass 1, exact: the same merchant, terminal, batch and STAN",
    2: "pass 2: the same merchant, RRN and card",
    3: "pass 3, low confidence: the same amount and direction, close in time, nothing against it",
}

Row = dict[str, Any]


class ExplainError(CompanionError):
    """A row that is named in no way we know, or that is not in the facts."""


@dataclass(frozen=True)
class Explained:
    """One row and what became of it: `why` is a sentence for each thing that was looked at."""

    leg: str
    row: Row
    verdict: str
    match_pass: int
    partner: Row | None
    why: list[str]


class Explainer:
    """The facts of a store and what the rules made of them, open for questions."""

    def __init__(self, facts: Path, outcome: Outcome) -> None:
        known = manifest.load(facts)
        self._engine = duckdb.connect()
        for leg in _OTHER:
            found = {source.path for day in known.legs[leg].values() for source in day}
            self._view(leg, schema.LEGS[leg], [facts / path for path in sorted(found)])
        self._engine.register("open_pairs", outcome.open_pairs)
        pairs = [str(day.directory / "pairs.parquet") for day in outcome.days]
        union = f" UNION ALL BY NAME SELECT * FROM read_parquet({pairs})" if pairs else ""
        self._engine.execute(f"CREATE VIEW pairs AS SELECT * FROM open_pairs{union}")

    def close(self) -> None:
        """Leave the engine."""
        self._engine.close()

    def explain(self, text: str) -> list[Explained]:
        """Every row that ``text`` names: STAN, BATCH/STAN, MERCHANT|TERMINAL|BATCH|STAN, or an
        RRN. Raises ExplainError when it names none, or too many."""
        where, values = _named(text)
        found = [
            (leg, row)
            for leg in _OTHER
            for row in self._rows(f'SELECT * FROM "{leg}" WHERE {where} ORDER BY day, id', values)
        ]
        if not found:
            raise ExplainError(f"{text}: neither a terminal nor the acquirer has such a row")
        if len(found) > _MOST:
            raise ExplainError(
                f"{text}: {len(found)} rows; say more: MERCHANT|TERMINAL|BATCH|STAN"
            )
        return [self._one(leg, row) for leg, row in found]

    def _one(self, leg: str, row: Row) -> Explained:
        other = _OTHER[leg]
        pairs = self._rows(f"SELECT * FROM pairs WHERE {_ID[leg]} = ?", [row["id"]])
        if not pairs:
            return Explained(leg, row, "", 0, None, ["it is no transaction that can be matched"])
        pair = pairs[0]
        partner = None
        if pair[_ID[other]] is not None:
            partner = self._rows(f'SELECT * FROM "{other}" WHERE id = ?', [pair[_ID[other]]])[0]
            why = [f"{_PASSES[pair['match_pass']]}: {shown(other, partner)}"]
        else:
            why = self._missed(leg, row)
        return Explained(leg, row, pair["verdict"], pair["match_pass"], partner, why)

    def _missed(self, leg: str, row: Row) -> list[str]:
        """What each pass looked for, and what came nearest."""
        told = []
        if row["batch"] and row["stan"]:
            same = "merchant_no = ? AND terminal_no = ? AND batch = ? AND stan = ?"
            key = [row[name] for name in ("merchant_no", "terminal_no", "batch", "stan")]
            told.append(self._tried(leg, 1, same, key))
        else:
            told.append(f"{_PASSES[1]}: it has no STAN")
        if row["rrn"]:
            told.append(
                self._tried(
                    leg, 2, "merchant_no = ? AND rrn = ?", [row["merchant_no"], row["rrn"]]
                )
            )
        else:
            told.append(f"{_PASSES[2]}: it has no RRN")
        if row["at"]:
            told.append(self._near(leg, row))
        else:
            told.append(f"{_PASSES[3]}: the time of it is not known")
        return told

    def _tried(self, leg: str, number: int, where: str, values: Sequence[object]) -> str:
        other = _OTHER[leg]
        rows = self._rows(
            f'SELECT * FROM "{other}" WHERE {where} ORDER BY day, id LIMIT {_NEAR}', values
        )
        if not rows:
            return f"{_PASSES[number]}: the {other} has none"
        seen = "; ".join(self._taken(other, one) for one in rows)
        return f"{_PASSES[number]}: there is {seen}"

    def _near(self, leg: str, row: Row) -> str:
        other = _OTHER[leg]
        rows = self._rows(
            f'SELECT * FROM "{other}" WHERE merchant_no = ? AND amount_minor = ? AND "at" > 0 '
            f'ORDER BY abs("at" - ?), id LIMIT {_NEAR}',
            [row["merchant_no"], row["amount_minor"], row["at"]],
        )
        if not rows:
            return f"{_PASSES[3]}: the {other} has nothing of {money(row['amount_minor'] or 0)}"
        seen = "; ".join(
            f"{self._taken(other, one)}, {abs(one['at'] - row['at'])} s away" for one in rows
        )
        return f"{_PASSES[3]} (at most {NEAR_SECONDS} s): nearest is {seen}"

    def _taken(self, leg: str, row: Row) -> str:
        """A row of the other side, and whether something else has it."""
        pairs = self._rows(f"SELECT * FROM pairs WHERE {_ID[leg]} = ?", [row["id"]])
        other = _ID[_OTHER[leg]]
        taken = bool(pairs) and pairs[0][other] is not None
        return shown(leg, row) + (", which belongs to another row" if taken else "")

    def _view(self, name: str, columns: pa.Schema, paths: Sequence[Path]) -> None:
        if paths:
            files = [str(path) for path in paths]
            self._engine.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet({files})')
        else:
            self._engine.register(name, columns.empty_table())

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        found = self._engine.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _named(text: str) -> tuple[str, list[object]]:
    """The condition that finds what a person names."""
    parts = text.replace("/", "|").split("|")
    columns = {
        1: ("stan",) if len(text) <= 6 else ("rrn",),
        2: ("batch", "stan"),
        3: ("terminal_no", "batch", "stan"),
        4: ("merchant_no", "terminal_no", "batch", "stan"),
        5: ("merchant_no", "terminal_no", "batch", "stan"),  # a row key, with the occurrence
    }.get(len(parts))
    if columns is None or not all(parts):
        raise ExplainError(
            f"{text!r}: a row is named by STAN, BATCH/STAN, MERCHANT|TERMINAL|BATCH|STAN or RRN"
        )
    values = [
        part.rjust(6, "0") if name in ("batch", "stan") else part
        for name, part in zip(columns, parts, strict=False)
    ]
    return " AND ".join(f"{name} = ?" for name in columns), list(values)


def shown(leg: str, row: Row) -> str:
    """One row in a few words, and where it stands."""
    moment = datetime.fromtimestamp(row["at"], timezone.utc).isoformat() if row["at"] else "?"
    if leg == "acquirer":
        place = f"file {row['file'][:12]}, line {row['line']}"
    elif len(row["device_id"]) == _HASH:
        # Another maker's terminal, out of its export.
        place = f"file {row['device_id'][:12]}, line {row['first_seq']}"
    else:
        place = f"{row['device_id']}, record {row['first_seq']}"
    number = f"{row['batch']}/{row['stan']}" if row["stan"] else f"RRN {row['rrn'] or '?'}"
    amount = money(row["amount_minor"]) if row["amount_minor"] is not None else "?"
    status = f"{row['txn']} {amount} {row['status']}"
    return f"{number} {status} at {moment} ({place})"
