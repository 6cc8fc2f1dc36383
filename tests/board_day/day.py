"""The day itself: a shop, a cashier and a network; then the books, and a table of it all."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from boards.virtual.shop import BUSINESS_DATE, TERMINAL_NO, Shop
from companion.acquirer.ledger import Ledger
from tests import scan
from tests.board_day import books, plan
from tests.board_day.cashier import Attempt, Cashier
from tests.board_day.network import Network
from tests.board_day.tape import Slip
from tests.card_data import inside

_ENDS = ("APPROVED", "DECLINED", "REVERSED", "ABSENT", "CASE")


@dataclass
class Day:
    """What came of it; ``wrong`` must be empty."""

    seed: int
    attempts: list[Attempt]
    rows: list[dict[str, Any]]
    slips: list[Slip]
    verdict: books.Verdict
    cuts: Counter[str]
    faults: Counter[str]
    syncs: int
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run(transactions: int, cuts: int, seed: int, out: Console, keep: Path | None = None) -> Day:
    """The day of a seed, traded and compared."""
    started = time.monotonic()
    actions = plan.draw(seed, transactions, cuts)
    faults = [fault for action in actions for fault in action.faults]
    faults += plan.closing_faults(seed, transactions // plan.batch_size(transactions) + 1)
    with contextlib.ExitStack() as stack:
        if keep:
            keep.mkdir(parents=True)
        directory = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pz-")))
        shop = stack.enter_context(Shop(directory, faults, start=_start(transactions)))
        network = Network(shop.host.port)
        stack.callback(network.close)
        shop.acquirer_port = network.port
        shop.provision(plan.RESPONSE_MS)
        cashier = Cashier(shop, network)
        out.print(f"{transactions} transactions, {cuts} power cuts, seed {seed}")
        _trade(cashier, actions, out)
        cashier.finish(cuts)
        done = _compare(shop, cashier, seed)
        done.wrong += cashier.leaks + _card_data(directory, shop, cashier)
        done.faults["network"] = network.struck
    done.seconds = time.monotonic() - started
    return done


def _start(transactions: int) -> str:
    """The host's clock, which goes a minute each booking: midnight comes in the middle."""
    midnight = datetime.fromisoformat(f"{BUSINESS_DATE}T00:00:00+08:00") + timedelta(days=1)
    return (midnight - timedelta(minutes=transactions // 2)).isoformat()


def _trade(cashier: Cashier, actions: list[plan.Action], out: Console) -> None:
    batch, sync = plan.batch_size(len(actions)), plan.sync_every(len(actions))
    started = time.monotonic()
    for action in actions:
        cashier.do(action)
        if action.number % sync == 0:
            cashier.sync()
        if action.number % batch == 0:
            cashier.settle(action.closing)
        if action.number % 100 == 0:
            cuts = cashier.cuts.total()
            seconds = time.monotonic() - started
            out.print(f"  {action.number} transactions, {cuts} cuts, {seconds:.0f} s")


def _compare(shop: Shop, cashier: Cashier, seed: int) -> Day:
    shop.companion("journal", "verify")
    rows = json.loads(shop.companion("journal", "list", "--json"))
    ledger = Ledger(shop.host.ledger, create=False)
    try:
        verdict = books.compare(rows, ledger, shop.host.events)
        wrong = verdict.wrong + books.batches(rows, ledger, TERMINAL_NO)
        dates = sorted({one.business_date for one in ledger.transactions()})
        debit = sum(ledger.totals(date).customer_debit_minor for date in dates)
    finally:
        ledger.close()
    for date in dates:
        shop.companion("import", str(shop.host_day(date)))
    result = json.loads(shop.companion("reconcile", "--json"))
    wrong += _same_breaks(result["breaks"], verdict.differences)
    if not result["holds"] or result["equation"]["host_captured_minor"] != debit:
        wrong.append(f"the equation does not hold: {result['equation']}, host {debit}")
    faults = Counter(str(event["do"]) for event in shop.host.events if event["event"] == "fault")
    slips = cashier.tape.slips()
    wrong += books.panel(cashier.attempts, slips, verdict.entries)
    done = Day(seed, cashier.attempts, rows, slips, verdict, cashier.cuts, faults, cashier.syncs)
    done.wrong = wrong
    return done


def _card_data(directory: Path, shop: Shop, cashier: Cashier) -> list[str]:
    """Card data in any file of the day, on the paper, on the screens, in what the host said."""
    said = {
        "panel": [*map(str, cashier.tape.screens), *cashier.tape.printed],
        "host": [json.dumps(event) for event in shop.host.events],
        "serial": [shop.board.serial_tail],
    }
    found = [str(finding) for finding in scan.scan([directory], directory)]
    for name, lines in said.items():
        found += [f"{name}: {what}" for _, what in inside("\n".join(lines).encode())]
    return found


def _same_breaks(breaks: list[dict[str, Any]], differences: dict[books.Key, str]) -> list[str]:
    """The companion must find what was found here, and nothing else."""
    theirs = {}
    for item in breaks:
        _, _, batch, stan, _ = item["row_key"].split("|")
        theirs[batch, stan] = item["code"]
    missed = [
        f"reconcile says nothing about {differences[key]}"
        for key in differences
        if key not in theirs
    ]
    extra = [
        f"reconcile alone finds {code} {key}"
        for key, code in theirs.items()
        if key not in differences
    ]
    return missed + extra


def report(done: Day, out: Console) -> None:
    """Tables of what was done, what went wrong, what is left to a person."""
    table = Table(title="Transactions in the journal", title_justify="left")
    for column in ("type", *_ENDS):
        table.add_column(column.lower(), justify="left" if column == "type" else "right")
    for kind, ends in sorted(done.verdict.ends().items()):
        table.add_row(kind, *(str(ends[end] or "") for end in _ENDS))
    out.print(table)
    for name, counts in (("power cuts", done.cuts), ("faults", done.faults)):
        listed = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        out.print(f"{counts.total()} {name}: {listed}")
    shown = Counter(books.last_shown(attempt) or "no end" for attempt in done.attempts)
    out.print("last on the panel: " + ", ".join(f"{n} {end}" for end, n in shown.most_common()))
    for line in done.verdict.differences.values():
        out.print(f"left to a person: {line}")
    verdict = done.verdict
    out.print(
        f"{len(done.attempts)} asked for, {len(verdict.entries)} armed, {verdict.hosts} at the "
        f"host, {verdict.agreed} agree, {len(verdict.cases)} cases, "
        f"{len(verdict.differences)} left to a person, {len(done.wrong)} wrong"
    )
    out.print(
        f"{len(done.rows)} records, {done.syncs} syncs; seed {done.seed}, {done.seconds:.0f} s: "
        + ("[bold red]NOT EQUAL[/]" if done.wrong else "[bold green]equal[/]")
    )
