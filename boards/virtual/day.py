"""A trading day with faults and power cuts, from the first sale to square books.

    python -m boards.virtual.day --seed 1

One terminal sells on its front panel; the host drops, delays and declines; the power goes in every
failure window. Then the companion syncs, reconciles, and every transaction is accounted for. The
seed decides everything that counts, so the same seed gives the same day and the same digest.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from boards.virtual.flash import FlashCounts
from boards.virtual.shop import BUSINESS_DATE, Cut, Event, Shop, card
from companion.acquirer.ledger import Ledger

SALES = 46
RESPONSE_MS = 400
# Sales before the day's faults begin: the first one also signs in.
_QUIET = 2
# The second sale, with nothing wrong: its flash operations are counted before any housekeeping.
_COUNTED = 2

_APPROVED = "APPROVED"
_NOT_CHARGED = "NOT CHARGED"
_CASE = "OPEN CASE"


@dataclass
class Sale:
    """One sale of the plan: what the cashier types, what goes wrong, what must come of it."""

    number: int
    amount_minor: int
    card: dict[str, str]
    trouble: str = ""
    faults: list[Event] = field(default_factory=list)
    cut: Cut | None = None
    expected: str = _APPROVED
    ended: str = ""

    def fault(self, mti: str, do: str, **more: object) -> Event:
        return {"mti": mti, "amount_minor": self.amount_minor, "do": do, **more}


def plan(seed: int) -> list[Sale]:
    """The day of a seed: amounts, cards, and which sale meets which trouble."""
    dice = random.Random(seed)
    amounts = dice.sample(range(200, 50000), SALES)
    sales = [
        Sale(number + 1, amount, card(dice.randrange(1, 40)))
        for number, amount in enumerate(amounts)
    ]
    troubles = [
        *[_dropped_request] * 3,
        *[_dropped_answer] * 3,
        *[_declined] * 4,
        *[_late_approval] * 2,
        *[_lost_reversal_answer] * 2,
        _stuck_reversal,
        _captured_after_reversal,
    ]
    struck = dice.sample(sales[_QUIET:], len(troubles) + len(_WINDOWS))
    for trouble in troubles:
        trouble(struck.pop(), dice)
    for cut, expected in _WINDOWS:
        _cut(struck.pop(), cut, expected)
    return sales


def _dropped_request(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "request dropped"
    sale.faults = [sale.fault("0200", "drop_request")]
    sale.expected = _NOT_CHARGED


def _dropped_answer(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "answer dropped"
    sale.faults = [sale.fault("0200", "drop_answer")]
    sale.expected = _NOT_CHARGED


def _declined(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "declined"
    sale.faults = [sale.fault("0200", "decline", f39=dice.choice(["51", "54", "55", "61"]))]
    sale.expected = "DECLINED"


def _late_approval(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "approval too late"
    sale.faults = [sale.fault("0200", "delay_answer", ms=RESPONSE_MS * 2)]
    sale.expected = _NOT_CHARGED


def _lost_reversal_answer(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "reversal answer dropped"
    sale.faults = [sale.fault("0200", "drop_answer"), sale.fault("0400", "drop_answer")]
    sale.expected = _NOT_CHARGED


def _stuck_reversal(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "reversal never arrives"
    sale.faults = [sale.fault("0200", "drop_answer"), sale.fault("0400", "drop_request", times=3)]
    sale.expected = _CASE


def _captured_after_reversal(sale: Sale, dice: random.Random) -> None:
    sale.trouble = "captured after reversal"
    sale.faults = [sale.fault("0200", "drop_answer"), sale.fault("0400", "capture_after_reversal")]
    sale.expected = _NOT_CHARGED


# Each failure window once, and what the terminal must make of it after the restart. A cut before
# ARMED is durable leaves nothing: the terminal comes back to its first screen.
_WINDOWS = (
    (Cut("before the intent is durable", program=1, phase="torn"), "idle"),
    (Cut("before the request is sent", program=1, phase="after"), _NOT_CHARGED),
    (Cut("between request and answer", held="0200"), _NOT_CHARGED),
    (Cut("answer received, not durable", program=2, phase="before"), _NOT_CHARGED),
    (Cut("answer torn on flash", program=2, phase="torn"), _NOT_CHARGED),
    (Cut("durable, not shown", program=2, phase="after"), _APPROVED),
    (Cut("during the receipt", printed=6), _APPROVED),
    (Cut("receipt printed, not recorded", program=3, phase="before"), _APPROVED),
    (Cut("during the reversal", held="0400"), _NOT_CHARGED),
)


def _cut(sale: Sale, cut: Cut, expected: str) -> None:
    sale.cut = cut
    sale.expected = expected
    sale.trouble = "power cut " + cut.window
    if cut.held:
        sale.faults = [sale.fault(cut.held, "hold_answer")]
    if cut.held == "0400":
        sale.faults.append(sale.fault("0200", "drop_answer"))


@dataclass
class Books:
    """What the three parties say at the end of the day, in minor units."""

    host_debit_minor: int
    terminal_minor: int
    open_minor: int
    breaks: list[dict[str, Any]]
    records: int
    gaps: int

    @property
    def square(self) -> bool:
        return self.host_debit_minor == self.terminal_minor + self.open_minor


def trade(shop: Shop, sales: list[Sale], out: Console) -> FlashCounts:
    """Type every sale on the panel; say what came of each as it happens.

    Returns what the counted sale did to the flash.
    """
    for sale in sales:
        if sale.number == _COUNTED:
            cost = shop.flash_of_a_sale(sale.amount_minor, sale.card)
            sale.ended = _APPROVED
        else:
            sale.ended = _plain(shop.sell(sale.amount_minor, sale.card, sale.cut))
        as_planned = sale.ended == sale.expected
        out.print(
            f"{sale.number:3}  {_yuan(sale.amount_minor):>8}  {sale.ended:<12}"
            f" {sale.trouble}{'' if as_planned else f'   NOT AS PLANNED: {sale.expected}'}",
            style=None if as_planned else "bold red",
        )
    return cost


def _plain(screen: str) -> str:
    for end in (_APPROVED, _NOT_CHARGED, _CASE, "DECLINED"):
        if screen.startswith(end):
            return end
    return "idle"


def square(shop: Shop, out: Console) -> Books:
    """Sync over both ways, import the host's day, reconcile."""
    shop.wait_late_answers()  # else the terminal has a record more for the second sync
    first = json.loads(shop.companion("sync", "--port", shop.board.pty, "--json"))
    out.print(f"sync over serial: {first['records']} records, {first['gaps']} gaps")
    second = json.loads(
        shop.companion("sync", "--port", f"tls://127.0.0.1:{shop.sync_port}", "--json")
    )
    out.print(f"sync over TCP:    {second['records']} new records")
    if second["records"]:
        raise RuntimeError("the second sync moved records")
    shop.companion("journal", "verify")
    shop.companion("import", str(shop.host_day()))
    result = json.loads(shop.companion("reconcile", "--json"))
    ledger = Ledger(shop.host.ledger, create=False)
    try:
        debit = ledger.totals(BUSINESS_DATE).customer_debit_minor
    finally:
        ledger.close()
    return Books(
        host_debit_minor=debit,
        terminal_minor=result["equation"]["terminal_approved_minor"],
        open_minor=sum(item["effect_minor"] for item in result["breaks"]),
        breaks=result["breaks"],
        records=first["records"],
        gaps=first["gaps"],
    )


