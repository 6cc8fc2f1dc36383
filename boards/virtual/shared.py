"""Memory that a chip and its supervisor both see. A chip reads its flash from the file itself, as
it is mapped into a real one's address space; here it counts what it has read.

Byte 0 is 1 while the chip is in a request; from 64 on, 8 bytes a partition: reads, bytes read,
both u32 in the machine's order. The other end: device/_link.py.
"""

import mmap
import struct
import tempfile

SIZE = mmap.PAGESIZE
_COUNTS = 64
_COUNT = struct.Struct("=II")


class Shared:
    """One board's; it stays over power cycles, so that the counts go on."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (until close)
        self._file.truncate(SIZE)
        self._memory = mmap.mmap(self._file.fileno(), SIZE)

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def busy(self) -> bool:
        """Whether the chip is in a flash operation or the like."""
        return bool(self._memory[0])

    def start(self) -> None:
        """Another chip begins, whatever the last one was at."""
        self._memory[0] = 0

    def reads(self, partition: int) -> tuple[int, int]:
        """How many reads, and of how many bytes."""
        reads, size = _COUNT.unpack_from(self._memory, _COUNTS + partition * _COUNT.size)
        return int(reads), int(size)

    def close(self) -> None:
        self._memory.close()
        self._file.close()
