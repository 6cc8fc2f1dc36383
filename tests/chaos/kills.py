"""kill -9 at random moments of a sync: the next one goes on where it was."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.store import Store, terminals
from tests.chaos.syncs import check, prove, through
from tests.chaos.terminal import Terminal
from tests.companion.plain import listen

_ROOT = Path(__file__).resolve().parents[2]
_SALES = 60  # between two syncs
_SECTORS = 32
_WAIT = 60.0  # seconds for what is a matter of milliseconds


@dataclass
class Tally:
    """What a campaign did: ``amid`` kills came when some records were stored and some not."""

    kills: int = 0
    amid: int = 0
    finished: int = 0
    records: int = 0


class Companions:
    """Companion processes with one store that sync one terminal, one after the other."""

    def __init__(self, store: Path, url: str) -> None:
        self._order = {"store": str(store), "url": url}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.victim"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def sync(self, after: float | None = None) -> dict[str, Any]:
        """What one did; it is killed after so many seconds."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps({**self._order, "after": after}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process that makes them."""
        self._process.communicate()


def campaign(directory: Path, kills: int, seed: int, amid: int = 0) -> Tally:
    """So many companions killed during their sync of one terminal that goes on selling, and more
    (up to ten times) until ``amid`` of them had stored a part: a busy machine shifts the moments.
    """
    terminal = Terminal(seed, _SECTORS)
    with Store.open(directory, create=True) as store:
        terminals.offer(store, terminal.config, replace=False)
        tally = terminal.loop.run_until_complete(_killing(store, terminal, kills, seed, amid))
        checked = check(store, terminal, 0)
        for _ in range(2):
            checked = through(store, terminal, True, checked)
        prove(store, terminal)
    tally.records = len(terminal.written)
    terminal.close()
    return tally


@asynccontextmanager
async def served(terminal: Terminal) -> AsyncIterator[str]:
    """The terminal's server on a port of its own: its address. Afterwards the terminal has heard
    that its peers are gone, and is free."""
    others = asyncio.all_tasks()
    listening = await listen(terminal.server, 0)
    try:
        yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await listening.wait_closed()
        peers = asyncio.gather(*asyncio.all_tasks() - others, return_exceptions=True)
        await asyncio.wait_for(peers, _WAIT)


async def _trade(terminal: Terminal) -> None:
    """Sell for as long as it is let."""
    while True:
        terminal.sell(1)
        await asyncio.sleep(0.01)


async def _killing(store: Store, terminal: Terminal, kills: int, seed: int, amid: int) -> Tally:
    rng = random.Random(seed)
    tally = Tally()
    async with served(terminal) as url:
        with closing(Companions(store.directory, url)) as victims:
            terminal.sell(_SALES)
            longest = (await asyncio.to_thread(victims.sync))["seconds"]
            checked = check(store, terminal, 0)
            while tally.kills < kills or (tally.amid < amid and tally.kills < 10 * kills):
                terminal.sell(_SALES)
                # Now and then one lives, or the terminal would have no room to sell.
                after = rng.uniform(0, longest) if rng.random() < 0.75 else None
                trade = asyncio.create_task(_trade(terminal))
                answer = await asyncio.to_thread(victims.sync, after)
                trade.cancel()
                assert not answer["error"], answer["error"]
                tally.kills += answer["killed"]
                tally.finished += not answer["killed"]
                before, checked = checked, check(store, terminal, checked)
                tally.amid += answer["killed"] and before < checked < len(terminal.written)
    return tally
