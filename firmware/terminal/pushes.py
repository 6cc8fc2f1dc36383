"""What the companion gives the terminal in a session: time, configuration, verdicts, identity.

Nothing is taken while a transaction is under way; the next session brings it again. The same push
may come twice and does no harm.
"""

import asyncio

from protocol import cbor, messages
from terminal import cases
from terminal.clock import BUILD_YEAR
from terminal.late import Once

_BUSY = "a transaction is under way"
# A clock is right when it is off by no more than this, in seconds.
_RIGHT_S = 2
_EARLIEST = (BUILD_YEAR - 1970) * 31556952
# A new configuration needs a restart: nobody has touched the panel for so long, in seconds, or for
# so long when it shows how something ended.
_QUIET_S = 3
_READ_S = 30


class Pushes:
    """``clock``: a TerminalClock. ``load_profile(name)`` raises when that cannot be used.
    ``identity(data)`` takes an identity and returns why not. ``reset()`` restarts the board.
    ``server`` and ``runner`` come later, the runner as soon as the terminal sells."""

    def __init__(
        self, vault, clock, load_profile, identity, reset, server=None, runner=None
    ) -> None:
        self.server = server
        self.runner = runner
        self._vault = vault
        self._clock = clock
        self._load_profile = load_profile
        self._reset = reset
        self._restart = asyncio.Event()
        self._quiet_s = 0
        self._touched = 0
        self._update = None
        self._takes = {
            messages.PUSH_CONFIG: self._configure,
            messages.PUSH_TIME: self._set_time,
            messages.PUSH_VERDICTS: self._take_verdicts,
            messages.PUSH_IDENTITY: identity,
            messages.PUSH_UPDATE: self._take_update,
        }

    def take(self, kind: int, data: bytes) -> str:
        """Do it, or store it durably: ""; else why not. Raises what the flash raises, and
        ValueError for data that breaks its schema."""
        if kind not in self._takes:
            return "an unknown kind"
        if self.runner and self.runner.in_hand():
            return _BUSY
        return self._takes[kind](data)

    def _set_time(self, data: bytes) -> str:
        seconds = cbor.loads(data)
        if type(seconds) is not int or not _EARLIEST <= seconds < 1 << 32:
            return "not a time"
        wall = self._clock.wall()
        if wall and abs(seconds - wall) <= _RIGHT_S:
            return ""
        if self.runner and self.runner.known.open:
            return "an unfinished sale goes by the clock"  # W17
        self._clock.set(seconds)
        if wall and self.runner:
            # What was written before has the wrong time.
            self.runner.note("CLOCK_SET", "by %d s" % (seconds - wall))
        return ""

    def _configure(self, data: bytes) -> str:
        """Another configuration from the next restart on, which is soon."""
        there = self._vault.config
        with Once():
            from protocol import config

            data = config.merged(there, data)
            old = config.decode(there)
            new = config.decode(data)
        if data == there:
            return ""
        if self._restart.is_set():
            return "a restart for the last one is due"
        changed = sorted([name for name in new if new[name] != old[name]])
        if "profile" in changed:
            if self.runner and _unsettled(self.runner.known):
                return "another profile needs a settled batch"
            self._load_profile(new["profile"])
        # At once, not with the restart: what is sold until then must not begin there.
        if self.runner and not new["backup_host"] and not self.runner.leave_backup():
            return "the backup host has something unfinished"
        self._vault.set_config(data)
        if self.runner:
            self.runner.note("CONFIGURED", ",".join(changed))
        # The companion knows the new key as soon as it hears that this is done.
        self.server.settings["sync_key"] = new["sync_key"]
        self._restart.set()
        return ""

    def _take_verdicts(self, data: bytes) -> str:
        verdicts = cases.decode(data)
        return self.runner.take_verdicts(verdicts) if self.runner else "out of service"

    def _take_update(self, data: bytes) -> str:
        """A part of a new image; when all of it is there it starts with the next restart, soon."""
        if self._restart.is_set():
            return "a restart is due"
        if self.runner and (self.runner.known.open or self.runner.known.closing):
            return "an unfinished sale or settlement comes first"
        if self._update is None:
            from terminal import update

            self._update = update.slots()
        if self._update is None:
            return "this board has no second slot"
        why_not = self._update.take(data)
        if self._update.version:
            if self.runner:
                self.runner.note("UPDATED", self._update.version)
            self._restart.set()
        return why_not

    async def serve(self) -> None:
        """Restart the board when that is due and takes nothing from anybody."""
        await self._restart.wait()
        while not self.tick():
            await asyncio.sleep(1)
        self._reset()

    def tick(self) -> bool:
        """A second has gone by: whether it has been quiet for long enough."""
        runner = self.runner
        needed = _QUIET_S
        quiet = not self.server.busy
        if runner:
            quiet = quiet and runner.touched == self._touched
            self._touched = runner.touched
            needed = _READ_S if runner.shows_result() else _QUIET_S
        self._quiet_s = self._quiet_s + 1 if quiet else 0
        return self._quiet_s > needed and (runner is None or runner.may_restart())


def _unsettled(known) -> bool:
    """Whether something may still have to be said to the host that was told of it before."""
    return bool(known.open or known.closing or known.first or known.suspended)
