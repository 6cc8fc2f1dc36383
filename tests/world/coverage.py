"""What a campaign has reached: failure windows, F39 actions, states and faults, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

WINDOWS = {
    1: "cut before ARMED is durable",
    2: "cut after ARMED, before the request leaves",
    3: "cut after the request, before an answer",
    4: "cut after the answer, before the outcome is stored",
    5: "approval seen, and the terminal or the card refuses (96, 06)",
    6: "cut after the outcome, before it is shown",
    7: "cut while the slip prints",
    8: "reversal sent again",
    9: "the host gets a reversal twice",
    10: "approval after its time-out",
    11: "reversal before its original at the host",
    12: "0410 with a bad MAC, or another's",
    13: "0210 with a bad MAC",
    14: "0210 mismatched or without F39",
    15: "sign-in while a reversal is pending",
    16: "new STANs after a restart",
    17: "reversal suspended",
    18: "0500 answer lost",
    19: "unbalanced: upload",
    20: "upload cut",
    21: "end of upload repeated",
    22: "completion unknown",
    23: "notice resent",
    24: "void unknown",
    25: "refund unknown",
    26: "terminal swapped",
    27: "clock wrong",
    28: "torn record",
    29: "flash full or failing",
    30: "partial approval",
}


@dataclass
class Coverage:
    windows: Counter[int] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        self.windows += other.windows
        self.actions += other.actions
        self.states += other.states
        self.faults += other.faults
        self.counts += other.counts
