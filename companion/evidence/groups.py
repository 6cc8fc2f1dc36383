"""Which breaks belong into one letter, and to whom it goes."""

from __future__ import annotations

from companion.reconcile import codes

ONE_SIDED = "one_sided"
REVERSAL = "reversal"
PREAUTH = "preauth"
PAYOUT = "payout"
ACCOUNT = "account"
FEE = "fee"
SELF_SWIPE = "self_swipe"
JOURNAL = "journal"
BATCH = "batch"
STATEMENT = "statement"
CLOCK = "clock"

ACQUIRER = "acquirer"
BANK = "bank"
# A note for the shop's own file: nobody outside has to act.
FILE = "file"

# Group -> codes, in the order in which letters stand in a pack.
GROUPS = {
    ONE_SIDED: (
        codes.HOST_ONLY,
        codes.DUPLICATE_CHARGE,
        codes.DECLINED_BUT_CAPTURED,
        codes.AMOUNT_MISMATCH,
        codes.TERMINAL_ONLY,
        codes.NOT_CAPTURED,
        codes.VOID_NOT_APPLIED,
        codes.REFUND_UNKNOWN,
    ),
    REVERSAL: (codes.REVERSED_BUT_SETTLED, codes.REVERSAL_STUCK),
    PREAUTH: (
        codes.PREAUTH_OVER,
        codes.PREAUTH_UNDER,
        codes.PREAUTH_EXPIRED,
        codes.PREAUTH_NOT_RELEASED,
        codes.COMPLETION_DUPLICATE,
    ),
    PAYOUT: (
        codes.PAYOUT_MISSING,
        codes.PAYOUT_SHORT,
        codes.PAYOUT_RETURNED,
        codes.PAYOUT_LATE,
        codes.PAYOUT_OVER,
    ),
    ACCOUNT: (codes.PAYOUT_OLD_ACCOUNT, codes.PAYOUT_WRONG_ACCOUNT),
    FEE: (codes.FEE_DIFFERS,),
    STATEMENT: (codes.STATEMENT_MISSING,),
    BATCH: (codes.BATCH_UNSETTLED, codes.BATCH_TOTALS_DIFFER),
    JOURNAL: (codes.JOURNAL_GAP, codes.JOURNAL_ALTERED, codes.JOURNAL_ROLLBACK),
    SELF_SWIPE: (codes.SELF_SWIPE,),
    CLOCK: (codes.CLOCK_SKEW,),
}
# The bank is written to only where it holds, or has sent back, the money.
_RECIPIENTS = {codes.PAYOUT_RETURNED: (ACQUIRER, BANK), codes.CLOCK_SKEW: (FILE,)}
# Whose statement does not come.
_STATEMENTS = {"bank": BANK, "terminal": FILE}

# Groups whose items are transactions.
TRANSACTIONS = (ONE_SIDED, REVERSAL, PREAUTH, SELF_SWIPE)


def group_of(code: str) -> str:
    """The group of a code; one that a newer companion stored goes with the first."""
    return next((group for group, members in GROUPS.items() if code in members), ONE_SIDED)


def recipients(code: str, leg: str) -> tuple[str, ...]:
    """Who is written to about a break; ``leg`` says which statement a missing one is."""
    if code == codes.STATEMENT_MISSING:
        return (_STATEMENTS.get(leg, ACQUIRER),)
    return _RECIPIENTS.get(code, (ACQUIRER,))
