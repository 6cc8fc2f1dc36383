"""Frames: payload || CRC-32, COBS-encoded, between two 0x00 bytes.

COBS (Cheshire and Baker, 1999) takes every zero byte out of the frame, so a zero can only be a
frame's edge. The zero *before* a frame cuts off what the REPL printed on the same port.
"""

import binascii

# The receive ring of a board's REPL port holds 259 bytes and drops the rest without a word: one
# whole frame towards the terminal must fit.
MAX_TO_TERMINAL = 200
MAX_TO_COMPANION = 2048
# All that the decoder of a companion of version 1 takes.
MAX_TO_COMPANION_1 = 1024

_CRC_LENGTH = 4
_RUN = 254


def encode(payload: bytes) -> bytes:
    """The frame of a payload of 1 byte or more, both delimiters included."""
    encoder = Encoder(len(payload))
    encoder.payload[: len(payload)] = payload
    return bytes(encoder.encode(len(payload)))


class Encoder:
    """Makes one frame after the other; its memory is fixed at construction."""

    def __init__(self, max_payload: int) -> None:
        total = max_payload + _CRC_LENGTH
        # One memory for both: a frame grows by one byte in 254, so that what is written from the
        # front does not reach what is still to be read, if that begins so much further on.
        self._ahead = total // _RUN + 2
        self._out = bytearray(self._ahead + total + 1)
        self._view = memoryview(self._out)
        # Where to put the payload of the next frame.
        self.payload = self._view[self._ahead : self._ahead + max_payload]

    def encode(self, length: int) -> memoryview:
        """The frame of the first ``length`` bytes of ``payload``, which are gone then; good until
        the next payload."""
        view = self._view
        out = self._out
        start = self._ahead
        total = start + length + _CRC_LENGTH
        crc = binascii.crc32(view[start : start + length]) & 0xFFFFFFFF
        out[start + length : total] = crc.to_bytes(_CRC_LENGTH, "big")
        out[0] = 0
        at = 1
        while True:
            limit = min(start + _RUN, total)
            zero = out.find(b"\0", start, limit)
            end = limit if zero < 0 else zero
            run = end - start
            out[at] = run + 1
            if run:  # a slice costs an allocation, and zeros often come in runs
                view[at + 1 : at + 1 + run] = view[start:end]
            at += 1 + run
            if zero >= 0:
                start = zero + 1
            elif end == total:
                break
            else:
                start = end
        out[at] = 0
        return view[: at + 1]


def _unstuff(data: bytearray, length: int) -> int:
    """Undo COBS in place; returns the new length, -1 when a run reaches beyond the end."""
    source = 0
    out = 0
    while source < length:
        run = data[source] - 1
        source += 1
        if run > length - source:
            return -1
        data[out : out + run] = data[source : source + run]
        source += run
        out += run
        if run < _RUN and source < length:
            data[out] = 0
            out += 1
    return out


class Decoder:
    """Takes bytes in any pieces, gives whole payloads; its memory is fixed at construction."""

    def __init__(self, max_payload: int) -> None:
        total = max_payload + _CRC_LENGTH
        self._buffer = bytearray(total + total // _RUN + 1)
        self._length = 0
        self._oversize = False
        self._max_payload = max_payload
        self.bad = 0
        self.last_error = ""

    def feed(self, data: bytes) -> list:
        """Payloads completed by these bytes, in order. A corrupt frame only counts in ``bad``."""
        payloads = []
        start = 0
        while start < len(data):
            zero = data.find(b"\0", start)
            end = len(data) if zero < 0 else zero
            self._collect(data, start, end)
            if zero >= 0 and (self._length or self._oversize):
                payload = self._finish()
                if payload is not None:
                    payloads.append(payload)
            start = end + 1
        return payloads

    def reset(self) -> None:
        """Forget a frame that has begun."""
        self._length = 0
        self._oversize = False

    def _collect(self, data: bytes, start: int, end: int) -> None:
        filled = self._length + end - start
        if filled > len(self._buffer):
            self._oversize = True
        if not self._oversize:
            self._buffer[self._length : filled] = data[start:end]
            self._length = filled

    def _reject(self, why: str) -> None:
        # The counter is for a person to look at, noise must not grow it into a long integer.
        self.bad = min(self.bad + 1, 0xFFFF)
        self.last_error = why

    def _finish(self) -> bytes | None:
        stuffed = self._length
        oversize = self._oversize
        self.reset()
        if oversize:
            self._reject("a frame longer than %d payload bytes" % self._max_payload)
            return None
        length = _unstuff(self._buffer, stuffed) - _CRC_LENGTH
        if length < 1 or length > self._max_payload:
            self._reject("%d bytes that are no frame" % stuffed)
            return None
        payload = bytes(memoryview(self._buffer)[:length])
        crc = int.from_bytes(self._buffer[length : length + _CRC_LENGTH], "big")
        if binascii.crc32(payload) & 0xFFFFFFFF != crc:
            self._reject("a frame of %d payload bytes with a wrong CRC-32" % length)
            return None
        return payload
