"""A store that is set up for the shop of papers.py, as its owner would have done over the year."""

from __future__ import annotations

import csv
from pathlib import Path

from companion.accounts import channels, settlement
from companion.inject import days, papers
from companion.store import Store

SHOP = "shop"


def set_up(directory: Path, folder: Path) -> None:
    """A store in `directory` with the channel, its payer, and the accounts of the papers in
    `folder`: of two of one merchant, the second is a change that another person approved."""
    with (folder / papers.ACCOUNTS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with Store.open(directory, create=True) as store, store.write() as connection:
        channels.change(connection, "card", papers.CHANNEL, "maker")
        channels.tell_payer(connection, "card", papers.PAYER, "maker")
        for row in sorted(rows, key=lambda row: row["valid_from"]):
            of = (row["merchant_no"], row["channel"], row["account"])
            if not row["valid_from"]:
                settlement.tell(connection, *of, "maker")
                continue
            change = settlement.ask(connection, *of, days.CHANGED, "maker", "moved")
            settlement.approve(connection, change, "checker")
