"""What each pair of states means, in money too: every row of the contract's table."""

from __future__ import annotations

from pathlib import Path

from companion.rules.engines import Engine
from tests.companion.rules.small import Judged, both
from tests.companion.rules.worlds import Row

_MONEY = {"SALE": 1, "REFUND": -1, "VOID": -1, "COMPLETION": 1, "COMPLETION_VOID": -1}
_HOLDS = ("PREAUTH", "PREAUTH_CANCEL")

# Terminal's status, acquirer's status, types of transaction -> verdict, and whose money it is:
# +1 the acquirer's, -1 what the terminal has booked, 0 none.
_TABLE = (
    ("APPROVED", "CAPTURED", (*_MONEY, *_HOLDS), "MATCHED", 0),
    ("APPROVED", "AUTHORISED", ("PREAUTH",), "MATCHED", 0),
    ("APPROVED", "REVERSED", ("SALE", "REFUND", "COMPLETION", "PREAUTH"), "NOT_CAPTURED", -1),
    ("APPROVED", "DECLINED", ("SALE", "REFUND", "COMPLETION"), "NOT_CAPTURED", -1),
    ("APPROVED", "DECLINED", ("VOID", "COMPLETION_VOID"), "VOID_NOT_APPLIED", -1),
    ("APPROVED", "REVERSED", ("PREAUTH_CANCEL",), "PREAUTH_NOT_RELEASED", 0),
    ("DECLINED", "CAPTURED", tuple(_MONEY), "DECLINED_BUT_CAPTURED", 1),
    ("REVERSED", "CAPTURED", tuple(_MONEY), "REVERSED_BUT_SETTLED", 1),
    ("SUSPENDED", "CAPTURED", ("SALE", "VOID", "COMPLETION"), "REVERSAL_STUCK", 1),
    ("NEEDS_RECON", "CAPTURED", ("SALE", "VOID"), "REVERSAL_STUCK", 1),
    ("PENDING", "CAPTURED", ("SALE", "PREAUTH"), "REVERSAL_STUCK", 1),
    ("SUSPENDED", "CAPTURED", ("REFUND",), "REFUND_UNKNOWN", 1),
    ("PENDING", "CAPTURED", ("REFUND",), "REFUND_UNKNOWN", 1),
    ("DECLINED", "CAPTURED", ("PREAUTH",), "PREAUTH_NOT_RELEASED", 0),
    ("REVERSED", "AUTHORISED", ("PREAUTH",), "PREAUTH_NOT_RELEASED", 0),
    ("SUSPENDED", "CAPTURED", ("PREAUTH",), "PREAUTH_NOT_RELEASED", 0),
    ("DECLINED", "DECLINED", ("SALE", "PREAUTH"), "DECLINED", 0),
    ("REVERSED", "REVERSED", ("SALE",), "REVERSED", 0),
    ("SUSPENDED", "REVERSED", ("SALE", "REFUND"), "HEALED", 0),
    ("PENDING", "DECLINED", ("SALE",), "HEALED", 0),
)


def test_every_pair_of_states_has_its_verdict_and_its_money(
    engine: Engine, tmp_path: Path
) -> None:
    rows: list[tuple[Row, Row]] = []
    expected = {}
    for here, there, txns, verdict, whose in _TABLE:
        for txn in txns:
            t, a = both(len(rows) + 1, here, there, txn=txn)
            rows.append((t, a))
            effect = whose * _MONEY.get(txn, 0) * a["amount_minor"]
            provisional = here == "PENDING" and there == "CAPTURED"
            expected[t["id"]] = (verdict, effect, int(provisional))
    judged = Judged(engine, tmp_path, [t for t, _ in rows], [a for _, a in rows])
    found = {
        pair["t_id"]: (pair["verdict"], pair["effect_minor"], pair["provisional"])
        for pair in judged.pairs
    }
    assert found == expected


def test_another_amount_or_another_direction_is_a_mismatch(engine: Engine, tmp_path: Path) -> None:
    t1, a1 = both(1, "APPROVED", "CAPTURED", amount_minor=500)
    t2, a2 = both(2, "APPROVED", "CAPTURED", amount_minor=300)
    t3, a3 = both(3, "APPROVED", "CAPTURED", amount_minor=700)
    a1["amount_minor"] = 520
    a2["txn"] = "REFUND"
    t3["amount_minor"] = None
    judged = Judged(engine, tmp_path, [t1, t2, t3], [a1, a2, a3])
    found = {b["t_id"]: (b["code"], b["amount_minor"], b["effect_minor"]) for b in judged.breaks}
    assert found == {
        t1["id"]: ("AMOUNT_MISMATCH", 20, 20),
        t2["id"]: ("AMOUNT_MISMATCH", 600, -600),
        t3["id"]: ("AMOUNT_MISMATCH", 700, 700),
    }


def test_a_hold_of_another_amount_moves_no_money(engine: Engine, tmp_path: Path) -> None:
    over, less = (both(n, "APPROVED", "CAPTURED", txn="PREAUTH") for n in (1, 2))
    over[1]["amount_minor"] = over[0]["amount_minor"] + 50
    less[1]["amount_minor"] = less[0]["amount_minor"] - 70
    judged = Judged(engine, tmp_path, [over[0], less[0]], [over[1], less[1]])
    found = [(b["code"], b["amount_minor"], b["effect_minor"]) for b in judged.breaks]
    assert sorted(found) == [("PREAUTH_OVER", 50, 0), ("PREAUTH_UNDER", 70, 0)]
