"""The REPL port, or a UART, as a byte stream that never blocks the event loop."""

import asyncio
import select

# A UART write waits until the bytes are in the FIFO: 64 bytes are 6 ms at 115200 baud.
_PIECE = 64
_WAIT_MS = 2
_CTRL_C = 3
# Somebody holds the key down: no frame has so many, and a cable without a companion no other use.
_HELD = 10


class Console:
    """Reader and writer in one. Pass ``sys.stdin.buffer`` and ``sys.stdout.buffer``, or a
    machine.UART for both, and the port's highest rate (0: it has none of its own) with what
    changes it once all has left. ``on_held`` is called when Ctrl-C is held down.

    Ctrl-C must be off (``micropython.kbd_intr(-1)``): frames hold any byte but zero.
    """

    def __init__(self, stdin, stdout, max_baud: int = 0, set_baud=None, on_held=None) -> None:
        self.max_baud = max_baud
        self.set_baud = set_baud
        self._on_held = on_held
        self._ctrl_c = 0  # in a row
        self._stdin = stdin
        self._stdout = stdout
        self._reader = asyncio.StreamReader(stdin)
        self._readable = select.poll()
        self._readable.register(stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(stdout, select.POLLOUT)
        self._pending = b""

    async def read(self, limit: int) -> bytes:
        """Between 1 and ``limit`` bytes, b"" at the end of the stream."""
        data = await self._reader.read(1)
        # One byte at a time: on a board read(n) blocks until n bytes are there.
        while data and len(data) < limit and self._readable.poll(0):
            byte = self._stdin.read(1)
            if not byte:
                break
            data += byte
        if self._on_held:
            self._count(data)
        return data

    def _count(self, data: bytes) -> None:
        for byte in data:
            self._ctrl_c = self._ctrl_c + 1 if byte == _CTRL_C else 0
            if self._ctrl_c == _HELD:
                self._on_held()

    def write(self, data: bytes) -> None:
        """Take one frame; ``drain`` sends it."""
        self._pending = data

    async def drain(self) -> None:
        """Send the frame in pieces: other tasks run meanwhile, a port nobody reads can't block."""
        view = memoryview(self._pending)
        at = 0
        while at < len(view):
            if self._writable.poll(0):
                at += self._stdout.write(view[at : at + _PIECE]) or 0
                await asyncio.sleep_ms(0)
            else:
                await asyncio.sleep_ms(_WAIT_MS)
