"""What a push does at the terminal, and when it does nothing."""

from protocol import cbor, config, messages
from terminal.clock import TerminalClock, unix_seconds
from terminal.current import Open
from terminal.pushes import Pushes
from terminal.state import State
from tests.shared.expect import from_json, raises, vectors

NOW = unix_seconds(2026, "1122100000")
BUSY = "a transaction is under way"


def load_profile(name: str) -> None:
    if name != "good":
        raise OSError("no profile " + name)


class Vault:
    def __init__(self) -> None:
        self.config = config.encode(from_json(vectors("record")["config"]["fields"]))
        self.stored = 0

    def set_config(self, data: bytes) -> None:
        self.config = data
        self.stored += 1


class Clock:
    def __init__(self, now: int = 0) -> None:
        self.now = now

    def wall(self) -> int:
        return self.now

    def set(self, seconds: int) -> None:
        self.now = seconds


class Server:
    busy = False


class Till:
    """The runner of a terminal, as far as pushes go."""

    def __init__(self) -> None:
        self.known = State()
        self.touched = 0
        self.under_way = False
        self.cashier = False
        self.result = False
        self.holds = False
        self.notes: list = []
        self.verdicts: list = []

    def in_hand(self) -> bool:
        return self.under_way

    def may_restart(self) -> bool:
        return not (self.under_way or self.cashier)

    def shows_result(self) -> bool:
        return self.result

    def note(self, code: str, detail: str) -> None:
        self.notes.append((code, detail))

    def leave_backup(self) -> bool:
        return not self.holds

    def take_verdicts(self, verdicts: list) -> str:
        self.verdicts.extend(verdicts)
        return ""


class Terminal:
    def __init__(self, now: int = 0) -> None:
        self.vault = Vault()
        self.clock = Clock(now)
        self.till = Till()
        self.server = Server()
        self.settings = self.server.settings = config.decode(self.vault.config)
        self.identities: list = []
        clock = TerminalClock(self.clock)
        parts = (self.vault, clock, load_profile, self._identity, None)
        self.pushes = Pushes(*parts, self.server, self.till)

    def _identity(self, data: bytes) -> str:
        self.identities.append(data)
        return ""

    def push(self, kind: int, value: object) -> str:
        return self.pushes.take(kind, cbor.dumps(value))

    def configure(self, **changes: object) -> str:
        return self.push(messages.PUSH_CONFIG, [list(pair) for pair in changes.items()])


def test_the_clock_is_set_when_it_is_not_set_or_off_by_more_than_two_seconds():
    for now, after in ((0, NOW), (NOW - 3, NOW), (NOW + 3600, NOW), (NOW + 2, NOW + 2)):
        terminal = Terminal(now)
        assert terminal.push(messages.PUSH_TIME, NOW) == ""
        assert terminal.clock.now == after
        moved = now and after != now
        assert terminal.till.notes == ([("CLOCK_SET", f"by {NOW - now} s")] if moved else [])


def test_what_is_no_time_is_refused():
    for value in (0, 1 << 32, 1000000000, "now", [NOW], True):
        terminal = Terminal()
        assert terminal.push(messages.PUSH_TIME, value) == "not a time"
        assert terminal.clock.now == 0
    raises(ValueError, terminal.pushes.take, messages.PUSH_TIME, b"")


def test_w17_the_clock_stays_as_long_as_an_unfinished_sale_goes_by_it():
    terminal = Terminal(NOW - 86400)
    terminal.till.known.open = Open(1, {})
    assert terminal.push(messages.PUSH_TIME, NOW) == "an unfinished sale goes by the clock"
    assert terminal.clock.now == NOW - 86400
    terminal.till.known.open = None
    assert terminal.push(messages.PUSH_TIME, NOW) == ""


def test_a_configuration_is_merged_checked_and_stored_once():
    terminal = Terminal()
    before = dict(terminal.settings)
    for _ in range(2):
        assert terminal.configure(host="10.0.0.9", duplicate_s=61, sync_key=bytes(32)) == ""
    assert terminal.vault.stored == 1
    assert terminal.settings["sync_key"] == bytes(32)
    changed = {"host": "10.0.0.9", "duplicate_s": 61, "sync_key": bytes(32)}
    before.update(changed)
    assert config.decode(terminal.vault.config) == before
    assert terminal.till.notes == [("CONFIGURED", "duplicate_s,host,sync_key")]
    assert terminal.configure(port=9) == "a restart for the last one is due"


def test_a_configuration_that_breaks_its_schema_changes_nothing():
    terminal = Terminal()
    there = terminal.vault.config
    for changes in (
        {"device_id": "PZ-OTHER"},
        {"tmk": bytes(16)},
        {"token_key": bytes(32)},
        {"pendings": []},
        {"host": ""},
        {"port": "1"},
        {"colour": 1},
        {},
    ):
        pairs = [list(pair) for pair in changes.items()]
        raises(config.ConfigError, terminal.push, messages.PUSH_CONFIG, pairs)
    for value in (7, [[]], [["host"]], [["host", "x", "y"]], [[1, 2]]):
        raises(config.ConfigError, terminal.push, messages.PUSH_CONFIG, value)
    raises(OSError, terminal.push, messages.PUSH_CONFIG, [["profile", "other"]])
    assert terminal.vault.config == there and terminal.vault.stored == 0


