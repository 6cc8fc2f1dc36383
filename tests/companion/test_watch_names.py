"""Terminals found by their mDNS names: real packets, on loopback only."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from zeroconf import DNSIncoming

from companion.errors import CompanionError
from companion.store import Store, schema, terminals
from companion.watch.names import Names
from tests.companion.responder import LOOPBACK, Responder
from tests.companion.sealed import config
from tests.companion.terminal_rig import WAIT
from tests.companion.watching import Watching

GROUP = "224.0.0.251"
SYNC_PORT = 8584


@pytest.fixture
def names() -> Iterator[Names]:
    with Names(LOOPBACK) as asking:
        yield asking


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Hears every packet to the group on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hearing:
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        hearing.bind((GROUP, 5353))
        member = socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK)
        hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        hearing.settimeout(WAIT)
        yield hearing


def device() -> str:
    """A device id that nobody else on this machine tests with."""
    return "pz-" + secrets.token_hex(5)


def heard(listener: socket.socket) -> list[str]:
    """The names that the next packet asks for."""
    packet = DNSIncoming(listener.recv(9000))
    return [question.name.removesuffix(".local.") for question in packet.questions]


def test_a_known_terminal_is_found_by_its_name_and_missed_when_it_leaves(tmp_path: Path) -> None:
    device_id, silent, closed, retired = device(), device(), device(), device()
    with Store.open(tmp_path / "store", create=True) as store:
        for number, name in enumerate((device_id, silent, closed, retired)):
            served = {"sync_port": 0 if name == closed else SYNC_PORT}
            terminals.offer(store, {**config(name, f"1000000{number}"), **served}, replace=False)
        with store.write() as connection:
            mine = schema.terminals.c.device_id == retired
            connection.execute(update(schema.terminals).where(mine).values(state="retired"))
    port = f"tls://{device_id}@{LOOPBACK}:{SYNC_PORT}"
    nothing = ("--port", tmp_path / "nothing")
    with Watching(tmp_path / "store", *nothing, "--interface", LOOPBACK) as watching:
        watching.wait_for("watching", "")
        with Responder(retired), Responder(closed), Responder(device_id):
            assert watching.wait_for("appeared", port)["device_id"] == device_id
        watching.wait_for("vanished", port)
    places = {event["port"] for event in watching.events if event["event"] == "appeared"}
    assert places == {port}


def test_who_does_not_answer_is_asked_for_less_and_less(
    names: Names, listener: socket.socket
) -> None:
    silent, last = device(), device()
    asked = []
    for half_seconds in range(160):
        assert names.find([silent], half_seconds / 2) == {}
    names.find([silent, last], 80)  # a new name begins anew, at once
    while last not in (packet := heard(listener)):
        asked.append(packet)
    # At 0, 1, 3, 7, 15, 31, 51 and 71 s.
    assert [packet for packet in asked if silent in packet] == [[silent]] * 8
    assert packet == [silent, last] or packet == [last, silent]


def test_what_cannot_be_a_host_name_is_never_asked_for(
    names: Names, listener: socket.socket
) -> None:
    good = device()
    bad = ["a.b", "", "-x", "终端机"]
    names.find([*bad, good], 0)
    while good not in (packet := heard(listener)):
        pass
    assert packet == [good]


def test_nobody_is_asked_when_there_is_nobody_to_ask_for(
    names: Names, listener: socket.socket
) -> None:
    last = device()
    assert names.find([], 0) == {} and names.find([], 100) == {}
    names.find([last], 101)
    assert heard(listener)


@pytest.mark.parametrize("interface", ["198.51.100.7", "eth0"])
def test_an_interface_that_is_not_there_is_an_error(interface: str) -> None:
    with pytest.raises(CompanionError, match="no network interface has this address"):
        Names(interface)
