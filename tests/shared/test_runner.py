"""The runner when what it drives fails: nothing behind the failure is done, and it lives on."""

from protocol import record
from terminal import runner
from terminal.cell import CellFault
from terminal.current import Last, Open
from terminal.front import Front
from terminal.journal import JournalFault
from terminal.runner import Runner
from terminal.state import State
from tests.shared.expect import raises

PAN = "6222000000000000005"

SLIP = [
    ("show", "result", "approved", "5.00", "R", "A", "SALE"),
    ("print", "row"),
    ("append", {"kind": 8, "copy": 1}),
]


class Board:
    """Panel, clock, vault, ledger and engine in one: a log, and one thing that fails."""

    open = closing = last = want = None

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
    board.effects = [("append", {"kind": 14, "wall": 7}), ("append", {"kind": 8, "copy": 1})]
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


def test_the_panel_is_told_when_a_card_is_wanted_and_for_how_much():
    board = Board("", OSError(5))
    told = []
    board.runner._want_card = told.append
    for key in ("1", "2", "5", "ENTER", "ENTER", "CANCEL", "ENTER", "8"):
        board.runner.dispatch(("key", key))
    assert told == [None, None, None, None, 125, None, None, 0]


def test_w7_a_slip_is_recorded_when_the_printer_has_all_of_it():
    board = Board("", OSError(5))
    waiting = [True]
    board.runner._printing = lambda: waiting[0]
    receipt = {"kind": record.RECEIPT, "copy": 1}
    board.effects = [SLIP[1], ("append", receipt), ("append", {"kind": record.NOTE})]
    board.runner.dispatch(("received", 1, b""))
    assert board.log == ["received", "print", "append", "apply 1"]
    waiting[0] = False
    board.runner.dispatch(("printed",))
    assert board.log[4:] == ["append", "apply 1"]
    board.runner.dispatch(("printed",))
    assert len(board.log) == 6


def test_w7_a_slip_that_nobody_wanted_waits_for_nothing():
    board = Board("", OSError(5))
    board.runner._printing = lambda: True
    board.effects = [("append", {"kind": record.RECEIPT, "copy": 0})]
    board.runner.dispatch(("received", 1, b""))
    assert board.log == ["received", "append", "apply 1"]


def out_of_paper(room: int) -> tuple:
    """A board whose printer takes so many lines and no more, and what it got."""
    board = Board("", OSError(5))
    rows: list = []
    board.print_line = rows.append
    board.runner._printing = lambda: len(rows) > 0
    board.runner._paper_room = lambda: room - len(rows)
    board.effects = [("print", "row")] * 13
    board.effects.insert(0, ("append", {"kind": record.OUTCOME}))
    board.effects.append(("append", {"kind": record.RECEIPT, "copy": 1}))
    return board, rows


def test_w7_a_slip_goes_to_the_printer_wholly_or_not_at_all_and_is_recorded_only_then():
    for room, slips in ((120, 8), (45, 2), (32, 1), (20, 1), (19, 0), (10000, 8)):
        board, rows = out_of_paper(room)
        for _ in range(20):
            board.runner.dispatch(("received", 1, b""))
        assert len(rows) == 13 * slips, room
        assert board.log.count("append") == 20
        del rows[:]
        board.runner.dispatch(("printed",))
        assert board.log.count("append") == 20 + slips


def test_w7_a_slip_that_had_no_room_is_offered_when_the_paper_is_back_and_nobody_is_at_it():
    board, _ = out_of_paper(15)
    armed, outcome = {"stan": 7, "batch": 1}, {"amount_minor": 500, "stan": 7}
    board.last = Last(3, armed, outcome)
    for printed, mode, said in (
        (False, "idle", "Receipt not printed"),
        (False, "result", "Receipt not printed"),
        (False, "amount", ""),
        (True, "idle", ""),
    ):
        board.last.printed = printed
        board.runner._shown = []
        board.runner.front.mode = mode
        board.runner.dispatch(("printed",))
        assert (said in board.runner._shown) is bool(said)
        assert board.runner.front.mode == ("ask" if said else mode)


def test_w29_a_journal_without_room_to_spare_takes_no_reprint():
    for spare, said in ((0, "Journal full: sync"), (1, "")):
        board = Board("", OSError(5))
        board.runner.spare = lambda spare=spare: spare
        board.runner._do(("ask_reprint",))
        assert (said in board.runner._shown) is bool(said)
        assert ("reprint_last" in board.log) is not bool(said)


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


class Step:
    def __init__(self, request) -> None:
        self.request = request


class Route:
    turns = 3


