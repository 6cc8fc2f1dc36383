"""Accounts, fee plans, channels and own cards: two people, days of validity, a lasting history."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from companion.accounts import (
    channels,
    fees,
    figures,
    names,
    own_cards,
    people,
    reference,
    settlement,
)
from companion.accounts.channels import Channel, ChannelError
from companion.accounts.fees import FeeError, Terms
from companion.accounts.settlement import AccountError
from companion.errors import CompanionError
from companion.facts.schema import FAR, day_number
from companion.store import Store, StoreError
from companion.store import decisions as history
from companion.store.schema import decisions
from terminal import cards as terminal_cards
from tests.companion.sealed import MERCHANT, Device

CARD = "622200" + "0000000009"
OLD, NEW, OTHER = "622202*********0128", "622202*********9123", "621700*********4444"
MARCH = date(2026, 3, 2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s", create=True) as opened:
        yield opened


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.write() as opened:
        yield opened


def _rows(connection: Connection) -> list[tuple[str, int, int]]:
    rows = reference.accounts(connection).to_pylist()
    return [(row["account"], row["valid_from"], row["valid_to"]) for row in rows]


def _changed(connection: Connection, account: str, start: date) -> int:
    number = settlement.ask(connection, MERCHANT, "card", account, start, "Zhang", "")
    settlement.approve(connection, number, "Li")
    return number


def test_the_first_account_counts_since_ever_and_telling_it_again_changes_nothing(
    connection: Connection,
) -> None:
    first = settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    assert settlement.tell(connection, MERCHANT, "card", OLD, "Li") == first
    assert _rows(connection) == [(OLD, 0, FAR)]


def test_a_second_account_is_a_change_and_no_first_one(connection: Connection) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    with pytest.raises(AccountError, match="companion account change"):
        settlement.tell(connection, MERCHANT, "card", NEW, "Zhang")
    with pytest.raises(AccountError, match="has no account yet"):
        settlement.ask(connection, MERCHANT, "wechat", NEW, MARCH, "Zhang", "")


def test_a_change_counts_only_once_another_person_has_approved_it(connection: Connection) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    number = settlement.ask(connection, MERCHANT, "card", NEW, MARCH, "Zhang San", "new bank")
    assert _rows(connection) == [(OLD, 0, FAR)]
    for myself in ("Zhang San", " zhang  SAN", "\uff3ahang San"):
        with pytest.raises(AccountError, match="another person"):
            settlement.approve(connection, number, myself)
    done = settlement.approve(connection, number, "Li", "seen the letter")
    assert (done.state, done.maker, done.checker) == ("approved", "Zhang San", "Li")
    day = day_number(MARCH)
    assert _rows(connection) == [(OLD, 0, day), (NEW, day, FAR)]


def test_what_was_decided_is_decided(connection: Connection) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    number = settlement.ask(connection, MERCHANT, "card", NEW, MARCH, "Zhang", "")
    settlement.refuse(connection, number, "Zhang", "typing error")
    assert _rows(connection) == [(OLD, 0, FAR)]
    with pytest.raises(AccountError, match=f"change {number} is refused by Zhang already"):
        settlement.approve(connection, number, "Li")
    with pytest.raises(AccountError, match="no such change"):
        settlement.approve(connection, number + 1, "Li")


def test_the_same_change_asked_again_while_it_waits_is_the_same_change(
    connection: Connection,
) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    number = settlement.ask(connection, MERCHANT, "card", NEW, MARCH, "Zhang", "")
    assert settlement.ask(connection, MERCHANT, "card", NEW, MARCH, "Li", "") == number
    settlement.approve(connection, number, "Li")
    with pytest.raises(AccountError, match="already"):
        settlement.ask(connection, MERCHANT, "card", NEW, date(2026, 5, 1), "Zhang", "")


def test_changes_in_any_order_of_approval_divide_the_days(connection: Connection) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    _changed(connection, OTHER, date(2026, 6, 1))
    _changed(connection, NEW, MARCH)
    march, june = day_number(MARCH), day_number(date(2026, 6, 1))
    assert _rows(connection) == [(OLD, 0, march), (NEW, march, june), (OTHER, june, FAR)]


def test_of_two_changes_for_one_day_the_one_approved_later_counts(connection: Connection) -> None:
    settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
    earlier = settlement.ask(connection, MERCHANT, "card", NEW, MARCH, "Zhang", "")
    later = settlement.ask(connection, MERCHANT, "card", OTHER, MARCH, "Zhang", "")
    settlement.approve(connection, later, "Li")
    settlement.approve(connection, earlier, "Li")
    march = day_number(MARCH)
    assert _rows(connection) == [(OLD, 0, march), (NEW, march, FAR)]


def test_a_decision_cannot_be_changed_and_a_changed_file_is_noticed(store: Store) -> None:
    with store.write() as connection:
        settlement.tell(connection, MERCHANT, "card", OLD, "Zhang")
        settlement.tell(connection, MERCHANT, "wechat", OLD, "Zhang")
    for statement in (decisions.update().values(actor="Li"), decisions.delete()):
        with (
            pytest.raises((StoreError, IntegrityError), match="what was written"),
            store.write() as connection,
        ):
            connection.execute(statement)
    for change in (
        "UPDATE decisions SET actor = 'Li' WHERE seq = 1",
        "DELETE FROM decisions WHERE seq = 1",
    ):
        raw = sqlite3.connect(store.directory / "store.sqlite")
        for trigger in ("stay", "remain"):
            raw.execute(f"DROP TRIGGER IF EXISTS decisions_{trigger}")
        raw.execute(change)
        raw.commit()
        raw.close()
        with (
            store.read() as connection,
            pytest.raises(StoreError, match="entry 1 is missing or was"),
        ):
            settlement.history(connection)


def test_a_cut_end_of_the_history_shows_in_its_newest_digest(store: Store) -> None:
    heads = []
    with store.write() as connection:
        for channel in ("card", "wechat"):
            settlement.tell(connection, MERCHANT, channel, OLD, "Zhang")
            heads.append(history.head(connection))
    raw = sqlite3.connect(store.directory / "store.sqlite")
    raw.execute("DROP TRIGGER decisions_remain")
    raw.execute("DELETE FROM decisions WHERE seq = 2")
    raw.commit()
    raw.close()
    with store.read() as connection:
        assert len(settlement.history(connection)) == 1
        assert history.head(connection) == heads[0] != heads[1]


def test_a_fee_plan_ends_where_the_next_one_begins(connection: Connection) -> None:
    june, august = date(2026, 6, 1), date(2026, 8, 1)
    fees.set_plan(connection, MERCHANT, "card", Terms(3800, cap_minor=2000), None, "Zhang")
    fees.set_plan(connection, MERCHANT, "card", Terms(9999), june, "Zhang")
    fees.set_plan(connection, MERCHANT, "card", Terms(6000, refund_back=True), june, "Zhang")
    fees.end_plan(connection, MERCHANT, "card", august, "Zhang")
    kept = [
        (row["rate_ppm"], row["cap_minor"], row["refund_back"], row["valid_from"], row["valid_to"])
        for row in reference.fee_plans(connection).to_pylist()
    ]
    assert kept == [
        (3800, 2000, 0, 0, day_number(june)),
        (6000, 0, 1, day_number(june), day_number(august)),
    ]
    with pytest.raises(FeeError, match="has no fee plan"):
        fees.end_plan(connection, MERCHANT, "card", date(2026, 9, 1), "Zhang")


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (figures.minor, "20", 2000),
        (figures.minor, "20.5", 2050),
        (figures.minor, "0.01", 1),
        (figures.parts_per_million, "0.38%", 3800),
        (figures.parts_per_million, "0.6 %", 6000),
        (figures.parts_per_million, "100", 1_000_000),
        (figures.parts_per_million, "0.0001%", 1),
    ],
)
def test_amounts_and_rates_are_read_exactly(
    read: Callable[[str], int], text: str, value: int
) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (figures.minor, "20.005"),
        (figures.minor, "-1"),
        (figures.minor, "1e3"),
        (figures.minor, "\u0661"),
        (figures.minor, "1,000"),
        (figures.minor, ""),
        (figures.parts_per_million, "0.00001%"),
        (figures.parts_per_million, "100.1%"),
    ],
)
def test_what_is_no_amount_or_rate_is_refused(read: Callable[[str], int], text: str) -> None:
    with pytest.raises(CompanionError):
        read(text)


def test_a_rate_is_shown_as_it_is_written() -> None:
    assert [figures.percent(ppm) for ppm in (3800, 6000, 12345, 0)] == [
        "0.38%",
        "0.60%",
        "1.2345%",
        "0.00%",
    ]


def test_a_channel_that_nobody_has_set_has_sensible_days(connection: Connection) -> None:
    card = Channel("card", 1, 0, 1, 2, True, True, "CN")
    assert channels.every(connection) == {"card": card}
    assert channels.of(connection, "wechat") == Channel("wechat")
    channels.change(connection, "card", {"pay_days": 2, "country": None}, "Zhang")
    channels.change(connection, "card", {"late_days": 4}, "Zhang")
    assert channels.of(connection, "card") == Channel("card", 1, 0, 2, 4, True, True, "CN")


@pytest.mark.parametrize(
    "settings", [{"late_days": 0}, {"grace_days": 61}, {"country": "XX"}, {"pay_days": -1}]
)
def test_a_setting_that_cannot_be_is_not_recorded(
    connection: Connection, settings: dict[str, object]
) -> None:
    with pytest.raises(ChannelError):
        channels.change(connection, "card", settings, "Zhang")
    assert channels.of(connection, "card") == Channel("card")


def test_the_longest_text_of_a_payer_comes_first_and_has_one_channel(
    connection: Connection,
) -> None:
    channels.tell_payer(connection, "card", "通联支付", "Zhang")
    channels.tell_payer(connection, "wechat", "通联支付 网络", "Zhang")
    channels.tell_payer(connection, "adyen", "\uff21\uff24\uff39\uff25\uff2e", "Zhang")
    channels.tell_payer(connection, "wechat", "ADYEN", "Zhang")
    assert channels.payers(connection) == [
        ("wechat", "通联支付 网络"),
        ("wechat", "ADYEN"),
        ("card", "通联支付"),
    ]
    channels.forget_payer(connection, "ADYEN", "Zhang")
    assert ("wechat", "ADYEN") not in channels.payers(connection)
    assert set(channels.every(connection)) == {"card", "wechat", "adyen"}


def test_an_own_card_is_known_by_what_each_terminal_calls_it(store: Store) -> None:
    one, two = Device(), Device("pz-test-2", "10000002")
    one.offer(store)
    with store.write() as connection:
        made = own_cards.add(connection, MERCHANT, f"{CARD[:4]} {CARD[4:8]} {CARD[8:]}", "Zhang")
        assert own_cards.unknown(connection, made) == []
    two.offer(store)
    with store.write() as connection:
        (known,) = own_cards.cards(connection)
        assert own_cards.unknown(connection, known) == ["pz-test-2"]
        own_cards.add(connection, MERCHANT, CARD, "Zhang")
        own_cards.add(connection, MERCHANT, CARD, "Zhang")
        tokens = {row["token"] for row in reference.own_cards(connection).to_pylist()}
        entries = connection.execute(decisions.select()).fetchall()
    keys = [device.config["token_key"] for device in (one, two)]
    made_there = {terminal_cards.token(key, CARD).hex() for key in keys if isinstance(key, bytes)}
    assert tokens == made_there
    assert len(entries) == 2  # the third time there was nothing to add
    assert CARD not in str(entries)
    with store.write() as connection:
        own_cards.remove(connection, MERCHANT, "0009", "Zhang")
        assert reference.own_cards(connection).num_rows == 0


@pytest.mark.parametrize("number", ["6222000000000004", "622200000000", "622200000000000a", ""])
def test_a_number_that_is_no_cards_is_refused_without_repeating_it(
    store: Store, number: str
) -> None:
    Device().offer(store)
    with store.write() as connection, pytest.raises(own_cards.OwnCardError) as refused:
        own_cards.add(connection, MERCHANT, number, "Zhang")
    assert not number or number not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "one"),
    [
        (OLD, OLD),
        ("****0128", OLD),
        ("6222****0128", OLD),
        ("****9999", "****9999"),
        ("****", "****"),  # it fits both
    ],
)
def test_a_name_that_shows_less_is_the_one_account_that_it_fits(name: str, one: str) -> None:
    assert names.resolved([name], [OLD, NEW]) == {name: one}


def test_a_name_that_fits_two_accounts_is_left_alone() -> None:
    twin = "621700*********0128"
    assert names.resolved(["****0128"], [OLD, twin]) == {"****0128": "****0128"}
    assert names.resolved(["6217****0128"], [OLD, twin]) == {"6217****0128": twin}


def test_a_name_is_asked_for_where_there_is_none() -> None:
    assert people.person("  Li   Wei ") == "Li Wei"
    for name in ("", "  ", "a\x1b[2J", "x" * 81):
        with pytest.raises(people.PersonError):
            people.person(name)
