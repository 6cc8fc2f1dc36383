"""Whose certificates a companion shows, and to which terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.link import Authority, LinkError, UnknownTerminal
from companion.opening import new_identity, open_terminal
from companion.store import Store, terminals
from tests.companion.sealed import MERCHANT, Device
from tests.companion.terminal_rig import MICROPYTHON, TerminalProcess


def refused(store: Store, port: str) -> str:
    with pytest.raises(LinkError) as caught:
        open_terminal(store, port)
    return str(caught.value)


def test_a_store_without_certificates_says_how_to_get_them(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        assert "companion rotate" in refused(store, "tls://127.0.0.1:1")
        Device().offer(store)
        assert "companion rotate" in refused(store, "tls://pz-test-1@127.0.0.1:1")
        with pytest.raises(UnknownTerminal, match="pz-unknown"):
            open_terminal(store, "tls://pz-unknown@127.0.0.1:1")
        with pytest.raises(UnknownTerminal, match="pz-unknown"):
            open_terminal(store, "tls://pz-unknown.local:1")


def test_with_several_merchants_the_terminal_is_named(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        device = Device()
        device.offer(store)
        with store.read() as connection:
            (terminal,) = terminals.every(connection)
        identity = new_identity(store, terminal)
        Authority.of(store.authorities, "another").make("another")
        running = TerminalProcess(MICROPYTHON, serial=False, identity=identity.hex())
        try:
            assert "several merchants; tls://DEVICE@HOST:PORT" in refused(store, running.url)
            named = running.url.replace("tls://", f"tls://{device.device_id}@")
            with_name = open_terminal(store, named)
            assert with_name.peer == device.device_id
            with_name.close()
        finally:
            running.close()
        assert len(Authority.every(store.authorities)) == 2
        assert Authority.of(store.authorities, MERCHANT).exists
