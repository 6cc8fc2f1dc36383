"""The second serial port: machine.UART's stream, as far as the firmware may use it."""

import io
import select

import _link

_GET_FILENO = 10
_EINVAL = 22
_PORT = 1


class Uart(io.IOBase):
    """Never waits: a read gives what is there, a write takes what there is room for, both None
    for nothing."""

    def __init__(self):
        number = int(_link.setting("UART"))
        self._number = number
        self._file = open(number, "r+b")
        self._there = select.poll()
        self._there.register(self._file, select.POLLIN)

    def any(self) -> int:
        """1 when there is something to read."""
        return len(self._there.poll(0))

    def read(self, count: int) -> bytes | None:
        return self._file.read(count)

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def write(self, data):
        return self._file.write(data)

    def ioctl(self, request: int, argument: int) -> int:
        return self._number if request == _GET_FILENO else -_EINVAL


class RatedUart(Uart):
    def init(self, baudrate: int):
        """Change the rate, when what was written has left."""
        _link.call(_link.BAUD, _PORT, baudrate)
