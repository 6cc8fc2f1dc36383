"""The runner when what it drives fails: nothing behind the failure is done, and it lives on."""

from terminal.cell import CellFault
from terminal.front import Front
from terminal.journal import JournalFault
from terminal.runner import Runner

PAN = "6222000000000000005"

SLIP = [
    ("show", "result", "approved", "5.00", "R", "A", "SALE"),
    ("print", "row"),
    ("append", {"kind": 8}),
]


class Board:
    """Panel, clock, vault, ledger and engine in one: a log, and one thing that fails."""

    def __init__(self, fails: str, error: Exception) -> None:
        self.fails = fails
        self.error = error
        self.log: list[str] = []
        self.effects: list[tuple] = []
        self.known = self
        config = {"host": "127.0.0.1", "port": 1, "token_key": bytes(32), "response_ms": 1000}
        self.runner = Runner(config, self, self, self, self, self, Front("Shop", str))

    def _do(self, name: str) -> None:
        if name == self.fails or (self.fails == "panel" and name in ("show", "print", "beep")):
            raise self.error
        self.log.append(name)

    def show(self, lines: list) -> None:
        self._do("show")

    def print_line(self, text: str) -> None:
        self._do("print")

    def beep(self, times: int) -> None:
        self._do("beep")

    def wall(self) -> int:
        return 0

    def append(self, rec: dict) -> int:
        self._do("append")
        return 1

    def apply(self, seq: int, rec: dict) -> None:
        self.log.append(f"apply {seq}")

    def rotate(self) -> None:
        self._do("rotate")

    def protect(self, pan: str, expiry: str) -> tuple:
        self._do("protect")
        return bytes(16), 1

    def room(self) -> int:
        self._do("room")
        return 1000

    def handle(self, event: tuple) -> list:
        self.log.append(event[0])
        if event[0] == "storage_failed":
            return [("show", "blocked", "fault", event[1]), ("beep", 5)]
        return self.effects


def test_w26_a_record_that_has_a_time_keeps_it_and_the_others_get_the_clocks():
    board = Board("", OSError(5))
    board.effects = [("append", {"kind": 14, "wall": 7}), ("append", {"kind": 8})]
    board.runner.dispatch(("start",))
    assert [effect[1]["wall"] for effect in board.effects] == [7, 0]


def test_nothing_behind_a_record_that_is_not_durable_is_done():
    for error in (JournalFault("flash"), OSError(5)):
        board = Board("append", error)
        board.effects = [SLIP[2], SLIP[0], SLIP[1]]
        board.runner.dispatch(("received", 1, b""))
        assert board.log == ["received", "storage_failed", "show", "beep"]


def test_a_record_counts_when_it_is_durable_and_before_anything_else():
    board = Board("", OSError(5))
    board.effects = [SLIP[2], SLIP[0], ("next",)]
    board.runner.post(("key", "1"))
    board.runner.dispatch(("received", 1, b""))
    assert board.log == ["received", "append", "apply 1", "show"]
    assert board.runner._events == [("next",), ("key", "1")]


def test_a_slip_that_did_not_come_out_is_not_recorded():
    board = Board("print", OSError(5))
    board.effects = SLIP
    board.runner.dispatch(("received", 1, b""))
    assert board.log == ["received", "show", "storage_failed", "show", "beep"]


def test_a_dead_panel_stops_the_selling_and_not_the_program():
    board = Board("panel", OSError(5))
    board.effects = SLIP
    board.runner.dispatch(("received", 1, b""))
    assert board.log == ["received", "storage_failed"]


def test_a_card_key_that_cannot_be_erased_stops_the_selling_and_not_the_program():
    board = Board("rotate", CellFault("sector 2 does not erase"))
    board.effects = [("forget_cards",)]
    board.runner.dispatch(("timer", "forget", 0))
    assert board.log == ["timer", "storage_failed", "show", "beep"]


def test_what_the_reader_gives_is_checked_before_it_is_used():
    for card in (None, 7, [], {"pan": PAN}, {"pan": PAN, "expiry": "3012", "track2": "x"}):
        board = Board("", OSError(5))
        board.effects = [("card_in", 1, 500, 500, card, None)]
        board.runner.dispatch(("received", 1, b""))
        assert board.log == ["received", "show", "beep"]


def test_the_answer_to_a_question_comes_with_the_room_there_is_now():
    board = Board("", OSError(5))
    told: list[tuple] = []

    def handle(event: tuple) -> list:
        told.append(event)
        return []

    board.handle = handle
    board.runner._carry_out([("answer", True)])
    assert told == [("reprint", True, 1000)]


def test_a_full_queue_drops_keys_and_never_what_the_line_brings():
    board = Board("", OSError(5))
    for _ in range(100):
        board.runner.post(("key", "1"))
    assert len(board.runner._events) == 32
    board.runner.post(("received", 1, b""))
    assert board.runner._events[-1][0] == "received"
