"""The tables of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from companion.facts.schema import as_date
from companion.reconcile import codes, labels
from companion.report import risk
from companion.report.gather import Row
from companion.report.model import COUNT, MONEY, RATE, WORD, Cell, Column, Section, columns, rate
from companion.report.scoped import Scoped, grouped

_SQUARED = (codes.MATCHED, codes.DECLINED, codes.REVERSED, codes.HEALED)
_SUMS = ("amount_minor", "effect_minor", "owed_minor")
_MOST = 50
_LEGS = columns(
    ("leg", WORD),
    ("rows", COUNT),
    ("square", COUNT),
    ("waiting", COUNT),
    ("broken", COUNT),
    ("low confidence", COUNT),
    ("match rate", RATE),
)
_CODES = columns(
    "code",
    ("what", WORD),
    ("open", COUNT),
    ("provisional", COUNT),
    ("closed", COUNT),
    ("amount", MONEY),
    ("effect", MONEY),
    ("owed", MONEY),
    ("at risk", MONEY),
)
_FEES = columns(
    "merchant",
    "channel",
    ("captured", COUNT),
    ("money", MONEY),
    ("fees", MONEY),
    ("of the money", RATE),
    ("fee not told", COUNT),
    ("differ", COUNT),
    ("by", MONEY),
)
_PAYOUTS = columns(
    "merchant",
    "channel",
    ("payouts", COUNT),
    ("due", MONEY),
    ("received", MONEY),
    ("awaited", MONEY),
    ("broken", COUNT),
    ("late", COUNT),
)
_UNPAID = columns(
    "settled",
    "late after",
    "merchant",
    "channel",
    ("due", MONEY),
    ("received", MONEY),
    ("what", WORD),
)
_TRADE: tuple[tuple[str, str], ...] = (
    ("rows", COUNT),
    ("charged", MONEY),
    ("booked", MONEY),
    ("breaks", COUNT),
    ("of the rows", RATE),
    ("at risk", MONEY),
)
_SHOPS = columns("merchant", *_TRADE)
_TERMINALS = columns("merchant", "terminal", *_TRADE)
_OFFENDERS = columns(
    "merchant",
    "terminal",
    "code",
    ("what", WORD),
    ("times", COUNT),
    ("on days", COUNT),
    ("amount", MONEY),
)


_NO_DAY = "What is wrong with a journal is of no day, and so in every report."


def match_rates(mine: Scoped) -> Section:
    """For each leg how many of its rows, and of the bank's payouts, found what they should."""
    made: list[tuple[Cell, ...]] = []
    for name, column in (("terminal", "t_rows"), ("acquirer", "a_rows")):
        counts: Counter[str] = Counter()
        for row in mine.pairs:
            counts[_class(row)] += row[column]
        made.append(_leg(name, counts, sum(row["low"] for row in mine.pairs)))
    if mine.payouts:
        counts = Counter()
        for row in mine.payouts:
            waits = "waiting" if mine.awaited(row) else "square"
            counts["broken" if row["row_key"] in mine.broken_payouts else waits] += 1
        made.append(_leg("bank", counts, None))
    notes = (
        "Waiting is what may still come in time; the rate is of the others.",
        "The bank's rows are payouts.",
    )
    return Section("Match rate", _LEGS, made, notes)


def _leg(name: str, counts: Counter[str], low: int | None) -> tuple[Cell, ...]:
    judged = counts["square"] + counts["broken"]
    return (
        *(name, judged + counts["waiting"], counts["square"], counts["waiting"]),
        *(counts["broken"], low, rate(counts["square"], judged)),
    )


def _class(row: Row) -> str:
    if row["verdict"] in _SQUARED:
        return "square"
    return "waiting" if row["verdict"] == codes.WAITING or row["provisional"] else "broken"


def by_code(mine: Scoped) -> Section:
    """How many breaks of each code, and their money."""
    rows: list[tuple[Cell, ...]] = []
    for code in codes.BREAKS:
        found = [row for row in mine.breaks if row["code"] == code]
        opened = [row for row in found if row["state"] == "open"]
        if found:
            rows.append(
                (
                    *(code, labels.label(code)),
                    len(opened),
                    sum(bool(row["provisional"]) for row in opened),
                    len(found) - len(opened),
                    *(sum(row[name] for row in opened) for name in _SUMS),
                    risk.total(opened),
                )
            )
    return Section("Breaks", _CODES, rows, (risk.NOTE, _NO_DAY), "nothing disagrees")


