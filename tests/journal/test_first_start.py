"""W26 on flash: the first start of a terminal in another one's place, cut at every operation."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import record
from terminal import entries
from terminal.engine import Engine
from terminal.journal import Journal
from terminal.ledger import Ledger
from terminal.state import State
from tests.journal import nor
from tests.journal.nor import Nor
from tests.journal.test_cell import every_cut
from tests.shared.test_takeover import pending, swapped

STANS = [41, 42, 43]


def ledger_on(flash: Nor) -> Ledger:
    journal = Journal(flash)
    journal.mount()
    return Ledger(journal, bytes(32), "PZ-TEST-1")


def start(flash: Nor) -> None:
    """Mount, replay and the engine's start, each record durable before the next."""
    flash.power_on()
    ledger, known = ledger_on(flash), State()
    ledger.replay(known.apply, known.lost)
    bench = swapped(*[pending(stan) for stan in STANS])
    engine = Engine(bench.config, bench.engine.exchange, known)
    for effect in engine.handle(("start", "PWRON", "test", "")):
        if effect[0] == "append":
            effect[1].setdefault("wall", 0)
            known.apply(ledger.append(effect[1]), effect[1])
    assert engine.stan == 5000
    assert [one["stan"] for _, one in known.pendings()] == STANS


def stored(flash: Nor) -> list[dict[str, Any]]:
    ledger = ledger_on(flash)
    found = [ledger.record_at(seq) for seq in range(ledger.first_seq, ledger.next_seq)]
    assert None not in found
    return [one for one in found if one]


@pytest.mark.parametrize("weakly", [False, True], ids=["torn", "unstable"])
def test_w26_a_cut_at_any_program_of_the_first_start_heals_at_the_next(weakly: bool) -> None:
    fresh = Nor(16)
    Journal(fresh).format()
    left = every_cut(fresh, start, weakly, nor.PROGRAM_TEARS)
    for flash in left:
        start(flash)
        kinds = [one["kind"] for one in stored(flash)]
        assert kinds[:4] == [record.ADOPTED] + 3 * [record.PENDING]
        assert set(kinds[4:]) == {record.BOOT}
    assert len(left) >= 5 * len(nor.PROGRAM_TEARS)


def test_w26_a_restart_behind_a_checkpoint_still_knows_the_pendings() -> None:
    flash = Nor(16)
    Journal(flash).format()
    start(flash)
    ledger, known = ledger_on(flash), State()
    ledger.replay(known.apply, known.lost)
    ledger.append({**entries.checkpoint(known)[1], "wall": 0})
    again = State()
    ledger.replay(again.apply, again.lost)
    assert again.pendings() == known.pendings() and len(again.pendings()) == len(STANS)
    assert again.recon == known.recon