def test_the_backup_host_goes_only_when_it_holds_nothing_unfinished():
    terminal = Terminal()
    there = terminal.vault.config
    terminal.till.holds = True
    refused = "the backup host has something unfinished"
    assert terminal.configure(backup_host="", backup_port=0, response_ms=7000) == refused
    assert terminal.vault.config == there and terminal.vault.stored == 0
    terminal.till.holds = False
    assert terminal.configure(response_ms=7000) == ""


def test_another_profile_needs_a_settled_batch_and_no_case():
    terminal = Terminal()
    known = terminal.till.known
    refused = "another profile needs a settled batch"
    for name, value, none in (
        ("open", Open(1, {}), None),
        ("closing", {}, None),
        ("first", 7, 0),
        ("suspended", [7], []),
    ):
        setattr(known, name, value or {"phase": 1})
        assert terminal.configure(profile="good") == refused
        setattr(known, name, none)
    assert terminal.configure(profile="good") == ""


def test_nothing_is_taken_while_a_transaction_is_under_way():
    terminal = Terminal()
    terminal.till.under_way = True
    for kind in range(5):
        assert terminal.pushes.take(kind, b"\x80") in (BUSY, "an unknown kind")
    assert not terminal.identities
    terminal.till.under_way = False
    assert terminal.pushes.take(messages.PUSH_IDENTITY, b"\x80") == ""
    assert terminal.identities == [b"\x80"]
    assert terminal.pushes.take(9, b"\x80") == "an unknown kind"


def test_verdicts_are_for_a_terminal_that_sells():
    terminal = Terminal()
    assert terminal.push(messages.PUSH_VERDICTS, [[7, 1, 1, "reversed"]]) == ""
    assert terminal.till.verdicts == [(7, 1, 1, "reversed")]
    terminal.pushes.runner = None
    assert terminal.push(messages.PUSH_VERDICTS, [[7, 1, 1, ""]]) == "out of service"


def ticks(terminal: Terminal) -> int:
    """Seconds until it restarts, up to 100."""
    for second in range(100):
        if terminal.pushes.tick():
            return second
    return 100


def test_it_restarts_when_it_was_quiet_for_a_while():
    for name, value, seconds in (
        ("cashier", False, 3),
        ("result", True, 30),
        ("cashier", True, 100),
    ):
        terminal = Terminal()
        setattr(terminal.till, name, value)
        assert ticks(terminal) == seconds
    terminal.till.cashier = False
    assert ticks(terminal) == 0  # it has been quiet for long
    terminal.server.busy = True
    assert ticks(terminal) == 100
    terminal.server.busy = False
    terminal.pushes.runner = None
    assert ticks(terminal) == 3


def test_tries_of_an_unfinished_sale_do_not_put_the_restart_off():
    terminal = Terminal()
    for _ in range(9):
        terminal.till.under_way = not terminal.till.under_way
        if terminal.pushes.tick():
            return
    raise AssertionError("it never restarts")


def test_every_key_puts_the_restart_off():
    terminal = Terminal()
    for _ in range(9):
        terminal.till.touched += 1
        assert not terminal.pushes.tick()
        assert not terminal.pushes.tick()


def test_an_unfinished_sale_does_not_keep_a_new_address_of_the_host_out():
    terminal = Terminal()
    terminal.till.known.open = Open(1, {})
    assert terminal.configure(host="10.0.0.9") == ""
    assert ticks(terminal) == 3


def test_a_terminal_that_cannot_sell_takes_time_and_configuration():
    terminal = Terminal(NOW - 9)
    terminal.pushes.runner = None
    assert terminal.push(messages.PUSH_TIME, NOW) == ""
    assert terminal.clock.now == NOW
    assert terminal.configure(host="10.0.0.9") == ""


class Incoming:
    """An update as pushes see it (test_update.py has the real one)."""

    def __init__(self) -> None:
        self.version = ""
        self.taken: list = []

    def take(self, data: bytes) -> str:
        self.taken.append(data)
        if data == cbor.dumps(2):
            self.version = "9.0.0"
        return ""


def test_an_update_waits_for_what_is_not_finished():
    terminal = Terminal()
    terminal.pushes._update = incoming = Incoming()
    known = terminal.till.known
    for name, value in (("open", Open(1, {})), ("closing", {"batch": 1})):
        before = getattr(known, name)
        setattr(known, name, value)
        answer = terminal.push(messages.PUSH_UPDATE, 1)
        assert answer == "an unfinished sale or settlement comes first"
        setattr(known, name, before)
    terminal.till.under_way = True
    assert terminal.push(messages.PUSH_UPDATE, 1) == BUSY
    assert incoming.taken == []


def test_an_update_that_is_whole_is_noted_and_starts_with_the_next_quiet_moment():
    terminal = Terminal()
    terminal.pushes._update = Incoming()
    assert terminal.push(messages.PUSH_UPDATE, 1) == ""
    assert not terminal.pushes._restart.is_set()
    assert terminal.push(messages.PUSH_UPDATE, 2) == ""
    assert terminal.till.notes == [("UPDATED", "9.0.0")]
    assert terminal.pushes._restart.is_set()
    assert terminal.push(messages.PUSH_UPDATE, 1) == "a restart is due"
    assert terminal.configure(port=9) == "a restart for the last one is due"
