"""Which breaks have one cause: one dead terminal is one case, not nine hundred.

The key of a break follows from the breaks that were found and from the journals alone, so the
same facts give the same cases in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from companion.cases.journals import Journals
from companion.reconcile import codes, fold
from companion.reconcile.words import notes
from companion.store.breaks import Break

# A payout that is missing so many days after the account was changed is put down to that.
_AFTER_CHANGE = 15

SINGLE = "single"
JOURNAL = "journal"
UNSYNCED = "unsynced"
UNKNOWN = "unknown"
ABSENT = "absent"
LINE = "line"
STATEMENT = "statement"
FEES = "fees"
CLOCK = "clock"
SELF = "self"
ACCOUNT = "account"
PAYOUTS = "payouts"


@dataclass(frozen=True)
class Key:
    """What makes one case of several breaks: a kind of cause, and the thing that it is about."""

    kind: str
    about: str

    def __str__(self) -> str:
        return f"{self.kind}|{self.about}"


@dataclass(frozen=True)
class AccountChange:
    """A settlement account that is valid from a day number on, and was not before."""

    merchant_no: str
    channel: str
    valid_from: int


def keys(
    found: Sequence[Break], journals: Journals, changes: Sequence[AccountChange] = ()
) -> dict[str, Key]:
    """The key of each break, by its id."""
    sight = _Sight(found, journals, changes)
    return {item.id: _RULES.get(item.code, _single)(item, sight) for item in found}


class _Sight:
    """What a rule sees besides its break."""

    def __init__(
        self, found: Sequence[Break], journals: Journals, changes: Sequence[AccountChange]
    ) -> None:
        self.journals = journals
        self.changes = changes
        self.no_bank = {
            (item.merchant_no, item.channel): _statement(item, self)
            for item in found
            if item.code == codes.STATEMENT_MISSING and _leg(item) == "bank"
        }


def part(item: Break, name: str) -> Mapping[str, object]:
    """One of the rows that a break rests on; empty when it has none."""
    value = item.evidence.get(name)
    return value if isinstance(value, Mapping) else {}


def number(row: Mapping[str, object], name: str) -> int:
    """A number of such a row, 0 when it is not there."""
    value = row.get(name)
    return value if isinstance(value, int) else 0


def _terminal(item: Break) -> str:
    return f"{item.merchant_no}|{item.terminal_no}"


def _channel(item: Break) -> str:
    return f"{item.merchant_no}|{item.channel}"


def _month(item: Break) -> str:
    return (item.business_date or "")[:7]


def _single(item: Break, sight: _Sight) -> Key:
    return Key(SINGLE, item.id)


def _journal(item: Break, sight: _Sight) -> Key:
    return Key(JOURNAL, str(item.evidence.get("device_id")))


def _host_only(item: Break, sight: _Sight) -> Key:
    """In a gap, behind the last record, or of a terminal that nobody knows."""
    at = number(part(item, "acquirer"), "at")
    where = (item.merchant_no, item.terminal_no)
    known = sight.journals
    for window in known.windows.get(where, ()):
        if at and window.covers(at):
            return Key(JOURNAL, window.device_id)
    if item.terminal_no and item.merchant_no not in known.exported:
        if where not in known.devices:
            return Key(UNKNOWN, _terminal(item))
        if "unseen" in notes(item.note) or at > known.until.get(where, 0):
            return Key(UNSYNCED, _terminal(item))
    return _single(item, sight)


def _stuck(item: Break, sight: _Sight) -> Key:
    """Unfinished: its end is lost, not synced yet, or the line was down."""
    row = part(item, "terminal")
    if row.get("status") == fold.PENDING:
        for window in sight.journals.windows.get((item.merchant_no, item.terminal_no), ()):
            same = window.device_id == row.get("device_id")
            if same and window.last_seq >= number(row, "first_seq"):
                return Key(JOURNAL, window.device_id)
        return Key(UNSYNCED, _terminal(item))
    if row.get("status") == fold.SUSPENDED and not row.get("reversal_code"):
        return Key(LINE, f"{_terminal(item)}|{item.business_date}")
    return _single(item, sight)


def _reversed(item: Break, sight: _Sight) -> Key:
    if part(item, "terminal").get("reversal_code"):
        return _single(item, sight)
    return Key(LINE, f"{_terminal(item)}|{item.business_date}")


def _absent(item: Break, sight: _Sight) -> Key:
    if part(item, "acquirer"):
        return _single(item, sight)
    return Key(ABSENT, f"{_channel(item)}|{item.business_date}")


def _leg(item: Break) -> str:
    return notes(item.note).get("leg") or "".join(item.row_key.split("|")[2:3])


def _statement(item: Break, sight: _Sight) -> Key:
    return Key(STATEMENT, f"{_leg(item)}|{item.row_key.split('|')[0]}|{item.channel}")


def _fee(item: Break, sight: _Sight) -> Key:
    return Key(FEES, f"{_channel(item)}|{_month(item)}")


def _clock(item: Break, sight: _Sight) -> Key:
    return Key(CLOCK, _terminal(item))


def _self_swipe(item: Break, sight: _Sight) -> Key:
    row = part(item, "terminal")
    card = row.get("token") or row.get("card") or item.id
    return Key(SELF, f"{item.merchant_no}|{card}|{_month(item)}")


def _wrong_account(item: Break, sight: _Sight) -> Key:
    return _change(item, sight) or Key(ACCOUNT, f"{_channel(item)}|{account(item)}")


def account(item: Break) -> str:
    """The account that a payout went to, "" when nothing says it."""
    rows = (part(item, "bank"), part(item, "payout"))
    named = [str(row["account"]) for row in rows if row.get("account")]
    return named[0] if named else ""


def _change(item: Break, sight: _Sight) -> Key | None:
    """The change of the account shortly before a payout that went wrong."""
    day = notes(item.note).get("pay_day", "")
    for change in sight.changes if day.isdigit() else ():
        same = (change.merchant_no, change.channel) == (item.merchant_no, item.channel)
        if same and 0 <= int(day) - change.valid_from <= _AFTER_CHANGE:
            return Key(ACCOUNT, f"{_channel(item)}|{change.valid_from}")
    return None


def _payout(item: Break, sight: _Sight) -> Key:
    """One payout late, short and to the wrong place at once is one case."""
    return Key(SINGLE, item.row_key)


def _payout_missing(item: Break, sight: _Sight) -> Key:
    for channel in (item.channel, ""):
        if (item.merchant_no, channel) in sight.no_bank:
            return sight.no_bank[item.merchant_no, channel]
    return _change(item, sight) or Key(PAYOUTS, _channel(item))


_RULES: dict[str, Callable[[Break, _Sight], Key]] = {
    **dict.fromkeys(codes.JOURNAL, _journal),
    codes.HOST_ONLY: _host_only,
    codes.REVERSAL_STUCK: _stuck,
    codes.REVERSED_BUT_SETTLED: _reversed,
    codes.TERMINAL_ONLY: _absent,
    codes.VOID_NOT_APPLIED: _absent,
    codes.PREAUTH_NOT_RELEASED: _absent,
    codes.STATEMENT_MISSING: _statement,
    codes.FEE_DIFFERS: _fee,
    codes.CLOCK_SKEW: _clock,
    codes.SELF_SWIPE: _self_swipe,
    codes.PAYOUT_OLD_ACCOUNT: _wrong_account,
    codes.PAYOUT_WRONG_ACCOUNT: _wrong_account,
    codes.PAYOUT_RETURNED: _wrong_account,
    codes.PAYOUT_MISSING: _payout_missing,
    codes.PAYOUT_LATE: _payout,
    codes.PAYOUT_SHORT: _payout,
    codes.PAYOUT_OVER: _payout,
}
