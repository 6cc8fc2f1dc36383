"""A virtual board on the rig: the same interfaces as a real one, and cuts that are exact."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from boards.virtual.board import FLASH, BoardError, VirtualBoard
from boards.virtual.cuts import PanelMessage
from companion.link import Transport, open_transport
from tests.hil.plan import EXACT, MARKER, Cut, Kind
from tests.hil.tape import Message, Tape

JOURNAL_BYTES = 128 * 1024
"""A ring that a shift goes around several times."""


class VirtualDut:
    """A Dut. It hears the panel as the supervisor does, before anybody else."""

    def __init__(self, board: VirtualBoard) -> None:
        self.tape = Tape()
        self._board = board
        self._left = 0  # panel messages until the cut at a marker
        self._counting = threading.Lock()

    def open(self) -> None:
        self._board.cut_on_panel(self._heard)

    def send(self, event: Message) -> None:
        try:
            if "card" in event:
                self._board.insert_card(event["card"])
            else:
                self._board.press(event["key"])
        except BoardError:
            if self._board.is_on:
                raise

    def expect(self, wanted: Callable[[Message], bool], since: int) -> Message:
        return self.tape.wait(wanted, since)

    def flash_image(self) -> bytes:
        return self._board.flash["journal"].image()

    def transport(self) -> Transport:
        return open_transport(self._board.pty)

    def cut_at_message(self, n: int) -> int:
        """Cut before the n-th message from now is seen, 0: never. How many were left until the
        last one; 0 when it has come, or is coming."""
        with self._counting:
            left, self._left = self._left, n
            return left

    def close(self) -> None:
        self._board.cancel_cuts()

    def _heard(self, message: PanelMessage) -> bool:
        with self._counting:
            if self._left:
                self._left -= 1
                if not self._left:
                    return True
        self.tape.add(message)
        return False


class VirtualPower:
    """A Power that sees its rail. From any thread: a cut may be due while it is switched on."""

    def __init__(self, board: VirtualBoard, dut: VirtualDut) -> None:
        self._board = board
        self._dut = dut
        self._watch: threading.Thread | None = None
        self._switch = threading.Lock()

    def on(self) -> None:
        with self._switch:
            if self._board.is_on:
                return
            self._join()
            self._dut.open()
            self._dut.tape.power(True)
            self._board.power_on()
            self._dut.tape.add({"boot": "PWRON"})
            self._watch = threading.Thread(target=self._off, name="power of the virtual board")
            self._watch.start()

    def off(self) -> None:
        with self._switch:
            self._board.power_off()
            self._join()

    def read(self) -> bool | None:
        return self._board.is_on

    def close(self) -> None:
        self.off()

    def _off(self) -> None:
        self._board.wait_off()
        self._dut.tape.power(False)

    def _join(self) -> None:
        if self._watch:
            self._watch.join()
            self._watch = None


class VirtualCutter:
    """A Cutter for the flash operations and the panel's messages of a virtual board."""

    kinds: tuple[Kind, ...] = (EXACT, MARKER)

    def __init__(self, board: VirtualBoard, dut: VirtualDut) -> None:
        self._board = board
        self._dut = dut
        self._armed: Cut | None = None
        self._hit = ""

    def arm(self, cut: Cut) -> None:
        self._armed, self._hit = cut, ""
        if cut.kind == MARKER:
            self._dut.cut_at_message(cut.n)
        else:
            self._board.cut_at_operation(cut.n, cut.phase, seed=cut.seed)

    def disarm(self) -> None:
        """A cut that is just coming is waited for."""
        cut, self._armed = self._armed, None
        if cut is None:
            return
        if cut.kind == MARKER:
            still = self._dut.cut_at_message(0) > 0
        else:
            still = self._board.cancel_flash_cut()
        if not still:
            came = self._board.wait_cut()
            words = f"{came.what} {came.phase} at {came.address:#x}"
            self._hit = came.what if came.what == "panel" else words
            self._dut.tape.power(False)

    def fired(self) -> str:
        return self._hit


class VirtualRig:
    """A Rig around one virtual board in ``directory``."""

    def __init__(self, directory: Path, flash: Mapping[str, int] = FLASH) -> None:
        sizes = {**flash, "journal": JOURNAL_BYTES}
        self.board = VirtualBoard(directory, flash=sizes, unique_id=b"hil-01")
        try:
            self.board.install()
        except BaseException:
            self.board.close()
            raise
        self.dut = VirtualDut(self.board)
        self.power = VirtualPower(self.board, self.dut)
        self.cutter = VirtualCutter(self.board, self.dut)

    def fresh(self) -> None:
        """A terminal as it comes: no configuration, no journal."""
        self.power.off()
        for flash in self.board.flash.values():
            flash.load(b"\xff" * flash.size)
        self.dut.tape.messages.clear()

    def close(self) -> None:
        self.power.close()
        self.board.close()
