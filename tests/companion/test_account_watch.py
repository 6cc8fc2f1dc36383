"""The watch after a change of account: it says so until the first payouts came to the new one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from companion.accounts import settlement, watch
from companion.accounts.settlement import Change
from companion.accounts.watch import Credit, Trouble, Watched
from companion.cli.main import main
from companion.facts import manifest, schema
from companion.facts.manifest import Manifest, Source
from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.store import Store, breaks
from companion.store.breaks import Break
from tests.companion.sealed import MERCHANT, DayFile, Device
from tests.companion.statement_files import camt053

OLD, NEW = "622202*********0128", "622202*********9123"
BANK_OLD, BANK_NEW = "CN622200" + "1234567895011", "CN622200" + "9876543210128"
START = day_number(date(2026, 3, 2))
LATE = START + 2


def _change(number: int, account: str, start: int, state: str = "approved") -> Change:
    return Change(
        number=number,
        merchant_no=MERCHANT,
        channel="card",
        account=account,
        valid_from=start,
        state=state,
        maker="Zhang",
        asked_at="",
        reason="",
        checker="Li",
        decided_at="",
        verdict="",
        decided=number,
    )


TOLD = _change(1, OLD, 0, "told")
CHANGE = _change(2, NEW, START)


def _credit(day: int, account: str = NEW, channel: str = "card", amount: int = 500) -> Credit:
    return Credit(account, channel, day, amount, f"REF{day}")


def _trouble(code: str, day: int) -> Trouble:
    return Trouble("0" * 16, code, MERCHANT, "card", day, 500, "it went elsewhere")


def _watched(credits: list[Credit], troubles: list[Trouble], as_of: int, *more: Change) -> Watched:
    found = watch.watched(
        [TOLD, CHANGE, *more], credits, troubles, as_of, lambda channel, day: day + 2
    )
    (mine,) = [one for one in found if one.change == CHANGE]
    return mine


@pytest.mark.parametrize(
    ("days", "as_of", "state"),
    [
        ([], START - 1, watch.FUTURE),
        ([], LATE, watch.WATCHING),
        ([], LATE + 1, watch.OVERDUE),
        ([START + 1], LATE + 5, watch.WATCHING),
        ([START + 1, START + 2], LATE + 5, watch.WATCHING),
        ([START + 1, START + 2, START + 3], LATE + 5, watch.SEEN),
    ],
)
def test_it_watches_until_three_payouts_came(days: list[int], as_of: int, state: str) -> None:
    found = _watched([_credit(day) for day in days], [], as_of)
    assert (found.state, len(found.seen), found.expected) == (state, len(days), LATE)
    assert found.over == (state == watch.SEEN)


def test_what_comes_to_another_account_or_of_another_channel_does_not_count() -> None:
    others = [
        _credit(START + 1, account=OLD),
        _credit(START + 1, channel="wechat"),
        _credit(START + 1, amount=-500),
        _credit(START - 1),
    ]
    assert _watched(others, [], LATE).seen == []


@pytest.mark.parametrize(
    "code", [codes.PAYOUT_OLD_ACCOUNT, codes.PAYOUT_RETURNED, codes.PAYOUT_MISSING]
)
def test_a_payout_that_went_wrong_is_trouble_whatever_else_came(code: str) -> None:
    three = [_credit(START + day) for day in (1, 3, 4)]
    found = _watched(three, [_trouble(code, START + 2)], LATE + 5)
    assert (found.state, [one.code for one in found.troubles]) == (watch.TROUBLE, [code])


def test_a_payout_that_came_late_came() -> None:
    found = _watched([_credit(START + 5)], [_trouble(codes.PAYOUT_LATE, START + 5)], LATE + 5)
    assert (found.state, len(found.troubles)) == (watch.WATCHING, 1)


def test_what_is_missing_later_is_no_matter_of_the_change_but_an_old_account_is() -> None:
    three = [_credit(START + day) for day in (1, 2, 3)]
    missing = _trouble(codes.PAYOUT_MISSING, START + 90)
    assert _watched(three, [missing], START + 99).state == watch.SEEN
    old = _trouble(codes.PAYOUT_OLD_ACCOUNT, START + 90)
    assert _watched(three, [missing, old], START + 99).troubles == [old]


def test_a_change_is_watched_for_the_days_on_which_it_counts() -> None:
    later = _change(3, OLD, START + 10)
    found = _watched([_credit(START + 11)], [], START + 20, later)
    assert (found.state, found.seen) == (watch.OVERDUE, [])
    # Nobody watches a change in whose place another one stands, or that nobody approved.
    instead = _change(3, OLD, START)
    asked = _change(4, OLD, START + 5, "asked")
    found_now = watch.watched([TOLD, CHANGE, instead, asked], [], [], LATE, lambda _, day: day)
    assert [one.change.number for one in found_now] == [3]


def test_the_command_reads_the_banks_bookings_and_the_open_breaks(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s", create=True) as store:
        with store.write() as connection:
            settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
            start = date(2026, 3, 2)
            number = settlement.ask(connection, MERCHANT, "card", NEW, start, "Zhang", "")
            settlement.approve(connection, number, "Li")
        assert _said(tmp_path / "s") == {"as_of": None, "changes": [_nothing(number)]}
        _booked(store.facts, [(START + 1, NEW, 500), (START + 2, OLD, 700)])
        found = Break(
            code=codes.PAYOUT_OLD_ACCOUNT,
            row_key=f"{MERCHANT}|card|{START + 1}|PAYOUT",
            merchant_no=MERCHANT,
            terminal_no="",
            business_date="2026-03-03",
            amount_minor=700,
            effect_minor=0,
            provisional=False,
            reason="paid to the old account",
            actor="acquirer",
            evidence={"bank": {"day": START + 2}},
            channel="card",
            note=f"pay_day={START - 1}",
        )
        breaks.record_run(store, "test", [found], {"as_of": START + 5}, {})
    (change,) = _said(tmp_path / "s", exit_code=1)["changes"]
    assert (change["state"], change["late_after"]) == ("trouble", "2026-03-05")
    assert [(one["day"], one["amount_minor"]) for one in change["seen"]] == [("2026-03-03", 500)]
    assert [(one["day"], one["code"]) for one in change["breaks"]] == [
        ("2026-03-04", codes.PAYOUT_OLD_ACCOUNT)
    ]
    shown = CliRunner().invoke(main, ["account", "watch", "--store", str(tmp_path / "s")]).stdout
    assert "1 of 3: 2026-03-03 5.00" in shown
    assert "paid to the old account" in shown


def _nothing(number: int) -> dict[str, object]:
    return {
        "change": number,
        "merchant_no": MERCHANT,
        "channel": "card",
        "account": NEW,
        "valid_from": "2026-03-02",
        "state": "not yet",
        "late_after": "2026-03-04",
        "seen": [],
        "breaks": [],
    }


def _said(store: Path, exit_code: int = 0) -> Any:
    arguments = ["account", "watch", "--check", "--json", "--store", str(store)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def _booked(facts: Path, bookings: list[tuple[int, str, int]]) -> None:
    empty: dict[str, object] = {one.name: "" if one.type == "string" else 0 for one in schema.BANK}
    rows = [
        {**empty, "account": account, "channel": "card", "day": day, "amount_minor": amount}
        for day, account, amount in bookings
    ]
    manifest.write(facts / "bank" / "a.parquet", manifest.as_table(schema.BANK, rows))
    due = [{"channel": "card", "settle_day": START, "pay_day": START + 1, "late_day": START + 3}]
    manifest.write(facts / "pay_due.parquet", manifest.as_table(schema.PAY_DUE, due))
    made = Manifest()
    for day, _, _ in bookings:
        made.add("bank", day, Source("bank/a.parquet", "00"))
    manifest.save(facts, made)


@pytest.mark.parametrize(
    ("paid_to", "state", "payouts", "found"),
    [
        (BANK_OLD, "trouble", [], [codes.PAYOUT_OLD_ACCOUNT]),
        (BANK_NEW, "watching", [1000], []),
    ],
    ids=["old account", "new account"],
)
def test_from_the_banks_statement_to_the_watch(
    tmp_path: Path, paid_to: str, state: str, payouts: list[int], found: list[str]
) -> None:
    store = tmp_path / "s"
    with Store.open(store, create=True) as opened:
        device = Device()
        device.offer(opened)
        device.sign_in("0302091500")
        device.sale(1, 1000, "approved")
        device.sync(opened)
    host = DayFile().add(1, 1000).write(tmp_path / "day.csv")
    bank = tmp_path / "bank.xml"
    bank.write_text(camt053(paid_to, day="2026-03-03"))
    _run(store, "account", "add", MERCHANT, "--by", "Zhang", typed=BANK_OLD)
    change = ("account", "change", MERCHANT, "--from", "2026-03-03", "--by", "Zhang")
    _run(store, *change, typed=BANK_NEW)
    _run(store, "account", "approve", "2", "--by", "Li")
    _run(store, "channel", "payer", "card", "Allinpay")
    for path in (host, bank):
        _run(store, "import", str(path))
    _run(store, "reconcile")
    (watched,) = _said(store, exit_code=int(state == "trouble"))["changes"]
    assert watched["state"] == state
    assert [one["amount_minor"] for one in watched["seen"]] == payouts
    assert [one["code"] for one in watched["breaks"]] == found


def _run(store: Path, *arguments: str, typed: str = "") -> None:
    result = CliRunner().invoke(
        main, [*arguments, "--store", str(store)], input=typed, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
