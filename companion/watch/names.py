"""Terminals on the local network, found by their mDNS names: DEVICE.local.

A board answers with its address and offers no service to browse for, so those that the store
knows are asked for by name. Anybody can answer: whether it is the terminal, the sync finds out.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address
from types import TracebackType

from zeroconf import DNSAddress, DNSOutgoing, DNSQuestion, Zeroconf
from zeroconf import current_time_millis as now_ms
from zeroconf.const import _CLASS_IN, _FLAGS_QR_QUERY, _TYPE_A

from companion.errors import CompanionError

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
# RFC 6762 5.2: queries begin 1 s apart and then at least double. An answer holds for 120 s and is
# asked for again in its second half: three times at this distance, for a packet may be lost.
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 20.0


class Names:
    """Asks for terminals by name; what it found it keeps in mind until the answer runs out.

    ``interface``: address of the only network interface to ask on, "" for all of them.
    CompanionError when none has it.
    """

    def __init__(self, interface: str = "") -> None:
        self._mdns: Zeroconf | None = None
        if interface:
            _check_ours(interface)
            self._mdns = Zeroconf(interfaces=[interface], use_asyncio=False)
        self._wanted: set[str] = set()
        self._wait_s = FIRST_WAIT_S
        self._next_at = 0.0

    def __enter__(self) -> Names:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mdns is not None:
            self._mdns.close()

    def find(self, device_ids: Iterable[str], now: float) -> dict[str, str]:
        """The IPv4 address of each that has answered; asks when it is time to, and never waits.

        ``now``: seconds of a clock that does not go back.
        """
        wanted = {device_id for device_id in device_ids if _LABEL.fullmatch(device_id)}
        if not wanted <= self._wanted:
            self._wait_s, self._next_at = FIRST_WAIT_S, now
        self._wanted = wanted
        if not wanted or not self._open():
            return {}
        answers = {device_id: self._answer(device_id) for device_id in wanted}
        if now >= self._next_at:
            self._ask(name for name, got in answers.items() if not got or got.is_stale(now_ms()))
            self._next_at = now + self._wait_s
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        return {name: socket.inet_ntoa(got.address) for name, got in answers.items() if got}

    def _open(self) -> bool:
        """False while this computer has no network to ask on."""
        if self._mdns is None:
            with contextlib.suppress(OSError):
                self._mdns = Zeroconf(use_asyncio=False)
        return self._mdns is not None

    def _answer(self, device_id: str) -> DNSAddress | None:
        """The newest that still holds."""
        assert self._mdns is not None
        newest = None
        for record in self._mdns.cache.entries_with_name(_host(device_id)):
            if not isinstance(record, DNSAddress) or record.type != _TYPE_A:
                continue
            if record.is_expired(now_ms()) or (newest and newest.created > record.created):
                continue
            newest = record
        return newest

    def _ask(self, device_ids: Iterable[str]) -> None:
        assert self._mdns is not None and self._mdns.loop is not None
        # A laptop changes its networks.
        asyncio.run_coroutine_threadsafe(self._mdns.async_update_interfaces(), self._mdns.loop)
        question = DNSOutgoing(_FLAGS_QR_QUERY)
        for device_id in device_ids:
            question.add_question(DNSQuestion(_host(device_id), _TYPE_A, _CLASS_IN))
        if question.questions:
            self._mdns.send(question)


def _check_ours(interface: str) -> None:
    try:
        address = str(IPv4Address(interface))
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        raise CompanionError(f"{interface}: no network interface has this address") from None


def _host(device_id: str) -> str:
    return f"{device_id}.local."
