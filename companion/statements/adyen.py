"""Adyen's settlement details report, as CSV.

A line of column names, then one line a journal entry of a settlement batch: transactions, charges
that belong to none, and the payout of the batch, which is what all others add up to. Amounts are
decimal; those of the net currency count, because they are what is paid out. A file is a batch of
its own, whatever days its transactions are of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import currencies, rows
from companion.statements.cards import Watch
from companion.statements.columns import CHINA_S, DAY_S, Columns, decimal, units, written
from companion.statements.options import Options
from companion.statements.source import Lines, Source
from companion.statements.statement import ACQUIRER, FEE, PAYOUTS, Statement, StatementError

NAME = "adyen-settlement-details"
EXPECTED = "a first line 'Company Account,Merchant Account,Psp Reference,…'"
CHANNEL = "adyen"

_COSTS = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_AMOUNTS = ("Gross Debit (GC)", "Gross Credit (GC)", "Net Debit (NC)", "Net Credit (NC)")
_NEEDED = {
    "Merchant Account": r"[0-9A-Za-z ._-]{1,80}",
    "Psp Reference": r"[0-9A-Za-z]{0,32}",
    "Merchant Reference": r"[^\x00-\x1f]{0,80}",
    "Creation Date": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}",
    "TimeZone": r"[A-Z]{3,5}",
    "Type": r"[A-Za-z]{1,40}",
    "Modification Reference": r"[\x20-\x7e]{0,80}",
    "Gross Currency": r"[A-Z]{3}|",
    "Net Currency": r"[A-Z]{3}",
    "Batch Number": r"[0-9A-Za-z]{1,20}",
}
# Decimals are counted to the sixth place: parts of a cent occur among the costs.
_PLACES = 6
_MONEY = decimal(_PLACES, signed=True) + "|"

# Entries of a transaction: its type in the facts, and what is put in the response code so that a
# chargeback is told from a refund.
_TRANSACTIONS = {
    "Settled": ("SALE", ""),
    "SettledReversed": ("VOID", ""),
    "Refunded": ("REFUND", ""),
    "RefundedReversed": ("SALE", "RR"),
    "Chargeback": ("REFUND", "CB"),
    "ChargebackReversed": ("SALE", "CR"),
    "SecondChargeback": ("REFUND", "SC"),
}
_OTHER = (
    *("Fee", "MiscCosts", "PaymentCost", "InvoiceDeduction", "DepositCorrection"),
    *("Balancetransfer", "ReserveAdjustment", "ManualCorrected", "MerchantPayin"),
)
_PAYOUT = "MerchantPayout"
_TYPES = {
    **{name: txn for name, (txn, _) in _TRANSACTIONS.items()},
    **dict.fromkeys(_OTHER, FEE),
    _PAYOUT: _PAYOUT,
}
# Hours east of UTC of the zones that the report names; "CST" is several.
_ZONES = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "BST": 1,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "SGT": 8,
    "HKT": 8,
    "AWST": 8,
    "JST": 9,
    "AEST": 10,
    "AEDT": 11,
    "EST": -5,
    "EDT": -4,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "BRT": -3,
}


@dataclass
class _Batch:
    """What a batch of one merchant in one currency adds up to, in minor units."""

    balance: int = 0
    gross: int = 0
    payouts: list[tuple[int, int, int]] = field(default_factory=list)  # line, day, net


_Key = tuple[str, str, str]


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    plain = head.removeprefix(b"\xef\xbb\xbf").replace(b'"', b"")
    names = plain.split(b"\n", 1)[0].rstrip(b"\r").split(b",")
    return names[:3] == [b"Company Account", b"Merchant Account", b"Psp Reference"] and all(
        name.encode() in names for name in ("Net Currency", "Net Debit (NC)", "Net Credit (NC)")
    )


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole report; raises StatementError with the line at the first thing wrong."""
    lines = Lines(source)
    names = lines.first().replace('"', "").split(",")
    missing = [name for name in (*_NEEDED, *_AMOUNTS, *_COSTS) if name not in names]
    if missing:
        raise StatementError(f"line 1: the columns {', '.join(missing)} are missing")
    # Reserved columns all have the same name.
    unique = [name if names.count(name) == 1 else f"{name} {at}" for at, name in enumerate(names)]
    found = rows.Collected(ACQUIRER)
    batches: dict[_Key, _Batch] = {}
    watch = Watch()
    try:
        for block in lines.blocks():
            columns = Columns.read(block, unique)
            _look(columns, watch)
            _check(columns)
            found.add(_batch(columns, batches, options))
        table = found.table()
    finally:
        found.close()
    watch.check()
    if not batches:
        raise StatementError("line 2: a report without an entry does not say its batch")
    for (_, number, currency), batch in batches.items():
        if batch.payouts and batch.balance:
            raise StatementError(
                f"batch {number}: its payout is not what the entries add up to, the difference is "
                f"{written(batch.balance, 2)} {currency}"
            )
    return _statements(table, batches, options)


