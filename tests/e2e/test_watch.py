"""`companion watch` and a whole terminal: plugged in, unplugged, found on the network, switched
off and on, selling all the while."""

from __future__ import annotations

from pathlib import Path

from boards.virtual.shop import Shop, card
from tests.companion.responder import LOOPBACK, Responder
from tests.companion.watching import Watching


def test_a_terminal_is_synced_wherever_it_appears(tmp_path: Path) -> None:
    cable = tmp_path / "tty0"
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.board.power_off()
        with Watching(
            shop.store,
            *("--port", tmp_path / "tty*", "--interface", LOOPBACK, "--every", "1"),
        ) as watching:
            watching.wait_for("watching", "")
            shop.restart()
            cable.symlink_to(shop.board.pty)
            first = watching.wait_for("synced", str(cable))
            assert first["records"] > 0
            cable.unlink()
            watching.wait_for("vanished", str(cable))

            device_id = first["device_id"]
            network = f"tls://{device_id}@{LOOPBACK}:{shop.sync_port}"
            with Responder(device_id):
                synced = watching.wait_for("synced", network)
                assert synced["next_seq"] == first["next_seq"]
                assert shop.sell(2000, card(2)) == "APPROVED"
                watching.wait(lambda event: event["event"] == "synced" and event["records"] > 0)

                # The cable is preferred.
                again = len(watching.events)
                cable.symlink_to(shop.board.pty)
                watching.wait_for("vanished", network, again)
                shop.board.power_off()
                off = watching.wait(lambda event: event["event"] == "failed", again)
                assert watching.events[off]["code"] == "LOST"
                shop.restart()
                watching.wait_for("synced", str(cable), off)
        assert watching.code == 0
        shop.companion("journal", "verify")
