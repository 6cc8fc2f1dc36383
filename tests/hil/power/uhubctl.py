"""A USB hub's own port switch, by the program uhubctl (Debian has it).

Few hubs cut VBUS; most of the others still say that they did. uhubctl prints what the hub says,
so this is never believed: see ``prove``.
"""

from __future__ import annotations

import re
import subprocess

from tests.hil.power import PowerError

_TIMEOUT_S = 20.0


class Uhubctl:
    """``place``: the hub and the port, as lsusb -t counts; "1-1.2" is port 2 of hub 1-1."""

    def __init__(self, place: str, program: str = "uhubctl") -> None:
        hub, dot, port = place.rpartition(".")
        if not dot or not port.isdecimal() or not re.fullmatch(r"\d+(-\d+(\.\d+)*)?", hub):
            raise PowerError(f"uhubctl: {place!r} is not HUB.PORT, such as 1-1.2")
        self._hub, self._port = hub, port
        self._program = program

    def on(self) -> None:
        self._switch("on")

    def off(self) -> None:
        self._switch("off")

    def read(self) -> bool | None:
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _switch(self, action: str) -> None:
        command = [self._program, "-l", self._hub, "-p", self._port, "-a", action]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
        except FileNotFoundError:
            raise PowerError(f"{self._program} is not installed") from None
        except subprocess.TimeoutExpired:
            raise PowerError(f"{self._program} does not end in {_TIMEOUT_S:g} s") from None
        said = re.findall(rf"^\s+Port {self._port}: \w+ (power|off)", done.stdout, re.MULTILINE)
        if done.returncode or not said:
            words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing"]
            raise PowerError(f"{' '.join(command)}: {words[0]}")
        if (said[-1] == "power") != (action == "on"):
            raise PowerError(
                f"hub {self._hub} port {self._port} was told {action}, says {said[-1]}"
            )
