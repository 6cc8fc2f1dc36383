"""The terminal of the world: the firmware's own parts on two flash models, a panel and a line.

Everything but the board is what runs on the board: vault, journal, ledger, state, engine, front
and the runner's order of effects. Of the runner only what needs asyncio is replaced: timers, the
line and the loop.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

from protocol import cbor, messages, record
from protocol import config as configuration
from protocol.iso8583.dialect import Profile
from terminal import FIRMWARE
from terminal.clock import TerminalClock
from terminal.engine import Engine
from terminal.exchange import Exchange
from terminal.front import Front
from terminal.journal import Journal, JournalFault, JournalFull
from terminal.ledger import Ledger
from terminal.pushes import Pushes
from terminal.runner import Runner
from terminal.state import State
from terminal.vault import Vault, VaultError
from tests.journal.nor import Nor, PowerCut
from tests.world.line import Line, Network
from tests.world.oracle import Oracle, Violation
from tests.world.shop import Till
from tests.world.timeline import START, Timeline

JOURNAL_SECTORS = 16
_LONGEST_TURN = 5000  # events and steps of housekeeping without the clock moving
_BOOT_MS = 1500


class Panel:
    """What the cashier sees and holds."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self.lines: list[str] = []

    def show(self, lines: list[str]) -> None:
        self.lines = list(lines)
        self._oracle.shown(self.lines)

    def print_line(self, text: str) -> None:
        self._oracle.printed(text)

    def tell_reader(self, how: str, code: str, icc: bytes) -> None:
        self._oracle.told_reader(how)

    def beep(self, times: int) -> None:
        pass


