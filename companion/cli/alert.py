"""`companion alert`: what somebody should be told of, and telling him."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import click
from rich.markup import escape

from companion.alerting import ledger, phrases, sending
from companion.alerting.alarm import Alarm
from companion.alerting.checks import check
from companion.alerting.sending import Sent
from companion.alerting.sight import as_text
from companion.cli import alert_rule, alert_to
from companion.cli.case import language_option
from companion.cli.output import FINE, FOUND, console, json_option, print_json, store_option, table
from companion.reconcile.words import money
from companion.store import Store

_UNDELIVERED = 1


@click.group()
def alert() -> None:
    """What somebody should be told of at once, sent by e-mail, webhook and what else `apprise`
    knows: each thing once, again when it gets worse, and once when it is over.

    \b
    Example:
      companion alert to add owner
      companion alert rule set terminal-silent hours=12
      companion alert send
      companion alert list --check
    """


alert.add_command(alert_rule.rule)
alert.add_command(alert_to.to)


@alert.command(name="list")
@click.option("--check", "fail", is_flag=True, help="Exit with 1 when anything stands.")
@language_option
@json_option
@store_option
@click.pass_context
def list_(
    context: click.Context, fail: bool, language: str, as_json: bool, directory: Path
) -> None:
    """List what stands now by the rules that are on, and who was told. Nothing is sent.

    \b
    Example:
      companion alert list --lang zh
    """
    with Store.open(directory) as store:
        checked = check(store, int(time.time()))
        with store.read() as connection:
            known = ledger.known(connection)
            sent = ledger.sent(connection)
    told = {}
    for alarm in checked.alarms:
        last = known.get((alarm.rule, alarm.key))
        states = sent.get((alarm.rule, alarm.key, last.telling), {}) if last else {}
        told[alarm.rule, alarm.key] = (last, states)
    if as_json:
        print_json(
            [
                {
                    **_document(alarm, language),
                    "since": last.since if last else None,
                    "told": states,
                }
                for alarm in checked.alarms
                for last, states in [told[alarm.rule, alarm.key]]
            ]
        )
    else:
        _show(checked.alarms, told, language)
    context.exit(FOUND if fail and checked.alarms else FINE)


def _show(
    alarms: Iterable[Alarm],
    told: dict[tuple[str, str], tuple[ledger.Told | None, dict[str, str]]],
    language: str,
) -> None:
    out = console()
    made = table("Alerts", ("rule", "what", "amount", "since", "told"), right=("amount",))
    for alarm in alarms:
        last, states = told[alarm.rule, alarm.key]
        made.add_row(
            alarm.rule,
            escape(phrases.said(alarm, language)),
            money(alarm.amount_minor) if alarm.amount_minor else "",
            last.since if last else "now",
            escape(", ".join(f"{name}: {state}" for name, state in sorted(states.items()))),
        )
    out.print(made if made.rows else "nothing stands")


@alert.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be sent, and to whom.")
@json_option
@store_option
@click.pass_context
def send(context: click.Context, dry_run: bool, as_json: bool, directory: Path) -> None:
    """Check the rules, and send what each receiver was not told yet: one message for each. For
    cron, after sync, import and reconcile.

    Exit code 1 when a receiver could not be told; the next run tries again. A run that is killed
    while it sends sends that again, marked "perhaps told already", with the same reference.

    \b
    Example:
      companion alert send --dry-run
      */5 * * * * companion alert send --store /srv/pingzhang
    """
    with Store.open(directory) as store:
        made = sending.send(store, int(time.time()), dry_run)
    if as_json:
        print_json([_sent(one) for one in made])
    else:
        _show_sent(made)
    context.exit(_UNDELIVERED if any(one.delivered is False for one in made) else FINE)


@alert.command()
@click.argument("name", required=False)
@json_option
@store_option
@click.pass_context
def test(context: click.Context, name: str | None, as_json: bool, directory: Path) -> None:
    """Send a test to one receiver, or to all. Exit code 1 when one could not be told.

    \b
    Example:
      companion alert test owner
    """
    with Store.open(directory) as store:
        made = sending.test(store, name)
    if as_json:
        print_json([_sent(one) for one in made])
    else:
        _show_sent(made)
    context.exit(_UNDELIVERED if any(not one.delivered for one in made) else FINE)


def _show_sent(made: Iterable[Sent]) -> None:
    out = console()
    shown = False
    for one in made:
        shown = True
        name = f"{one.receiver.name} ({one.receiver.shown})"
        if not one.title:
            out.print(escape(f"{name}: nothing new"))
            continue
        how = {True: "told", False: "could not be told", None: "would be told"}[one.delivered]
        out.print(escape(f"{name}: {how}: {one.title}"))
        out.print(escape(one.text))
    if not shown:
        out.print("nobody is to be told: companion alert to add NAME")


def _sent(one: Sent) -> dict[str, object]:
    return {
        "receiver": one.receiver.name,
        "to": one.receiver.shown,
        "delivered": one.delivered,
        "title": one.title,
        "text": one.text,
        "alerts": [
            {
                **_document(due.told.alarm, one.receiver.language),
                "what": due.what,
                "reference": due.told.reference,
                "again": due.again,
            }
            for due in one.what
        ],
    }


def _document(alarm: Alarm, language: str) -> dict[str, object]:
    return {
        "rule": alarm.rule,
        "key": alarm.key,
        "merchant_no": alarm.merchant_no,
        "terminal_no": alarm.terminal_no,
        "amount_minor": alarm.amount_minor,
        "rows": alarm.rows,
        "level": alarm.level,
        "text": phrases.said(alarm, language),
        "until": as_text(alarm.until) if alarm.until else None,
    }
