"""`companion own-card`: the merchant's own cards, so that a self-swipe is seen."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import own_cards, people
from companion.cli.deciding import by_option, hidden_line
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.store import Store


@click.group(name="own-card")
def own_card() -> None:
    """The merchant's own cards: one that is swiped on his own terminal is a SELF_SWIPE.

    The number is asked for, or read from standard input, and dropped: what stays are its last
    four digits and the tokens that the merchant's terminals make of it.

    \b
    Example:
      companion own-card add 898100012345678
    """


@own_card.command()
@click.argument("merchant")
@by_option
@json_option
@store_option
def add(merchant: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Tell a card of the merchant; again where `list` names terminals that do not know it.

    \b
    Example:
      companion own-card add 898100012345678
    """
    number = hidden_line("Card number")
    with Store.open(directory) as store, store.write() as connection:
        made = own_cards.add(connection, merchant, number, people.person(by))
    if as_json:
        print_json({"merchant_no": made.merchant_no, "card": made.card})
    else:
        console().print(escape(f"{made.merchant_no}: {made.card} is the merchant's own"))


@own_card.command()
@click.argument("merchant")
@click.argument("card", metavar="LAST4")
@by_option
@json_option
@store_option
def remove(merchant: str, card: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Take a card back: its swipes are ordinary sales again, those of the past too.

    \b
    Example:
      companion own-card remove 898100012345678 1234
    """
    if len(card) != 4 or not (card.isascii() and card.isdigit()):
        raise click.UsageError("LAST4: the last four digits of the card")
    with Store.open(directory) as store, store.write() as connection:
        own_cards.remove(connection, merchant, card, people.person(by))
    if as_json:
        print_json({"merchant_no": merchant, "card": "****" + card, "removed": True})
    else:
        console().print(escape(f"{merchant}: ****{card} is no own card any more"))


@own_card.command(name="list")
@json_option
@store_option
def list_(as_json: bool, directory: Path) -> None:
    """List the cards, and the terminals that do not know one yet.

    \b
    Example:
      companion own-card list
    """
    with Store.open(directory) as store, store.read() as connection:
        known = own_cards.cards(connection)
        unknown = {
            (one.merchant_no, one.card): own_cards.unknown(connection, one) for one in known
        }
    if as_json:
        print_json(
            [
                {
                    "merchant_no": one.merchant_no,
                    "card": one.card,
                    "by": one.by,
                    "at": one.at,
                    "unknown_on": unknown[one.merchant_no, one.card],
                }
                for one in known
            ]
        )
        return
    out = console()
    if not known:
        out.print("no own card is known: companion own-card add")
        return
    made = table("Own cards", ("merchant", "card", "by", "not known on"))
    for one in known:
        where = ", ".join(unknown[one.merchant_no, one.card])
        made.add_row(
            escape(one.merchant_no), one.card, escape(f"{one.by}, {one.at}"), escape(where)
        )
    out.print(made)
    if any(unknown.values()):
        out.print("add the card again for a terminal that does not know it")
