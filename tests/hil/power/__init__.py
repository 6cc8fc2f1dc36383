"""What switches a terminal's power, and the proof that it does.

Hubs and sockets say that they have switched when they have not, and boards live on from a battery
or from the data lines. So nothing is believed: a rig starts when it has seen the rail fall.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from tests.hil.tape import PowerGone, Silence, Tape


class PowerError(Exception):
    """The switch cannot be reached, or does not switch; the message says why."""


class Power(Protocol):
    """The feed of one terminal. Each call returns when the switch has answered."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    def read(self) -> bool | None:
        """Whether there is power behind the switch, None when it cannot see that: what it was
        told is no answer."""

    def close(self) -> None: ...


_FALL_S = 5.0
_QUIET_S = 1.0
_BOOT_S = 30.0


def prove(power: Power, tape: Tape, probe: Callable[[], None], settle_s: float = 0.0) -> str:
    """Switch a terminal that runs off and on, and see it: returns in words what was seen, else
    PowerError.

    ``probe`` makes a terminal that has power answer, a key for instance. ``settle_s``: how long
    the rail's capacitors may last.
    """
    mark = len(tape)
    probe()
    try:
        tape.wait(lambda one: True, mark, _BOOT_S)
    except Silence as error:
        raise PowerError(f"with the power on the terminal does not answer: {error}") from None
    power.off()
    seen = _falls(power)
    time.sleep(settle_s)
    mark = len(tape)
    probe()
    try:
        said = tape.wait(lambda one: True, mark, _QUIET_S)
        raise PowerError(f"the rail did not fall: the terminal still says {said}")
    except (Silence, PowerGone):
        tape.power(False)
    mark = len(tape)
    power.on()
    tape.power(True)
    try:
        cause = tape.wait(lambda one: "boot" in one, mark, _BOOT_S)["boot"]
    except Silence as error:
        raise PowerError(f"switched on again it does not start; the rail fell? {error}") from None
    if cause != "PWRON":
        raise PowerError(f"the rail did not fall: the terminal's reset cause is {cause}")
    return f"{seen}, silence, then a start by PWRON"


def _falls(power: Power) -> str:
    deadline = time.monotonic() + _FALL_S
    while True:
        there = power.read()
        if there is None:
            return "a switch that cannot see the rail"
        if not there:
            return "no power behind the switch"
        if time.monotonic() > deadline:
            raise PowerError(f"switched off, and {_FALL_S:g} s later there is still power")
        time.sleep(0.05)
