"""A workbench: one port behind which there is a chip in its loader, or the firmware that it holds.

When esptool talks, the port is the loader's (loader.py); when anything else does, it is that of
the virtual board, started from what is in the flash: ``romfs``, ``journal``, ``vault`` and ``log``
are the same bytes on both sides. A board without a whole ROMFS image does not start.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from boards.flash.target import Target
from boards.virtual.board import VirtualBoard
from companion.flash.partitions import Partition
from tests.flash.loader import SYNC, Deslip, Loader

_SHARED = ("journal", "vault", "log")


class Bench:
    """A board as ``target`` says, its flash erased. ``heap``: it runs what is in the flash, with
    so much memory; without it there is a chip in its loader and nothing else."""

    def __init__(self, target: Target, folder: Path, heap: str = "") -> None:
        self.flash = bytearray(b"\xff" * target.flash_size)
        self.rows = {row.label: row for row in target.ours}
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.loader = Loader(target.chip, self.flash, self._to_host)
        self.board: VirtualBoard | None = None
        self._board_port = -1
        if heap:
            sizes = {label: self.rows[label].size for label in _SHARED}
            self.board = VirtualBoard(folder / "board", flash=sizes, heap=heap)
            self._board_port = os.open(self.board.pty, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._board_port)
        self._loading = True  # strapped so: the first to talk is esptool
        self._deslip = Deslip()
        self._stop, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="bench")
        self._thread.start()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._wake, b"x")
        self._thread.join()
        if self.board:
            os.close(self._board_port)
            self.board.close()
        for descriptor in (self._master, self._slave, self._stop, self._wake):
            os.close(descriptor)

    def part(self, row: Partition) -> bytes:
        """What lies in a partition."""
        return bytes(self.flash[row.offset : row.offset + row.size])

    def _to_host(self, data: bytes) -> None:
        os.write(self._master, data)

    def _serve(self) -> None:
        sources: Sequence[int] = [self._master, self._stop]
        if self.board:
            sources = [*sources, self._board_port]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if self._stop in ready:
                return
            if self._board_port in ready:
                said = os.read(self._board_port, 4096)
                if not self._loading:
                    self._to_host(said)
            if self._master in ready:
                self._heard(os.read(self._master, 65536))

    def _heard(self, data: bytes) -> None:
        if not self._loading and data.startswith(SYNC):
            self._load()
        if self._loading:
            for packet in self._deslip.feed(data):
                self.loader.packet(packet)
            if self._deslip.foreign:
                data, self._deslip = bytes(self._deslip.foreign), Deslip()
                self._run()
        if not self._loading and self.board:
            os.write(self._board_port, data)

    def _load(self) -> None:
        """The chip is reset into its loader: a power cut to the firmware."""
        assert self.board is not None
        self.board.power_off()
        for label in _SHARED:
            row = self.rows[label]
            self.flash[row.offset : row.offset + row.size] = self.board.flash[label].image()
        self._loading = True

    def _run(self) -> None:
        """The chip is reset into what it holds."""
        if self.board is None:
            return
        for label in _SHARED:
            self.board.flash[label].load(self.part(self.rows[label]))
        if b"VfsRom\0" in self.flash:  # the MicroPython in the flash has it
            self.board.rom.write_bytes(self.part(self.rows["romfs"]))
        else:
            self.board.rom.unlink(missing_ok=True)
        self.board.power_on()
        self._loading = False