def quiet(board: Board) -> Board:
    """A board whose engine has nothing to do, with a journal in a list."""
    board.known = board.runner.known = State()
    board.records = []
    board.step = board.waiting = board.doubt = board.retries = None
    board.want = {}
    board.fault = ""
    board.route = Route()
    board.room = lambda: 1000
    board.first_seq = 1
    board.next_seq = 1
    board.read = lambda seq: record.encode(board.records[seq - 1]) + bytes(8)
    board.record_at = lambda seq: board.records[seq - 1]

    def append(rec: dict) -> int:
        board._do("append")
        board.records.append(rec)
        board.next_seq += 1
        return len(board.records)

    board.append = append
    return board


def test_w29_what_waits_for_the_printer_has_its_room_in_the_journal():
    board = quiet(Board("", OSError(5)))
    runner = board.runner
    spare = runner.spare()
    runner._printing = lambda: True
    for _ in range(3):
        runner._do(("append", {"kind": record.RECEIPT, "copy": 1}))
    assert board.records == []
    assert runner.spare() == spare - 3
    told = []
    board.handle = lambda event: told.append(event) or []
    runner._do(("ask_settle",))
    runner._do(("answer", True))
    assert told == [("settle", 997), ("reprint", True, 997)]


def test_a_restart_waits_for_the_sale_and_for_the_cashier():
    board = quiet(Board("", OSError(5)))
    runner = board.runner
    for mode in ("menu", "prompt", "amount", "confirm", "sure", "card", "ask"):
        runner.front.mode = mode
        assert not runner.may_restart()
    for mode in ("idle", "busy", "result", "pages", "blocked"):
        runner.front.mode = mode
        assert runner.may_restart()
        assert runner.shows_result() == (mode in ("result", "pages"))
    for name, value in (
        ("step", Step(b"sent")),
        ("want", {1: 1}),
        ("waiting", 1),
        ("doubt", 1),
        ("retries", []),
    ):
        setattr(board, name, value)
        assert runner.busy() and runner.in_hand() and not runner.may_restart()
        setattr(board, name, {} if name == "want" else None)
    board.step = Step(None)  # a connection is tried: nothing was sent, nobody waits for it
    assert runner.busy() and not runner.in_hand() and runner.may_restart()


def test_what_is_shown_to_be_read_counts_as_touched():
    board = quiet(Board("", OSError(5)))
    for mode, touched in (("result", 1), ("pages", 2), ("busy", 2), ("idle", 2)):
        board.runner._show(mode, "escape")
        assert board.runner.touched == touched
    board.known.open = Open(1, {})
    board.runner._show("result", "escape")  # as after each try of an unfinished sale
    assert board.runner.touched == 2 and not board.runner.shows_result()


def test_a_verdict_is_durable_before_it_is_shown_to_whoever_does_nothing_else():
    shown = ["append", "beep", "show"]
    for mode, log in (("idle", shown), ("result", shown), ("amount", shown[:2])):
        board = quiet(Board("", OSError(5)))
        board.runner.front.mode = mode
        assert board.runner.take_verdicts([(7, 1, 1, "reversed")]) == ""
        assert board.log == log
        assert board.runner.take_verdicts([(7, 1, 1, "reversed")]) == ""
        assert board.log == log and len(board.records) == 1


def test_a_verdict_that_is_not_durable_is_not_taken():
    board = quiet(Board("append", JournalFault("flash")))
    board.handle = lambda event: setattr(board, "fault", event[1]) or []
    assert board.runner.take_verdicts([(7, 1, 1, "reversed")]) == "flash"
    assert board.log == []
    assert board.runner.take_verdicts([(7, 1, 1, "reversed")]) == "flash"


def test_the_cashier_reads_the_cases_from_the_menu():
    board = quiet(Board("", OSError(5)))
    board.runner.take_verdicts([(7, 1, 1, ""), (7, 2, 3, "")])
    screens: list = []
    board.show = screens.append
    for key in ("CANCEL", "ENTER", "00", "ENTER", "ENTER"):
        board.runner.dispatch(("key", key))
    assert [lines[0] for lines in screens[-3:]] == ["WRITTEN OFF", "SQUARED", "Shop"]
    assert board.runner.touched == 5 + 3  # the keys, and the pages before and after them


def test_w29_a_note_takes_no_room_that_a_reversal_may_need():
    for room, noted in ((1000, 1), (60, 0), (-1, 0)):
        board = quiet(Board("", OSError(5)))
        board.room = lambda free=room: free
        board.runner.note("CLOCK_SET", "by 3 s")
        assert len(board.runner._events) == noted


