"""`companion alert` as a person and cron run it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from companion.cli.main import main
from companion.store import Store, terminals
from tests.companion.doors import Hook, webhook
from tests.companion.sealed import Device


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A reversal of 2026 that never ended, and nothing else."""
    device = Device()
    with Store.open(tmp_path / "s", create=True) as store:
        device.offer(store)
        with store.write() as connection:
            terminals.confirm(connection, device.device_id)
        device.armed(1, 2000)
        device.payloads[0] = None
        device.sync(store)
    return tmp_path / "s"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as made:
        yield made


def run(store: Path, *arguments: str, text: str | None = None) -> Result:
    words = ["alert", *arguments, "--store", str(store)]
    return CliRunner().invoke(main, words, input=text, catch_exceptions=False)


def fine(store: Path, *arguments: str, text: str | None = None) -> str:
    result = run(store, *arguments, text=text)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(store: Path, *arguments: str, text: str | None = None) -> str:
    result = run(store, *arguments, text=text)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


def document(store: Path, *arguments: str) -> Any:
    return json.loads(fine(store, *arguments, "--json"))


def test_what_stands_is_listed_with_who_was_told(shop: Path, hook: Hook) -> None:
    (before,) = document(shop, "list")
    assert (before["rule"], before["since"], before["told"]) == ("journal-damage", None, {})
    fine(shop, "to", "add", "till", text=hook.url + "\n")
    assert "till (json://127.0.0.1:" in fine(shop, "send")
    (after,) = document(shop, "list")
    assert after["told"] == {"till": "sent"} and after["since"]
    assert "journal has a gap: records 1 to 1" in fine(shop, "list")
    assert "终端日志缺口：记录 1 至 1" in fine(shop, "list", "--lang", "zh")
    assert run(shop, "list", "--check").exit_code == 1
    fine(shop, "rule", "set", "journal-damage", "--off")
    assert "nothing stands" in fine(shop, "list", "--check")


def test_sending_says_who_was_told_what_and_then_that_nothing_is_new(
    shop: Path, hook: Hook
) -> None:
    fine(shop, "to", "add", "till", hook.url)
    assert "till (json://127.0.0.1:" in fine(shop, "send", "--dry-run")
    assert hook.got == []
    (made,) = document(shop, "send")
    assert (made["delivered"], made["title"]) == (True, "Pingzhang: 1 new")
    assert [one["what"] for one in made["alerts"]] == ["new"]
    assert "nothing new" in fine(shop, "send")
    assert len(hook.got) == 1


def test_cron_is_told_by_exit_code_1_that_a_receiver_could_not_be(shop: Path, hook: Hook) -> None:
    fine(shop, "to", "add", "till", hook.url)
    hook.status = 503
    result = run(shop, "send")
    assert result.exit_code == 1 and "could not be told" in result.stdout
    assert run(shop, "test", "till").exit_code == 1
    hook.status = 200
    fine(shop, "send")
    fine(shop, "test")
    assert len(hook.got) == 4


def test_without_a_receiver_sending_is_one_line_that_says_how(shop: Path) -> None:
    assert "companion alert to add NAME" in refused(shop, "send")
    assert "nobody is to be told" in fine(shop, "send", "--dry-run")
    assert "companion alert to add NAME" in refused(shop, "test")


def test_an_address_is_never_shown_again(shop: Path, hook: Hook) -> None:
    said = fine(shop, "to", "add", "till", text=hook.url + "\n")
    said += fine(shop, "to", "list") + fine(shop, "to", "list", "--json")
    said += fine(shop, "test") + fine(shop, "send") + fine(shop, "send", "--json")
    said += refused(shop, "to", "add", "till", hook.url)
    said += fine(shop, "to", "remove", "till")
    said += refused(shop, "to", "add", "till", "nonsense://s3cret-token")
    assert "json://127.0.0.1:" in said and "s3cret" not in said
    assert refused(shop, "to", "remove", "till").endswith("no such receiver; there are none")
    connection = sqlite3.connect(shop / "store.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert b"s3cret" not in (shop / "store.sqlite").read_bytes()


def test_a_receiver_has_a_name_rules_and_a_language(shop: Path, hook: Hook) -> None:
    fine(shop, "to", "add", "owner", hook.url, "--lang", "zh", "--rule", "journal-damage")
    (made,) = document(shop, "to", "list")
    assert (made["name"], made["language"], made["rules"]) == ("owner", "zh", ["journal-damage"])
    assert "a-z" in refused(shop, "to", "add", "Owner 1", hook.url)
    fine(shop, "send")
    assert hook.texts[0].startswith("新: 终端日志受损：")


def test_rules_are_listed_and_set_within_their_limits(shop: Path) -> None:
    made = {one["rule"]: one for one in document(shop, "rule", "list")}
    assert len(made) == 10 and all(one["on"] and one["over"] for one in made.values())
    assert "percent=70" in fine(shop, "rule", "list")
    said = fine(shop, "rule", "set", "approval-rate", "points=15", "hours=6", "--no-over")
    assert "points=15 answers=20 hours=6, on, its end is not told" in said
    again = document(shop, "rule", "set", "approval-rate", "points=16")
    assert again["limits"] == {"points": 16, "answers": 20, "hours": 6} and not again["over"]
    for words, message in (
        (("approval-rate", "points=101"), "not in 1..100"),
        (("approval-rate", "minutes=1"), "no limit 'minutes'"),
        (("approval-rate", "points"), "not LIMIT=NUMBER"),
        (("approval-rate", "points=-1"), "not LIMIT=NUMBER"),
        (("approval-rate",), "nothing to set"),
        (("odd", "--off"), "'odd' is not one of"),
    ):
        assert message in refused(shop, "rule", "set", *words)