class BoardClock:
    """A clock without a battery, and with a will of its own."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._offset: int | None = None

    def wall(self) -> int:
        if self._offset is None:
            return 0
        return max(0, self._seconds() + self._offset)

    def set(self, seconds: int) -> None:
        self._offset = seconds - self._seconds()

    def jump(self, seconds: int) -> None:
        self._offset = (self._offset or 0) + seconds

    def lose(self) -> None:
        self._offset = None

    def _seconds(self) -> int:
        return int(START.timestamp()) + self._timeline.now // 1000


class WatchedLedger(Ledger):
    """The ledger, with the oracle told before and after each append."""

    def __init__(self, journal: Any, config: dict[str, Any], oracle: Oracle) -> None:
        super().__init__(journal, config["seal_key"], config["device_id"])
        self._oracle = oracle

    def append(self, rec: dict[str, Any]) -> int:
        self._oracle.writing(rec)
        try:
            seq: int = super().append(rec)
        except JournalFull:
            self._oracle.not_written()
            raise
        self._oracle.written(seq, rec)
        return seq


class WorldRunner(Runner):
    """The runner, on virtual time and a line without sockets."""

    def __init__(self, machine: Machine, *parts: Any) -> None:
        super().__init__(*parts)
        self._machine = machine
        self.line = machine.line  # type: ignore[assignment]

    def _do(self, effect: tuple[Any, ...]) -> None:
        self._machine.before_effect(effect[0], effect[1:])
        super()._do(effect)

    def _timer(self, name: str, number: int, milliseconds: int) -> None:
        self._machine.timer(name, number, milliseconds)

    def turn(self) -> bool:
        """One event, or one step of housekeeping; False when there is neither."""
        if self._events:
            self.dispatch(self._events.pop(0))
            return True
        return bool(self._housekeeping())

    @property
    def waiting(self) -> bool:
        return bool(self._events)


class Machine:
    """A till's terminal through all its power cycles, and the one that takes its place."""

    def __init__(
        self,
        timeline: Timeline,
        network: Network,
        oracle: Oracle,
        till: Till,
        profile: Profile,
        rng: random.Random,
    ) -> None:
        self._timeline = timeline
        self._network = network
        self.oracle = oracle
        self._till = till
        self._profile = profile
        self._rng = rng
        self._new_board()
        self.clock = BoardClock(timeline)
        self.panel = Panel(oracle)
        self.on = False
        self.runner: WorldRunner | None = None
        self.cuts = 0
        self.cut_at_effect = 0
        self.cut_behind = (0, 0)  # a record kind, and the effect behind it at which power goes
        self.off_ms = 1000
        self._power = 0  # counts power-ons, so that nothing of an earlier life is heard
        self._timers: dict[str, int] = {}

    def _new_board(self) -> None:
        self.journal_flash = Nor(JOURNAL_SECTORS, rng=self._rng)
        self.vault_flash = Nor(4, rng=self._rng)
        self._provisioned = False

    def replace(self, wiped: bool, cut_at_effect: int) -> None:
        """Another terminal takes over the number, or this one when all its flash was erased; the
        power may go at one of its first effects."""
        self.retire()
        self.repair()
        if wiped:
            for flash in (self.journal_flash, self.vault_flash):
                flash.data[:] = b"\xff" * len(flash.data)
            self._provisioned = False
        else:
            self._new_board()
        self._till.replace(self.oracle.copy())
        self.oracle.replaced(self._till.config)
        self.oracle.begins(self._till.config, self._till.seal_keys)
        self.cut_at_effect = cut_at_effect
        self.power_on()

    def retire(self) -> None:
        """Its work is done: its flash is in whoever's hands."""
        self._off()
        self.oracle.scan_well(*self._flashes())

    def _provision(self, vault: Vault) -> None:
        """As terminal/app.py; a cut leaves a terminal that the companion provisions again."""
        if self._provisioned:
            raise Violation("crash", "the vault lost its configuration")
        Journal(self.journal_flash).format()
        vault.set_config(configuration.encode(self._till.config))

    # -- power

    def power_on(self, cause: str = "PWRON") -> None:
        """Start as terminal/app.py does. A cut on the way leaves it off, with a start to come."""
        self._power += 1
        self.clock.lose()
        for flash in (self.journal_flash, self.vault_flash):
            flash.power_on()
        try:
            self._start(cause)
        except PowerCut:
            self.lost_power()

    def _start(self, cause: str) -> None:
        power, timeline, oracle = self._power, self._timeline, self.oracle
        self.pushes: Pushes | None = None
        vault = Vault(self.vault_flash, self._rng.randbytes)
        if vault.config is None:
            self._provision(vault)
        self._provisioned = True
        assert vault.config is not None
        config = configuration.decode(vault.config)
        linger_ms = 3 * config["response_ms"]
        self.line = Line(self._network, timeline, linger_ms, self._hear(power))
        journal = Journal(self.journal_flash)
        alarm = journal.mount()["alarm"]
        self.known = State()
        clock = TerminalClock(self.clock)

        def taken(seq: int, rec: dict[str, Any]) -> None:
            self.known.apply(seq, rec)
            clock.passed = rec.get("wall") or clock.passed

        self.on = True
        self._timers.clear()
        try:
            self.ledger = WatchedLedger(journal, config, oracle)
            oracle.mounted(self.ledger, journal.read_only)
            self.ledger.rekey(config["old_seal_key"], config["seal_generation"], 0)
            self.ledger.replay(taken, self.known.lost)
        except JournalFault as error:
            self.runner = None
            self.panel.show(["OUT OF SERVICE", "", str(error)[:21]])
            return
        self.known.handed_over(self.ledger.released)
        oracle.replayed(self.known)
        exchange = Exchange(config, self._profile, vault.reveal, VaultError)
        exchange.action = self._counted_action(exchange.action)  # type: ignore[method-assign]
        self.engine = Engine(config, exchange, self.known)
        self.front = Front(config["merchant_name"], lambda: "READY", config["confirm_minor"])
        parts = (config, self.panel, clock, vault, self.ledger, self.engine, self.front)
        self.runner = WorldRunner(self, *parts)
        server = SimpleNamespace(settings=dict(config), busy=False)
        self.vault = vault
        self.pushes = Pushes(
            *(vault, clock, lambda name: None, lambda identity: "", None, server, self.runner)
        )
        self.post(("start", cause, FIRMWARE, alarm))

    def _counted_action(self, action: Any) -> Any:
        def counted(to: str, code: str) -> Any:
            found = action(to, code)
            self.oracle.coverage.actions[f"{to} {found}"] += 1
            self.oracle.coverage.windows[30] += found == "partial"
            return found

        return counted

    def lost_power(self) -> None:
        """The power is gone, amid whatever was being done; it comes back by itself."""
        self.cuts += 1
        for name, flash in (("journal", self.journal_flash), ("vault", self.vault_flash)):
            if flash.cut_at and flash.changes >= flash.cut_at:
                self.oracle.fired(f"cut amid a {name} operation")
        self._note_errors()
        self._off()
        self._timeline.after(self.off_ms + _BOOT_MS, self.power_on_again)

    def _note_errors(self) -> None:
        flash = self.journal_flash
        if flash.fail_at and flash.operations >= flash.fail_at:
            self.oracle.fired("flash error for good" if flash.fail_for_good else "flash error")
            flash.fail_at = 0 if not flash.fail_for_good else flash.fail_at

    def repair(self) -> None:
        """The flash works again."""
        self._note_errors()
        self.journal_flash.fail_at = 0
        self.journal_flash.fail_for_good = False

    def power_on_again(self) -> None:
        if not self.on:
            self.power_on()

    def restart(self, cause: str) -> None:
        self._off()
        self.power_on(cause)

    def _off(self) -> None:
        self.on = False
        self._power += 1
        self.journal_flash.cut_at = self.vault_flash.cut_at = 0
        self.cut_at_effect = 0
        self.cut_behind = (0, 0)
        self.line.power_off()
        self.oracle.power_lost()
        self.oracle.scan(*self._flashes())

    def _flashes(self) -> tuple[bytes, bytes]:
        return bytes(self.journal_flash.data), bytes(self.vault_flash.data)

    def before_effect(self, name: str, values: tuple[Any, ...]) -> None:
        """Power can go between any two effects; the oracle sees what is sent before it leaves."""
        if self.cut_at_effect:
            self.cut_at_effect -= 1
            if not self.cut_at_effect:
                self.oracle.fired("cut between effects")
                raise PowerCut
        if name == "append" and values[0]["kind"] == self.cut_behind[0]:
            self.cut_at_effect, self.cut_behind = self.cut_behind[1], (0, 0)
        if name == "send":
            self.oracle.sent(values[1], self.line.host_of(values[0]), self.clock.wall())

    # -- events

    def _hear(self, power: int) -> Any:
        def hear(event: tuple[object, ...]) -> None:
            if power == self._power and self.on:
                self.post(event)

        return hear

    def timer(self, name: str, number: int, milliseconds: int) -> None:
        power = self._power

        def ring() -> None:
            if power == self._power and self._timers.get(name) == mine:
                self.post(("timer", name, number))

        mine = self._timeline.after(milliseconds, ring)
        self._timers[name] = mine

    def post(self, event: tuple[object, ...]) -> None:
        """One event, all that follows from it, and the housekeeping of the quiet after it."""
        runner = self.runner
        if not self.on or runner is None:
            return
        if event[0] == "received":
            self.oracle.received(event[2])
        elif event == ("chip", True):
            self.oracle.chip_agrees()
        try:
            runner.post(event)
            for _ in range(_LONGEST_TURN):
                if not runner.turn():
                    break
                self.oracle.stepped(self.known)
            else:
                raise Violation("crash", "the runner does not come to rest")
        except PowerCut:
            self.lost_power()
        except (Violation, AssertionError):
            raise
        except Exception as error:
            raise Violation("crash", f"{type(error).__name__}: {error}") from error

    @property
    def mode(self) -> str:
        """The panel's mode; "off" without power, "blocked" when it does not even start."""
        if not self.on:
            return "off"
        return str(self.front.mode) if self.runner else "blocked"

    @property
    def busy(self) -> bool:
        return self.mode in ("off", "busy")

    @property
    def finished(self) -> bool:
        """Nothing is half done, as far as the terminal knows."""
        return self.runner is None or not (self.known.open or self.known.closing)

    # -- the companion

    def sync(self, gives_time: bool = True) -> None:
        """The companion takes every record, gives what it has for the terminal, and lets it
        release what it need not keep."""
        if not self.on or self.runner is None:
            return
        ledger, known = self.ledger, self.known
        try:
            end = ledger.next_seq
            self.oracle.synced(ledger)
            self._give(gives_time)
            # As terminal/app.py's Retained does.
            known.handed_over(end)
            keep = min(end, known.keep_from())
            if keep > ledger.released:
                ledger.release(keep)
                self.oracle.released(keep)
            self.runner.refresh()
        except PowerCut:
            self.lost_power()
        except (JournalFault, JournalFull):
            self.oracle.fired("sync failed")

    def _give(self, gives_time: bool) -> None:
        """As companion/pushing.py: what is refused, and what was not answered, comes again."""
        till = self._till
        if gives_time:
            self._push(messages.PUSH_TIME, int(self._timeline.moment().timestamp()))
        some = till.verdicts[: record.MAX_VERDICTS]
        if some and self._push(messages.PUSH_VERDICTS, some):
            del till.verdicts[: len(some)]
        changes = list(till.changes.items())
        if changes and self._push(messages.PUSH_CONFIG, [list(pair) for pair in changes]):
            till.config = till.config | till.changes
            till.changes = {}

    def _push(self, kind: int, value: object) -> bool:
        """Whether the terminal takes it. Another configuration ends in a restart, when nobody is
        at the terminal."""
        assert self.pushes is not None
        before = self.vault.config
        why_not = self.pushes.take(kind, cbor.dumps(value))
        if why_not:
            self.oracle.tell(f"refused: {why_not}")
        if self.vault.config != before:
            self.oracle.coverage.states["CONFIGURED"] += 1
            self._tick_after_a_second(self._power, self.pushes)
        return not why_not

    def _tick_after_a_second(self, power: int, pushes: Pushes) -> None:
        def tick() -> None:
            if power != self._power or not self.on:
                return
            if pushes.tick():
                self.oracle.restarts_by_itself()
                self.restart("SOFT")
            else:
                self._tick_after_a_second(power, pushes)

        self._timeline.after(1000, tick)