def _look(columns: Columns, watch: Watch) -> None:
    references = ("Psp Reference", "Merchant Reference", "Modification Reference")
    for name, values in columns.values.items():
        known = name in references or name == "Modification Merchant Reference"
        (watch.count if known else watch.look)(name, values, columns.line_of)


def _check(columns: Columns) -> None:
    columns.check({**_NEEDED, **dict.fromkeys((*_AMOUNTS, *_COSTS), _MONEY)})
    for name in ("Gross Currency", "Net Currency"):
        known = [code for code in pc.unique(columns[name]).to_pylist() if code]
        good = [code for code in known if currencies.number_of(code)]
        columns.refuse(name, pc.is_in(columns[name], pa.array([*good, ""])), "a known currency")


def _batch(columns: Columns, batches: dict[_Key, _Batch], options: Options) -> pa.RecordBatch:
    txn = columns.mapped("Type", _TYPES.get, "a type of entry that is known")
    costs = _sum(columns, _COSTS)
    gross = pc.subtract(_minor(columns, _AMOUNTS[1], "GC"), _minor(columns, _AMOUNTS[0], "GC"))
    net = pc.subtract(_minor(columns, _AMOUNTS[3], "NC"), _minor(columns, _AMOUNTS[2], "NC"))
    trade = pc.is_in(columns["Type"], pa.array(list(_TRANSACTIONS)))
    # In one currency what was kept is the difference; else it is the costs as they are told.
    same = pc.equal(columns["Gross Currency"], columns["Net Currency"])
    told = _to_minor(columns, costs)
    kept = pc.if_else(same, pc.subtract(gross, net), told)
    near = pc.less_equal(pc.abs(pc.subtract(kept, told)), 1)
    columns.refuse("Net Credit (NC)", pc.or_(pc.invert(trade), near), "the gross less the costs")
    nothing = pa.scalar(0, pa.int64())
    moved = pc.if_else(trade, pc.add(net, kept), nothing)
    back = pc.is_in(txn, pa.array(["REFUND", "VOID"]))
    columns.refuse(
        "Type",
        pc.or_(
            pc.invert(trade), pc.if_else(back, pc.less_equal(moved, 0), pc.greater_equal(moved, 0))
        ),
        "an entry of that direction",
    )
    at = pc.subtract(
        columns.instants("Creation Date", 0, local=True),
        pc.multiply(columns.mapped("TimeZone", _ZONES.get, "a known time zone"), 3600),
    )
    day = pc.divide(pc.add(at, CHINA_S), DAY_S)
    line = rows.lines(columns)
    merchant = (
        pa.array([options.party] * columns.rows) if options.party else columns["Merchant Account"]
    )
    number = columns["Batch Number"]
    currency = columns.mapped("Net Currency", currencies.number_of, "a known currency")
    _add(batches, merchant, number, currency, txn, moved, net, line, day)
    references = columns["Modification Reference"]
    own = pc.or_(pc.equal(columns["Type"], "Settled"), pc.equal(references, ""))
    kept_apart = pc.if_else(trade, kept, pc.negate(net))
    batch = rows.shaped(
        ACQUIRER,
        columns.rows,
        {
            "merchant_no": merchant,
            "channel": options.channel or CHANNEL,
            "day": day,
            "at": at,
            "txn": txn,
            "status": "CAPTURED",
            "amount_minor": pc.abs(moved),
            "fee_minor": kept_apart,
            "currency": currency,
            "rrn": pc.if_else(own, columns["Psp Reference"], references),
            "orig_rrn": pc.if_else(own, "", columns["Psp Reference"]),
            "f39": columns.mapped("Type", _response, "a type of entry that is known"),
            "settle_ref": number,
            "line": line,
        },
    )
    return batch.filter(pc.not_equal(txn, _PAYOUT))


