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
    """"program", "erase" or "panel"."""
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
    """At most one armed flash cut and one armed panel cut; each fires once. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flash: _FlashPlan | None = None
        self._panel: Callable[[PanelMessage], bool] | None = None

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

    def cancel(self) -> None:
        with self._lock:
            self._flash = self._panel = None

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

    def due_at_panel(self, message: PanelMessage) -> bool:
        with self._lock:
            predicate = self._panel
        if predicate is None or not predicate(message):
            return False
        with self._lock:
            self._panel = None
        return True
