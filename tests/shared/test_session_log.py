"""What a session of version 3 adds: the terminal's log, and how full its journal is."""

from protocol import messages
from tests.shared.sessions import Companion, Ledger, Store, Terminal, open_session, refusal, run


def test_the_log_is_read_in_pieces_to_its_end():
    for lines in ([], ["one"], [f"line {number}" for number in range(7)]):
        terminal = Terminal(Ledger(1, 3))
        terminal.lines = list(lines)
        companion = Companion(Store(), pushes=[(2, b"x")])
        companion.asks_log = True
        run(terminal, companion)
        assert companion.result == ("done", 4, 4)
        assert companion.lines == lines
        assert terminal.pushed == [(2, b"x")]


def test_welcome_says_how_full_the_journal_is():
    terminal = Terminal(Ledger(1, 3))
    terminal.fill = (700, 3968)
    companion = Companion(Store())
    run(terminal, companion)
    identity = companion.session._identity
    assert (identity.version, identity.room, identity.slots) == (3, 700, 3968)


def test_the_log_is_not_for_strangers_and_not_for_the_middle_of_a_pull():
    terminal = Terminal(Ledger(1, 3))
    message = messages.build(messages.LOG, 0)
    assert refusal(terminal, message) == messages.NO_SESSION
    terminal, _ = open_session(Ledger(1, 300))
    terminal.feed(b"")
    terminal.session.receive(messages.build(messages.PULL, 1, 1, b""))
    assert terminal.session.receive(message)[-1][:2] == ("failed", messages.BAD_PROTOCOL)
