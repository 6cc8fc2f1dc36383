"""`companion channel`: how long an acquirer or wallet takes, and who pays out for it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import channels, hold_terms, people
from companion.accounts.channels import Channel
from companion.cli.deciding import by_option, reason_option
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.store import Store

_DAYS = click.IntRange(0, 60)


@click.group()
def channel() -> None:
    """How long an acquirer or wallet takes, in business days, and who pays out for it.

    A channel that nobody has set: its record comes within 1 day, it settles on the same day, pays
    out on the next business day and is late after 2, in China's calendar.

    \b
    Example:
      companion channel set card --pay 2 --late 3
      companion channel payer card "ALLINPAY NETWORK"
    """


@channel.command(name="set")
@click.argument("name")
@click.option("--grace", "grace_days", type=_DAYS, help="Until the other side's record is due.")
@click.option("--settle", "settle_days", type=_DAYS, help="From a transaction to its settlement.")
@click.option("--pay", "pay_days", type=_DAYS, help="From the settlement to the payout.")
@click.option("--late", "late_days", type=_DAYS, help="After so many the payout is late.")
@click.option("--country", metavar="CODE", help="Whose weekends and holidays, such as CN.")
@click.option("--statement/--no-statement", default=None, help="A statement comes for every day.")
@click.option(
    "--bank-statement/--no-bank-statement",
    default=None,
    help="A statement of its account comes for every day.",
)
@reason_option
@by_option
@json_option
@store_option
def set_(
    name: str,
    reason: str,
    by: str | None,
    as_json: bool,
    directory: Path,
    **settings: int | str | bool | None,
) -> None:
    """Set what is given; the rest stays.

    \b
    Example:
      companion channel set card --pay 2 --late 3
    """
    if all(value is None for value in settings.values()):
        raise click.UsageError("nothing to set: --grace, --settle, --pay, --late, --country, ...")
    with Store.open(directory) as store, store.write() as connection:
        channels.change(connection, name, settings, people.person(by), reason)
        every, payers = channels.every(connection), channels.payers(connection)
    _list(every, payers, as_json)


@channel.command()
@click.argument("name")
@click.option("--percent", type=click.INT, help="Of the hold that its completions may come to.")
@click.option("--days", type=click.INT, help="For how long one may stand open.")
@click.option("--merchant", default=hold_terms.ANY, metavar="NO", help="For one merchant only.")
@reason_option
@by_option
@json_option
@store_option
def hold(
    name: str,
    percent: int | None,
    days: int | None,
    merchant: str,
    reason: str,
    by: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """How much of a pre-authorisation may be completed, and how long one may stand: 115 % and 30
    days until somebody says otherwise. Counts for the days before, too, with the next reconcile.
    Without --percent and --days it is shown.

    \b
    Example:
      companion channel hold card --percent 110 --days 20
      companion channel hold card --days 60 --merchant 898100012345678
    """
    with Store.open(directory) as store:
        if percent is not None or days is not None:
            with store.write() as connection:
                person = people.person(by)
                hold_terms.change(connection, name, merchant, percent, days, person, reason)
        with store.read() as connection:
            known = [one for one in hold_terms.every(connection) if one.channel == name]
            told = {one.merchant_no: one for one in known}
            told.setdefault(hold_terms.ANY, hold_terms.of(connection, name))
    if as_json:
        print_json([one.__dict__ for _, one in sorted(told.items())])
        return
    made = table(f"Pre-authorisations, {name}", ("merchant", "%", "days"), right=("%", "days"))
    for merchant_no, one in sorted(told.items()):
        made.add_row(merchant_no or "every other", str(one.percent), str(one.days))
    console().print(made)


@channel.command()
@click.argument("name")
@click.argument("text")
@click.option("--forget", is_flag=True, help="Take it back.")
@by_option
@json_option
@store_option
def payer(
    name: str, text: str, forget: bool, by: str | None, as_json: bool, directory: Path
) -> None:
    """Tell a text that is in the bank's bookings of a channel's payouts: the payer's name.

    \b
    Example:
      companion channel payer card "ALLINPAY NETWORK"
    """
    with Store.open(directory) as store, store.write() as connection:
        if forget:
            channels.forget_payer(connection, text, people.person(by))
        else:
            channels.tell_payer(connection, channels.checked_name(name), text, people.person(by))
        every, payers = channels.every(connection), channels.payers(connection)
    _list(every, payers, as_json)


@channel.command(name="list")
@json_option
@store_option
def list_(as_json: bool, directory: Path) -> None:
    """List the channels, their days and their payers.

    \b
    Example:
      companion channel list
    """
    with Store.open(directory) as store, store.read() as connection:
        every, payers = channels.every(connection), channels.payers(connection)
    _list(every, payers, as_json)


def _list(every: dict[str, Channel], payers: list[tuple[str, str]], as_json: bool) -> None:
    texts: dict[str, list[str]] = {name: [] for name in every}
    for name, pattern in payers:
        texts.setdefault(name, []).append(pattern)
    if as_json:
        print_json([{**every[name].__dict__, "payers": texts[name]} for name in sorted(every)])
        return
    columns = (
        "channel",
        "record",
        "settled",
        "paid",
        "late after",
        "calendar",
        "statements",
        "payer",
    )
    made = table("Channels (business days)", columns, right=columns[1:5])
    for name in sorted(every):
        one = every[name]
        wanted = [word for word, yes in _statements(one) if yes]
        made.add_row(
            name,
            str(one.grace_days),
            str(one.settle_days),
            str(one.pay_days),
            str(one.late_days),
            one.country,
            ", ".join(wanted) or "none",
            escape("; ".join(texts[name])),
        )
    console().print(made)


def _statements(one: Channel) -> list[tuple[str, bool]]:
    return [("acquirer", one.statement), ("bank", one.bank_statement)]
