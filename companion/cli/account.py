"""`companion account`: where payouts have to go, changes of it, and the watch after a change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import names, people, settlement
from companion.accounts.channels import CARD, checked_name
from companion.accounts.settlement import Account, AccountError, Change
from companion.cli.account_watch import watch
from companion.cli.deciding import by_option, day_option, hidden_line, iso, reason_option, since
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.facts.schema import FAR, as_date
from companion.statements import cards
from companion.store import Store, decisions

_channel_option = click.option(
    "--channel", default=CARD, show_default=True, help="Which acquirer or wallet pays to it."
)


@click.group()
def account() -> None:
    """Where payouts have to go: accounts, and changes of them that two people make.

    Only a masked number is kept (first six and last four characters). The number is asked for,
    or read from standard input, so that it is in no command line.

    \b
    Example:
      companion account add 898100012345678
      companion account change 898100012345678 --from 2026-03-02
      companion account watch
    """


@account.command()
@click.argument("merchant")
@_channel_option
@by_option
@json_option
@store_option
def add(merchant: str, channel: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Tell the first account of a merchant's channel; it counts for all days before a change.

    \b
    Example:
      companion account add 898100012345678 --channel card
    """
    number = _number()
    with Store.open(directory) as store, store.write() as connection:
        _only_one_like_it(settlement.history(connection), number)
        made = settlement.tell(
            connection, merchant, checked_name(channel), number, people.person(by)
        )
    _say(
        {"change": made, "account": number}, f"{merchant}, {channel}: is paid to {number}", as_json
    )


@account.command()
@click.argument("merchant")
@_channel_option
@day_option
@reason_option
@by_option
@json_option
@store_option
def change(
    merchant: str,
    channel: str,
    valid_from: datetime | None,
    reason: str,
    by: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Ask for another account from a day on. Nothing changes until another person approves.

    \b
    Example:
      companion account change 898100012345678 --from 2026-03-02 --reason "bank changed"
    """
    if valid_from is None:
        raise click.UsageError("--from DAY: the first day of the new account")
    number = _number()
    start = valid_from.date()
    with Store.open(directory) as store, store.write() as connection:
        _only_one_like_it(settlement.history(connection), number)
        made = settlement.ask(
            connection, merchant, channel, number, start, people.person(by), reason
        )
    _say(
        {"change": made, "account": number},
        f"change {made}: {merchant}, {channel}: {number} from {start}; waits for another person: "
        f"companion account approve {made}",
        as_json,
    )


@account.command()
@click.argument("number", type=click.IntRange(1), metavar="CHANGE")
@reason_option
@by_option
@json_option
@store_option
def approve(number: int, reason: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Approve a change that another person asked for.

    \b
    Example:
      companion account approve 7 --by "Li Wei" --reason "seen the bank's letter"
    """
    with Store.open(directory) as store, store.write() as connection:
        done = settlement.approve(connection, number, people.person(by), reason)
    _say(
        {"change": done.number, "state": done.state},
        f"change {done.number}: approved; {done.merchant_no}, {done.channel} is paid to "
        f"{done.account} from {as_date(done.valid_from)}. companion account watch says when the "
        "first payouts have come",
        as_json,
    )


@account.command()
@click.argument("number", type=click.IntRange(1), metavar="CHANGE")
@reason_option
@by_option
@json_option
@store_option
def refuse(number: int, reason: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Refuse a change, or take one back that you asked for yourself.

    \b
    Example:
      companion account refuse 7 --reason "the number is not the bank's"
    """
    with Store.open(directory) as store, store.write() as connection:
        done = settlement.refuse(connection, number, people.person(by), reason)
    _say({"change": done.number, "state": done.state}, f"change {done.number}: refused", as_json)


@account.command(name="list")
@click.option(
    "--all", "everything", is_flag=True, help="The whole history, asked and refused too."
)
@json_option
@store_option
def list_(everything: bool, as_json: bool, directory: Path) -> None:
    """List the accounts that count and since when; with --all who decided what.

    \b
    Example:
      companion account list --all
    """
    with Store.open(directory) as store, store.read() as connection:
        changes = settlement.history(connection)
        entries, digest = decisions.head(connection)
    valid = settlement.accounts(changes)
    shown = [one for one in changes if everything or one.state == "asked"]
    if as_json:
        print_json(
            {
                "accounts": [_dated(one) for one in valid],
                "changes": [_dated(one) for one in shown],
                "history": {"entries": entries, "digest": digest},
            }
        )
        return
    _show(valid, shown)
    if everything:
        console().print(f"{entries} decisions of all kinds, the newest with digest {digest}")


def _show(valid: list[Account], changes: list[Change]) -> None:
    out = console()
    if not valid:
        out.print("no account is known: companion account add")
    else:
        made = table("Accounts", ("merchant", "channel", "account", "from", "until"))
        for one in valid:
            until = str(as_date(one.valid_to - 1)) if one.valid_to < FAR else ""
            made.add_row(one.merchant_no, one.channel, one.account, since(one.valid_from), until)
        out.print(made)
    if changes:
        columns = ("change", "merchant", "channel", "account", "from", "state", "by", "reason")
        made = table("Changes", columns, right=("change",))
        for item in changes:
            made.add_row(
                str(item.number),
                item.merchant_no,
                item.channel,
                item.account,
                since(item.valid_from),
                item.state,
                escape(f"{item.maker}, {item.asked_at}"),
                escape(item.reason),
            )
            if item.checker and item.state != "told":
                who = escape(f"{item.checker}, {item.decided_at}")
                made.add_row("", "", "", "", "", "", who, escape(item.verdict))
        out.print(made)


def _number() -> str:
    """The masked number of an account that is typed unseen, or comes on standard input."""
    shown = cards.account(hidden_line("Account number"))
    if not shown.strip("*"):
        raise AccountError("an account number has letters or digits")
    return shown


def _only_one_like_it(changes: list[Change], account: str) -> None:
    """An account that looks like another one would never be told from it in a statement."""
    for one in changes:
        if one.account != account and names.fits(one.account, account):
            raise AccountError(
                f"{account} cannot be told from {one.account} (change {one.number}): give the "
                "same number as there, or as much of it as the statements show"
            )


def _dated(one: Account | Change) -> dict[str, object]:
    made: dict[str, object] = {**one.__dict__, "valid_from": iso(one.valid_from)}
    if isinstance(one, Account):
        made["valid_to"] = iso(one.valid_to)
    else:
        del made["decided"]
    return made


def _say(document: dict[str, object], line: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        console().print(escape(line))


account.add_command(watch)
