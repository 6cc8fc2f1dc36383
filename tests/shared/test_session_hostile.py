"""What a session refuses, from either end."""

from protocol import config, frame, messages, packed, session
from protocol.companion_session import LOST
from tests.shared.expect import raises
from tests.shared.sessions import (
    DEVICE,
    KEY,
    Companion,
    Ledger,
    Store,
    Terminal,
    frames,
    open_session,
    refusal,
    run,
)


def test_a_wrong_key_is_refused_and_nothing_moves():
    ledger = Ledger(1, 20)
    store = Store()
    companion = Companion(store, key=bytes(32))
    terminal = Terminal(ledger)
    run(terminal, companion)
    assert companion.result[1] == messages.BAD_AUTH
    assert store.items == [] and ledger.releases == []
    assert not terminal.session.active


def test_a_terminal_without_the_key_is_refused():
    companion = Companion(Store())
    hello = companion.begin()[0]
    welcome = messages.build(messages.WELCOME, 1, hello[-16:], DEVICE, "0.1.0", 1, 5, 1, bytes(16))
    companion.feed(frame.encode(welcome))
    companion.feed(frame.encode(messages.build(messages.PROOF, bytes(32))))
    assert companion.result[:2] == ("failed", messages.BAD_AUTH)


def test_a_journal_range_altered_on_the_way_is_noticed():
    terminal = Terminal(Ledger(1, 20))
    companion = Companion(Store())
    welcome = terminal.feed(frames(companion.begin()))[0]
    altered = messages.parse(welcome, messages.TO_COMPANION)
    altered[6] = 10
    to_terminal = companion.feed(frame.encode(messages.build(*altered)))
    companion.feed(frames(terminal.feed(frames(to_terminal))))
    assert companion.result[:2] == ("failed", messages.BAD_AUTH)


def test_a_busy_terminal_says_so():
    companion = Companion(Store())
    terminal = Terminal(Ledger(1, 3), busy=True)
    run(terminal, companion)
    assert companion.result[:2] == ("failed", messages.BUSY)
    assert not terminal.session.active


def test_a_version_that_cannot_be_read_is_refused_by_name():
    for hello in ((0, bytes(16)), (4, "other"), (4,), (256, bytes(16))):
        answers = Terminal(Ledger(1, 3)).feed(frame.encode(messages.build(messages.HELLO, *hello)))
        answer = messages.parse(answers[0], messages.TO_COMPANION)
        assert answer[1] == messages.BAD_VERSION
        assert answer[2] == f"version {hello[0]}, this end speaks 1 to 3"
    companion = Companion(Store())
    companion.begin()
    companion.feed(frame.encode(messages.build(messages.WELCOME, 7, "other")))
    assert companion.result[:2] == ("failed", messages.BAD_VERSION)


def test_a_welcome_in_a_higher_version_than_asked_for_is_refused():
    companion = Companion(Store(), version=1)
    nonce = companion.begin()[0][-16:]
    welcome = (messages.WELCOME, 2, nonce, DEVICE, "0.1.0", 1, 5, 1, bytes(16), 0, 0)
    companion.feed(frame.encode(messages.build(*welcome)))
    assert companion.result[:2] == ("failed", messages.BAD_VERSION)


def test_every_message_before_hello_is_refused():
    for message in (
        messages.build(messages.AUTH, bytes(32)),
        messages.build(messages.PULL, 1, 1),
        messages.build(messages.CREDIT, 1),
        messages.build(messages.ACK, 1, bytes(32)),
        messages.build(messages.BYE),
        messages.build(messages.PROVISION, 0, 5, b"x"),
    ):
        assert refusal(Terminal(Ledger(1, 3)), message) == messages.NO_SESSION


