"""The supervisor's end of the chip's wire (the other end: device/_link.py, which has the format).

One request at a time, answered after it was carried out. That makes a power cut exact: the
handler raises ``ChipEnded`` instead of answering, and the chip never gets past that request.
"""

import socket
import struct
from typing import Protocol

from boards.virtual.flash import FlashError

_REQUEST = struct.Struct("<BBHII")
_ANSWER = struct.Struct("<II")

# esp_err.h
_INVALID_ARGUMENT = 258
_INVALID_SIZE = 260

_PROGRAM = 2
_ERASE = 3
_FIND = 4
_PANEL = 5
_KBD_INTR = 6
_READY = 7
_WATCHDOG = 8
_HARD_RESET = 9
_SOFT_RESET = 10
_BAUD = 11
_SCRIPT = 12
_RTC = 13
_TRACE = 14

_WITH_DATA = (_PROGRAM, _FIND, _PANEL, _RTC)
_MAX_DATA = 1 << 20


class ChipEnded(Exception):
    """The chip has no power any more, or its link is closed; ``how`` says why."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Handler(Protocol):
    """What a request does. May raise ChipEnded; FlashError for a range outside the partition."""

    def size(self, partition: int) -> int: ...
    def program(self, partition: int, address: int, data: bytes) -> None: ...
    def erase(self, partition: int, address: int, length: int) -> None: ...
    def find(self, label: str) -> int: ...
    def panel(self, data: bytes) -> bool: ...
    def kbd_intr(self, on: bool) -> None: ...
    def ready(self) -> None: ...
    def trace(self, level: bool) -> None: ...
    def watchdog(self, timeout_ms: int) -> None: ...
    def keep_rtc(self, data: bytes) -> None: ...
    def set_baud(self, port: int, rate: int) -> None: ...
    def script(self) -> None: ...


def serve(link: socket.socket, handler: Handler) -> str:
    """Answer requests until the chip ends; returns how: "gone", "cut", "hard" or "soft"."""
    header = bytearray(_REQUEST.size)
    view = memoryview(header)
    try:
        while True:
            _receive(link, view)
            operation, partition, _, address, length = _REQUEST.unpack(header)
            data = b""
            if operation in _WITH_DATA:
                if length > _MAX_DATA:
                    raise ChipEnded("gone")
                buffer = bytearray(length)
                _receive(link, memoryview(buffer))
                data = bytes(buffer)
            link.sendall(_carry_out(handler, operation, partition, address, length, data))
    except ChipEnded as end:
        return end.how
    except OSError:
        return "gone"


def _receive(link: socket.socket, view: memoryview) -> None:
    while view:
        count = link.recv_into(view)
        if count == 0:
            raise ChipEnded("gone")
        view = view[count:]


def _carry_out(
    handler: Handler, operation: int, partition: int, address: int, length: int, data: bytes
) -> bytes:
    if operation in (_PROGRAM, _ERASE):
        return _flash(handler, operation, partition, address, length, data)
    status, value = 0, 0
    if operation == _FIND:
        try:
            number = handler.find(data.decode())
            value = number << 24 | handler.size(number)
        except ValueError:
            status = _INVALID_ARGUMENT
    elif operation == _PANEL:
        status = 0 if handler.panel(data) else _INVALID_SIZE
    elif operation == _KBD_INTR:
        handler.kbd_intr(bool(address))
    elif operation == _READY:
        handler.ready()
    elif operation == _TRACE:
        handler.trace(bool(address))
    elif operation == _WATCHDOG:
        handler.watchdog(address)
    elif operation == _RTC:
        handler.keep_rtc(data)
    elif operation == _BAUD:
        handler.set_baud(partition, address)
    elif operation == _SCRIPT:
        handler.script()
        return b""
    elif operation == _HARD_RESET:
        raise ChipEnded("hard")
    elif operation == _SOFT_RESET:
        raise ChipEnded("soft")
    else:
        raise ChipEnded("gone")
    return _ANSWER.pack(status, value)


def _flash(
    handler: Handler, operation: int, partition: int, address: int, length: int, data: bytes
) -> bytes:
    """As esp_partition_*: a start beyond the end is an invalid argument, else an invalid size."""
    try:
        if operation == _PROGRAM:
            handler.program(partition, address, data)
        else:
            handler.erase(partition, address, length)
    except FlashError:
        beyond = address > handler.size(partition)
        return _ANSWER.pack(_INVALID_ARGUMENT if beyond else _INVALID_SIZE, 0)
    return _ANSWER.pack(0, 0)
