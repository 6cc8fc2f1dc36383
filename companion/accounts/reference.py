"""Accounts, fee plans and own cards as facts, for the rules."""

from __future__ import annotations

import pyarrow as pa
from sqlalchemy import Connection

from companion.accounts import fees, settlement
from companion.accounts import hold_terms as terms_of_holds
from companion.accounts.own_cards import cards
from companion.facts import schema
from companion.facts.manifest import as_table


def accounts(connection: Connection) -> pa.Table:
    """Where each channel has to pay, schema.ACCOUNTS."""
    rows = [one.__dict__ for one in settlement.accounts(settlement.history(connection))]
    return as_table(schema.ACCOUNTS, rows)


def fee_plans(connection: Connection) -> pa.Table:
    """What each channel may keep, schema.FEE_PLANS."""
    rows = [
        {
            **plan.__dict__,
            **plan.terms.__dict__,
            "refund_back": int(plan.terms.refund_back),
        }
        for plan in fees.plans(connection)
    ]
    return as_table(schema.FEE_PLANS, rows)


def hold_terms(connection: Connection) -> pa.Table:
    """What counts for pre-authorisations, schema.HOLD_TERMS."""
    rows = [one.__dict__ for one in terms_of_holds.every(connection)]
    return as_table(schema.HOLD_TERMS, rows)


def own_cards(connection: Connection) -> pa.Table:
    """What the terminals call the merchant's own cards, schema.OWN_CARDS."""
    pairs = {(one.merchant_no, token) for one in cards(connection) for token in one.tokens}
    rows = [{"merchant_no": merchant_no, "token": token} for merchant_no, token in sorted(pairs)]
    return as_table(schema.OWN_CARDS, rows)