def test_nothing_moves_without_authentication():
    for message in (
        messages.build(messages.PULL, 1, 1, b""),
        messages.build(messages.PUSH, 1, 0, 1, b"x"),
        messages.build(messages.PUSH_END, 1, bytes(32)),
        messages.build(messages.BAUD, 115200),
        messages.build(messages.CREDIT, 1),
        messages.build(messages.ACK, 1, bytes(32)),
    ):
        ledger = Ledger(1, 3)
        terminal = Terminal(ledger)
        terminal.feed(frame.encode(messages.build(messages.HELLO, 2, bytes(16))))
        assert refusal(terminal, message) == messages.NO_SESSION
        assert ledger.releases == []


def test_hostile_messages_are_refused_one_by_one():
    for message in (
        b"\xff",
        b"\x01",
        b"\x80",
        b"\x81\xf5",
        b"\x81\x61\x61",
        messages.build(99),
        messages.build(messages.RECORDS, 1, []),
        messages.build(messages.HELLO),
        messages.build(messages.HELLO, 1, b"short"),
        messages.build(messages.HELLO, "1", bytes(16)),
        messages.build(messages.HELLO, True, bytes(16)),
        messages.build(messages.PULL),
        messages.build(messages.PULL, 1),
        messages.build(messages.PULL, 1, 1),
        messages.build(messages.PULL, "1", 1, b""),
        messages.build(messages.PULL, -1, 1, b""),
        messages.build(messages.PULL, None, 1, b""),
        messages.build(messages.PULL, 1 << 32, 1, b""),
        messages.build(messages.PULL, 1, [1], b""),
        messages.build(messages.PULL, 1, 1, 1),
        messages.build(messages.PULL, 1, 1, bytes(7)),
        messages.build(messages.PULL, 1, 1, bytes(9)),
        messages.build(messages.PULL, 1, 1, b"", 1),
        messages.build(messages.CREDIT, 1 << 40),
        messages.build(messages.ACK, 1),
        messages.build(messages.ACK, 1, b"short"),
        messages.build(messages.BYE, 1),
        messages.build(messages.AUTH, bytes(32)),
        messages.build(messages.PROVISION, 0, 5, b""),
        messages.build(messages.PROVISION, 0, 5, bytes(129)),
        messages.build(messages.PROVISION, 0, config.MAX_CONFIG + 1, b"x"),
        messages.build(messages.PUSH, 256, 0, 1, b"x"),
        messages.build(messages.PUSH, 1, 0, messages.MAX_PUSH + 1, b"x"),
        messages.build(messages.PUSH, 1, 0, 1, b""),
        messages.build(messages.PUSH, 1, 0, 200, bytes(129)),
        messages.build(messages.PUSH, 1, 0, 1, b"xx"),
        messages.build(messages.PUSH, 1, 5, 9, b"x"),
        messages.build(messages.PUSH_END, 1, bytes(32)),
        messages.build(messages.PUSH_END, 1, b"short"),
        messages.build(messages.BAUD, "fast"),
    ):
        terminal, _ = open_session(Ledger(1, 3))
        assert refusal(terminal, message) == messages.BAD_PROTOCOL, message
        assert terminal.ledger.releases == []


def test_a_range_outside_the_journal_is_refused():
    for first in (0, 4, 16, messages.MAX_SEQ):
        terminal, _ = open_session(Ledger(5, 10))
        assert (
            refusal(terminal, messages.build(messages.PULL, first, 1, b"")) == messages.BAD_RANGE
        )


def test_a_pull_from_the_end_is_an_empty_pull():
    terminal, _ = open_session(Ledger(5, 10))
    answers = terminal.feed(frame.encode(messages.build(messages.PULL, 15, 1, b"")))
    assert answers == [messages.build(messages.END, 15)]


def test_a_huge_credit_is_refused():
    terminal, _ = open_session(Ledger(1, 300))
    message = messages.build(messages.PULL, 1, messages.MAX_WINDOW + 1, b"")
    assert refusal(terminal, message) == messages.BAD_RANGE
    terminal, _ = open_session(Ledger(1, 300))
    sent = terminal.feed(frame.encode(messages.build(messages.PULL, 1, 2, b"")))
    assert len(sent) == 2
    message = messages.build(messages.CREDIT, 2 + messages.MAX_WINDOW + 1)
    assert refusal(terminal, message) == messages.BAD_RANGE


