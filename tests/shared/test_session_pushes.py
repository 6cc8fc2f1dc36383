"""What a session of version 2 adds: pushes, a higher rate, and a journal that is another one."""

from protocol import frame, messages
from protocol.companion_session import LOST
from tests.shared.expect import raises
from tests.shared.sessions import (
    Companion,
    Ledger,
    Store,
    Terminal,
    expected,
    frames,
    open_session,
    payload_of,
    refusal,
    run,
)

RATE = 460800


def test_pushes_arrive_whole_and_in_order():
    pushes = [
        (kind, bytes([kind]) * size) for kind, size in ((1, 2000), (2, 1), (3, 128), (4, 129))
    ]
    terminal = Terminal(Ledger(1, 3))
    companion = Companion(Store(), pushes=pushes)
    run(terminal, companion)
    assert companion.result == ("done", 4, 4)
    assert terminal.pushed == pushes
    assert companion.answers == [("pushed", kind) for kind in (1, 2, 3, 4)]
    assert companion.largest <= frame.MAX_TO_TERMINAL


def test_a_refused_push_keeps_neither_the_others_nor_the_records_back():
    ledger = Ledger(1, 3)
    terminal = Terminal(ledger)
    terminal.refused_kinds = (1, 9)
    companion = Companion(Store(), pushes=[(1, bytes(300)), (2, b"x"), (9, b"y")])
    run(terminal, companion)
    assert companion.result == ("done", 4, 4)
    assert terminal.pushed == [(2, b"x")]
    refused = [("refused", kind, "not taken here") for kind in (1, 9)]
    assert companion.answers == [refused[0], ("pushed", 2), refused[1]]
    assert ledger.releases == [4]


def test_a_push_of_no_bytes_or_too_many_is_not_begun():
    companion = Companion(Store(), pushes=[(1, bytes(messages.MAX_PUSH + 1))])
    assert raises(messages.MessageError, run, Terminal(Ledger(1, 3)), companion)
    companion = Companion(Store(), pushes=[(1, b"")])
    assert raises(messages.MessageError, run, Terminal(Ledger(1, 3)), companion)


def _pushing(*chunks):
    """An open session that has taken these chunks of a push of kind 1, and its proofs."""
    terminal, proofs = open_session(Ledger(1, 3))
    for offset, size, chunk in chunks:
        message = messages.build(messages.PUSH, 1, offset, size, chunk)
        answer = terminal.feed(frame.encode(message))
        assert answer == [messages.build(messages.PUSH_NEXT, 1, offset + len(chunk))]
    return terminal, proofs


def test_a_push_needs_this_sessions_proof_of_its_kind_and_its_bytes():
    _, other = open_session(Ledger(2, 3))
    for make in (
        lambda proofs: proofs.push(2, b"abc"),
        lambda proofs: proofs.push(1, b"abd"),
        lambda proofs: other.push(1, b"abc"),
        lambda proofs: proofs.ack(1),
    ):
        terminal, proofs = _pushing((0, 3, b"abc"))
        message = messages.build(messages.PUSH_END, 1, make(proofs))
        assert refusal(terminal, message) == messages.BAD_AUTH
        assert terminal.pushed == []
    terminal, proofs = _pushing((0, 3, b"abc"))
    message = messages.build(messages.PUSH_END, 1, proofs.push(1, b"abc"))
    assert terminal.feed(frame.encode(message)) == [messages.build(messages.PUSHED, 1)]
    assert terminal.pushed == [(1, b"abc")]
    # Once: its end cannot be played again.
    assert refusal(terminal, message) == messages.BAD_PROTOCOL


def test_chunks_of_a_push_out_of_place_are_refused():
    for kind, offset, size in ((1, 2, 3), (1, 1, 4), (2, 1, 3), (1, 1, 1)):
        terminal, _ = _pushing((0, 3, b"a"))
        message = messages.build(messages.PUSH, kind, offset, size, b"b")
        assert refusal(terminal, message) == messages.BAD_PROTOCOL, (kind, offset, size)
    terminal, proofs = _pushing((0, 3, b"a"))
    message = messages.build(messages.PUSH_END, 1, proofs.push(1, b"a"))
    assert refusal(terminal, message) == messages.BAD_PROTOCOL


