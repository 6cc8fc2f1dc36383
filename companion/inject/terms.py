"""The words of the facts as small numbers, so that millions of rows are arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

CHANNELS = ("card", "adyen", "wechat")
CARD, ADYEN, WECHAT = range(3)

TXN = (
    "SALE",
    "VOID",
    "REFUND",
    "PREAUTH",
    "PREAUTH_CANCEL",
    "COMPLETION",
    "COMPLETION_VOID",
    "COMPLETION_NOTICE",
    "FEE",
)
SALE, VOID, REFUND, PREAUTH, PREAUTH_CANCEL, COMPLETION, COMPLETION_VOID, NOTICE, FEE = range(9)
# What a transaction does to the customer's account, for each of TXN.
_SIGN = np.array((1, -1, -1, 0, 0, 1, -1, 1, 1), np.int64)

# What the terminal says of it.
T_STATUS = ("APPROVED", "DECLINED", "REVERSED", "PENDING", "SUSPENDED", "NEEDS_RECON")
APPROVED, DECLINED, REVERSED, PENDING, SUSPENDED, NEEDS_RECON = range(6)

# What the acquirer says of it; one that moves no money is AUTHORISED in place of CAPTURED.
A_STATUS = ("CAPTURED", "DECLINED", "REVERSED", "AUTHORISED")
A_CAPTURED, A_DECLINED, A_REVERSED, A_AUTHORISED = range(4)


def money(txn: Ints, amount: Ints) -> Ints:
    """What it takes of the customer, minor units."""
    taken: Ints = _SIGN[txn] * amount
    return taken


def holds(txn: Ints) -> npt.NDArray[np.bool_]:
    """Which of them move no money."""
    moves_none: npt.NDArray[np.bool_] = _SIGN[txn] == 0
    return moves_none
