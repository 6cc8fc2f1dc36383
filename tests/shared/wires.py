"""What is at the other end of a driver's wires: pins, buses, a keypad's contacts.

Every bus keeps a trace of what went over it, so that a test can compare it byte by byte.
"""

_KEPT = 250  # entries of a trace: small things that stay leave a small heap in pieces


class Time:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


class Pin:
    """An output, low or high, and how often it was set."""

    def __init__(self, level: int = 1) -> None:
        self.level = level
        self.changes: list[int] = []

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self.level = level
            self.changes.append(level)
        return self.level


class Pwm:
    def __init__(self) -> None:
        self.duties: list[int] = []

    def duty_u16(self, duty: int) -> None:
        self.duties.append(duty)


class Matrix:
    """A keypad without diodes: current finds every way from a row to a column."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = [Pin() for _ in range(rows)]
        self.columns = [_Column(self, number) for number in range(columns)]
        self.down: set[tuple[int, int]] = set()  # contacts that are closed

    def low(self, column: int) -> bool:
        reached = {("column", column)}
        grown = True
        while grown:
            grown = False
            for row, other in self.down:
                ends = {("row", row), ("column", other)}
                if ends & reached and not ends <= reached:
                    reached |= ends
                    grown = True
        return any(kind == "row" and not self.rows[n].level for kind, n in reached)


class _Column:
    def __init__(self, matrix: Matrix, number: int) -> None:
        self._matrix = matrix
        self._number = number

    def value(self) -> int:
        assert [pin.level for pin in self._matrix.rows].count(0) <= 1, "two rows driven"
        return 0 if self._matrix.low(self._number) else 1


class Spi:
    """A bus with one chip: ``chip.transfer(sent) -> received``, both one transaction long."""

    def __init__(self, chip) -> None:
        self.chip = chip
        self.cs = _Select(self)
        self.trace: list[bytes] = []
        self._sent = b""
        self.selected = False

    def select(self, on: bool) -> None:
        assert on != self.selected, "chip select twice the same way"
        if on:
            self._sent = b""
        elif self.selected:
            if len(self.trace) < _KEPT:
                self.trace.append(self._sent)
            self.chip.released(self._sent)
        self.selected = on

    def _clock(self, sent: bytes) -> bytes:
        assert self.selected, "clocked without chip select"
        start = len(self._sent)
        self._sent += bytes(sent)
        return self.chip.transfer(self._sent, start)

    def write(self, data: bytes) -> None:
        self._clock(data)

    def read(self, length: int, fill: int = 0) -> bytes:
        return self._clock(bytes([fill]) * length)

    def write_readinto(self, data: bytes, into: bytearray) -> None:
        into[:] = self._clock(bytes(data))


class _Select(Pin):
    def __init__(self, spi: Spi) -> None:
        super().__init__(1)
        self._spi = spi

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self._spi.select(not level)
            self.level = level
        return self.level


class I2c:
    """Chips by address; one that is not there does not acknowledge."""

    def __init__(self, chips: dict) -> None:
        self.chips = chips
        self.trace: list[tuple] = []

    def _chip(self, address: int):
        if address not in self.chips:
            raise OSError(19)  # ENODEV, as the ESP32 port says
        return self.chips[address]

    def readfrom_mem_into(self, address: int, register: int, into: bytearray) -> None:
        into[:] = self._chip(address).read(register, len(into))
        self._keep("r", register, into)

    def readfrom_mem(self, address: int, register: int, length: int) -> bytes:
        data = bytearray(length)
        self.readfrom_mem_into(address, register, data)
        return bytes(data)

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        self._chip(address).write(register, bytes(data))
        self._keep("w", register, data)

    def readfrom(self, address: int, length: int) -> bytes:
        data: bytes = self._chip(address).receive(length)
        assert len(data) == length
        return data

    def writeto(self, address: int, data: bytes) -> None:
        self._chip(address).send(bytes(data))
        self._keep("w", None, data)

    def _keep(self, way: str, register: int | None, data: bytes) -> None:
        if len(self.trace) < _KEPT:
            self.trace.append((way, register, bytes(data)))


class Uart:
    """Bytes to the other end (``sent``) and from it (``give``). ``slow``: what is written leaves
    when ``leave`` is called, as on a line with a baud rate."""

    FIFO = 128

    def __init__(self, slow: bool = False) -> None:
        self.sent = b""
        self.writes: list[bytes] = []
        self._in = b""
        self._slow = slow
        self._out = b""

    def give(self, data: bytes) -> None:
        self._in += data

    def any(self) -> int:
        return len(self._in)

    def read(self, length: int) -> bytes | None:
        data, self._in = self._in[:length], self._in[length:]
        return data or None

    def write(self, data: bytes) -> int:
        assert len(self._out) + len(data) <= self.FIFO, "the write would have waited"
        self.writes.append(bytes(data))
        self._out += bytes(data)
        if not self._slow:
            self.leave()
        return len(data)

    def leave(self, count: int = FIFO) -> None:
        self.sent += self._out[:count]
        self._out = self._out[count:]

    def txdone(self) -> bool:
        return not self._out
