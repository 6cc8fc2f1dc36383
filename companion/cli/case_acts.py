"""What people do with cases: `companion case note | assign | send | wait | resolve | ...`.

Each takes ids, or a filter with --yes; all of the cases in one transaction, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from companion.accounts import people
from companion.cases import CaseError, deadlines, listing
from companion.cases.acts import HOW, PARTIES, SQUARED, Desk
from companion.cases.listing import Case
from companion.cli.case_options import filter_options, filtered, says_nothing
from companion.cli.output import json_option, print_json, store_option
from companion.reconcile.words import money
from companion.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])
# One case: False when a second person has to approve, anything else when it is done.
Act = Callable[[Desk, str], object]

_MOST_ERRORS = 20

as_option = click.option(
    "--as",
    "--by",
    "name",
    default=None,
    metavar="NAME",
    help="Who does this, if not the login name.",
)
text_option = click.option("--text", required=True, help="What is to be remembered of it.")
note_option = click.option("--text", default="", help="What is to be remembered of it.")


def _options(command: Command) -> Command:
    for option in (
        store_option,
        json_option,
        click.option("--yes", is_flag=True, help="With a filter: do it, do not only say to what."),
        as_option,
        filter_options,
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        command = option(command)
    return command


def _do(act: Act, options: dict[str, Any]) -> None:
    """An act on the cases that ids or a filter name."""
    ids, name, yes = options.pop("ids"), options.pop("name"), options.pop("yes")
    as_json, directory = options.pop("as_json"), options.pop("directory")
    by = people.person(name)
    if not ids and says_nothing(options):
        raise click.UsageError("which cases? give ids, or a filter with --yes")
    with Store.open(directory) as store:
        if not ids and not yes:
            with store.read() as connection:
                wanted = filtered(connection, ids, options, False)
                _would(listing.listed(connection, wanted), as_json)
            return
        with store.write() as connection:
            wanted = filtered(connection, ids, options, False)
            desk = Desk(connection, by, deadlines.today(), deadlines.after(connection))
            found = listing.listed(connection, wanted)
            proposed = _each(act, desk, found)
        with store.read() as connection:
            done = listing.listed(connection, listing.Filter(ids=tuple(x.id for x in found)))
    if as_json:
        print_json([one.__dict__ for one in (done if found else [])])
        return
    for one in done if found else []:
        waits = one.id in proposed
        click.echo(
            f"case {one.id}: {one.state}"
            + (f", {money(one.proposed_minor or 0)} waits for a second person" if waits else "")
        )
    if not found:
        click.echo("no case fits")


def _each(act: Act, desk: Desk, found: Sequence[Case]) -> set[str]:
    """Do it to each; all that cannot be done is told at once, and then nothing is."""
    errors, proposed = [], set()
    for one in found:
        try:
            if act(desk, one.id) is False:
                proposed.add(one.id)
        except CaseError as error:
            errors.append(str(error))
    if errors:
        more = f"; and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
        raise CaseError("nothing was done: " + "; ".join(errors[:_MOST_ERRORS]) + more)
    return proposed


def _would(found: Sequence[Case], as_json: bool) -> None:
    if as_json:
        print_json({"would": [one.id for one in found]})
        return
    for one in found:
        click.echo(f"case {one.id}: {one.code} {money(one.amount_minor)}, {one.state}")
    total = money(sum(one.amount_minor for one in found))
    click.echo(f"{len(found)} cases, together {total}: nothing was done, --yes does it")


@click.command()
@click.option("--to", "assignee", default=None, metavar="NAME", help='Who follows it; "": nobody.')
@click.option("--due", default=None, metavar="DATE", help="Another deadline.")
@note_option
@_options
def assign(assignee: str | None, due: str | None, text: str, **options: Any) -> None:
    """Give cases to somebody, or another deadline.

    \b
    Example:
      companion case assign --terminal 10000001 --overdue --to WANG --yes
    """
    if assignee is None and due is None:
        raise click.UsageError("to whom (--to NAME), or until when (--due DATE)?")
    _do(lambda desk, one: desk.assign(one, assignee, due, text), options)


@click.command()
@click.option("--to", "party", type=click.Choice(PARTIES), required=True)
@click.option("--due", default=None, metavar="DATE", help="Answer expected until; or in 5 days.")
@note_option
@_options
def send(party: str, due: str | None, text: str, **options: Any) -> None:
    """The claim went to the acquirer or the bank.

    \b
    Example:
      companion case send 3f2a --to acquirer --text "claim 12, by e-mail"
    """
    _do(lambda desk, one: desk.send(one, party, due, text), options)


@click.command()
@click.option("--due", default=None, metavar="DATE")
@text_option
@_options
def wait(due: str | None, text: str, **options: Any) -> None:
    """It takes longer, and why.

    \b
    Example:
      companion case wait 3f2a --due 2026-03-12 --text "the bank looks into it, reference 88"
    """
    _do(lambda desk, one: desk.wait(one, due, text), options)


@click.command()
@text_option
@click.option(
    "--how",
    type=click.Choice(tuple(HOW)),
    default=SQUARED,
    show_default=True,
    help="squared: the books agree; refund: the customer is given it back. The terminal shows it.",
)
@_options
def resolve(text: str, how: str, **options: Any) -> None:
    """Close cases and say what squared them; with money, a second person approves.

    \b
    Example:
      companion case resolve 3f2a --text "credited on 5 March, booking 8841"
    """
    _do(lambda desk, one: desk.resolve(one, text, how), options)


# Acts that need nothing but words: name, act, option of the words, help, example.
_IN_WORDS = (
    (
        "note",
        Desk.note,
        text_option,
        "Add a remark.",
        'companion case note 3f2a --text "the customer called"',
    ),
    (
        "reject",
        Desk.reject,
        text_option,
        "The acquirer or the bank has refused the claim for good.",
        'companion case reject 3f2a --text "letter of 9 March: outside of the time limit"',
    ),
    (
        "write-off",
        Desk.write_off,
        text_option,
        "Give the money of cases up; a second person approves.",
        'companion case write-off --code FEE_DIFFERS --at-most 1.00 --text "too small" --yes',
    ),
    (
        "approve",
        Desk.approve,
        note_option,
        "As the second person: book what somebody else has proposed.",
        "companion case approve --to-approve --at-most 50.00 --as LI --yes",
    ),
    (
        "refuse",
        Desk.refuse,
        text_option,
        "Decide against what was proposed.",
        'companion case refuse 3f2a --text "ask the acquirer first"',
    ),
    (
        "gather",
        Desk.gather,
        text_option,
        "The evidence is gathered.",
        'companion case gather 3f2a --text "slip and records, folder 12"',
    ),
    (
        "reopen",
        Desk.reopen,
        text_option,
        "Take closed cases up once more.",
        'companion case reopen 3f2a --text "the credit was taken back"',
    ),
)


def _in_words(
    name: str,
    act: Callable[[Desk, str, str], object],
    words: Callable[[Callable[..., None]], Callable[..., None]],
    told: str,
    example: str,
) -> click.Command:
    """The command of one of them."""

    @words
    @_options
    def run(text: str, **options: Any) -> None:
        _do(lambda desk, one: act(desk, one, text), options)

    return click.command(name, help=f"{told}\n\n\b\nExample:\n  {example}")(run)


def register(group: click.Group) -> None:
    """Add the commands."""
    for command in (assign, send, wait, resolve, *(_in_words(*one) for one in _IN_WORDS)):
        group.add_command(command)
