"""Peers of an older and a newer version understand each other, or say why not."""

from protocol import frame, messages
from tests.shared.sessions import (
    Companion,
    Ledger,
    Store,
    Terminal,
    expected,
    frames,
    open_session,
    refusal,
    run,
)


def test_a_companion_of_version_1_syncs_with_this_terminal():
    ledger = Ledger(1, 300)
    store = Store()
    companion = Companion(store, version=1, pushes=[(2, b"\x00")], rate=921600)
    run(Terminal(ledger, max_baud=921600), companion)
    assert companion.result == ("done", 301, 301)
    assert store.items == expected(ledger)
    assert companion.answers == []


def test_this_companion_syncs_with_a_terminal_that_answers_in_version_1():
    ledger = Ledger(1, 300)
    store = Store()
    terminal = Terminal(ledger)
    companion = Companion(store, pushes=[(2, b"\x00")])
    receive = terminal.session.receive

    def as_version_1(payload):
        effects = receive(payload)
        if effects == [("greet",)]:
            terminal.session._version = 1
        return effects

    terminal.session.receive = as_version_1
    run(terminal, companion)
    assert companion.result == ("done", 301, 301)
    assert store.items == expected(ledger)
    assert companion.answers == []


def test_a_terminal_that_knows_only_version_1_sends_this_companion_there():
    companion = Companion(Store())
    companion.begin()
    # What a terminal of version 1 says to any other one.
    refusal = messages.error(messages.BAD_VERSION, "version 2, this end speaks 1")
    assert companion.feed(frame.encode(refusal)) == []
    assert companion.result[:2] == ("failed", messages.BAD_VERSION)
    ledger = Ledger(1, 3)
    companion = Companion(companion.store, nonce_seed=2, version=1)
    run(Terminal(ledger), companion)
    assert companion.result == ("done", 4, 4)


def test_a_companion_of_a_later_version_is_answered_in_this_one():
    terminal = Terminal(Ledger(1, 3))
    hello = messages.build(messages.HELLO, 7, bytes(16), "a later field", [1, 2])
    welcome = terminal.feed(frame.encode(hello))[0]
    message = messages.parse(welcome, messages.TO_COMPANION)
    assert message[1:3] == [messages.VERSION, bytes(16)]
    # The transcript has HELLO as it came: nobody can lower the version on the way.
    assert terminal.session._hello == hello


def test_a_version_lowered_on_the_way_is_noticed():
    terminal = Terminal(Ledger(1, 3))
    companion = Companion(Store())
    hello = bytearray(companion.begin()[0])
    hello[2] = 1
    to_terminal = companion.feed(frames(terminal.feed(frame.encode(bytes(hello)))))
    companion.feed(frames(terminal.feed(frames(to_terminal))))
    assert companion.result[:2] == ("failed", messages.BAD_AUTH)


def test_a_session_of_version_1_has_none_of_the_later_messages():
    for message in (
        messages.build(messages.PULL, 1, 1, b""),
        messages.build(messages.PUSH, 2, 0, 1, b"x"),
        messages.build(messages.PUSH_END, 2, bytes(32)),
        messages.build(messages.BAUD, 115200),
        messages.build(messages.LOG, 0),
    ):
        terminal, _ = open_session(Ledger(1, 3), version=1, max_baud=921600)
        assert refusal(terminal, message) == messages.BAD_PROTOCOL


def test_a_session_of_version_2_has_neither_the_log_nor_the_journals_fill():
    terminal, _ = open_session(Ledger(1, 3), version=2)
    assert refusal(terminal, messages.build(messages.LOG, 0)) == messages.BAD_PROTOCOL
    terminal = Terminal(Ledger(1, 3))
    terminal.fill = (5, 3968)
    companion = Companion(Store(), version=2)
    run(terminal, companion)
    assert companion.result == ("done", 4, 4)
    identity = companion.session._identity
    assert (identity.version, identity.room, identity.slots) == (2, 0, 0)


def test_a_terminal_that_restarted_tells_a_peer_of_either_version_to_begin_again():
    for message in (
        messages.build(messages.PULL, 1, 1),
        messages.build(messages.PULL, 1, 1, bytes(8)),
        messages.build(messages.PUSH_END, 2, bytes(32)),
    ):
        assert refusal(Terminal(Ledger(1, 3)), message) == messages.NO_SESSION


def test_a_terminal_is_held_from_the_proof_of_the_key_on():
    terminal = Terminal(Ledger(1, 3))
    hello = messages.build(messages.HELLO, 2, bytes(16))
    welcome = terminal.feed(frame.encode(hello))[0]
    assert terminal.session.active and not terminal.session.open
    terminal.feed(frame.encode(messages.build(messages.AUTH, bytes(32))))
    assert not terminal.session.open
    companion = Companion(Store())
    to_terminal = companion.feed(frames(terminal.feed(frames(companion.begin()))))
    assert welcome and not terminal.session.open
    terminal.feed(frames(to_terminal[:1]))
    assert terminal.session.open
    terminal.feed(frame.encode(messages.build(messages.BYE)))
    assert not terminal.session.open
