"""The virtual board's wire to its supervisor: one request, one answer, over an inherited socket.

Everything a real board does in silicon (flash, panel, resets) is one request here; the supervisor
carries it out before it answers, so a power cut lands exactly on one operation. All
buffers are made at boot: a flash operation must not allocate.

Request: op u8, partition u8, spare u16, address u32, length u32, then length bytes for PROGRAM,
FIND and PANEL. Answer: status u32 (0, or an ESP_ERR_* code), value u32. SCRIPT has none.
"""

import os
import struct

import uctypes

PROGRAM = 2
ERASE = 3
FIND = 4
PANEL = 5
KBD_INTR = 6
READY = 7
WATCHDOG = 8
HARD_RESET = 9
SOFT_RESET = 10
BAUD = 11
SCRIPT = 12
RTC = 13
TRACE = 14

_stream = open(int(os.getenv("BOARD_LINK", "-1")), "r+b")
_send = _stream.write
_receive = _stream.readinto
_request = bytearray(12)
_answer = bytearray(8)
_nothing = bytearray(0)
_once = (None,)
# Memory that the supervisor sees: while byte 0 is 1, it holds a Ctrl-C back.
_shared = int(os.getenv("BOARD_SHARED", "0"))
_busy = uctypes.bytearray_at(_shared, 1)
_COUNTS = 64
_files: dict = {}
_COUNT = {"reads": uctypes.UINT32 | 0, "bytes": uctypes.UINT32 | 4}


def flash(partition: int) -> tuple:
    """What a partition is read from, as a file, and where its reads and bytes are counted."""
    counts = uctypes.struct(_shared + _COUNTS + 8 * partition, _COUNT, uctypes.NATIVE)
    if partition not in _files:
        # Kept: a file that is collected closes what the next one would read from.
        _files[partition] = open(int(os.getenv("BOARD_FLASH%d" % partition, "-1")), "rb")
    return _files[partition], counts


def call(op: int, partition: int = 0, address: int = 0, length: int = 0, out=_nothing) -> int:
    """Send a request with the bytes of ``out``; return the status.

    Ctrl-C waits until the answer is here, as it does on a chip whose VM stops during a flash
    operation; otherwise the next request would read this one's answer.
    """
    struct.pack_into("<BBHII", _request, 0, op, partition, 0, address, length)
    interrupted = False
    _busy[0] = 1
    try:
        for _ in _once:
            pass  # a Ctrl-C from before is raised at a jump, and must not be at a later one
    except KeyboardInterrupt:
        interrupted = True
    _send(_request)
    _send(out)
    _receive(_answer)
    _busy[0] = 0
    if interrupted:
        raise KeyboardInterrupt
    return _status()


def tell(op: int):
    """Send a request that has no answer. There is no jump here: a Ctrl-C that it allows is raised
    in what comes next."""
    struct.pack_into("<BBHII", _request, 0, op, 0, 0, 0, 0)
    _send(_request)


def _status() -> int:
    return _answer[0] | _answer[1] << 8  # unpacking would allocate a tuple


def value() -> int:
    """The value of the latest answer."""
    return struct.unpack_from("<I", _answer, 4)[0]


def setting(name: str) -> str:
    """What the supervisor set for this run: CAUSE, SAFE, ID, BAUD, UART, READER, RTC,
    WDT."""
    return os.getenv("BOARD_" + name, "")


def open_events():
    """The stream of front panel events, JSON lines."""
    return open(int(os.getenv("BOARD_EVENTS", "-1")), "rb")
