"""One direction of a serial line: bytes take their time, and noise gets at them.

Pure: no clock of its own, times are integer nanoseconds of the caller's.
"""

import random
from collections import deque

BITS = 10  # of a byte on the line: start, eight, stop
_SECOND = 1_000_000_000


class Wire:
    """``noise``: of a million bytes so many get a bit flipped, drawn from ``seed``."""

    def __init__(self, noise: int = 0, seed: int = 0) -> None:
        if not 0 <= noise <= 1_000_000:
            raise ValueError(f"noise is bytes in a million, not {noise}")
        self._noise = noise
        self._random = random.Random(seed)
        self._queue: deque[tuple[int, int]] = deque()  # (when it has arrived, byte)
        self._free_at = 0
        self.flipped = 0

    def __len__(self) -> int:
        """Bytes on their way."""
        return len(self._queue)

    def put(self, data: bytes, now: int, sent_at: int, read_at: int) -> None:
        """Send at ``sent_at`` baud; a receiver set to another rate than that reads noise."""
        for byte in data:
            self._free_at = max(self._free_at, now) + BITS * _SECOND // sent_at
            if sent_at != read_at:
                byte = self._random.randrange(256)
            elif self._noise and self._random.randrange(1_000_000) < self._noise:
                byte ^= 1 << self._random.randrange(8)
                self.flipped += 1
            self._queue.append((self._free_at, byte))

    def take(self, now: int) -> bytes:
        """What has arrived by now."""
        arrived = bytearray()
        while self._queue and self._queue[0][0] <= now:
            arrived.append(self._queue.popleft()[1])
        return bytes(arrived)

    @property
    def next_at(self) -> int | None:
        """When the next byte will have arrived; None when nothing is on its way."""
        return self._queue[0][0] if self._queue else None

    def clear(self) -> None:
        """Forget what is on its way."""
        self._queue.clear()
