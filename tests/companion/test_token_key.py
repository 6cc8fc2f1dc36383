"""What makes the same card look the same on all terminals of a merchant."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from companion.accounts import own_cards
from companion.store import Store, terminals
from terminal import cards
from tests.companion.sealed import MERCHANT, config
from tests.companion.test_store_versions import old_store

CARD = "622200" + "0000000009"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def offer(store: Store, name: str, number: int, **more: object) -> bytes:
    """Provision the store's side as the command does; the token key that the terminal gets.

    It takes the place of the one with this number.
    """
    values = config(name, f"1000000{number}")
    del values["token_key"]
    given = terminals.offer(store, {**values, **more}, replace=True)
    with store.write() as connection:
        terminals.confirm(connection, name)
        kept = terminals.find(connection, name)
    assert kept is not None and kept.token_key == given["token_key"]
    return kept.token_key


def test_the_terminals_of_a_merchant_have_one_token_key(store: Store) -> None:
    first = offer(store, "pz-a", 1)
    assert len(first) == 32
    assert offer(store, "pz-b", 2) == first
    assert offer(store, "pz-c", 1, merchant_no="104110070110002") != first


def test_an_own_card_is_known_on_terminals_that_come_later(store: Store) -> None:
    offer(store, "pz-a", 1)
    with store.write() as connection:
        card = own_cards.add(connection, MERCHANT, CARD, "Zhang")
    key = offer(store, "pz-b", 2)
    assert cards.token(key, CARD).hex() in card.tokens
    with store.read() as connection:
        assert own_cards.unknown(connection, card) == []


def test_terminals_that_are_offered_at_the_same_moment_have_one_token_key(store: Store) -> None:
    together = Barrier(4)

    def one(number: int) -> bytes:
        together.wait()
        return offer(store, f"pz-{number}", number)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1


def test_where_each_terminal_had_its_own_the_first_ones_key_becomes_the_merchants(
    tmp_path: Path,
) -> None:
    with Store.open(old_store(tmp_path / "old", 3)) as store:
        with store.read() as connection:
            (first,) = terminals.every(connection)
        own = offer(store, "pz-b", 2, token_key=b"\x02" * 32)
        # One in another's place: what is handed on to it has that one's tokens.
        assert offer(store, "pz-c", 2) == own == b"\x02" * 32
        assert offer(store, "pz-d", 1) == first.token_key
        # The first one is retired now, and it is still its key.
        assert offer(store, "pz-e", 3) == first.token_key


def test_a_terminal_that_was_refused_leaves_the_key_to_the_others(store: Store) -> None:
    values = config()
    del values["token_key"]
    refused = terminals.offer(store, values, replace=False)
    second = offer(store, "pz-b", 2)
    terminals.withdraw(store, str(refused["device_id"]))
    assert second == refused["token_key"] == offer(store, "pz-c", 3)
