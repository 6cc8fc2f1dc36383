"""A data partition in memory, with the rules of NOR flash and the calls of esp32.Partition."""

_BLOCK = 4096


class Nor:
    def __init__(self, blocks):
        self._data = bytearray(b"\xff" * (blocks * _BLOCK))

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = self._data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        start = block * _BLOCK + (offset or 0)
        if offset is None:
            for at in range(start, start + len(buffer), _BLOCK):
                self.ioctl(6, at // _BLOCK)
        for i in range(len(buffer)):
            self._data[start + i] &= buffer[i]

    def ioctl(self, command, argument):
        if command == 4:
            return len(self._data) // _BLOCK
        if command == 5:
            return _BLOCK
        if command == 6:
            self._data[argument * _BLOCK : (argument + 1) * _BLOCK] = b"\xff" * _BLOCK
        return 0
