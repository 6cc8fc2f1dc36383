"""The oracle finds every kind of broken promise, and has nothing to say when all are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from terminal.journal import Journal
from tests.journal.nor import Nor
from tests.journal.world import KINDS, Broken, Oracle, Terminal


class Liar:
    """What a journal says, with one lie in it."""

    def __init__(self, journal: Any) -> None:
        self.first_seq: int = journal.first_seq
        self.next_seq: int = journal.next_seq
        self.released: int = journal.released
        self.records: dict[int, bytes | None] = dict(journal.scan(1))

    def scan(self, first: int) -> Iterator[tuple[int, bytes | None]]:
        yield from [item for item in self.records.items() if item[0] >= first]


def sold() -> Terminal:
    terminal = Terminal(Nor(6))
    terminal.format()
    terminal.boot()
    terminal.work(40, kept=20)
    return terminal


def gone(liar: Liar) -> None:
    del liar.records[35]


def last_gone(liar: Liar) -> None:
    del liar.records[40]


def unreadable(liar: Liar) -> None:
    liar.records[35] = None


def altered(liar: Liar) -> None:
    liar.records[35] = b"other"


def released_altered(liar: Liar) -> None:
    liar.records[3] = b"other"


def one_more(liar: Liar) -> None:
    liar.records[41] = b"never written"
    liar.next_seq = 42


def number_again(liar: Liar) -> None:
    del liar.records[40]
    liar.next_seq = 40


def number_skipped(liar: Liar) -> None:
    liar.next_seq = 42
    liar.records[41] = None


def out_of_order(liar: Liar) -> None:
    liar.records = dict(sorted(liar.records.items(), key=lambda item: item[0] ^ 1))


def not_asked(liar: Liar) -> None:
    liar.released = 30


def forgotten(liar: Liar) -> None:
    liar.released = 5


def begins_later(liar: Liar) -> None:
    liar.first_seq = 25
    liar.records = {seq: payload for seq, payload in liar.records.items() if seq >= 25}


LIES: dict[Callable[[Liar], None], str] = {
    gone: "number",
    last_gone: "lost",
    unreadable: "lost",
    altered: "changed",
    released_altered: "changed",
    one_more: "number",
    number_again: "lost",
    number_skipped: "number",
    out_of_order: "number",
    not_asked: "release",
    forgotten: "release",
    begins_later: "lost",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_every_lie_is_found(lie: Callable[[Liar], None]) -> None:
    terminal = sold()
    liar: Any = Liar(terminal.journal)
    terminal.oracle.copy().check(liar)
    lie(liar)
    with pytest.raises(Broken) as broken:
        terminal.oracle.check(liar)
    assert broken.value.kind == LIES[lie] and broken.value.kind in KINDS


def test_the_record_in_flight_may_be_there_or_not_but_not_another_one() -> None:
    terminal = sold()
    for seen, allowed in ((b"in flight", True), (None, True), (b"in fl", False)):
        liar: Any = Liar(terminal.journal)
        if seen:
            one_more(liar)
            liar.records[41] = seen
        oracle: Oracle = terminal.oracle.copy()
        oracle.pending = b"in flight"
        if allowed:
            oracle.check(liar)
            assert oracle.next_seq == liar.next_seq
        else:
            with pytest.raises(Broken, match="nobody wrote that"):
                oracle.check(liar)


def test_a_record_that_was_shown_once_must_stay() -> None:
    terminal = sold()
    oracle = terminal.oracle
    liar: Any = Liar(terminal.journal)
    before: Any = Liar(terminal.journal)
    one_more(liar)
    oracle.pending = b"never written"
    oracle.check(liar)
    with pytest.raises(Broken, match="41 is taken"):
        oracle.check(before)


class Stubborn(Journal):
    """A journal that refuses what it has room for."""

    def room(self) -> int:
        return int(super().room()) + 40


def test_a_refusal_in_spite_of_room_is_found() -> None:
    terminal = Terminal(Nor(4), make=Stubborn)
    terminal.format()
    terminal.boot()
    with pytest.raises(Broken, match="room for 40 slots was promised") as broken:
        while True:
            terminal.append()
    assert broken.value.kind == "stopped"


def test_what_does_not_end_is_found() -> None:
    class Endless(Journal):
        def idle(self) -> bool:
            return True

    terminal = Terminal(Nor(4), make=Endless)
    terminal.format()
    terminal.boot()
    with pytest.raises(Broken, match="always has more to do"):
        terminal.idle()
