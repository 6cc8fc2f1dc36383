"""Carries out what a chip asks for over its link; here the power fails, when a cut is due."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from boards.virtual import serialport
from boards.virtual.chip import Chip
from boards.virtual.cuts import Cut, CutPlan, Operation, PanelMessage
from boards.virtual.flash import NorFlash
from boards.virtual.link import ChipEnded

MAX_PANEL_OUTPUT = 2048
"""Bytes of one panel output, as JSON."""


@dataclass(frozen=True)
class Peripherals:
    """What is around the chip; callbacks come in the chip's thread."""

    flash: dict[str, NorFlash]
    cuts: CutPlan
    panel: Callable[[PanelMessage], None]
    listening: Callable[[], None]
    watchdog_fed: Callable[[int], None]
    keep_rtc: Callable[[bytes], None]
    set_baud: Callable[[int, int], None]
    """Port (0: REPL, 1: UART) and rate."""


class Requests:
    """The link's Handler for one chip. ``cut`` is the cut that ended it, if one did."""

    def __init__(self, chip: Chip, around: Peripherals) -> None:
        self.cut: Cut | None = None
        self._chip = chip
        self._trace = False
        self._around = around
        self._labels = list(around.flash)

    def find(self, label: str) -> int:
        """The number of a partition; ValueError when there is none with this label."""
        return self._labels.index(label)

    def size(self, partition: int) -> int:
        return self._flash(partition).size

    def program(self, partition: int, address: int, data: bytes) -> None:
        flash = self._flash(partition)
        flash.check(address, len(data))
        cut, seed = self._due("program", partition, address, len(data))
        if cut is None or cut.phase == "after":
            flash.program(address, data)
        elif cut.phase == "torn":
            flash.program_torn(address, data, seed)
        self._lose_power(cut)

    def erase(self, partition: int, address: int, length: int) -> None:
        flash = self._flash(partition)
        flash.check_erase(address, length)
        cut, seed = self._due("erase", partition, address, length)
        if cut is None or cut.phase == "after":
            flash.erase(address, length)
        elif cut.phase == "torn":
            flash.erase_torn(address, length, seed)
        self._lose_power(cut)

    def panel(self, data: bytes) -> bool:
        """Pass a screen, line or beep on; False when it is larger than the panel takes."""
        if len(data) > MAX_PANEL_OUTPUT:
            return False
        message: PanelMessage = json.loads(data)
        if self._around.cuts.due_at_panel(message):
            self._lose_power(Cut("panel", "before", message=message))
        self._around.panel(message)
        return True

    def kbd_intr(self, on: bool) -> None:
        serialport.set_raw(self._chip.slave, on)

    def ready(self) -> None:
        self._around.listening()

    def script(self) -> None:
        serialport.set_raw(self._chip.slave, True)

    def trace(self, level: bool) -> None:
        edge, self._trace = level != self._trace, level
        if edge and self._around.cuts.due_at_edge(level):
            self._lose_power(Cut("edge", "before"))

    def watchdog(self, timeout_ms: int) -> None:
        self._around.watchdog_fed(timeout_ms)

    def keep_rtc(self, data: bytes) -> None:
        self._around.keep_rtc(data)

    def set_baud(self, port: int, rate: int) -> None:
        self._around.set_baud(port, rate)

    def _flash(self, partition: int) -> NorFlash:
        return self._around.flash[self._labels[partition]]

    def _due(
        self, operation: Operation, partition: int, address: int, length: int
    ) -> tuple[Cut | None, int]:
        label = self._labels[partition]
        due = self._around.cuts.due_at_flash(operation, label)
        if due is None:
            return None, 0
        phase, seed = due
        return Cut(operation, phase, label, address, length), seed

    def _lose_power(self, cut: Cut | None) -> None:
        """Never answer: the chip does not get past this request."""
        if cut is not None:
            self.cut = cut
            raise ChipEnded("cut")
