"""Cards that were swiped twice, and the merchant's own cards."""

from __future__ import annotations

from collections.abc import Iterator

from companion.accounts import own_cards
from companion.alerting.alarm import Alarm, Facts
from companion.alerting.live import LONGEST_S, Sold
from companion.alerting.rules import DOUBLE_SWIPE, SELF_SWIPE
from companion.alerting.sight import DAY_S, Sight, iso_day
from companion.reconcile import codes, fold

# What takes a customer's money.
_TAKING = ("SALE", "COMPLETION", "COMPLETION_NOTICE")
_UNDOING = ("VOID", "REFUND", "COMPLETION_VOID")
# A self-swipe is an event; that its break is open still is no news after so long.
_NEWS_S = 30 * DAY_S


def double(sight: Sight) -> Iterator[Alarm]:
    """Two approved sales of one card and amount on one terminal shortly after each other, unless
    one of them was given back; the second is the alarm's."""
    undone = {
        (one.merchant_no, one.terminal_no, *one.of)
        for one in sight.sold
        if one.of is not None and one.txn in _UNDOING and one.status == fold.APPROVED
    }
    most = 60 * sight.number(DOUBLE_SWIPE, "minutes")
    last: dict[tuple[object, ...], Sold] = {}
    for one in sorted(sight.sold, key=lambda one: (one.at, one.batch, one.stan)):
        counts = one.txn == "SALE" and one.status == fold.APPROVED and one.token and one.clock
        if not counts or (one.merchant_no, one.terminal_no, one.batch, one.stan) in undone:
            continue
        same = (one.device_id, one.token, one.amount_minor)
        first = last.get(same)
        last[same] = one
        if first is not None and one.at - first.at <= most:
            facts: Facts = {
                "amount_minor": one.amount_minor,
                "span_s": one.at - first.at,
                "batch": one.batch,
                "first": first.stan,
                "stan": one.stan,
            }
            yield Alarm(
                *(DOUBLE_SWIPE, one.key, "swipe.double", facts, one.merchant_no),
                one.terminal_no,
                one.amount_minor,
                until=first.at + LONGEST_S,
            )


def own(sight: Sight) -> Iterator[Alarm]:
    """The merchant's own card on his terminal: at once from the journal, and as reconciled."""
    # What a person has decided is told no more.
    told = {key.rsplit("|", 1)[0] for code, key in sight.decided if code == codes.SELF_SWIPE}
    tokens = {
        (card.merchant_no, token)
        for card in own_cards.cards(sight.connection)
        for token in card.tokens
    }
    for one in sight.sold:
        taken = one.txn in _TAKING and one.status == fold.APPROVED
        if taken and (one.merchant_no, one.token) in tokens and one.key not in told:
            told.add(one.key)
            yield _own(one.key, one.amount_minor, one.at + LONGEST_S)
    for row in sight.open_breaks((codes.SELF_SWIPE,)):
        key = row["row_key"].rsplit("|", 1)[0]
        until = iso_day(row["business_date"]) * DAY_S + _NEWS_S
        if key not in told and sight.now < until:
            yield _own(key, row["amount_minor"], until)


def _own(key: str, amount: int, until: int) -> Alarm:
    merchant_no, terminal_no, batch, stan = key.split("|")
    facts: Facts = {"amount_minor": amount, "batch": batch, "stan": stan}
    return Alarm(
        SELF_SWIPE, key, "swipe.own", facts, merchant_no, terminal_no, amount, until=until
    )
