"""Answers for a terminal's mDNS name as a board does, on loopback only."""

from __future__ import annotations

import socket
from types import TracebackType

from zeroconf import ServiceInfo, Zeroconf

LOOPBACK = "127.0.0.1"


class Responder:
    """DEVICE.local is 127.0.0.1 within the context; at its end it says goodbye."""

    def __init__(self, device_id: str) -> None:
        # A board offers no service; this library answers for a host only as part of one.
        kind = "_pingzhang-test._tcp.local."
        self._service = ServiceInfo(
            kind,
            f"{device_id}.{kind}",
            9,
            server=f"{device_id}.local.",
            addresses=[socket.inet_aton(LOOPBACK)],
        )
        self._mdns = Zeroconf(interfaces=[LOOPBACK])

    def __enter__(self) -> Responder:
        self._mdns.register_service(self._service, cooperating_responders=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mdns.unregister_service(self._service)
        self._mdns.close()
