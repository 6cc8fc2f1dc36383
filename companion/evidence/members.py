"""The transactions that a payout is for, out of the facts.

A payout break is about a sum. Here is what it is the sum of; where that does not come to the sum
which the break has (the facts are older or newer than it), nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from companion.evidence.dossier import Item, Row, number, text
from companion.facts import manifest, schema
from companion.facts.manifest import FactsError, Manifest
from companion.statements.statement import GIVES_BACK, HOLDS

# A payout is of the days before it, a long holiday among them.
_DAYS = 40
# As the rules see it (companion.rules.verdicts, which would load ibis): money was taken or held.
_CAPTURED = ("CAPTURED", "AUTHORISED")


def of(facts: Path, items: Iterable[Item]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """(id of the item, its rows of the acquirer's leg) for the payouts whose rows are known."""
    wanted = [item for item in items if "|PAYOUT" in item.row_key]
    if not wanted:
        return
    try:
        known = manifest.load(facts)
        due = _settle_days(facts)
    except (FactsError, OSError):
        return
    found: dict[str, tuple[Row, ...]] = {}
    for item in wanted:
        key = _key(item.row_key.partition("|PAYOUT")[0], item.currency)
        if key not in found:
            found[key] = tuple(_rows(facts, known, due, item, key))
        rows = found[key]
        net = sum(_money(row) - number(row, "fee_minor") for row in rows)
        if rows and net == number(item.note, "net") and len(rows) == number(item.note, "rows"):
            yield item.id, rows


def _settle_days(facts: Path) -> Mapping[tuple[str, int], int]:
    """When a transaction of a channel and day is settled, if the acquirer does not say."""
    table = pq.read_table(facts / "due.parquet")
    return {
        (row["channel"], row["day"]): row["settle_day"]
        for row in table.select(["channel", "day", "settle_day"]).to_pylist()
    }


def _rows(
    facts: Path, known: Manifest, due: Mapping[tuple[str, int], int], item: Item, key: str
) -> Iterator[Row]:
    last = _last_day(item)
    for day in range(last - _DAYS, last + 1):
        for source in known.sources("acquirer", day):
            table = pq.read_table(facts / source.path)
            for row in _possible(table, item, day).sort_by("id").to_pylist():
                if _group(row, due) == key:
                    yield row


def _possible(table: pa.Table, item: Item, day: int) -> pa.Table:
    """The rows of a day that move money in the item's channel."""
    wanted = pc.and_(pc.equal(table["day"], day), pc.equal(table["channel"], item.channel))
    wanted = pc.and_(wanted, pc.equal(table["merchant_no"], item.merchant_no))
    captured = pc.is_in(table["status"], pa.array(_CAPTURED))
    holds = pc.is_in(table["txn"], pa.array(HOLDS))
    return table.filter(pc.and_(pc.and_(wanted, captured), pc.invert(holds)))


def _last_day(item: Item) -> int:
    settled = number(item.note, "settle_day")
    if settled or item.day is None:
        return settled
    return schema.day_number(date.fromisoformat(item.day))


def _group(row: Row, due: Mapping[tuple[str, int], int]) -> str:
    """The key of the payout that a row belongs to, as the rules make it."""
    day = number(row, "day")
    settled = number(row, "settle_day") or due.get((text(row, "channel"), day), day)
    name = text(row, "settle_ref") or str(settled)
    payout = f"{text(row, 'merchant_no')}|{text(row, 'channel')}|{name}"
    return _key(payout, text(row, "currency"))


def _key(payout: str, currency: str) -> str:
    return f"{payout}|{currency}"


def _money(row: Row) -> int:
    amount = number(row, "amount_minor")
    return -amount if row["txn"] in GIVES_BACK else amount
