"""esp32.Partition of the virtual board; the flash itself lives in the supervisor.

Same calls and same errors as ports/esp32: OSError(-code, "ESP_ERR_...") for what IDF refuses,
OSError(ENOENT) for a label that does not exist, no check of what was written.
"""

import _link

_BLOCK = 4096
_ENOENT = 2
_ERRORS = {258: "ESP_ERR_INVALID_ARG", 260: "ESP_ERR_INVALID_SIZE"}


def _check(status: int):
    if status:
        raise OSError(-status, _ERRORS.get(status, "ESP_FAIL"))


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    def __init__(self, label: str):
        name = label.encode()
        if _link.call(_link.FIND, 0, 0, len(name), name):
            raise OSError(_ENOENT)
        self._number = _link.value() >> 24
        self._size = _link.value() & 0xFFFFFF
        self._label = label

    @staticmethod
    def find(type: int = 0, subtype: int = 0xFF, label: str | None = None) -> list:
        """Data partitions by label; like the real one, [] when type is left at TYPE_APP."""
        if type != Partition.TYPE_DATA or label is None:
            return []
        try:
            return [Partition(label)]
        except OSError:
            return []

    def info(self) -> tuple:
        return (Partition.TYPE_DATA, 0x81, 0, self._size, self._label, False)

    def readblocks(self, block: int, buffer, offset: int = 0):
        address = block * _BLOCK + offset
        _check(_link.call(_link.READ, self._number, address, len(buffer), into=buffer))

    def writeblocks(self, block: int, buffer, offset: int | None = None):
        """Without an offset: erase, then program. With one: program only."""
        address = block * _BLOCK
        if offset is None:
            _check(_link.call(_link.ERASE, self._number, address, len(buffer)))
        else:
            address += offset
        _check(_link.call(_link.PROGRAM, self._number, address, len(buffer), buffer))

    def ioctl(self, command: int, argument: int):
        if command in (1, 2, 3):  # init, deinit, sync: nothing to do
            return 0
        if command == 4:
            return self._size // _BLOCK
        if command == 5:
            return _BLOCK
        if command == 6:
            _check(_link.call(_link.ERASE, self._number, argument * _BLOCK, _BLOCK))
            return 0
        return None
