"""The online step under way, and which host it goes to when the acquirer has a second one.

A connection that fails armed and sent nothing, so the other host may be tried in its place. A host
that answers nothing loses what is new, after as many messages in a row as the profile says. What
one host may have got never goes to the other as new: a request is repeated only to the host in its
ARMED record, and a batch's messages stay with the host that was sent its totals. A reversal may go
to the other host, but only its own can say that there is nothing to reverse (judge.py).
"""

from protocol import record

PRIMARY = 0


class Step:
    """The one online step under way: what it is, its link number, where to (0 primary, 1 backup)
    and the request once sent."""

    def __init__(self, what: str, link: int, host: int) -> None:
        self.what = what
        self.link = link
        self.host = host
        self.request = None


class Route:
    """The host in use: the primary; the backup until it fails, the batch closes, or a restart.
    ``backup_after``: it fails with so many unanswered messages in a row, 0: never."""

    def __init__(self, config: dict, known, backup_after: int) -> None:
        self._known = known
        self._two = bool(config.get("backup_host"))
        self._tries = config["reversal_tries"]
        # A journal's worst case counts in tries (trade.py). Each one may have to sign in at the
        # other host and back again.
        self.turns = self._tries * 4 if self._two else self._tries
        self._host = PRIMARY
        self._failed = False  # the host that was due could not be connected: the other's turn
        self._detours = 0
        self._backup_after = backup_after
        self._unanswered = 0  # messages to the host in use, in a row
        # Whose the keys in the journal are is not written there; of what is open they are its.
        self._keyed = known.open.armed["host"] if known.open else None

    def due(self) -> int:
        """The host of the next message."""
        tx = self._known.open
        if tx and self._two and not self._failed:
            return tx.armed["host"]
        return self._host

    def unkeyed(self) -> bool:
        """Whether the host that is due has not given the keys in use."""
        return bool(self._two or self._keyed) and self._keyed != self.due()

    def keyed(self, host: int) -> None:
        """``host`` has answered a sign-in."""
        self._keyed = host

    def wished(self) -> None:
        """The cashier wants something: its detours count anew. Unbounded they would fill the
        journal with sign-ins while both hosts come and go (W29)."""
        self._detours = 0

    def reached(self) -> None:
        """The message that was due has a connection."""
        self._failed = False

    def told(self, host: int, answered: bool) -> None:
        """A message to ``host`` was answered, or was not."""
        if host == self._host:
            self._unanswered = 0 if answered else self._unanswered + 1

    def silent(self) -> bool:
        """Whether the host in use has left too many messages without an answer."""
        return self._two and 0 < self._backup_after <= self._unanswered

    def choose(self) -> None:
        """Something new is to be sent: not to a silent host."""
        if self.silent() and not self._sent():
            self._use(1 - self._host)

    def _use(self, host: int) -> None:
        if host != self._host:
            self._host = host
            self._unanswered = 0

    def detour(self, host: int, bound: bool) -> bool:
        """``host`` gives no connection, or no sign-in: whether the other one is tried. ``bound``:
        it may not, because this one may have got the same message before."""
        bound = bound or self._sent()
        if not self._two or self._failed or bound or self._detours >= self._tries:
            return False
        self._failed = True
        self._detours += 1
        self._use(1 - host)
        return True

    def give_up(self) -> None:
        """No host for now; the next try begins with the primary."""
        self._failed = False
        if not self._sent():
            self._use(PRIMARY)

    def closed(self) -> None:
        """The batch is closed."""
        self._use(PRIMARY)

    def leave_backup(self) -> bool:
        """There is to be no second host any more: False while it may have got what is not
        finished, which would go to the first one then."""
        tx = self._known.open
        if (tx and tx.armed["host"]) or (self._host and self._sent()):
            return False
        self._two = False
        self._use(PRIMARY)
        return True

    def _sent(self) -> bool:
        """Whether a host may have got this batch's totals."""
        return bool(self._known.closing) and self._known.phase != record.CLOSING
