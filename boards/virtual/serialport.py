"""A serial port of the board: a pty that stays, relayed to the chip's own, which dies with it.

A chip gets a new pty at every start, the outer one keeps its path over power cycles. Both are
raw: bytes pass unchanged. Whether 0x03 is a Ctrl-C stands in the inner line's settings, so that
the REPL of the unix port, which makes the line raw while it reads, switches it as it should.

With a ``Line`` between them the bytes take the time that they take at a baud rate.
"""

import asyncio
import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from boards.virtual.wire import Traffic, Wire

RECEIVE_RING = 259
"""Bytes kept for a chip that reads late. ESP32 drops the rest in silence, and so do we."""

_CHUNK = 4096
_PATIENCE = 0.2  # seconds; then output that no host reads is thrown away, as USB-Serial-JTAG does
_CTRL_C = b"\x03"
CtrlC = Literal["taken", "data", "later"]
"""What became of a Ctrl-C: "later" while the chip is in a flash operation or the like."""

_FLASH_S = 0.001
# A flag without an effect of its own while ISIG is off; the supervisor sends the signal itself.
_TAKES_CTRL_C = termios.NOFLSH


RATE = 115200
"""Baud of a chip's ports after a start."""

MAX_RATE = 921600

# Bytes that a UART holds before its writer has to wait. More than the 128 of an ESP32's: however
# late this process gets its turn, the line does not fall silent while the chip has something.
_FIFO = 1024
# Arrived bytes are passed on in bursts, as a USB bridge does, but for the last ones.
_BURST_NS = 500_000
_RATES = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit() and name != "B0"
}


@dataclass(frozen=True)
class Line:
    """A line with a baud rate: that of the chip's UART, and for the host what its program has set
    the port to. ``noise``: of a million bytes so many are damaged, in each direction.
    ``max_rate``: what the board says that its REPL port carries."""

    noise: int = 0
    seed: int = 0
    max_rate: int = MAX_RATE


