"""New keys for a terminal, and the proof of the chain across the change."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.link import LinkError
from companion.store import Store, terminals
from companion.store.errors import StoreError
from companion.store.verify import verify
from companion.syncing import sync_terminal
from protocol import cbor, messages, record
from tests.companion.sealed import Device
from tests.companion.terminal_rig import DEVICE, settings
from tests.companion.wire import Served


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def begin(store: Store, device_id: str) -> tuple[bytes, bytes]:
    """Seal key and sync key of a rotation."""
    with store.write() as connection:
        (terminal,) = terminals.chosen(connection, device_id)
        terminals.begin_rotation(connection, terminal)
        keys = terminals.new_keys(connection, terminal)
    assert keys is not None
    return keys


def confirm(store: Store, device_id: str) -> None:
    with store.write() as connection:
        terminals.confirm_rotation(connection, device_id)


def sync_key(store: Store, device_id: str) -> bytes:
    with store.read() as connection:
        (terminal,) = terminals.chosen(connection, device_id)
    return terminal.sync_key


def problems(store: Store, device_id: str) -> list[tuple[int, str]]:
    with store.read() as connection:
        (terminal,) = terminals.chosen(connection, device_id)
        return [(damage.first_seq, damage.problem) for damage in verify(connection, terminal)[1]]


def rotated(store: Store, generations: int = 1) -> Device:
    """A terminal that has sold, and sold again after each change of its keys."""
    device = Device()
    device.offer(store)
    for stan in range(1, 4):
        device.sale(stan, 100, "approved")
    device.sync(store)
    for generation in range(1, generations + 1):
        new = begin(store, device.device_id)
        confirm(store, device.device_id)
        device.add(record.REKEYED, generation=generation)
        device.config["seal_key"] = new[0]
        for stan in range(10 * generation, 10 * generation + 3):
            device.sale(stan, 100, "approved")
        device.sync(store)
    return device


def test_a_chain_is_proved_across_every_change_of_its_key(store: Store) -> None:
    device = rotated(store, generations=3)
    assert problems(store, device.device_id) == []


def test_what_the_old_key_seals_behind_the_change_is_found(store: Store) -> None:
    device = rotated(store)
    device.config["seal_key"] = Device().config["seal_key"]
    forged = device.armed(30, 100)
    device.sync(store)
    assert problems(store, device.device_id) == [(forged, "the seal does not match the record")]


def test_a_key_that_nobody_began_with_seals_nothing(store: Store) -> None:
    device = rotated(store)
    device.config["seal_key"] = secrets.token_bytes(32)
    stranger = device.armed(30, 100)
    device.sync(store)
    assert problems(store, device.device_id) == [(stranger, "the seal does not match the record")]


def test_the_chain_goes_on_behind_a_lost_change_of_key(store: Store) -> None:
    device = Device()
    device.offer(store)
    device.sale(1, 100, "approved")
    device.sync(store)
    new = begin(store, device.device_id)
    rekeyed = device.add(record.REKEYED, generation=1)
    device.config["seal_key"] = new[0]
    device.sale(2, 100, "approved")
    device.sale(3, 100, "approved")
    device.payloads[rekeyed - 1] = None
    device.sync(store)
    assert [seq for seq, _ in problems(store, device.device_id)] == [rekeyed]


def test_keys_that_wait_for_the_terminal_come_again_and_are_not_made_twice(store: Store) -> None:
    device = Device()
    device.offer(store)
    assert begin(store, device.device_id) == begin(store, device.device_id)
    assert sync_key(store, device.device_id) == device.config["sync_key"]


def test_the_next_keys_wait_until_the_terminal_has_begun_with_the_last_ones(store: Store) -> None:
    device = Device()
    device.offer(store)
    device.sale(1, 100, "approved")
    device.sync(store)
    begin(store, device.device_id)
    confirm(store, device.device_id)
    with pytest.raises(StoreError, match="has not begun with its last new keys"):
        begin(store, device.device_id)
    device.add(record.REKEYED, generation=1)
    device.sync(store)
    begin(store, device.device_id)


def has(served: Served, key: bytes) -> None:
    """The terminal has this sync key from now on."""
    assert served.server.settings is not None
    served.server.settings["sync_key"] = key


@pytest.fixture
def met(store: Store) -> Iterator[tuple[Served, list[tuple[int, bytes]]]]:
    """A terminal of this store that takes what it is given, and what that was."""
    given: list[tuple[int, bytes]] = []

    def take(kind: int, data: bytes) -> str:
        given.append((kind, data))
        if kind == messages.PUSH_CONFIG:
            pairs = cbor.loads(data)
            assert isinstance(pairs, list)
            has(served, dict(pairs)["sync_key"])
        return ""

    terminals.offer(store, settings(), replace=False)
    served = Served(0, on_push=take)
    yield served, given
    served.close()


def test_a_sync_gives_the_new_keys_and_a_certificate_and_the_next_one_uses_them(
    store: Store, met: tuple[Served, list[tuple[int, bytes]]]
) -> None:
    served, given = met
    new = begin(store, DEVICE)
    sync_terminal(store, served.on_cable(), set_clock=False)
    assert [kind for kind, _ in given] == [messages.PUSH_IDENTITY, messages.PUSH_CONFIG]
    assert given[1][1] == cbor.dumps([["seal_key", new[0]], ["sync_key", new[1]]])
    assert sync_key(store, DEVICE) == new[1]
    sync_terminal(store, served.on_cable(), set_clock=False)
    assert len(given) == 2


def test_new_keys_whose_answer_was_lost_are_found_out_by_the_next_sync(
    store: Store, met: tuple[Served, list[tuple[int, bytes]]]
) -> None:
    served, _ = met
    new = begin(store, DEVICE)
    has(served, new[1])
    sync_terminal(store, served.on_cable(), set_clock=False)
    assert sync_key(store, DEVICE) == new[1]


def test_a_key_that_was_never_made_here_stays_refused(
    store: Store, met: tuple[Served, list[tuple[int, bytes]]]
) -> None:
    served, given = met
    begin(store, DEVICE)
    has(served, secrets.token_bytes(32))
    with pytest.raises(LinkError, match="the companion's key is not this terminal's"):
        sync_terminal(store, served.on_cable(), set_clock=False)
    assert given == [] and sync_key(store, DEVICE) == settings()["sync_key"]
