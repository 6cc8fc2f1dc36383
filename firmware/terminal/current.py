"""The one transaction that is open, and the newest approval: what their records say of them."""

ARMED = "armed"
REVERSING = "reversing"

_DAY_S = 86400
_CHINA_S = 8 * 3600


def day_of(wall: int) -> int:
    """The day in China of Unix seconds."""
    return (wall + _CHINA_S) // _DAY_S


def host_date(host_time: str) -> int:
    """MMDD of a host's MMDDhhmmss as a number; 0 without one, or when it lacks its date."""
    return int(host_time[:4]) if len(host_time) == 10 and host_time.isdigit() else 0


class Open:
    """A transaction that has been armed and has no end yet."""

    def __init__(self, seq: int, armed: dict, day: int = 0) -> None:
        self.seq = seq
        self.armed = armed
        self.day = day  # MMDD of the host's newest time before it, 0 when that is not known
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
        clock, or by the host's own newest time before it."""
        armed = self.armed.get("wall", 0)
        if armed and known.wall and day_of(armed) == day_of(known.wall):
            return True
        return self.day == host_date(host_time) != 0

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