def _response(kind: str) -> str:
    return _TRANSACTIONS.get(kind, ("", ""))[1]


def _add(batches: dict[_Key, _Batch], *columns: pa.Array) -> None:
    """Add a block's entries to the batches."""
    names = ("merchant", "number", "currency", "txn", "moved", "net", "line", "day")
    table = pa.table(dict(zip(names, columns, strict=True)))
    key = ["merchant", "number", "currency"]
    sums = table.group_by(key).aggregate([("moved", "sum"), ("net", "sum")])
    for row in sums.to_pylist():
        batch = batches.setdefault((row["merchant"], row["number"], row["currency"]), _Batch())
        batch.balance += row["net_sum"]
        batch.gross += row["moved_sum"]
    for row in table.filter(pc.equal(table["txn"], _PAYOUT)).to_pylist():
        batch = batches[row["merchant"], row["number"], row["currency"]]
        batch.payouts.append((row["line"], row["day"], -row["net"]))


def _minor(columns: Columns, name: str, side: str) -> pa.Array:
    """A column in minor units of its currency; parts of one are refused."""
    texts = columns.filled(name)
    wide = units(texts, _PLACES)
    factor = _factors(columns, side)
    whole = pc.divide(wide, factor)
    columns.refuse(name, pc.equal(pc.multiply(whole, factor), wide), "whole minor units")
    return whole


def _factors(columns: Columns, side: str) -> pa.Array:
    name = "Gross Currency" if side == "GC" else "Net Currency"

    def factor(code: str) -> int:
        return int(10 ** (_PLACES - (currencies.places_of(code) if code else 0)))

    return columns.mapped(name, factor, "a known currency")


def _sum(columns: Columns, names: tuple[str, ...]) -> pa.Array:
    total = units(columns.filled(names[0]), _PLACES)
    for name in names[1:]:
        total = pc.add(total, units(columns.filled(name), _PLACES))
    return total


def _to_minor(columns: Columns, amounts: pa.Array) -> pa.Array:
    """Six places to minor units of the net currency, half away from zero."""
    factor = _factors(columns, "NC")
    sign = pc.if_else(pc.less(amounts, 0), -1, 1)
    half = pc.divide(factor, 2)
    return pc.multiply(pc.divide(pc.add(pc.abs(amounts), half), factor), sign)


def _statements(table: pa.Table, batches: dict[_Key, _Batch], options: Options) -> list[Statement]:
    channel = options.channel or CHANNEL
    found: list[Statement] = []
    keys = sorted({key[:2] for key in batches})
    for merchant, number in keys:
        own = {key: batch for key, batch in batches.items() if key[:2] == (merchant, number)}
        paid = [day for batch in own.values() for _, day, _ in batch.payouts]
        entries = table
        if len(keys) > 1:
            own_rows = pc.equal(table["merchant_no"], merchant)
            entries = table.filter(pc.and_(own_rows, pc.equal(table["settle_ref"], number)))
        if paid:
            days = pa.repeat(pa.scalar(max(paid), pa.int64()), len(entries))
            at = entries.schema.get_field_index("settle_day")
            entries = entries.set_column(at, "settle_day", days)
        if len(entries):
            found += rows.statements(NAME, ACQUIRER, channel, entries, number=number, whole=False)
        payouts: list[dict[str, str | int]] = [
            {
                "merchant_no": merchant,
                "channel": channel,
                "ref": number,
                "status": "SENT",
                "settle_day": day,
                "day": day,
                "currency": key[2],
                "line": line,
                "net_minor": net,
                "gross_minor": batch.gross,
                "fee_minor": batch.gross - net,
            }
            for key, batch in own.items()
            for line, day, net in batch.payouts
        ]
        if payouts:
            told = rows.of_dicts(PAYOUTS, payouts)
            found += rows.statements(NAME, PAYOUTS, channel, told, number=number, whole=False)
    return found
