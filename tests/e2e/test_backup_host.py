"""The primary host dies, and a shop sells on over the backup: both are processes of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.shop import Host, Shop, card

_HELD = [{"mti": "0200", "amount_minor": 2000, "do": "hold_answer"}]
# The primary takes connections and, of this sale and of what undoes it, says nothing.
_SILENT = [{"mti": mti, "amount_minor": 2000, "do": "drop_request"} for mti in ("0200", "0400")]


@contextmanager
def shop_with_backup(
    primary: Path,
    backup: Path,
    *options: str,
    faults: list[dict[str, Any]] = _HELD,
    response_ms: int = 1500,
) -> Iterator[tuple[Shop, Host]]:
    """The backup's ledger is in the folder ``backup``: the primary's own, or another."""
    second = Host(backup, [])
    try:
        with Shop(primary, faults) as shop:
            shop.provision(response_ms, 400, "--backup", f"127.0.0.1:{second.port}", *options)
            yield shop, second
    finally:
        second.close()


def records(shop: Shop, kind: str) -> list[dict[str, Any]]:
    shop.companion("sync", "--port", shop.board.pty)
    rows = json.loads(shop.companion("journal", "list", "--json"))
    return [row["record"] for row in rows if row["kind"] == kind]


def asked(host: Host, last: str = "") -> list[str]:
    """The MTIs of a host's requests, in order, as soon as it has told of `last`: a terminal may
    have the answer before the test has the host's line."""
    if last:
        host.wait(lambda event: event["event"] == "request" and event["mti"] == last)
    return [event["mti"] for event in host.events if event["event"] == "request"]


def status(shop: Shop) -> dict[str, str]:
    """What the acquirer's day file says of each amount."""
    with shop.host_day().open() as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return {row["amount_minor"]: row["status"] for row in rows}


def test_sales_go_on_over_the_backup_and_return_to_the_primary_after_a_restart(
    tmp_path: Path,
) -> None:
    with shop_with_backup(tmp_path, tmp_path) as (shop, backup):
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.host.close()
        assert shop.sell(3000, card(1)) == "APPROVED"
        assert asked(backup, "0200") == ["0800", "0200"]
        shop.host = Host(tmp_path, [], shop.host.port)
        assert shop.sell(4000, card(1)) == "APPROVED"
        assert asked(shop.host) == []
        shop.board.power_off()
        shop.restart()
        assert shop.sell(5000, card(1)) == "APPROVED"
        assert asked(shop.host, "0200") == ["0800", "0200"]
        assert [armed["host"] for armed in records(shop, "ARMED")] == [0, 1, 1, 0]
        assert status(shop) == dict.fromkeys(("1000", "3000", "4000", "5000"), "CAPTURED")


@pytest.mark.thorough
def test_a_primary_that_takes_connections_and_answers_nothing_loses_the_next_sale(
    tmp_path: Path,
) -> None:
    once = ("--reversal-tries", "1")
    with shop_with_backup(tmp_path, tmp_path, *once, faults=_SILENT, response_ms=500) as (
        shop,
        backup,
    ):
        assert shop.sell(1000, card(1)) == "APPROVED"
        assert shop.sell(2000, card(2)) == "OPEN CASE"
        assert shop.sell(3000, card(1)) == "APPROVED"
        assert asked(shop.host, "0400") == ["0800", "0200", "0200", "0400"]
        assert asked(backup, "0200") == ["0800", "0200"]
        assert [armed["host"] for armed in records(shop, "ARMED")] == [0, 0, 1]
        assert status(shop) == {"1000": "CAPTURED", "3000": "CAPTURED"}


def test_a_primary_that_dies_over_a_sale_leaves_its_reversal_to_the_backup(
    tmp_path: Path,
) -> None:
    with shop_with_backup(tmp_path, tmp_path) as (shop, backup):
        shop.key_in(2000)
        shop.board.insert_card(card(2))
        shop.host.wait(lambda event: event["event"] == "fault")
        shop.host.close()
        assert shop.wait_end() == "NOT CHARGED"
        assert asked(backup, "0400") == ["0800", "0400"]
        assert [end["result"] for end in records(shop, "REVERSAL_END")] == [1]
        assert status(shop) == {"2000": "REVERSED"}


def test_a_backup_that_knows_nothing_of_the_sale_does_not_end_its_reversal(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with shop_with_backup(tmp_path, other, "--reversal-tries", "50") as (shop, backup):
        shop.key_in(2000)
        shop.board.insert_card(card(2))
        shop.host.wait(lambda event: event["event"] == "fault")
        shop.host.close()
        backup.wait(lambda event: event["event"] == "answer" and event["f39"] == "25")
        shop.host = Host(tmp_path, [], shop.host.port)
        assert shop.wait_end() == "NOT CHARGED"
        assert set(asked(backup, "0400")) == {"0800", "0400"}
        (end,) = records(shop, "REVERSAL_END")
        assert (end["result"], end["code"]) == (1, "00")
        assert status(shop) == {"2000": "REVERSED"}
