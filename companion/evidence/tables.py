"""The tables of the letters: one row for each item, columns by group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from companion.evidence import groups, show
from companion.evidence.dossier import Dossier, Item, Record, currency_of, number, text
from companion.evidence.words import Words


@dataclass(frozen=True)
class Table:
    """Headings, widths in millimetres, rows; a cell may have several lines."""

    heads: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def of(group: str, items: Sequence[Item], dossier: Dossier, words: Words) -> Table:
    """The table of these items, which are all of one group."""
    heads, widths, row = _LAYOUTS.get(group, _LAYOUTS[groups.ONE_SIDED])
    rows = [(str(at), *row(item, dossier, words)) for at, item in enumerate(items, 1)]
    heads, widths = ("no", *heads), (8, *widths)
    if group not in _WITHOUT_MONEY:
        heads, widths = (*heads, "amount"), (*widths, _WIDTH - sum(widths))
        amounts = [show.money(item.amount_minor, item.currency) for item in items]
        rows = [(*row, amount) for row, amount in zip(rows, amounts, strict=True)]
    return Table(heads, widths, tuple(rows))


def when(item: Item) -> str:
    """When a transaction was, by the best clock there is; at least its day."""
    seconds = number(item.acquirer, "at") or number(item.terminal, "host_at")
    seconds = seconds or number(item.terminal, "at")
    return show.instant(seconds) if seconds else show.day(item.day)


def first(item: Item, *names: str) -> str:
    """The first that terminal or acquirer say of these columns."""
    for row in (item.terminal, item.acquirer):
        for name in names:
            if text(row, name):
                return text(row, name)
    return show.NOTHING


def ours(item: Item, words: Words) -> list[str]:
    """The terminal's side: amount, state, code, reversal."""
    row = item.terminal
    if row is None:
        return [words.say("no_terminal")]
    amount = show.money(number(row, "amount_minor"), currency_of(row))
    lines = [amount, words.term("STATUS", row.get("status"))]
    if text(row, "code"):
        lines[-1] += f" (F39 {text(row, 'code')})"
    if number(row, "reversal_attempts"):
        tries, code = number(row, "reversal_attempts"), text(row, "reversal_code")
        lines.append(words.say("reversals", tries=tries, code=code or show.NOTHING))
    return lines


def theirs(item: Item, words: Words) -> list[str]:
    """The acquirer's side: amount, state, day, and where it stands."""
    row = item.acquirer
    if row is None:
        return [words.say("no_row")]
    state = words.term("STATUS", row.get("status"))
    if text(row, "f39"):
        state += f" (F39 {text(row, 'f39')})"
    amount = show.money(number(row, "amount_minor"), currency_of(row))
    lines = [amount, state, show.day(row.get("day"))]
    if text(row, "file"):
        lines.append(f"{words.say('line')} {number(row, 'line')}")
    return lines


