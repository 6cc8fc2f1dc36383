"""Where terminals are now: serial ports, addresses, mDNS names."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Sequence

from serial.tools import list_ports

from companion.store import Store, terminals
from companion.watch.names import Names


class Places:
    """``patterns``: the ports to look for, all on USB when empty. ``names``: None to leave the
    network alone."""

    def __init__(self, store: Store, patterns: Sequence[str], names: Names | None) -> None:
        self._store = store
        self._patterns = patterns
        self._names = names

    def find(self, now: float, elsewhere: Iterable[str]) -> dict[str, str]:
        """The ports that are there, each with the device id that is expected, "" for any.

        Terminals that are ``elsewhere`` already are not looked for on the network.
        """
        found = named_ports(self._patterns) if self._patterns else usb_ports()
        there = dict.fromkeys(found, "")
        if self._names is not None:
            sync_ports = self._served()
            wanted = sync_ports.keys() - set(elsewhere)
            for device_id, address in self._names.find(wanted, now).items():
                there[f"tls://{device_id}@{address}:{sync_ports[device_id]}"] = device_id
        return there

    def _served(self) -> dict[str, int]:
        """The terminals that listen on the network, and on which port."""
        with self._store.read() as connection:
            known = terminals.every(connection)
        ports = {
            terminal.device_id: int(json.loads(terminal.config).get("sync_port", 0))
            for terminal in known
            if terminal.state != "retired"
        }
        return {device_id: port for device_id, port in ports.items() if port}


def usb_ports() -> set[str]:
    """The serial ports on USB. Any other may be a modem or a console that nobody wants asked."""
    return {port.device for port in list_ports.comports() if port.vid is not None}


def named_ports(patterns: Sequence[str]) -> set[str]:
    """What is there of paths, patterns of paths, and URLs, which always are."""
    found: set[str] = set()
    for pattern in patterns:
        if "://" in pattern:
            found.add(pattern)
        else:
            # A link to a port that is gone matches too.
            found.update(path for path in glob.glob(pattern) if os.path.exists(path))
    return found
