"""`companion fee`: what an acquirer or wallet may keep, so that what it kept can be checked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import fees, figures, people
from companion.accounts.channels import CARD, checked_name
from companion.accounts.fees import Plan, Terms
from companion.cli.deciding import by_option, day_option, iso, reason_option, since
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.facts.schema import FAR
from companion.reconcile.words import money
from companion.store import Store

_channel_option = click.option(
    "--channel", default=CARD, show_default=True, help="Which acquirer or wallet keeps it."
)


@click.group()
def fee() -> None:
    """What an acquirer or wallet may keep of each transaction, and from when.

    \b
    Example:
      companion fee set 898100012345678 --rate 0.38% --cap 20.00
    """


@fee.command(name="set")
@click.argument("merchant")
@_channel_option
@click.option("--rate", default="0%", metavar="PERCENT", help="Of the amount, such as 0.38%.")
@click.option("--fixed", default="0", metavar="AMOUNT", help="For each transaction.")
@click.option("--cap", default="0", metavar="AMOUNT", help="At most; 0 for no limit.")
@click.option("--refund-back", is_flag=True, help="A refund gives the fee back.")
@day_option
@reason_option
@by_option
@json_option
@store_option
def set_(
    merchant: str,
    channel: str,
    rate: str,
    fixed: str,
    cap: str,
    refund_back: bool,
    valid_from: datetime | None,
    reason: str,
    by: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Set the fee plan of a merchant's channel, from a day on or since ever.

    The plan before it ends there. Set again for the same day it takes that one's place.

    \b
    Example:
      companion fee set 898100012345678 --rate 0.38% --cap 20.00 --from 2026-03-01
    """
    terms = Terms(
        figures.parts_per_million(rate), figures.minor(fixed), figures.minor(cap), refund_back
    )
    start = valid_from.date() if valid_from else None
    name = checked_name(channel)
    with Store.open(directory) as store, store.write() as connection:
        fees.set_plan(connection, merchant, name, terms, start, people.person(by), reason)
        now = fees.plans(connection)
    _list(now, as_json)


@fee.command()
@click.argument("merchant")
@_channel_option
@click.option(
    "--from",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The first day without.",
)
@reason_option
@by_option
@json_option
@store_option
def end(
    merchant: str,
    channel: str,
    day: datetime,
    reason: str,
    by: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """End a fee plan: fees of that day and later are not judged.

    \b
    Example:
      companion fee end 898100012345678 --from 2026-06-01
    """
    with Store.open(directory) as store, store.write() as connection:
        fees.end_plan(connection, merchant, channel, day.date(), people.person(by), reason)
        now = fees.plans(connection)
    _list(now, as_json)


@fee.command(name="list")
@json_option
@store_option
def list_(as_json: bool, directory: Path) -> None:
    """List the fee plans.

    \b
    Example:
      companion fee list --json
    """
    with Store.open(directory) as store, store.read() as connection:
        now = fees.plans(connection)
    _list(now, as_json)


def _list(plans: list[Plan], as_json: bool) -> None:
    if as_json:
        print_json([_dict(one) for one in plans])
        return
    out = console()
    if not plans:
        out.print("no fee plan is known, so no fee is judged: companion fee set")
        return
    columns = ("merchant", "channel", "rate", "fixed", "at most", "refund", "from", "until", "by")
    made = table("Fee plans", columns, right=("rate", "fixed", "at most"))
    for one in plans:
        terms = one.terms
        made.add_row(
            escape(one.merchant_no),
            one.channel,
            figures.percent(terms.rate_ppm),
            money(terms.fixed_minor) if terms.fixed_minor else "",
            money(terms.cap_minor) if terms.cap_minor else "",
            "gives it back" if terms.refund_back else "",
            since(one.valid_from),
            iso(one.valid_to - 1 if one.valid_to < FAR else FAR) or "",
            escape(f"{one.by}, {one.at}"),
        )
    out.print(made)


def _dict(plan: Plan) -> dict[str, object]:
    return {
        "merchant_no": plan.merchant_no,
        "channel": plan.channel,
        **plan.terms.__dict__,
        "valid_from": iso(plan.valid_from),
        "valid_to": iso(plan.valid_to),
        "by": plan.by,
        "at": plan.at,
    }
