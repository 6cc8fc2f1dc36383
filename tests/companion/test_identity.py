"""A terminal that was provisioned just now gets its certificate as soon as it listens again."""

from __future__ import annotations

from pathlib import Path

from companion.identity import give_identity
from companion.store import Store, terminals
from tests.chaos.terminal import TIMEOUT, Terminal


def test_a_terminal_that_is_silent_while_it_mounts_its_journal_is_asked_again(
    tmp_path: Path,
) -> None:
    terminal = Terminal(1)
    line = terminal.plug(unheard=5)
    with Store.open(tmp_path, create=True) as store:
        terminals.offer(store, terminal.config, replace=False)
        # What this terminal says to every push.
        said = give_identity(store, line, terminal.device_id, TIMEOUT)
        assert (said, line.unheard) == ("not taken here", 0)
    terminal.close()