def fees(mine: Scoped) -> Section:
    """What each channel kept of what it captured, and where that is not what it may."""
    differ = mine.by_channel(
        row for row in mine.breaks if row["code"] == codes.FEE_DIFFERS and row["state"] == "open"
    )
    rows: list[tuple[Cell, ...]] = []
    for key, found in mine.by_channel(mine.captured).items():
        names = ("rows", "gross", "fee", "told")
        count, gross, fee, told = (sum(row[name] for row in found) for name in names)
        wrong = differ.get(key, [])
        rows.append(
            (
                *(*key, count, gross, fee, rate(fee, told) if told > 0 else None),
                count - sum(row["stated"] for row in found),
                len(wrong),
                sum(row["amount_minor"] for row in wrong),
            )
        )
    return Section("Fees", _FEES, rows, empty="the acquirer captured nothing")


def payouts(mine: Scoped) -> Section:
    """What was settled, and what of it the bank has."""
    rows: list[tuple[Cell, ...]] = []
    for key, found in mine.by_channel(mine.payouts).items():
        due, received = (sum(row[name] for row in found) for name in ("net_minor", "got_minor"))
        awaited = sum(map(mine.awaited, found))
        broken = sum(row["row_key"] in mine.broken_payouts for row in found)
        late = sum(row["row_key"] in mine.late_payouts for row in found)
        rows.append((*key, len(found), due, received, awaited, broken, late))
    return Section("Payouts", _PAYOUTS, rows, empty="none was settled, or no account is known")


def unpaid(mine: Scoped) -> Section:
    """The payouts that are not here, or not as they should be."""
    rows: list[tuple[Cell, ...]] = []
    for row in mine.payouts:
        broken = mine.broken_payouts.get(row["row_key"])
        if broken or mine.awaited(row):
            days = (str(as_date(row[name])) for name in ("settle_day", "late_day"))
            money = (row["net_minor"], row["got_minor"])
            rows.append(
                (
                    *days,
                    row["merchant_no"],
                    row["channel"],
                    *money,
                    labels.label(broken) if broken else "awaited",
                )
            )
    rows.sort(key=lambda row: (row[-1] == "awaited", -abs(_int(row[4]) - _int(row[5])), row))
    return _cut("Payouts to follow", _UNPAID, rows)


def shops(mine: Scoped) -> Section:
    """Each merchant's trade and breaks."""
    breaks = grouped(mine.breaks, "merchant_no")
    rows: list[tuple[Cell, ...]] = []
    for key, found in grouped(mine.pairs, "merchant_no").items():
        rows.append((*key, *_trade(found, breaks.get(key, []))))
    rows.sort(key=lambda row: (-_int(row[4]), row[:1]))
    return _cut("Shops", _SHOPS, rows)


def terminals(mine: Scoped) -> Section:
    """Each terminal's trade and breaks, the worst first."""
    breaks = grouped(mine.breaks, "merchant_no", "terminal_no")
    rows: list[tuple[Cell, ...]] = []
    for key, found in grouped(mine.pairs, "merchant_no", "terminal_no").items():
        rows.append((*key, *_trade(found, breaks.get(key, []))))
    rows.sort(key=lambda row: (-_int(row[5]), row[:2]))
    return _cut("Terminals", _TERMINALS, rows)


def _trade(pairs: Sequence[Row], breaks: Sequence[Row]) -> tuple[Cell, ...]:
    # A pair is one row; what only one side has is one too.
    count = sum(row["rows"] for row in pairs)
    charged, booked = (sum(row[name] for row in pairs) for name in ("charged", "booked"))
    broken = rate(len(breaks), count)
    return count, charged, booked, len(breaks), broken, risk.total(breaks)


def offenders(mine: Scoped) -> Section:
    """Who does the same again and again."""
    rows: list[tuple[Cell, ...]] = []
    for key, found in grouped(mine.breaks, "merchant_no", "terminal_no", "code").items():
        if len(found) > 1:
            days = len({row["business_date"] for row in found})
            money = sum(row["amount_minor"] for row in found)
            rows.append((*key, labels.label(key[2]), len(found), days, money))
    rows.sort(key=lambda row: (-_int(row[4]), -_int(row[6]), row[:3]))
    note = "The same code at the same terminal more than once, closed ones too."
    return _cut("Repeat offenders", _OFFENDERS, rows, (note,))


def _cut(
    title: str,
    names: tuple[Column, ...],
    rows: list[tuple[Cell, ...]],
    notes: tuple[str, ...] = (),
) -> Section:
    """The first rows: nobody reads a thousand."""
    if len(rows) > _MOST:
        notes = (*notes, f"The first {_MOST} of {len(rows)}.")
    return Section(title, names, rows[:_MOST], notes)


def _int(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0