def set_raw(descriptor: int, ctrl_c: bool) -> None:
    """No echo, no translation, no signals, no flow control."""
    _, _, cflag, _, ispeed, ospeed, characters = termios.tcgetattr(descriptor)
    cflag = (cflag & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    lflag = _TAKES_CTRL_C if ctrl_c else 0
    attributes = [0, 0, cflag, lflag, ispeed, ospeed, characters]
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def takes_ctrl_c(descriptor: int) -> bool:
    """Whether 0x03 interrupts what runs on the chip; False: it is data."""
    return bool(termios.tcgetattr(descriptor)[3] & _TAKES_CTRL_C)


class SerialPort:
    """All methods except ``close`` are for the event loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_output: Callable[[bytes], None],
        line: Line | None = None,
    ) -> None:
        self.dropped = 0
        """Bytes towards the chip that found its ring full, or no power."""
        self._loop = loop
        self._on_output = on_output
        self._outer, self._outer_slave = os.openpty()
        set_raw(self._outer_slave, ctrl_c=False)
        os.set_blocking(self._outer, False)
        self.path = os.ttyname(self._outer_slave)
        self._inner: tuple[int, int] | None = None
        self._powered = False
        self._interrupt: Callable[[], CtrlC] = lambda: "data"
        self._listening = False
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._nobody_reads = False
        self._discard_timer: asyncio.TimerHandle | None = None
        self._wires: tuple[Wire, Wire] | None = None  # to the chip, to the host
        if line:
            self._wires = (Wire(line.noise, 2 * line.seed), Wire(line.noise, 2 * line.seed + 1))
        self.rate = RATE
        self.traffic = Traffic()
        self._arrival: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._loop.add_reader(self._outer, self._from_host)

    def attach(self, master: int, slave: int, interrupt: Callable[[], CtrlC]) -> None:
        """Connect a chip's pty; what the host sends is kept until the chip listens.

        ``interrupt`` is called for a Ctrl-C.
        """
        self._interrupt = interrupt
        self._powered = True
        self.rate = RATE
        os.set_blocking(master, False)
        self._inner = (master, slave)
        self._loop.add_reader(master, self._from_chip)

    def listen(self) -> None:
        """The chip's interpreter is up: input may flow."""
        self._listening = True
        self._pass_on()

    def detach(self) -> None:
        """The chip is gone: take the last of its output, close its pty."""
        if self._inner is None:
            return
        master, slave = self._inner
        self._loop.remove_reader(master)
        self._listening = False
        os.close(slave)
        while data := self._read(master):
            self.emit(data)
        self._inner = None
        os.close(master)

    def power_lost(self) -> None:
        """Nobody hears what the host sends from now on, until a chip is attached."""
        self._powered = False
        self._pass_on()

    def set_rate(self, rate: int) -> None:
        """The chip's UART runs at this baud rate from now on, until the chip starts again; what
        it sent before leaves at the old one."""
        while self._inner and (data := self._read(self._inner[0])):
            self.emit(data)
        self.rate = rate

    def emit(self, data: bytes) -> None:
        """Send to the host."""
        self._on_output(data)
        if self._wires:
            self._send(self._wires[1], data, self.rate, self._host_rate())
        else:
            self._outbox += data
            self._to_host()

    def close(self) -> None:
        """After the event loop has ended."""
        if self._arrival is not None:
            self._arrival.cancel()
        os.close(self._outer)
        os.close(self._outer_slave)

    def _from_host(self) -> None:
        data = self._read(self._outer)
        if self._wires:
            self._send(self._wires[0], data, self._host_rate(), self.rate)
        else:
            self._inbox += data
            self._pass_on()

    # The line, when it has a rate

    def _host_rate(self) -> int:
        return _RATES.get(termios.tcgetattr(self._outer)[5], RATE)

    def _send(self, wire: Wire, data: bytes, sent_at: int, read_at: int) -> None:
        assert self._wires
        now = time.monotonic_ns()
        wire.put(data, now, sent_at, read_at)
        if data:
            self.traffic.add(len(data), wire is self._wires[0], now, wire.free_at)
        self._schedule()

    def _schedule(self) -> None:
        """Come back when bytes have arrived; a UART whose buffer is full takes no more."""
        assert self._wires
        soon = time.monotonic_ns() + _BURST_NS
        due = [
            max(wire.next_at, min(soon, wire.free_at))
            for wire in self._wires
            if wire.next_at is not None
        ]
        if due and self._arrival is None:
            self._arrival = self._loop.call_at(min(due) / 1e9, self._arrived)
        if self._discard_timer is None:
            self._pause(len(self._wires[1]) >= _FIFO)
        if len(self._wires[0]) >= _FIFO:
            self._loop.remove_reader(self._outer)
        else:
            self._loop.add_reader(self._outer, self._from_host)

    def _arrived(self) -> None:
        assert self._wires
        self._arrival = None
        now = time.monotonic_ns()
        self._inbox += self._wires[0].take(now)
        self._pass_on()
        data = self._wires[1].take(now)
        if data:
            self._outbox += data
            self._to_host()
        self._schedule()

    def _pass_on(self) -> None:
        if not self._powered:
            self.dropped += len(self._inbox)
            self._inbox.clear()
            return
        if self._inner is None or not self._listening:
            self.dropped += max(0, len(self._inbox) - RECEIVE_RING)
            del self._inbox[RECEIVE_RING:]
            return
        data, self._inbox = bytes(self._inbox), bytearray()
        while data:
            # A chip sees Ctrl-C before its ring does, even when the ring is full.
            plain, ctrl_c, data = data.partition(_CTRL_C)
            self._to_ring(plain)
            if ctrl_c:
                taken: CtrlC = "data"
                if takes_ctrl_c(self._inner[1]):
                    taken = self._interrupt()
                if taken == "data":
                    self._to_ring(ctrl_c)
                elif taken == "later":
                    self._inbox[:0] = ctrl_c + data
                    self._loop.call_later(_FLASH_S, self._pass_on)
                    return

    def _to_ring(self, data: bytes) -> None:
        assert self._inner is not None
        master, slave = self._inner
        waiting = struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, bytes(4)))[0]
        taken = self._write(master, data[: max(0, RECEIVE_RING - waiting)])
        self.dropped += len(data) - taken

    def _from_chip(self) -> None:
        assert self._inner is not None
        data = self._read(self._inner[0])
        if data:
            self.emit(data)
        else:  # hung up; the chip's end is noticed elsewhere
            self._loop.remove_reader(self._inner[0])

    def _to_host(self) -> None:
        taken = self._write(self._outer, self._outbox)
        del self._outbox[:taken]
        if not self._outbox:
            self._nobody_reads = False
            self._stop_waiting()
        elif self._nobody_reads:
            self._outbox.clear()
        elif taken or self._discard_timer is None:
            self._wait_for_reader()

    def _wait_for_reader(self) -> None:
        """Hold the chip's output back, and give up when the host has read nothing for a while."""
        self._stop_waiting()
        self._discard_timer = self._loop.call_later(_PATIENCE, self._discard)
        self._loop.add_writer(self._outer, self._to_host)
        self._pause(True)

    def _discard(self) -> None:
        self._outbox.clear()
        self._nobody_reads = True
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._discard_timer is not None:
            self._discard_timer.cancel()
            self._discard_timer = None
            self._loop.remove_writer(self._outer)
            self._pause(False)

    def _pause(self, paused: bool) -> None:
        if self._inner is None:
            return
        if paused:
            self._loop.remove_reader(self._inner[0])
        else:
            self._loop.add_reader(self._inner[0], self._from_chip)

    @staticmethod
    def _read(descriptor: int) -> bytes:
        try:
            return os.read(descriptor, _CHUNK)
        except OSError:  # EIO: hung up; EAGAIN: nothing there
            return b""

    @staticmethod
    def _write(descriptor: int, data: bytes | bytearray) -> int:
        try:
            return os.write(descriptor, data) if data else 0
        except OSError:
            return 0
