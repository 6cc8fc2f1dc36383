"""The rig's own cashier, where the power goes at the worst moment."""

from __future__ import annotations

import pytest

from tests.hil.cashier import MERCHANT_NAME, Cashier
from tests.hil.dut import Dut
from tests.hil.tape import Message, Tape


class Terminal:
    """A rig around a terminal that does nothing but start, ``cuts`` times in vain."""

    cutter = None

    def __init__(self, cuts: int) -> None:
        self.tape = Tape()
        self.starts = 0
        self._cuts = cuts

    @property
    def dut(self) -> Dut:
        return self  # type: ignore[return-value]

    @property
    def power(self) -> Terminal:
        return self

    def on(self) -> None:
        self.starts += 1
        self.tape.power(True)
        if self.starts <= self._cuts:
            self.tape.power(False)  # at its first flash operation
        else:
            self.tape.add({"screen": [MERCHANT_NAME]})

    def off(self) -> None:
        self.tape.power(False)

    def read(self) -> bool | None:
        return None

    def send(self, event: Message) -> None:
        """It has no keys."""

    def close(self) -> None: ...


def test_a_cut_while_it_is_switched_on_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tape.wait, "__defaults__", (1.0,))
    terminal = Terminal(cuts=2)
    Cashier(terminal).rest()
    assert terminal.starts == 3 and terminal.tape.powered
