"""Runs on MicroPython: one operation of the journal with exactly so much memory and no more.

The heap is filled up to a contiguous rest of that many blocks, and the collector is off. So every
allocation takes from that rest, and with one block more at each try every allocation of the
operation is the first to fail once.
"""

import gc
import io
import sys

_WORDS = 4  # of a block, of which a tuple needs two for itself
_hold: list = [None, None]


def _reserve(blocks: int) -> None:
    _hold[0] = (None,) * (blocks * _WORDS - 2) if blocks else None


def _fill() -> None:
    try:
        while True:
            _hold[1] = (_hold[1], None)  # one block each
    except MemoryError:
        pass


def _leave(blocks: int) -> None:
    """Fill the heap but for so many blocks."""
    gc.collect()
    gc.disable()
    _reserve(blocks)
    # What a collection still found on the stack the next one gives back.
    _fill()
    gc.collect()
    _fill()
    _hold[0] = None
    gc.collect()


def starve(blocks: int, operation):
    """(the exception or None, its traceback) of operation() with so many blocks."""
    error = None
    _leave(blocks)
    free = gc.mem_free()
    try:
        operation()
    except Exception as err:
        error = err
    _hold[1] = None
    gc.collect()
    gc.enable()
    if free != blocks * _WORDS * 8:
        raise RuntimeError(f"{free} bytes are free, not {blocks} blocks")
    if error is None:
        return None, ""
    text = io.StringIO()
    sys.print_exception(error, text)
    return error, text.getvalue()
