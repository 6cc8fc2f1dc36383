"""What a rig needs of a terminal under test and of what cuts its power, whoever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from companion.link import Transport
from tests.hil.plan import Cut, Kind
from tests.hil.power import Power
from tests.hil.tape import Message, Tape


class Dut(Protocol):
    """The device under test: its panel, and its flash as a programmer sees it."""

    @property
    def tape(self) -> Tape: ...

    def open(self) -> None:
        """Listen to it; what it says goes to ``tape``."""

    def send(self, event: Message) -> None:
        """A key, {"key": "1"}, or a card, {"card": {"pan", "expiry", "entry"}}."""

    def expect(self, wanted: Callable[[Message], bool], since: int) -> Message:
        """The first such message on the tape from number ``since`` on."""

    def flash_image(self) -> bytes:
        """The journal's partition, byte by byte, not through the journal's code."""

    def transport(self) -> Transport:
        """Its line to a companion; while it is open nobody sends."""

    def close(self) -> None: ...


class Cutter(Protocol):
    """Cuts at an exact moment. What is armed stays so until it fires or is disarmed; when
    ``disarm`` returns, it has happened or never will."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it cuts at; the others are left to the power's switch."""

    def arm(self, cut: Cut) -> None: ...

    def disarm(self) -> None: ...

    def fired(self) -> str:
        """What the last cut hit, in words; "" when it did not fire. After ``disarm``."""


class Rig(Protocol):
    """Everything that stands around one terminal."""

    @property
    def dut(self) -> Dut: ...

    @property
    def power(self) -> Power:
        """Its ``on`` tells the tape, before there is power."""

    @property
    def cutter(self) -> Cutter | None: ...

    def close(self) -> None: ...
