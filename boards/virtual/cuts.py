"""When the power is to fail: at the n-th flash operation, or before a panel output is seen."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Phase = Literal["before", "torn", "after"]
Operation = Literal["program", "erase"]
Counted = Literal["program", "erase", "operation"]
"""What a plan counts; an operation is a program or an erase."""
PanelMessage = dict[str, Any]


@dataclass(frozen=True)
class Cut:
    """A cut that happened, as ``wait_cut`` returns it."""

    what: str
    """"program", "erase", "panel", or "edge" of the trace pin."""
    phase: Phase
    partition: str = ""
    address: int = 0
    length: int = 0
    message: PanelMessage | None = None


@dataclass
class _FlashPlan:
    remaining: int
    counted: Counted
    partition: str
    phase: Phase
    seed: int


class CutPlan:
    """At most one armed cut of each: flash, panel, trace pin; each fires once. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flash: _FlashPlan | None = None
        self._panel: Callable[[PanelMessage], bool] | None = None
        self._edge: tuple[int, bool] | None = None

    def arm_flash(self, n: int, counted: Counted, phase: Phase, partition: str, seed: int) -> None:
        if n < 1:
            raise ValueError(f"the first {counted} from now is number 1, not {n}")
        if phase not in ("before", "torn", "after"):
            raise ValueError(f"phase {phase!r} is not before, torn or after")
        with self._lock:
            self._flash = _FlashPlan(n, counted, partition, phase, seed)

    def arm_panel(self, predicate: Callable[[PanelMessage], bool]) -> None:
        with self._lock:
            self._panel = predicate

    def arm_edge(self, n: int, rising: bool) -> None:
        if n < 1:
            raise ValueError(f"the first edge from now is number 1, not {n}")
        with self._lock:
            self._edge = n, rising

    def cancel(self) -> None:
        with self._lock:
            self._flash = self._panel = self._edge = None

    def cancel_flash(self) -> bool:
        """Whether one was armed; False when there was none, or it has just been due."""
        with self._lock:
            armed, self._flash = self._flash is not None, None
            return armed

    def due_at_flash(self, operation: Operation, partition: str) -> tuple[Phase, int] | None:
        """Count an operation; (phase, seed) when the power fails at this one."""
        with self._lock:
            plan = self._flash
            if plan is None or plan.partition != partition:
                return None
            if plan.counted not in (operation, "operation"):
                return None
            plan.remaining -= 1
            if plan.remaining:
                return None
            self._flash = None
            return plan.phase, plan.seed

    def due_at_edge(self, rising: bool) -> bool:
        """Count an edge."""
        with self._lock:
            if self._edge is None or self._edge[1] != rising:
                return False
            left = self._edge[0] - 1
            self._edge = (left, rising) if left else None
            return left == 0

    def due_at_panel(self, message: PanelMessage) -> bool:
        with self._lock:
            predicate = self._panel
        if predicate is None or not predicate(message):
            return False
        with self._lock:
            self._panel = None
        return True
