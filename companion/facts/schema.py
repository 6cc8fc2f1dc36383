"""The canonical facts: what every row of every leg is, whatever file or journal it came from.

Money is integer minor units, a day is the number of days since 1970-01-01 in China time (the
acquirer's business date), an instant is seconds since 1970-01-01 UTC and 0 when it is not known:
so every engine computes alike. "" and 0 mean "the source does not say", null an unknown amount.
``id`` names a row within one store and says where it came from (see `row_id`); nothing that two
stores must agree on is made of it.
"""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

_TEXT = pa.string()
_INT = pa.int64()

EPOCH = date(1970, 1, 1)
# No end is known: a day far behind every calendar.
FAR = 1 << 31

# One transaction of a terminal's journal, or of another maker's export.
TERMINAL = pa.schema(
    [
        ("id", _INT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("channel", _TEXT),
        ("batch", _TEXT),
        ("stan", _TEXT),
        # The number among rows of the same key; 0 until a matching step has given it.
        ("occurrence", _INT),
        ("day", _INT),
        # The terminal's clock when the transaction began.
        ("at", _INT),
        # The host's clock in its answer, the terminal's copy.
        ("host_at", _INT),
        ("txn", _TEXT),
        ("status", _TEXT),
        ("amount_minor", _INT),
        ("sent_minor", _INT),
        ("echoed_minor", _INT),
        ("currency", _TEXT),
        ("card", _TEXT),
        ("token", _TEXT),
        ("entry", _TEXT),
        ("code", _TEXT),
        ("rrn", _TEXT),
        ("auth", _TEXT),
        # Batch and STAN of the transaction that this one goes back to.
        ("of_batch", _TEXT),
        ("of_stan", _TEXT),
        ("reversal_reason", _TEXT),
        ("reversal_attempts", _INT),
        ("reversal_code", _TEXT),
        ("late_code", _TEXT),
        ("receipts", _INT),
        ("remarks", _TEXT),
        ("device_id", _TEXT),
        ("first_seq", _INT),
        ("last_seq", _INT),
    ]
)

# One transaction as the acquirer (or a wallet) reports it.
ACQUIRER = pa.schema(
    [
        ("id", _INT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("channel", _TEXT),
        ("batch", _TEXT),
        ("stan", _TEXT),
        ("occurrence", _INT),
        ("day", _INT),
        ("at", _INT),
        ("txn", _TEXT),
        ("status", _TEXT),
        ("amount_minor", _INT),
        # What the acquirer kept of it, positive when it costs the merchant; null: not stated.
        ("fee_minor", _INT),
        ("currency", _TEXT),
        ("card", _TEXT),
        ("token", _TEXT),
        ("rrn", _TEXT),
        ("auth", _TEXT),
        # RRN of the transaction that this one goes back to.
        ("orig_rrn", _TEXT),
        ("f39", _TEXT),
        ("reversal_f39", _TEXT),
        # The day and the acquirer's name of the settlement that pays it; 0 and "": not stated.
        ("settle_day", _INT),
        ("settle_ref", _TEXT),
        ("file", _TEXT),
        ("line", _INT),
    ]
)

# One payout as the acquirer announces it, or reports it returned by the bank.
PAYOUTS = pa.schema(
    [
        ("id", _INT),
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("ref", _TEXT),
        ("settle_day", _INT),
        ("day", _INT),
        ("gross_minor", _INT),
        ("fee_minor", _INT),
        ("net_minor", _INT),
        ("currency", _TEXT),
        # The account it was sent to, masked, as `accounts` has it.
        ("account", _TEXT),
        # SENT or RETURNED.
        ("status", _TEXT),
        ("reason", _TEXT),
        ("file", _TEXT),
        ("line", _INT),
    ]
)

# One booking on an account of the merchant.
BANK = pa.schema(
    [
        ("id", _INT),
        ("account", _TEXT),
        # Whose payout it is; "" for a booking that is none.
        ("channel", _TEXT),
        ("day", _INT),
        # Positive when the account grows.
        ("amount_minor", _INT),
        ("currency", _TEXT),
        ("ref", _TEXT),
        # CREDIT, DEBIT or RETURN.
        ("kind", _TEXT),
        ("text", _TEXT),
        ("file", _TEXT),
        ("line", _INT),
    ]
)

# Which account a channel has to pay to, and from when until when (valid_to is the first day on
# which it is not valid any more).
ACCOUNTS = pa.schema(
    [
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("account", _TEXT),
        ("valid_from", _INT),
        ("valid_to", _INT),
    ]
)

# What a channel may keep: rate in parts per million of the amount, rounded half up, and a fixed
# part; at most cap_minor when that is not 0. A refund costs nothing, or gives the fee back.
FEE_PLANS = pa.schema(
    [
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("rate_ppm", _INT),
        ("fixed_minor", _INT),
        ("cap_minor", _INT),
        ("refund_back", _INT),
        ("valid_from", _INT),
        ("valid_to", _INT),
    ]
)

# How much of a hold may be completed, in per cent, and for how many days it may stand; for every
# merchant of the channel where `merchant_no` is "".
HOLD_TERMS = pa.schema(
    [
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("percent", _INT),
        ("days", _INT),
    ]
)

# The calendar, made beforehand: no engine has to know of holidays.
DUE = pa.schema(
    [
        ("channel", _TEXT),
        ("day", _INT),
        # The last day on which the other side's record of a transaction may still come.
        ("grace_day", _INT),
        # When a transaction of that day is settled, if the acquirer does not say.
        ("settle_day", _INT),
    ]
)

# For a day of settlement: when its payout should come, and until when it is not late.
PAY_DUE = pa.schema(
    [
        ("channel", _TEXT),
        ("settle_day", _INT),
        ("pay_day", _INT),
        ("late_day", _INT),
    ]
)

# Which statements are here. `party` is the merchant, for the bank leg the account.
COVERAGE = pa.schema(
    [
        ("leg", _TEXT),
        ("party", _TEXT),
        ("channel", _TEXT),
        ("day", _INT),
    ]
)

# Which statements should come, and until when each is not missing.
WANTED = pa.schema(
    [
        ("leg", _TEXT),
        ("party", _TEXT),
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("day", _INT),
        ("due_day", _INT),
    ]
)

# Until when a terminal's journal is known: what the host has of later is no break yet.
SEEN = pa.schema(
    [
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("until", _INT),
    ]
)

# The merchant's own cards, as the terminals' tokens.
OWN_CARDS = pa.schema(
    [
        ("merchant_no", _TEXT),
        ("token", _TEXT),
    ]
)

# What is wrong with a journal, or with a batch as the journal tells it: found in the records, not
# in pairs of rows. `evidence` is JSON.
GAPS = pa.schema(
    [
        ("code", _TEXT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("device_id", _TEXT),
        ("first_seq", _INT),
        ("last_seq", _INT),
        ("problem", _TEXT),
        ("evidence", _TEXT),
    ]
)

# The legs have a file for each day; of the others there is one.
LEGS = {"terminal": TERMINAL, "acquirer": ACQUIRER, "payouts": PAYOUTS, "bank": BANK}
REFERENCE = {
    "accounts": ACCOUNTS,
    "fee_plans": FEE_PLANS,
    "hold_terms": HOLD_TERMS,
    "due": DUE,
    "pay_due": PAY_DUE,
    "coverage": COVERAGE,
    "wanted": WANTED,
    "seen": SEEN,
    "own_cards": OWN_CARDS,
    "gaps": GAPS,
}

_SHIFT = 32
# The last line of a file, or seq of a journal (protocol/README.md: u32), a row can come from.
MAX_PLACE = (1 << _SHIFT) - 1
# Numbers of files and terminals are below this.
SOURCES = 1 << 31


def row_id(source: int, place: int) -> int:
    """The id of a row: the number of its file or terminal, and its line or first seq."""
    return source << _SHIFT | place


def source_of(row: int) -> tuple[int, int]:
    """The number of the file or terminal, and the line or first seq, of a row's id."""
    return row >> _SHIFT, row & MAX_PLACE


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def as_date(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=day)
