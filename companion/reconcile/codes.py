"""Verdicts on a pair of rows: neutral codes, the same in store, tables and JSON."""

from companion.store import findings

# Pairs on which the books agree.
MATCHED = "MATCHED"  # approved here, captured there, same amount
DECLINED = "DECLINED"  # declined here, nothing captured there
REVERSED = "REVERSED"  # reversed here, nothing captured there
HEALED = "HEALED"  # left open here, nothing captured there
# Nobody charged by our records, and the host's file of that day is not here yet.
WAITING = "WAITING"

# Breaks.
HOST_ONLY = "HOST_ONLY"
TERMINAL_ONLY = "TERMINAL_ONLY"
AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
DECLINED_BUT_CAPTURED = "DECLINED_BUT_CAPTURED"
REVERSED_BUT_SETTLED = "REVERSED_BUT_SETTLED"
REVERSAL_STUCK = "REVERSAL_STUCK"
NOT_CAPTURED = "NOT_CAPTURED"
JOURNAL_GAP = findings.GAP
JOURNAL_ALTERED = findings.ALTERED
JOURNAL_ROLLBACK = findings.ROLLBACK
BATCH_UNSETTLED = "BATCH_UNSETTLED"  # the terminal gave up: the host would not close it
BATCH_TOTALS = "BATCH_TOTALS"  # settled on totals that its transactions do not add up to

BREAKS = (
    HOST_ONLY,
    TERMINAL_ONLY,
    AMOUNT_MISMATCH,
    DECLINED_BUT_CAPTURED,
    REVERSED_BUT_SETTLED,
    REVERSAL_STUCK,
    NOT_CAPTURED,
    JOURNAL_GAP,
    JOURNAL_ALTERED,
    JOURNAL_ROLLBACK,
    BATCH_UNSETTLED,
    BATCH_TOTALS,
)
# What is wrong with a journal: the host may know of sales that were in it.
JOURNAL = (JOURNAL_GAP, JOURNAL_ALTERED, JOURNAL_ROLLBACK)
