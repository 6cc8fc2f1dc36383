"""The states of a case, and which may follow which."""

from __future__ import annotations

OPEN = "open"
EVIDENCE = "evidence"
SENT = "sent"
WAITING = "waiting"
RESOLVED = "resolved"
REJECTED = "rejected"
WRITTEN_OFF = "written_off"

STATES = (OPEN, EVIDENCE, SENT, WAITING, RESOLVED, REJECTED, WRITTEN_OFF)
ACTIVE = (OPEN, EVIDENCE, SENT, WAITING)
CLOSED = (RESOLVED, REJECTED, WRITTEN_OFF)

# A claim may be sent again, and new evidence gathered for it. What the acquirer rejected is
# written off, or taken up once more.
_AFTER = {
    OPEN: (EVIDENCE, SENT, WAITING, *CLOSED),
    EVIDENCE: (EVIDENCE, SENT, WAITING, *CLOSED),
    SENT: (EVIDENCE, SENT, WAITING, *CLOSED),
    WAITING: (EVIDENCE, SENT, WAITING, *CLOSED),
    RESOLVED: (OPEN,),
    REJECTED: (OPEN, WRITTEN_OFF),
    WRITTEN_OFF: (OPEN,),
}


def may_follow(before: str, after: str) -> bool:
    """Whether a case in the first state may come into the second."""
    return after in _AFTER[before]
