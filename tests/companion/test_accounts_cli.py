"""`companion account|fee|channel|own-card` as people use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from companion.cli.main import main
from companion.facts import build
from companion.reconcile import codes
from companion.store import Store
from terminal import cards as terminal_cards
from tests.companion.sealed import MERCHANT, Device

OLD, NEW, CARD = "622202" + "0000000000128", "DE89 3704 0044 0532 0130 00", "622200" + "0000000009"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "s", create=True) as store:
        Device().offer(store)
    return tmp_path / "s"


def run(store: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(
        main, [*arguments, "--store", str(store)], input=typed, catch_exceptions=False
    )


def said(store: Path, *arguments: str, typed: str = "") -> Any:
    result = run(store, *arguments, "--json", typed=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(store: Path, *arguments: str, typed: str = "") -> str:
    result = run(store, *arguments, typed=typed)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return str(line)


def test_two_people_change_an_account_and_no_whole_number_is_kept(shop: Path) -> None:
    said(shop, "account", "add", MERCHANT, "--by", "Zhang", typed=OLD + "\n")
    change = ("account", "change", MERCHANT, "--from", "2026-03-02", "--by", "Zhang")
    number = said(shop, *change, typed=NEW + "\n")["change"]
    approve = ("account", "approve", str(number), "--by")
    assert "another person" in refused(shop, *approve, "zhang")
    assert said(shop, *approve, "Li")["state"] == "approved"
    now = said(shop, "account", "list")
    assert [(one["account"], one["valid_from"], one["valid_to"]) for one in now["accounts"]] == [
        ("622202*********0128", None, "2026-03-02"),
        ("DE8937************3000", "2026-03-02", None),
    ]
    assert now["changes"] == []
    told = said(shop, "account", "list", "--all")["changes"]
    assert [(one["maker"], one["checker"]) for one in told] == [("Zhang", ""), ("Zhang", "Li")]
    for file in shop.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert OLD.encode() not in content
        assert NEW.replace(" ", "").encode() not in content


def test_an_account_that_looks_like_another_one_is_refused(shop: Path) -> None:
    said(shop, "account", "add", MERCHANT, typed=OLD + "\n")
    line = refused(shop, "account", "add", "104110070110002", typed="****0128\n")
    assert "cannot be told from 622202*********0128" in line


def test_a_number_in_a_command_line_is_not_asked_for(shop: Path) -> None:
    assert "nothing on standard input" in refused(shop, "account", "add", MERCHANT)
    assert "unexpected extra argument" in refused(shop, "own-card", "add", MERCHANT, CARD)


def test_a_fee_plan_is_set_listed_and_ended(shop: Path) -> None:
    said(shop, "fee", "set", MERCHANT, "--rate", "0.38%", "--cap", "20.00")
    (plan,) = said(shop, "fee", "end", MERCHANT, "--from", "2026-06-01")
    assert (plan["rate_ppm"], plan["cap_minor"], plan["valid_to"]) == (3800, 2000, "2026-06-01")
    assert "0.38%" in run(shop, "fee", "list").stdout
    assert "not a rate" in refused(shop, "fee", "set", MERCHANT, "--rate", "x")


def test_a_channel_is_set_and_its_payer_told(shop: Path) -> None:
    said(shop, "channel", "set", "wechat", "--grace", "0", "--no-bank-statement")
    said(shop, "channel", "payer", "card", "通联支付")
    card, wechat = said(shop, "channel", "list")
    assert (card["grace_days"], card["payers"]) == (1, ["通联支付"])
    assert (wechat["grace_days"], wechat["bank_statement"], wechat["statement"]) == (
        0,
        False,
        True,
    )
    said(shop, "channel", "payer", "card", "通联支付", "--forget")
    assert said(shop, "channel", "list")[0]["payers"] == []
    assert "nothing to set" in refused(shop, "channel", "set", "card")
    assert "a channel is a word" in refused(shop, "channel", "set", "We Chat", "--pay", "1")


def test_an_own_card_is_told_unseen_and_taken_back(shop: Path) -> None:
    made = said(shop, "own-card", "add", MERCHANT, typed=CARD + "\n")
    assert made == {"merchant_no": MERCHANT, "card": "****0009"}
    (card,) = said(shop, "own-card", "list")
    assert (card["card"], card["unknown_on"]) == ("****0009", [])
    assert "****0009" in run(shop, "own-card", "list").stdout
    said(shop, "own-card", "remove", MERCHANT, "0009")
    assert said(shop, "own-card", "list") == []
    assert "no terminal of that merchant" in refused(
        shop, "own-card", "add", "104110070110002", typed=CARD + "\n"
    )


def test_the_merchants_own_card_on_his_own_terminal_is_a_self_swipe(shop: Path) -> None:
    device = Device()
    key = device.config["token_key"]
    assert isinstance(key, bytes)
    device.sign_in("0302091500")
    for stan, token in ((1, terminal_cards.token(key, CARD)), (2, bytes(8))):
        device.armed(stan, 1000, token=token)
        device.outcome(stan, 1000)
    with Store.open(shop) as store:
        device.sync(store)
    said(shop, "own-card", "add", MERCHANT, typed=CARD)
    found = [one for one in said(shop, "reconcile")["breaks"] if one["code"] == codes.SELF_SWIPE]
    assert [one["row_key"].split("|")[3] for one in found] == ["000001"]
    said(shop, "own-card", "remove", MERCHANT, CARD[-4:])
    after = said(shop, "reconcile")["breaks"]
    assert codes.SELF_SWIPE not in [one["code"] for one in after]


def test_a_store_is_made_by_none_of_them(tmp_path: Path) -> None:
    commands = [
        ("account", "add", MERCHANT),
        ("fee", "set", MERCHANT),
        ("channel", "set", "card", "--pay", "1"),
        ("channel", "payer", "card", "ALLINPAY"),
        ("own-card", "add", MERCHANT),
        ("report", "day"),
    ]
    for command in commands:
        assert "no store here" in refused(tmp_path / "none", *command, typed=OLD + "\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["account", "fee", "channel", "own-card", "report"])
def test_each_command_of_a_group_helps_with_an_example(command: str) -> None:
    assert "Example:" in CliRunner().invoke(main, [command, "--help"]).output
    group = main.get_command(None, command)  # type: ignore[arg-type]
    for name in group.commands:  # type: ignore[union-attr]
        result = CliRunner().invoke(main, [command, name, "--help"])
        assert "Example:" in result.output, name


def test_terms_of_a_hold_are_a_channels_or_one_merchants_there(shop: Path) -> None:
    hold = ("channel", "hold", "card")
    assert said(shop, *hold) == [
        {"merchant_no": "", "channel": "card", "percent": 115, "days": 30}
    ]
    said(shop, *hold, "--percent", "110", "--by", "Zhang")
    # What is not given is what counts for the channel.
    said(shop, *hold, "--days", "60", "--merchant", MERCHANT, "--by", "Zhang")
    assert said(shop, *hold) == [
        {"merchant_no": "", "channel": "card", "percent": 110, "days": 30},
        {"merchant_no": MERCHANT, "channel": "card", "percent": 110, "days": 60},
    ]
    assert [one["percent"] for one in said(shop, "channel", "hold", "qr")] == [115]
    assert "100 to 200 %" in refused(shop, *hold, "--percent", "90")
    assert "1 to 365 days" in refused(shop, *hold, "--days", "0")
    with Store.open(shop) as store:
        rows = pq.read_table(build.build(store) / "hold_terms.parquet").to_pylist()
    assert [(row["merchant_no"], row["days"]) for row in rows] == [("", 30), (MERCHANT, 60)]


def test_an_engine_that_is_none_is_refused_in_one_line(shop: Path) -> None:
    for name in ("oracle", "postgresql://127.0.0.1:1/none"):
        line = refused(shop, "reconcile", "--engine", name)
        assert "duckdb, sqlite, spark or postgresql://" in line or "PostgreSQL" in line