class Waits:
    """Stands for asyncio: notes how long was slept, and ends the sale after so many waits."""

    def __init__(self, board: Board, until: int) -> None:
        self.board = board
        self.until = until
        self.slept: list[int] = []

    async def sleep_ms(self, milliseconds: int) -> None:
        self.slept.append(milliseconds)
        if len(self.slept) > self.until:
            self.board.want = None


def _waits(until: int, want: str, steps: int) -> list:
    """How long work that can wait waited before each of its steps."""
    board = Board("", OSError(5))
    board.step, board.want, board.waiting, board.doubt, board.retries = None, want, 0, 0, None
    waits = Waits(board, until)
    asyncio = runner.asyncio
    runner.asyncio = waits
    try:
        for _ in range(steps):
            raises(StopIteration, board.runner.give_way().send, None)
    finally:
        runner.asyncio = asyncio
    return waits.slept


def test_work_that_can_wait_gives_every_other_task_a_turn():
    assert _waits(0, "", 3) == [0, 0, 0]


def test_work_that_can_wait_waits_for_the_sale_under_way():
    assert _waits(2, "sale", 1) == [0, 5, 5]


def test_work_that_can_wait_takes_some_steps_when_a_sale_takes_long():
    waited = _waits(1000, "sale", 43)
    assert waited[:5] == [0, 5, 5, 5, 5]
    assert waited[5:45] == [0] * 40
    assert waited[45:50] == [0, 5, 5, 5, 5]


class BoardWithReader(Board):
    """A card reader that wants to hear what became of its card."""

    def tell_reader(self, how: str, code: str, icc: bytes) -> None:
        self.log.append(f"told {how} {code}")

    def read_card(self, *effects: tuple) -> "BoardWithReader":
        """A card, and what the engine makes of it."""
        self.effects = list(effects)
        card = {"pan": "9999990000000006", "expiry": "3012"}
        self.runner._card_in(record.SALE, 500, 500, card, None)
        return self

    def then(self, *effects: tuple) -> list:
        """What the reader is told by these effects."""
        self.effects = list(effects)
        self.log = []
        self.runner.dispatch(("received", 1, b""))
        return [step for step in self.log if step.startswith("told")]


def reader_board(*effects: tuple) -> BoardWithReader:
    return BoardWithReader("", OSError(5)).read_card(*effects)


BUSY = ("show", "busy", "processing", "5.00")
REFUSED = ("show", "result", "refused", "Busy")
REVERSING = ("show", "busy", "reversing", "5.00", 7, 1)
APPROVED = ("to_reader", "approved", "00", b"")
CHIP = ("to_reader", "chip", "00", b"")


def test_the_reader_hears_once_what_became_of_its_card():
    for effects, told in (
        ((APPROVED, SLIP[0]), ["told approved 00"]),
        ((("to_reader", "declined", "51", b""), REFUSED), ["told declined 51"]),
        ((REFUSED,), ["told refused "]),
        ((("home",),), ["told refused "]),
        ((REVERSING,), ["told refused "]),
        ((BUSY,), []),
    ):
        board = reader_board(BUSY)
        assert board.then(*effects) == told, effects
        # What is shown later is of no card that is still there.
        if told:
            assert board.then(APPROVED, REFUSED) == []


def test_the_reader_hears_of_an_approval_only_when_it_is_durable():
    board = BoardWithReader("append", JournalFault("flash"))
    board.read_card(BUSY)
    assert board.then(SLIP[2], APPROVED, SLIP[0]) == ["told refused "]
    assert "told approved 00" not in board.log


def test_a_chip_is_told_to_speak_and_then_how_it_ended():
    board = reader_board(BUSY)
    assert board.then(CHIP, ("show", "busy", "chip", "5.00")) == ["told chip 00"]
    assert board.then(REVERSING) == ["told refused "]


def test_a_reader_whose_card_has_to_wait_for_another_sales_end_hears_its_own():
    board = reader_board(BUSY)
    board.want = {"txn": record.SALE}
    assert board.then(REVERSING, ("show", "result", "waiting", "9.00", 6)) == []
    board.want = None
    assert board.then(APPROVED, SLIP[0]) == ["told approved 00"]


def test_a_card_that_is_refused_at_once_is_told():
    board = BoardWithReader("", OSError(5))
    board.runner._card_in(record.SALE, 500, 500, {"pan": "", "sealed": b"1"}, None)
    assert board.log[-3:] == ["show", "told refused ", "beep"]
    assert not hasattr(Board("", OSError(5)), "tell_reader")