def test_the_terminal_sends_no_more_than_its_credit():
    terminal, _ = open_session(Ledger(1, 300))
    assert terminal.feed(frame.encode(messages.build(messages.PULL, 1, 0, b""))) == []
    assert len(terminal.feed(frame.encode(messages.build(messages.CREDIT, 3)))) == 3
    assert terminal.feed(frame.encode(messages.build(messages.CREDIT, 3))) == []
    assert terminal.feed(frame.encode(messages.build(messages.CREDIT, 1))) == []
    assert len(terminal.feed(frame.encode(messages.build(messages.CREDIT, 5)))) == 2


def test_a_second_pull_during_a_pull_is_refused():
    terminal, _ = open_session(Ledger(1, 300))
    terminal.feed(frame.encode(messages.build(messages.PULL, 1, 1, b"")))
    message = messages.build(messages.PULL, 1, 1, b"")
    assert refusal(terminal, message) == messages.BAD_PROTOCOL


def test_only_what_was_sent_can_be_acknowledged():
    ledger = Ledger(1, 300)
    terminal, proofs = open_session(ledger)
    terminal.feed(frame.encode(messages.build(messages.PULL, 1, 1, b"")))
    message = messages.build(messages.ACK, 300, proofs.ack(300))
    assert refusal(terminal, message) == messages.BAD_RANGE
    assert ledger.releases == []


def test_an_acknowledgement_needs_this_sessions_proof():
    ledger = Ledger(1, 3)
    _, old = open_session(ledger)
    for make in (lambda proofs: proofs.ack(3), lambda proofs: old.ack(4), lambda _: bytes(32)):
        terminal, proofs = open_session(ledger)
        # The first session's nonces were the same seed: make this one's differ.
        hello = messages.build(messages.HELLO, messages.VERSION, b"n" * 16)
        welcome = terminal.feed(frame.encode(hello))[0]
        proofs = messages.Proofs(KEY, hello, welcome)
        terminal.feed(frame.encode(messages.build(messages.AUTH, proofs.companion())))
        terminal.feed(frame.encode(messages.build(messages.PULL, 1, 8, b"")))
        message = messages.build(messages.ACK, 4, make(proofs))
        assert refusal(terminal, message) == messages.BAD_AUTH
    assert ledger.releases == []


def _hostile_terminal(answer):
    """A companion that pulls 1..9 with the right key, and what it made of this answer."""
    terminal = Terminal(Ledger(1, 9))
    companion = Companion(Store())
    to_terminal = companion.feed(frames(terminal.feed(frames(companion.begin()))))
    proof = terminal.feed(frames(to_terminal))[0]
    companion.feed(frame.encode(proof) + frame.encode(answer))
    return companion


def test_hostile_answers_are_refused_one_by_one():
    record = bytes(20)
    for answer in (
        b"\xff",
        messages.build(messages.HELLO, 1, bytes(16)),
        messages.build(messages.RECORDS, 1, [record]),
        messages.build(messages.PACKED, 1, [record]),
        messages.build(messages.PACKED, 1, b""),
        messages.build(messages.PACKED, 1, b"\x08" + bytes(8)),
        messages.build(messages.PACKED, 1, b"\x14" + bytes(19)),
        messages.build(messages.PACKED, 1, b"\xff"),
        messages.build(messages.PACKED, 1, b"\xff\xff"),
        messages.build(messages.PACKED, 1, b"\xff\x00\x14" + record),
        messages.build(messages.PACKED, 1, b"\xff\x01\xcd" + bytes(461)),
        messages.build(messages.PACKED, 1, bytes(65)),
        messages.build(messages.PACKED, 1, (b"\x14" + record) * 10),
        messages.build(messages.PACKED, -1, b"\x14" + record),
        messages.build(messages.RELEASED, 10),
        messages.build(messages.PROVISIONED, DEVICE),
        messages.build(messages.PROOF, bytes(32)),
        messages.build(messages.PUSHED, 1),
        messages.build(messages.PUSH_NEXT, 1, 1),
        messages.build(messages.BAUD_OK, 115200),
        messages.build(messages.ERROR, 5, "text"),
    ):
        companion = _hostile_terminal(answer)
        assert companion.result[:2] == ("failed", messages.BAD_PROTOCOL), answer
        assert companion.store.items == []


