"""One direction of a serial line: bytes take their time, and noise gets at them.

Pure: no clock of its own, times are integer nanoseconds of the caller's.
"""

import random
from collections import deque
from dataclasses import dataclass

BITS = 10  # of a byte on the line: start, eight, stop
_SECOND = 1_000_000_000


@dataclass
class Traffic:
    """What both directions of a line have carried, damaged or not."""

    to_chip: int = 0
    to_host: int = 0
    flights: int = 0
    """Times that the host began to send, or did so again after the chip had."""
    began_at: int = 0
    ended_at: int = 0
    _host_sends: bool = False

    def add(self, size: int, to_chip: bool, now: int, ended_at: int) -> None:
        """``ended_at``: when the last of these bytes will have arrived."""
        if self.began_at == 0:
            self.began_at = now
        if to_chip:
            self.flights += not self._host_sends
            self.to_chip += size
        else:
            self.to_host += size
        self._host_sends = to_chip
        self.ended_at = max(self.ended_at, ended_at)

    @property
    def seconds(self) -> float:
        """From the first byte to the last."""
        return (self.ended_at - self.began_at) / _SECOND


class Wire:
    """``noise``: of a million bytes so many get a bit flipped, drawn from ``seed``."""

    def __init__(self, noise: int = 0, seed: int = 0) -> None:
        if not 0 <= noise <= 1_000_000:
            raise ValueError(f"noise is bytes in a million, not {noise}")
        self._noise = noise
        self._random = random.Random(seed)
        self._queue: deque[tuple[int, int, bytes]] = deque()  # first arrival, time a byte, bytes
        self._waiting = 0
        self.free_at = 0
        """When the last byte that was put will have arrived."""
        self.flipped = 0

    def __len__(self) -> int:
        """Bytes on their way."""
        return self._waiting

    def put(self, data: bytes, now: int, sent_at: int, read_at: int) -> None:
        """Send at ``sent_at`` baud; a receiver set to another rate than that reads noise."""
        if sent_at != read_at:
            data = self._random.randbytes(len(data))
        elif self._noise:
            data = self._damaged(data)
        each = BITS * _SECOND // sent_at
        start = max(self.free_at, now)
        self.free_at = start + each * len(data)
        if data:
            self._queue.append((start + each, each, data))
            self._waiting += len(data)

    def _damaged(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for i in range(len(spoiled)):
            if self._random.randrange(1_000_000) < self._noise:
                spoiled[i] ^= 1 << self._random.randrange(8)
                self.flipped += 1
        return bytes(spoiled)

    def take(self, now: int) -> bytes:
        """What has arrived by now."""
        arrived = b""
        while self._queue and self._queue[0][0] <= now:
            first_at, each, data = self._queue.popleft()
            count = (now - first_at) // each + 1
            arrived += data[:count]
            if count < len(data):
                self._queue.appendleft((first_at + each * count, each, data[count:]))
        self._waiting -= len(arrived)
        return arrived

    @property
    def next_at(self) -> int | None:
        """When the next byte will have arrived; None when nothing is on its way."""
        return self._queue[0][0] if self._queue else None
