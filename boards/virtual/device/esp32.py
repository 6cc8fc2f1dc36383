"""esp32.Partition of the virtual board; the flash itself lives in the supervisor.

Same calls and same errors as ports/esp32: OSError(-code, "ESP_ERR_...") for what IDF refuses,
OSError(ENOENT) for a label that does not exist, no check of what was written.
"""

import _link

_BLOCK = 4096
_ENOENT = 2
_SLOTS = ("ota_0", "ota_1")
_ERRORS = {258: "ESP_ERR_INVALID_ARG", 260: "ESP_ERR_INVALID_SIZE"}


def _check(status: int):
    if status:
        raise OSError(-status, _ERRORS.get(status, "ESP_FAIL"))


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    def __init__(self, label):
        if label == Partition.RUNNING:
            label = _link.setting("SLOT")
        name = label.encode()
        if _link.call(_link.FIND, 0, 0, len(name), name):
            raise OSError(_ENOENT)
        self._number = _link.value() >> 24
        self._size = _link.value() & 0xFFFFFF
        self._label = label
        self._file, self._counts = _link.flash(self._number)

    @staticmethod
    def find(type: int = 0, subtype: int = 0xFF, label: str | None = None) -> list:
        """Data partitions by label; like the real one, [] when type is left at TYPE_APP."""
        if type != Partition.TYPE_DATA or label is None:
            return []
        try:
            return [Partition(label)]
        except OSError:
            return []

    def get_next_update(self):
        """The slot that does not run, on a board with two; otherwise OSError(ENOENT), as there."""
        if self._label not in _SLOTS:
            raise OSError(_ENOENT)
        return Partition(_SLOTS[1 - _SLOTS.index(self._label)])

    def set_boot(self):
        """Start this slot from the next start on, on trial."""
        head = bytearray(1)
        self.readblocks(0, head)
        if head[0] != 0xE9:
            _check(0x1503)  # OTA_VALIDATE_FAILED; the whole image is checked there
        from _slots import boot

        boot(Partition("otadata"), _SLOTS.index(self._label))

    @staticmethod
    def mark_app_valid_cancel_rollback():
        if _link.setting("SLOT"):
            from _slots import keep

            keep(Partition("otadata"))

    def info(self) -> tuple:
        return (Partition.TYPE_DATA, 0x81, 0, self._size, self._label, False)

    def readblocks(self, block: int, buffer, offset: int = 0):
        address = block * _BLOCK + offset
        size = len(buffer)
        if address > self._size:
            _check(258)
        if address + size > self._size:
            _check(260)
        self._file.seek(address)
        self._file.readinto(buffer)
        self._counts.reads += 1
        self._counts.bytes += size

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