def report(sales: list[Sale], books: Books, out: Console) -> None:
    """The day's table, the breaks and the equation."""
    open_amounts = {item["amount_minor"] for item in books.breaks}
    table = Table(title="The day", title_justify="left")
    for column in ("what happened", "sales", "healed by the terminal", "left to a person"):
        table.add_column(column, justify="left" if column == "what happened" else "right")
    kinds: dict[str, list[Sale]] = {}
    for sale in sales:
        kinds.setdefault(sale.trouble or "nothing", []).append(sale)
    for kind, group in sorted(kinds.items(), key=lambda item: (item[0] != "nothing", item[0])):
        left = sum(sale.amount_minor in open_amounts for sale in group)
        healed = "" if kind in ("nothing", "declined") else str(len(group) - left)
        table.add_row(kind, str(len(group)), healed, str(left or ""))
    cuts = sum(sale.cut is not None for sale in sales)
    faults = sum(bool(sale.trouble) for sale in sales) - cuts
    table.add_section()
    table.add_row(f"{len(sales)} sales, {faults} faults, {cuts} power cuts", "", "", "")
    out.print(table)
    breaks = Table(title="What only a person can close", title_justify="left")
    for column in ("code", "amount", "who acts", "why"):
        breaks.add_column(column, justify="right" if column == "amount" else "left")
    for item in sorted(books.breaks, key=lambda item: str(item["code"])):
        amount = _yuan(item["amount_minor"])
        breaks.add_row(item["code"], amount, item["actor"], item["reason"])
    out.print(breaks)
    out.print(
        f"customer debit {_yuan(books.host_debit_minor)} = merchant credit "
        f"{_yuan(books.terminal_minor)} + open cases {_yuan(books.open_minor)}: "
        + ("[bold green]square[/]" if books.square else "[bold red]NOT SQUARE[/]"),
    )