def test_a_push_that_begins_again_is_taken_from_its_new_beginning():
    terminal, proofs = _pushing((0, 3, b"a"), (0, 2, b"xy"))
    message = messages.build(messages.PUSH_END, 1, proofs.push(1, b"xy"))
    assert terminal.feed(frame.encode(message)) == [messages.build(messages.PUSHED, 1)]


def test_a_higher_rate_is_agreed_on_before_the_pull():
    ledger = Ledger(1, 300)
    terminal = Terminal(ledger, max_baud=921600)
    companion = Companion(Store(), rate=RATE)
    run(terminal, companion)
    assert companion.result == ("done", 301, 301)
    assert terminal.rates == [RATE]
    assert companion.answers == [("baud", RATE)]
    assert companion.store.items == expected(ledger)


def test_a_rate_that_the_port_does_not_have_is_refused():
    for rate, max_baud in ((921600, RATE), (115200, 0), (9600, RATE), (0, RATE)):
        terminal, _ = open_session(Ledger(1, 3), max_baud=max_baud)
        message = messages.build(messages.BAUD, rate)
        assert refusal(terminal, message) == messages.BAD_RANGE
        assert terminal.rates == []


def test_the_rate_stays_during_a_pull():
    terminal, _ = open_session(Ledger(1, 300), max_baud=RATE)
    terminal.feed(frame.encode(messages.build(messages.PULL, 1, 1, b"")))
    assert refusal(terminal, messages.build(messages.BAUD, RATE)) == messages.BAD_PROTOCOL
    assert terminal.rates == []


def test_welcome_tells_the_clock_and_the_ports_highest_rate():
    for wall, max_baud in ((0, 0), (1767225600, RATE)):
        terminal = Terminal(Ledger(1, 3), max_baud=max_baud)
        terminal.wall = wall
        welcome = terminal.feed(frame.encode(messages.build(messages.HELLO, 2, bytes(16))))[0]
        assert messages.parse(welcome, messages.TO_COMPANION)[9:] == [wall, max_baud]


def _meets_store(store_items, ledger):
    """A sync of a store that has these records; the store must not change when it is refused."""
    store = Store()
    store.items = list(store_items)
    companion = Companion(store)
    run(Terminal(ledger), companion)
    return companion


def test_a_journal_that_went_another_way_is_told_from_the_stored_one():
    ledger = Ledger(1, 10)
    companion = _meets_store([payload_of(1), bytes(20)], ledger)
    text = "record 2 here is not the one in the store"
    assert companion.result == ("failed", messages.BAD_HISTORY, text)
    assert len(companion.store.items) == 2 and ledger.releases == []


def test_another_history_is_only_believed_from_a_terminal_that_has_the_key():
    for code in (messages.BAD_HISTORY, messages.BAD_RANGE):
        companion = Companion(Store())
        companion.feed(frames(Terminal(Ledger(1, 3)).feed(frames(companion.begin()))))
        companion.feed(frame.encode(messages.error(code, "another journal")))
        assert companion.result[:2] == ("failed", LOST)


def test_a_rollback_to_exactly_as_many_records_is_noticed():
    ledger = Ledger(1, 10)
    companion = _meets_store([payload_of(seq) for seq in range(1, 10)] + [bytes(20)], ledger)
    assert companion.result[:2] == ("failed", messages.BAD_HISTORY)


def test_a_record_that_neither_end_has_proves_nothing_against_a_journal():
    stored = [payload_of(seq) for seq in range(1, 5)]
    gap = list(stored)
    gap[3] = None
    for items, ledger in ((gap, Ledger(1, 10)), (stored, Ledger(5, 6)), (stored, Ledger(7, 4))):
        assert _meets_store(items, ledger).result == ("done", 11, 11)
    damaged = Ledger(1, 10)
    damaged.damaged = [4]
    stored[3] = bytes(20)
    assert _meets_store(stored, damaged).result == ("done", 11, 11)


def test_a_pull_after_a_hole_sends_no_seal():
    store = Store()
    store.items = [payload_of(seq) for seq in range(1, 5)]
    companion = Companion(store)
    _, pull = companion.feed(frames(Terminal(Ledger(7, 4)).feed(frames(companion.begin()))))
    assert pull == messages.build(messages.PULL, 7, messages.WINDOW, b"")


def test_a_pull_from_the_first_record_with_a_seal_compares_nothing():
    terminal, _ = open_session(Ledger(1, 3))
    message = messages.build(messages.PULL, 1, 8, bytes(8))
    assert len(terminal.feed(frame.encode(message))) == 2
