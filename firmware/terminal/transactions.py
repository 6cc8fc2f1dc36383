"""The transactions that move a card holder's money, or ask about it: one row each, data only."""

from protocol import record

# What an approval does to the totals of the open batch.
DEBIT = 1
CREDIT = 2
NOTHING = 0

# code -> (name in the profile, title, Chinese title, effect on the batch, how its original is
# given: by the STAN of one in the open batch, by RRN and date, by authorisation code and date)
_ROWS = {
    record.SALE: ("sale", "SALE", "消费", DEBIT, ""),
    record.VOID: ("void", "VOID", "撤销", CREDIT, "stan"),
    record.REFUND: ("refund", "REFUND", "退货", CREDIT, "rrn"),
    record.PREAUTH: ("preauth", "PRE-AUTH", "预授权", NOTHING, ""),
    record.PREAUTH_CANCEL: (
        "preauth_cancel",
        "PRE-AUTH CANCEL",
        "预授权撤销",
        NOTHING,
        "auth",
    ),
    record.COMPLETION: ("completion", "COMPLETION", "预授权完成", DEBIT, "auth"),
    record.COMPLETION_NOTICE: (
        "completion_notice",
        "COMPLETION NOTICE",
        "预授权完成通知",
        DEBIT,
        "auth",
    ),
    record.COMPLETION_VOID: (
        "completion_void",
        "COMPLETION VOID",
        "预授权完成撤销",
        CREDIT,
        "stan",
    ),
    record.BALANCE: ("balance", "BALANCE", "余额查询", NOTHING, ""),
}

# What a void may undo.
_VOIDS = {
    record.VOID: (record.SALE,),
    record.COMPLETION_VOID: (record.COMPLETION, record.COMPLETION_NOTICE),
}


def name(txn: int) -> str:
    """The transaction's name in a profile; KeyError for a code that is none."""
    return _ROWS[txn][0]


def title(txn: int) -> str:
    """For screens."""
    return _ROWS[txn][1]


def slip_title(txn: int) -> str:
    """For slips, in either language: English and Chinese."""
    return _ROWS[txn][1] + " " + _ROWS[txn][2]


def effect(txn: int) -> int:
    """DEBIT, CREDIT or NOTHING; NOTHING for a code of a newer terminal."""
    row = _ROWS.get(txn)
    return row[3] if row else NOTHING


def asks(txn: int) -> str:
    """How the cashier names the original: "stan", "rrn", "auth", or "" when there is none."""
    return _ROWS[txn][4]


def undoes(txn: int, original: int) -> bool:
    """Whether a void of kind ``txn`` may undo a transaction of kind ``original``."""
    return original in _VOIDS.get(txn, ())
