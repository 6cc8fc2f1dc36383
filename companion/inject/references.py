"""The tables that are the same for every day of an injected world."""

from __future__ import annotations

import numpy as np

from companion.inject import days, fees, marks, names, payouts
from companion.inject.size import Size
from companion.inject.stage import CARDS, OWN_CARDS
from companion.inject.truth import Known

Rows = list[dict[str, object]]


def tables(size: Size, random: np.random.Generator, known: list[Known]) -> dict[str, Rows]:
    """Their rows by name; what is wrong in them is added to `known`."""
    merchants, unit = size.merchants, size.unit
    terminals = size.terminals_on(days.MAIN)
    accounts = payouts.account_rows(merchants, size.plain)
    spans = {
        (str(row["account"]), int(str(row["valid_from"])), int(str(row["valid_to"])))
        for row in accounts
    }
    wanted = marks.wanted(merchants, sorted(spans))
    made: dict[str, Rows] = {
        "accounts": accounts,
        "fee_plans": fees.rows(merchants),
        "due": days.due_rows(),
        "pay_due": days.pay_due_rows(),
        "coverage": marks.coverage(wanted),
        "wanted": wanted,
        "seen": marks.seen(terminals, unit),
        "own_cards": [
            {
                "merchant_no": names.merchant_no(merchant),
                "token": names.token(CARDS - 1 - merchant % OWN_CARDS),
            }
            for merchant in range(merchants)
        ],
        "gaps": [] if size.plain else marks.gaps(terminals, unit, random, known),
    }
    if size.plain:
        made |= {"fee_plans": [], "own_cards": []}
        made["wanted"] = [row for row in wanted if row["leg"] == "bank"]
    return made
