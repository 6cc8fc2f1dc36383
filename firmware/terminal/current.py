"""The one transaction that is open, and the newest approval: what their records say of them."""

ARMED = "armed"
REVERSING = "reversing"

_DAY_S = 86400
_CHINA_S = 8 * 3600


def day_of(wall: int) -> int:
    """The day in China of Unix seconds."""
    return (wall + _CHINA_S) // _DAY_S


class Open:
    """A transaction that has been armed and has no end yet."""

    def __init__(self, seq: int, armed: dict) -> None:
        self.seq = seq
        self.armed = armed
        self.phase = ARMED
        self.reason = ""
        self.attempt = 0
        self.doubtful = False  # a record behind it is damaged: it may be the approval

    def is_from_before(self, wall: int) -> bool:
        """Whether it was armed on an earlier day in China than ``wall``, as far as known."""
        armed = self.armed.get("wall", 0)
        return bool(armed and wall) and day_of(armed) < day_of(wall)

    def is_of_today(self, known, host_time: str) -> bool:
        """Whether it was certainly armed on the day of the host's answer (W17): by this terminal's
        clock, or else by the host's own newest time before it."""
        armed = self.armed.get("wall", 0)
        if armed and known.wall:
            return day_of(armed) == day_of(known.wall)
        seq, day = known.day
        return seq < self.seq and day == host_time[:4] != ""

    def is_for(self, rec: dict) -> bool:
        """Whether a later record belongs to this transaction: same STAN and batch."""
        return rec["stan"] == self.armed["stan"] and rec["batch"] == self.armed["batch"]


class Last:
    """The newest approved transaction, for the receipt that may still be owed."""

    def __init__(self, seq: int, armed: dict, outcome: dict) -> None:
        self.seq = seq
        self.armed = armed
        self.outcome = outcome
        self.printed = False