def test_hostile_records_of_version_1_are_refused_one_by_one():
    record = bytes(20)
    for message in (
        messages.build(messages.PACKED, 1, b"\x14" + record),
        messages.build(messages.RECORDS, 1, []),
        messages.build(messages.RECORDS, 1, [bytes(8)]),
        messages.build(messages.RECORDS, 1, [bytes(461)]),
        messages.build(messages.RECORDS, 1, ["text"]),
        messages.build(messages.RECORDS, 1, record),
        messages.build(messages.RECORDS, 1, [None] * 65),
        messages.build(messages.RECORDS, -1, [record]),
    ):
        error = raises(messages.MessageError, messages.parse, message, messages.TO_COMPANION, 1)
        assert error.code == messages.BAD_PROTOCOL, message


def test_records_of_any_length_are_packed_and_come_out_again():
    items = [bytes([n & 255]) * n for n in range(9, messages.MAX_SEALED + 1)]
    items.extend([None, None, bytes(9), None])
    for at in range(0, len(items), 3):
        some = items[at : at + 3]
        message = bytearray(1500)
        length = packed.message_into(memoryview(message), messages.PACKED, 7, some)
        assert message[:length] == messages.build(messages.PACKED, 7, packed.pack(some))
        assert messages.parse(bytes(message[:length]), messages.TO_COMPANION, 2)[1:] == [7, some]
        assert len(packed.pack(some)) <= sum([session.item_size(item) for item in some])


def test_records_out_of_order_or_an_early_end_are_not_believed():
    record = b"\x14" + bytes(20)
    for answer in (
        messages.build(messages.PACKED, 2, record),
        messages.build(messages.PACKED, 0, record),
        messages.build(messages.END, 10),
        messages.build(messages.END, 5),
    ):
        companion = _hostile_terminal(answer)
        assert companion.result[:2] == ("failed", LOST), answer
    companion = _hostile_terminal(messages.build(messages.END, 1))
    assert companion.result[:2] == ("failed", messages.BAD_PROTOCOL)


def test_an_error_from_the_terminal_ends_the_session_with_its_words():
    companion = _hostile_terminal(messages.error(messages.FAULT, "flash read failed"))
    assert companion.result == ("failed", messages.FAULT, "flash read failed")


def test_an_error_text_of_any_length_fits():
    message = messages.parse(messages.error(messages.FAULT, "\u5e73" * 100), messages.TO_COMPANION)
    assert message[2] == "\u5e73" * 40


def test_escape_works_at_any_time_on_the_serial_port_only():
    escape = frame.encode(messages.build(messages.ESCAPE))
    terminal = Terminal(Ledger(1, 3))
    assert terminal.feed(escape) == [messages.build(messages.ESCAPING)]
    assert terminal.escaped
    terminal, _ = open_session(Ledger(1, 3))
    terminal.feed(escape)
    assert terminal.escaped and not terminal.session.active
    terminal, _ = open_session(Ledger(1, 3), serial=False)
    assert refusal(terminal, messages.build(messages.ESCAPE)) == messages.BAD_PROTOCOL
    assert not terminal.escaped


def test_an_impossible_journal_range_is_refused():
    for first, following, released in ((9, 5, 1), (1, 5, 6)):
        companion = Companion(Store())
        hello = companion.begin()[0]
        welcome = messages.build(
            messages.WELCOME,
            1,
            hello[-16:],
            DEVICE,
            "0.1.0",
            first,
            following,
            released,
            bytes(16),
        )
        companion.feed(frame.encode(welcome))
        assert companion.result[:2] == ("failed", messages.BAD_PROTOCOL)
