"""Verdicts on rows and pairs of rows: neutral codes, the same in store, tables and JSON."""

from companion.store import findings

# Pairs, and single rows, on which the books agree.
MATCHED = "MATCHED"  # approved here, captured there, same amount
DECLINED = "DECLINED"  # declined here, nothing captured there
REVERSED = "REVERSED"  # reversed here, nothing captured there
HEALED = "HEALED"  # left open here, nothing captured there
# Nothing is proven: the acquirer's statement of that day is not here yet.
WAITING = "WAITING"

# Terminal and acquirer.
HOST_ONLY = "HOST_ONLY"
TERMINAL_ONLY = "TERMINAL_ONLY"
AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
DUPLICATE_CHARGE = "DUPLICATE_CHARGE"  # charged once more, which the terminal does not know
DECLINED_BUT_CAPTURED = "DECLINED_BUT_CAPTURED"
REVERSED_BUT_SETTLED = "REVERSED_BUT_SETTLED"
REVERSAL_STUCK = "REVERSAL_STUCK"
NOT_CAPTURED = "NOT_CAPTURED"  # approved here, declined or reversed there
REFUND_UNKNOWN = "REFUND_UNKNOWN"  # the terminal does not know of its refund what the host knows
VOID_NOT_APPLIED = "VOID_NOT_APPLIED"  # voided here, still charged there
SELF_SWIPE = "SELF_SWIPE"  # the merchant's own card on his own terminal
CLOCK_SKEW = "CLOCK_SKEW"  # a terminal's clock is far from the host's

# Pre-authorisations (guarantees).
PREAUTH_OVER = "PREAUTH_OVER"  # held, or completed, for more than was agreed
PREAUTH_UNDER = "PREAUTH_UNDER"  # held for less than was agreed
PREAUTH_EXPIRED = "PREAUTH_EXPIRED"  # neither completed nor cancelled in time
PREAUTH_NOT_RELEASED = "PREAUTH_NOT_RELEASED"  # cancelled or undone here, still held there
COMPLETION_DUPLICATE = "COMPLETION_DUPLICATE"  # completed a second time

# Acquirer and bank.
PAYOUT_MISSING = "PAYOUT_MISSING"
PAYOUT_LATE = "PAYOUT_LATE"
PAYOUT_SHORT = "PAYOUT_SHORT"
PAYOUT_OVER = "PAYOUT_OVER"
PAYOUT_OLD_ACCOUNT = "PAYOUT_OLD_ACCOUNT"  # to an account that was the right one before
PAYOUT_WRONG_ACCOUNT = "PAYOUT_WRONG_ACCOUNT"  # to one that never was
PAYOUT_RETURNED = "PAYOUT_RETURNED"  # frozen or invalid account: sent back
FEE_DIFFERS = "FEE_DIFFERS"
STATEMENT_MISSING = "STATEMENT_MISSING"

# A journal.
JOURNAL_GAP = findings.GAP
JOURNAL_ALTERED = findings.ALTERED
JOURNAL_ROLLBACK = findings.ROLLBACK
BATCH_UNSETTLED = "BATCH_UNSETTLED"  # the terminal gave up: the host would not close it
# Settled on totals that its transactions do not add up to.
BATCH_TOTALS_DIFFER = "BATCH_TOTALS_DIFFER"

BREAKS = (
    HOST_ONLY,
    TERMINAL_ONLY,
    AMOUNT_MISMATCH,
    DUPLICATE_CHARGE,
    DECLINED_BUT_CAPTURED,
    REVERSED_BUT_SETTLED,
    REVERSAL_STUCK,
    NOT_CAPTURED,
    REFUND_UNKNOWN,
    VOID_NOT_APPLIED,
    PREAUTH_OVER,
    PREAUTH_UNDER,
    PREAUTH_EXPIRED,
    PREAUTH_NOT_RELEASED,
    COMPLETION_DUPLICATE,
    BATCH_TOTALS_DIFFER,
    BATCH_UNSETTLED,
    PAYOUT_MISSING,
    PAYOUT_LATE,
    PAYOUT_SHORT,
    PAYOUT_OVER,
    PAYOUT_OLD_ACCOUNT,
    PAYOUT_WRONG_ACCOUNT,
    PAYOUT_RETURNED,
    FEE_DIFFERS,
    SELF_SWIPE,
    JOURNAL_GAP,
    JOURNAL_ALTERED,
    JOURNAL_ROLLBACK,
    CLOCK_SKEW,
    STATEMENT_MISSING,
)
# What is wrong with a journal: the host may know of sales that were in it.
JOURNAL = (JOURNAL_GAP, JOURNAL_ALTERED, JOURNAL_ROLLBACK)
# Found in the records, not in pairs of rows.
OF_JOURNAL = (*JOURNAL, BATCH_UNSETTLED, BATCH_TOTALS_DIFFER)
