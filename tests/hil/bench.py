"""A real board on the bench: puts the rig's program on it, wipes it, and makes the rig."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass

import serial

from companion import link
from tests.hil.plan import EXACT, HOST, MARKER, RANDOM, Limits
from tests.hil.power import PowerError
from tests.hil.power.opening import open_power
from tests.hil.rp2040 import InSeries, Rp2040
from tests.hil.serialdut import DEVICE_FILES, SerialDut, SerialRig

_MPREMOTE_S = 120.0
_QUIET_S = 1.0
# Everything that a terminal keeps. The log stays: it tells of the last campaign.
_WIPE = """
from esp32 import Partition
for label in ("vault", "journal"):
    part = Partition.find(Partition.TYPE_DATA, label=label)[0]
    for block in range(part.ioctl(4, 0)):
        part.ioctl(6, block)
"""


class BenchError(Exception):
    """The board cannot be made ready; the message says what was tried."""


@dataclass(frozen=True)
class Bench:
    """What stands on the bench. ``power`` as in tests/hil/power/opening.py; ``cutter`` is a serial
    port; it is the switch, too, when there is no other, else they are in series."""

    port: str
    power: str
    cutter: str = ""

    def limits(self, settle_s: float, laps: int) -> Limits:
        """Real seconds: a sale over Wi-Fi takes some, and so does a start."""
        kinds = (EXACT, MARKER, HOST, RANDOM) if self.cutter else (MARKER, HOST, RANDOM)
        return Limits(kinds, span_us=4_000_000, restart_us=8_000_000, settle_s=settle_s, laps=laps)

    def rig(self) -> SerialRig:
        """PowerError when the switch or the cutter cannot be reached."""
        if not self.power and not self.cutter:
            raise PowerError("neither POWER nor CUTTER is given: nothing switches the board")
        dut = SerialDut(self.port)
        power = open_power(self.power) if self.power else None
        if not self.cutter:
            assert power
            return SerialRig(dut, power)
        try:
            cutter = Rp2040(self.cutter, dut.tape)
        except PowerError:
            if power:
                power.close()
            raise
        return SerialRig(dut, InSeries(power, cutter) if power else cutter, cutter)

    def prepare(self) -> None:
        """With the power on: the rig's program onto the board, and nothing of a terminal left."""
        with (
            contextlib.suppress(link.LinkError),
            closing(link.open_transport(self.port)) as transport,
        ):
            link.escape(transport)  # a board without the firmware has the REPL already
        copies = [str(file) for file in DEVICE_FILES.values()]
        self._mpremote("fs", "cp", *copies, ":")
        self._mpremote("exec", _WIPE)

    def must_be_silent(self) -> None:
        """With the power off, behind ``prepare``: PowerError when the board is still at its REPL.
        It has no program yet that could prove the switch (tests/hil/power)."""
        try:
            with serial.Serial(
                self.port, 115200, timeout=_QUIET_S, write_timeout=_QUIET_S
            ) as port:
                port.reset_input_buffer()
                port.write(b"\r\n")
                said = port.read(1)
        except (OSError, serial.SerialException):
            return  # the port went with the power
        if said:
            raise PowerError("the rail did not fall: switched off, the board is still at its REPL")

    def _mpremote(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "mpremote", "connect", self.port, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_MPREMOTE_S)
        except subprocess.TimeoutExpired:
            raise BenchError(f"mpremote {arguments[0]}: not done in {_MPREMOTE_S:g} s") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise BenchError(f"mpremote {' '.join(arguments[:2])}: {said[0]}")
