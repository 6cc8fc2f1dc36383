"""The 2-byte binary length that stands before each message on a TCP connection."""

from protocol.iso8583.codec import Iso8583Error

_PREFIX = 2


def wrap(message: bytes) -> bytes:
    """``message`` with its length in front, big-endian, not counting itself."""
    if not 0 < len(message) <= 0xFFFF:
        raise Iso8583Error(f"{len(message)} bytes do not fit a 2-byte length")
    return bytes((len(message) >> 8, len(message) & 0xFF)) + message


class Unwrapper:
    """Cuts a byte stream into messages; never holds more than one message of ``max_message``."""

    def __init__(self, max_message: int) -> None:
        self._max = max_message
        self._buffer = bytearray()
        self._bad = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that ``data`` completes.

        A length of 0 or above the maximum raises Iso8583Error, now and at every later call:
        the stream has no other mark to find its place again, so the connection is to be closed.
        Messages completed before a bad length are returned first.
        """
        messages: list[bytes] = []
        at = 0
        while not self._bad and at < len(data):
            size = self._size()
            need = _PREFIX if size == 0 else _PREFIX + size
            take = data[at : at + need - len(self._buffer)]
            self._buffer.extend(take)
            at += len(take)
            if size and len(self._buffer) == need:
                messages.append(bytes(self._buffer[_PREFIX:]))
                self._buffer = bytearray()
            elif len(self._buffer) == _PREFIX and not 0 < self._size() <= self._max:
                self._bad = 1 + self._size()
        if self._bad and not messages:
            raise Iso8583Error(f"length prefix is {self._bad - 1}, not 1 to {self._max}")
        return messages

    def _size(self) -> int:
        if len(self._buffer) < _PREFIX:
            return 0
        return self._buffer[0] << 8 | self._buffer[1]
