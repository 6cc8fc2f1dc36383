"""Milliseconds for intervals. They wrap, so two of them are only ever subtracted."""

import time

_MASK = 0x3FFFFFFF  # MicroPython's ticks wrap here, or at a multiple of it


def now_ms() -> int:
    now: int = time.ticks_ms()  # type: ignore[assignment]
    return now


def since(now: int, then: int) -> int:
    """Milliseconds from ``then`` to ``now``, up to twelve days."""
    return (now - then) & _MASK
