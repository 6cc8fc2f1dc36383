"""Runs on MicroPython: a store of records on a flash that is at the other end of a pipe.

Started by device.py with the design's name as its argument. The parent writes commands to stdin;
while one is carried out, every access to the flash is a request on stdout that the parent answers.
All numbers are little-endian.

    command   op u8, mode u8, length u16, value u32, blocks u32, then length bytes
    request   op u8, spare u8, length u16, block u32, offset u32; the data of a PROGRAM follows
    answer    errno u8; when that is 0, the data of a READ
    READS     as a request: that many reads (block) of that many bytes (offset); no answer
    DONE      as a request of that length, then the state of the store (see _STATE), its alarm
              and the result's bytes
    FAILED    as a request of that length, then the same state and alarm, then "name: text"
"""

import gc
import json
import struct
import sys

READ, PROGRAM, ERASE, DONE, FAILED, READS = range(1, 7)
FORMAT, MOUNT, APPEND, FETCH, SCAN, IDLE, RELEASE, ROOM = range(1, 9)
PLAIN, MEASURED, STARVED = range(3)  # STARVED: with so many blocks of memory and no more
# read_only, length of the alarm; first, next, released; what was returned, bytes allocated
_STATE = "<BBIIIII"
_ERASED = b"\xff" * 4096
_BATCH = 4000  # bytes of one SCAN answer, about

_stdin = sys.stdin.buffer
_stdout = sys.stdout.buffer
_request = bytearray(12)
_answer = bytearray(1)
_command = bytearray(12)


def _receive(buf) -> None:
    if _stdin.readinto(buf) != len(buf):
        sys.exit()  # the parent is gone


def _ask(op: int, block: int, offset: int, length: int) -> None:
    struct.pack_into("<BBHII", _request, 0, op, 0, length, block, offset)
    _stdout.write(_request)


def _check() -> None:
    _receive(_answer)
    if _answer[0]:
        raise OSError(_answer[0])


class Partition:
    """Block device with the protocol of esp32.Partition; it allocates nothing when it is used."""

    def __init__(self, sectors: int) -> None:
        self._sectors = sectors

    def readblocks(self, block: int, buf, offset: int = 0) -> None:
        _ask(READ, block, offset, len(buf))
        _check()
        _receive(buf)

    def writeblocks(self, block: int, buf, offset: int) -> None:
        _ask(PROGRAM, block, offset, len(buf))
        _stdout.write(buf)
        _check()

    def begin(self) -> None:
        """A command follows."""

    def end(self) -> None:
        """A command is done."""

    def ioctl(self, op: int, arg: int) -> int:
        if op == 4:
            return self._sectors
        if op == 5:
            return 4096
        if op == 6:
            _ask(ERASE, arg, 0, 0)
            _check()
        return 0


class Mirror(Partition):
    """Keeps a copy of the flash and reads from it: ten times as fast, for measurements."""

    def __init__(self, sectors: int) -> None:
        super().__init__(sectors)
        self._data = bytearray(sectors * 4096)
        self._view = memoryview(self._data)
        self._reads = self._read_bytes = 0
        self._whole = False

    def begin(self) -> None:
        for block in range(0 if self._whole else self._sectors):
            super().readblocks(block, self._view[block * 4096 : (block + 1) * 4096])
        self._whole = True

    def readblocks(self, block: int, buf, offset: int = 0) -> None:
        start = block * 4096 + offset
        buf[:] = self._view[start : start + len(buf)]
        self._reads += 1
        self._read_bytes += len(buf)

    def writeblocks(self, block: int, buf, offset: int) -> None:
        super().writeblocks(block, buf, offset)
        start = block * 4096 + offset
        for i in range(len(buf)):
            self._data[start + i] &= buf[i]

    def ioctl(self, op: int, arg: int) -> int:
        result = super().ioctl(op, arg)
        if op == 6:
            self._view[arg * 4096 : (arg + 1) * 4096] = _ERASED
        return result

    def end(self) -> None:
        _ask(READS, self._reads, self._read_bytes, 0)
        self._reads = self._read_bytes = 0


def open_store(design: str, partition):
    """A store of this design, with the surface of terminal.journal.Journal."""
    if design == "journal":
        from terminal.journal import Journal

        return Journal(partition)
    import device_stores

    return device_stores.DESIGNS[design](partition)


def _batch(store, first: int) -> bytes:
    """Records from ``first`` on: seq u32, length u16 (0xFFFF for a damaged one), payload."""
    out = bytearray()
    for seq, payload in store.scan(first):
        out += struct.pack("<IH", seq, 0xFFFF if payload is None else len(payload))
        out += payload or b""
        if len(out) >= _BATCH:
            break
    return bytes(out)


def _carry_out(store, op: int, value: int, payload: bytes) -> tuple:
    """(number, bytes) that the operation returned."""
    if op == FORMAT:
        store.format()
    elif op == MOUNT:
        return 0, json.dumps(store.mount()).encode()
    elif op == APPEND:
        return store.append(payload), b""
    elif op == FETCH:
        record = store.read(value)
        return record is not None, record or b""
    elif op == SCAN:
        return 0, _batch(store, value)
    elif op == IDLE:
        return store.idle(), b""
    elif op == RELEASE:
        store.release(value)
    elif op == ROOM:
        return store.room(), b""
    return 0, b""


def _starve(store, op: int, value: int, payload: bytes, blocks: int) -> None:
    """Carry out an operation with so many blocks of memory; raises what it raised, and where."""
    from device_memory import starve

    operation = {
        MOUNT: store.mount,
        APPEND: lambda: store.append(payload),
        FETCH: lambda: store.read(value),
        SCAN: lambda: sum(1 for _ in store.scan(value)),
        IDLE: store.idle,
        RELEASE: lambda: store.release(value),
    }[op]
    error, where = starve(blocks, operation)
    if error:
        raise type(error)(where)


def _append_measured(store, payload: bytes) -> int:
    """Bytes that an append takes from the heap and does not give back at once."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    store.append(payload)
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def _tell(kind: int, store, value: int, taken: int, data: bytes) -> None:
    alarm = store.alarm.encode()
    numbers = (store.first_seq, store.next_seq, store.released, value, taken)
    data = struct.pack(_STATE, store.read_only, len(alarm), *numbers) + alarm + data
    _ask(kind, 0, 0, len(data))
    _stdout.write(data)


def serve(store, partition) -> None:
    """Carry out commands until the parent goes away."""
    while True:
        _receive(_command)
        op, mode, length, value, blocks = struct.unpack("<BBHII", _command)
        payload = bytearray(length)
        _receive(payload)
        payload = bytes(payload)
        taken, data = 0, b""
        partition.begin()
        try:
            if mode == MEASURED:
                taken = _append_measured(store, payload)
                value = store.next_seq - 1
            elif mode == STARVED:
                _starve(store, op, value, payload, blocks)
            else:
                value, data = _carry_out(store, op, value, payload)
        except Exception as err:
            gc.enable()
            partition.end()
            text = type(err).__name__ + ": " + str(err)
            _tell(FAILED, store, 0, 0, text.encode())
        else:
            partition.end()
            _tell(DONE, store, value, taken, data)


if __name__ == "__main__":
    _flash = (Mirror if "mirror" in sys.argv else Partition)(int(sys.argv[2]))
    serve(open_store(sys.argv[1], _flash), _flash)
