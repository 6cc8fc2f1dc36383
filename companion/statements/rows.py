"""Rows in the shape of the facts, collected block by block."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements.columns import Columns
from companion.statements.statement import (
    BANK,
    COLUMNS,
    FEE,
    GIVES_BACK,
    HOLDS,
    MAX_DAYS,
    PAYOUTS,
    TERMINAL,
    Statement,
    StatementError,
)

# Rows beyond this are put on disk and mapped, so that a file of any size fits.
_IN_MEMORY = 200_000
_NULLABLE = ("fee_minor",)

Given = Mapping[str, pa.Array | str | int]


def shaped(kind: str, rows: int, given: Given) -> pa.RecordBatch:
    """A batch of COLUMNS[kind]: what is not given is "" or 0, an unknown fee null."""
    columns = []
    for field in COLUMNS[kind]:
        value = given.get(field.name)
        if value is None:
            empty = "" if field.type == pa.string() else 0
            value = pa.nulls(rows, field.type) if field.name in _NULLABLE else empty
        if not isinstance(value, pa.Array):
            value = pa.repeat(pa.scalar(value, field.type), rows)
        columns.append(value)
    return pa.record_batch(columns, schema=COLUMNS[kind])


def of_dicts(kind: str, found: Sequence[Mapping[str, str | int]]) -> pa.Table:
    """A table of COLUMNS[kind] from a few rows, each with what is known of it."""
    names = {name for row in found for name in row}
    columns: dict[str, pa.Array] = {}
    for name in names:
        kind_of = COLUMNS[kind].field(name).type
        empty = "" if kind_of == pa.string() else 0
        columns[name] = pa.array([row.get(name, empty) for row in found], kind_of)
    return pa.Table.from_batches([shaped(kind, len(found), columns)])


def lines(columns: Columns) -> pa.Array:
    """The line number of each row."""
    return pa.array(columns.numbered(), pa.int64())


def check_sign(columns: Columns, name: str, txn: pa.Array, amount: pa.Array) -> None:
    """Refuse a negative amount of what takes money: some files have a sign, some none."""
    may = pc.is_in(txn, pa.array((*GIVES_BACK, "PREAUTH_CANCEL")))
    good = pc.or_(may, pc.greater_equal(amount, 0))
    columns.refuse(name, good, "an amount that was taken")


class Collected:
    """The rows of one kind in a file; many of them are on disk, in a file without a name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._batches: list[pa.RecordBatch] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch of `shaped`."""
        self._batches.append(batch)
        self._held += batch.num_rows
        if self._held > _IN_MEMORY:
            self._spill()

    def table(self) -> pa.Table:
        """All rows, in the order of the file."""
        if self._file is None:
            return pa.Table.from_batches(self._batches, schema=COLUMNS[self.kind])
        self._spill()
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(mapped))).read_all()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
            self._writer = pa.ipc.new_stream(self._file, COLUMNS[self.kind])
        for batch in self._batches:
            self._writer.write_batch(batch)
        self._batches = []
        self._held = 0

    def close(self) -> None:
        """Let go of the file; rows that were read from it stay as long as anybody has them."""
        if self._file is not None:
            self._file.close()


def totals(kind: str, rows: pa.Table) -> tuple[int, int]:
    """How many rows moved money, and how much in all; what gives it back is negative."""
    if kind == PAYOUTS:
        amounts = rows["net_minor"]
    elif kind == BANK:
        amounts = rows["amount_minor"]
    else:
        still = pc.is_in(rows["txn"], pa.array((*HOLDS, FEE)))
        stands = pc.is_in(rows["status"], pa.array(("CAPTURED", "APPROVED")))
        back = pc.is_in(rows["txn"], pa.array(GIVES_BACK))
        signed = pc.if_else(back, pc.negate(rows["amount_minor"]), rows["amount_minor"])
        amounts = signed.filter(pc.and_not(stands, still))
    return len(amounts), pc.sum(amounts, min_count=0).as_py() or 0


def terminals(table: pa.Table) -> str:
    """The terminals in a terminal's rows: what tells two files of a day from each other."""
    return ",".join(sorted(pc.unique(table["terminal_no"]).to_pylist()))


def statements(
    layout: str,
    kind: str,
    channel: str,
    rows: pa.Table,
    *,
    number: str = "",
    whole: bool = True,
) -> list[Statement]:
    """A statement for each party in the rows."""
    key = "account" if kind == BANK else "merchant_no"
    parties = sorted(pc.unique(rows[key]).to_pylist())
    found = []
    for party in parties:
        own = rows if len(parties) == 1 else rows.filter(pc.equal(rows[key], pa.scalar(party)))
        days = pc.min_max(own["day"]).as_py()
        if days["max"] - days["min"] >= MAX_DAYS:
            raise StatementError(f"rows of more than {MAX_DAYS} days; is a date wrong?")
        said = terminals(own) if kind == TERMINAL else number
        told = (layout, kind, party, channel, said, days["min"], days["max"], whole)
        found.append(Statement(*told, own, *totals(kind, own)))
    return found