def _transaction(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    return (
        when(item),
        "\n".join((item.terminal_no or show.NOTHING, first(item, "batch"), first(item, "stan"))),
        f"{first(item, 'rrn')}\n{first(item, 'auth')}",
        f"{words.term('TYPES', first(item, 'txn'))}\n{first(item, 'card')}",
        "\n".join(ours(item, words)),
        "\n".join(theirs(item, words)),
    )


def _payout(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    note = item.note
    got = show.money(number(note, "got"), item.currency)
    received = [got if "got" in note else show.NOTHING]
    paid = number(note, "paid_day") or number(item.bank, "day")
    if paid:
        received.append(show.day(paid))
    why = note.get("why") or text(item.payout, "reason")
    if why:
        received.append(why)
    expected = [show.money(number(note, "net"), item.currency)]
    if number(note, "rows"):
        expected.append(words.say("rows", rows=number(note, "rows")))
    settled = show.day(number(note, "settle_day") or item.day)
    return (
        f"{settled}\n{note.get('ref') or item.channel}",
        words.say("by_day", day=show.day(number(note, "late_day") or number(note, "pay_day"))),
        "\n".join(expected),
        "\n".join(received),
        "\n".join(_accounts(item, words)),
    )


def _accounts(item: Item, words: Words) -> list[str]:
    paid = item.note.get("account") or text(item.bank, "account") or text(item.payout, "account")
    lines = [words.say("paid_to", account=paid)] if paid else []
    if number(item.note, "valid_to"):
        lines.append(words.say("valid_to", day=show.day(number(item.note, "valid_to") - 1)))
    if item.note.get("wanted"):
        lines.append(words.say("valid_account", account=item.note["wanted"]))
    return lines or [show.NOTHING]


def _fee(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    return (
        when(item),
        "\n".join((item.terminal_no or show.NOTHING, first(item, "batch"), first(item, "stan"))),
        first(item, "rrn"),
        f"{words.term('TYPES', first(item, 'txn'))}\n"
        f"{show.money(number(item.acquirer, 'amount_minor'), item.currency)}",
        show.money(number(item.note, "expected"), item.currency),
        show.money(number(item.note, "fee"), item.currency),
    )


def _statement(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    due = number(item.note, "due_day")
    return (
        show.day(item.day),
        f"{item.note.get('party') or item.merchant_no}\n{item.channel}",
        words.term("LEGS", item.note.get("leg", "")),
        words.say("due_day", day=show.day(due)) if due else show.NOTHING,
    )


def around(item: Item, dossier: Dossier) -> tuple[list[Record], list[Record], list[Record]]:
    """The shown records before, in and behind what an item of a journal is about."""
    low, high = number(item.gap, "first_seq"), number(item.gap, "last_seq")
    shown = [
        one
        for journal in dossier.journals
        if journal.device_id == text(item.gap, "device_id")
        for one in journal.records
    ]
    return (
        [one for one in shown if one.seq < low],
        [one for one in shown if low <= one.seq <= high],
        [one for one in shown if one.seq > high],
    )


def span(item: Item, dossier: Dossier) -> str:
    """From when to when a gap is, by the terminal's clock; "" for what is none."""
    if groups.group_of(item.code) != groups.JOURNAL:
        return ""
    before, _, behind = around(item, dossier)
    ends = [number(one.content, "wall") for one in (*before[-1:], *behind[:1])]
    first = show.instant(ends[0]) if before else "…"
    return f"{first} - {show.instant(ends[-1]) if behind else '…'}"


def _journal(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    low, high = number(item.gap, "first_seq"), number(item.gap, "last_seq")
    before, _, behind = around(item, dossier)
    return (
        f"{item.terminal_no}\n{text(item.gap, 'device_id')}",
        str(low) if low == high else f"{low}-{high}",
        _at(before[-1:], words),
        _at(behind[:1], words),
        text(item.gap, "problem"),
    )


def _at(found: Iterable[Record], words: Words) -> str:
    """When a record was written, and the STAN in it."""
    for one in found:
        lines = [words.say("record", seq=one.seq), show.instant(number(one.content, "wall"))]
        if number(one.content, "stan"):
            lines.append(words.say("stan", stan=f"{number(one.content, 'stan'):06d}"))
        return "\n".join(lines)
    return words.say("none")


def _batch(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    terminal, records, _, _, problem = _journal(item, dossier, words)
    _, inside, _ = around(item, dossier)
    return terminal, records, _at(inside[-1:], words), problem


def _clock(item: Item, dossier: Dossier, words: Words) -> tuple[str, ...]:
    return item.terminal_no, show.day(item.day), f"{item.note.get('seconds', '?')} s"


_WIDTH = 174
_WITHOUT_MONEY = (groups.JOURNAL, groups.BATCH, groups.CLOCK)
_TRANSACTION = (
    ("when", "where", "rrn", "card", "ours", "yours"),
    (20, 17, 24, 29, 28, 24),
    _transaction,
)
_PAYOUT = (("settled", "due", "expected", "credited", "account"), (25, 24, 25, 30, 38), _payout)
_JOURNAL = (("terminal", "records", "before", "behind", "problem"), (26, 18, 31, 31, 60), _journal)
_LAYOUTS = {
    **dict.fromkeys(groups.TRANSACTIONS, _TRANSACTION),
    groups.PAYOUT: _PAYOUT,
    groups.ACCOUNT: _PAYOUT,
    groups.FEE: (
        ("when", "where", "rrn", "card", "agreed", "kept"),
        (22, 18, 24, 30, 24, 24),
        _fee,
    ),
    groups.STATEMENT: (("days", "party", "leg", "due"), (28, 46, 30, 36), _statement),
    groups.JOURNAL: _JOURNAL,
    groups.BATCH: (("terminal", "records", "when", "problem"), (30, 20, 40, 76), _batch),
    groups.CLOCK: (("terminals", "days", "problem"), (40, 40, 86), _clock),
}