def digest(sales: list[Sale], books: Books) -> str:
    """A hash of everything about the day that the seed must repeat."""
    facts: list[Any] = [[sale.amount_minor, sale.trouble, sale.ended] for sale in sales]
    facts.append([books.host_debit_minor, books.terminal_minor, books.open_minor])
    facts.append(sorted([item["code"], item["amount_minor"]] for item in books.breaks))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def wrong(sales: list[Sale], books: Books) -> list[str]:
    """What is not as it must be; empty for a good day."""
    found = [
        f"sale {sale.number}: {sale.ended}, not {sale.expected}"
        for sale in sales
        if sale.ended != sale.expected
    ]
    shown = sum(sale.amount_minor for sale in sales if sale.ended == _APPROVED)
    if shown != books.terminal_minor:
        found.append(f"the panel showed {shown} approved, the journal has {books.terminal_minor}")
    codes = sorted(item["code"] for item in books.breaks)
    if codes != ["REVERSAL_STUCK", "REVERSED_BUT_SETTLED"]:
        found.append(f"open breaks are {codes}")
    if books.gaps:
        found.append(f"{books.gaps} gaps in the journal")
    if not books.square:
        found.append("customer debit is not merchant credit plus open cases")
    return found


def _yuan(amount_minor: int) -> str:
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100}.{abs(amount_minor) % 100:02d}"


def main() -> int:
    """Run the day; 0 when the books are square and every sale ended as it must."""
    parser = argparse.ArgumentParser(
        description="A trading day with faults and power cuts on the virtual board.",
        epilog="Example: python -m boards.virtual.day --seed 7 --keep /tmp/day7",
    )
    parser.add_argument("--seed", type=int, default=1, help="the day to run (default 1)")
    parser.add_argument("--keep", type=Path, help="keep flash, store and ledger in this folder")
    parser.add_argument("--picture", type=Path, help="write what was printed as an SVG file")
    options = parser.parse_args()
    out = Console(width=110, record=options.picture is not None, highlight=False)
    sales = plan(options.seed)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        if options.keep:
            options.keep.mkdir(parents=True)
            directory = options.keep
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pz-")))
        faults = [fault for sale in sales for fault in sale.faults]
        shop = stack.enter_context(Shop(directory, faults))
        shop.provision(response_ms=RESPONSE_MS)
        out.print(f"a day of {len(sales)} sales, seed {options.seed}; amounts in CNY")
        cost = trade(shop, sales, out)
        books = square(shop, out)
        report(sales, books, out)
        found = wrong(sales, books)
    out.print(
        f"flash for one sale: {cost.programs} programs of {cost.bytes_programmed} bytes in "
        f"{cost.pages} pages, {cost.erases} erases",
    )
    for line in found:
        print(line, file=sys.stderr)
    seconds = int(time.monotonic() - started)
    out.print(f"seed {options.seed}, day {digest(sales, books)}, {seconds} s")
    if options.picture:
        # The picture must not load anything: the viewer's own monospace font will do.
        svg = re.sub(
            r"<!--.*?-->|@font-face \{.*?\}", "", out.export_svg(title="make demo"), flags=re.S
        )
        options.picture.write_text(svg)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
