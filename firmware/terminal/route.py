"""Which host a message goes to, when the acquirer has a second one.

A connection that fails armed and sent nothing, so the other host may be tried in its place. What
one host may have got never goes to the other as new: a request is repeated only to the host in its
ARMED record, and a batch's messages stay with the host that was sent its totals. A reversal may go
to the other host, but only its own can say that there is nothing to reverse (judge.py).
"""

from protocol import record

PRIMARY = 0


class Route:
    """The host in use: the primary; the backup until it fails, the batch closes, or a restart."""

    def __init__(self, config: dict, known) -> None:
        self._known = known
        self._two = bool(config.get("backup_host"))
        self._tries = config["reversal_tries"]
        # A journal's worst case counts in tries (trade.py). Each one may have to sign in at the
        # other host and back again.
        self.turns = self._tries * 4 if self._two else self._tries
        self._host = PRIMARY
        self._failed = False  # the host that was due could not be connected: the other's turn
        self._detours = 0
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
        return self._two and self._keyed != self.due()

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

    def detour(self, host: int, bound: bool) -> bool:
        """``host`` cannot be connected: whether the other one is tried. ``bound``: it may not,
        because this one may have got the same message before."""
        bound = bound or self._sent()
        if not self._two or self._failed or bound or self._detours >= self._tries:
            return False
        self._failed = True
        self._detours += 1
        self._host = 1 - host
        return True

    def give_up(self) -> None:
        """No host for now; the next try begins with the primary."""
        self._failed = False
        if not self._sent():
            self._host = PRIMARY

    def closed(self) -> None:
        """The batch is closed."""
        self._host = PRIMARY

    def _sent(self) -> bool:
        """Whether a host may have got this batch's totals."""
        return bool(self._known.closing) and self._known.phase != record.CLOSING
