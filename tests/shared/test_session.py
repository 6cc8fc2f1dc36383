"""A sync moves every record once, over a link that can fail at every byte."""

from binascii import unhexlify

from protocol import companion_session, frame, messages
from protocol.companion_session import LOST, CompanionSession
from tests.shared.expect import vectors
from tests.shared.sessions import (
    Companion,
    Ledger,
    Store,
    Terminal,
    expected,
    frames,
    open_session,
    run,
    sync,
)


def test_a_session_moves_every_record_and_releases_them():
    for count in (0, 1, 7, 300):
        ledger = Ledger(1, count)
        store = Store()
        sync(ledger, store)
        assert store.items == expected(ledger)
        assert ledger.released == count + 1


def test_a_second_sync_moves_no_record_and_releases_nothing():
    ledger = Ledger(1, 40)
    store = Store()
    sync(ledger, store)
    calls = store.calls
    assert sync(ledger, store) < 240
    assert store.calls == calls
    assert ledger.releases == [41]


def test_many_records_share_a_message_and_its_overhead_is_three_percent():
    ledger = Ledger(1, 500)
    ledger.read = lambda seq: b"\x5a" * 54
    terminal, _ = open_session(ledger)
    terminal.at_once = messages.MAX_RECORDS
    pull = messages.build(messages.PULL, 1, 1, b"")
    answer = terminal.feed(frame.encode(pull))[0]
    records = 54 * len(messages.parse(answer, messages.TO_COMPANION)[2])
    assert records == 36 * 54
    assert len(frame.encode(answer)) * 100 <= records * 103


def test_a_damaged_record_becomes_a_gap_in_its_place():
    ledger = Ledger(1, 30)
    ledger.damaged = [1, 15, 16, 30]
    store = Store()
    sync(ledger, store)
    assert len(store.items) == 30
    for seq in range(1, 31):
        assert (store.items[seq - 1] is None) == (seq in ledger.damaged)


def test_a_journal_of_nothing_but_damage_is_all_gaps():
    ledger = Ledger(1, 200)
    ledger.damaged = list(range(1, 201))
    store = Store()
    sync(ledger, store)
    assert store.items == [None] * 200


def test_records_the_terminal_no_longer_has_are_reported_missing():
    ledger = Ledger(50, 10)
    store = Store()
    companion = Companion(store)
    run(Terminal(ledger), companion)
    assert companion.missing == [(1, 50)]
    assert companion.result == ("done", 60, 60)
    assert store.next_seq() == 60


def test_a_store_that_is_ahead_of_the_terminal_is_an_error():
    ledger = Ledger(1, 10)
    store = Store()
    store.items = [b"x" * 20] * 25
    companion = Companion(store)
    run(Terminal(ledger), companion)
    assert companion.result[1] == messages.BAD_RANGE
    assert "journal was lost" in companion.result[2]
    assert ledger.releases == []


def test_a_terminal_that_claims_a_huge_range_is_refused():
    ledger = Ledger(companion_session.MAX_MISSING + 2, 1)
    companion = Companion(Store())
    run(Terminal(ledger), companion)
    assert companion.result[1] == messages.BAD_RANGE
    assert companion.store.items == []


def test_text_printed_between_frames_does_no_harm():
    ledger = Ledger(1, 60)
    store = Store()
    companion = Companion(store)
    run(Terminal(ledger), companion, lambda data, offset: data and b"\0noise\r\n" + data)
    assert companion.result == ("done", 61, 61)


def test_a_terminal_that_restarts_during_the_pull_is_worth_another_session():
    ledger = Ledger(1, 300)
    store = Store()
    companion = Companion(store)
    terminal = Terminal(ledger)
    to_terminal = frames(companion.begin())
    while not store.items:
        to_terminal = frames(companion.feed(frames(terminal.feed(to_terminal))))
    companion.feed(frames(Terminal(ledger).feed(to_terminal)))
    assert companion.result[:2] == ("failed", LOST)
    assert ledger.releases == []
    sync(ledger, store)
    assert store.items == expected(ledger)


def test_a_dead_companion_is_replaced_on_the_same_stream():
    ledger = Ledger(1, 300)
    store = Store()
    terminal = Terminal(ledger)
    first = Companion(store)
    leftover = b""
    to_terminal = frames(first.begin())
    while not store.items:
        leftover = frames(terminal.feed(to_terminal))
        to_terminal = frames(first.feed(leftover))
    # The second companion first reads what was meant for the first.
    second = Companion(store, nonce_seed=2)
    hello = frames(second.begin())
    assert second.feed(leftover + frames(terminal.feed(to_terminal[:5]))) == []
    to_terminal = hello
    while to_terminal:
        to_terminal = frames(second.feed(frames(terminal.feed(to_terminal))))
    assert second.result == ("done", 301, 301)
    assert store.items == expected(ledger)


def test_an_answer_to_an_older_hello_is_ignored():
    terminal = Terminal(Ledger(1, 3))
    stale = frames(terminal.feed(frames(Companion(Store(), nonce_seed=5).begin())))
    companion = Companion(Store(), nonce_seed=6)
    hello = frames(companion.begin())
    assert companion.feed(stale) == []
    assert companion.result is None
    assert companion.feed(frames(terminal.feed(hello)))


def test_a_port_that_echoes_is_not_a_terminal():
    companion = Companion(Store())
    assert companion.feed(frames(companion.begin())) == []
    assert companion.result is None


def test_a_resync_takes_three_round_trips_and_writes_nothing():
    ledger = Ledger(1, 40)
    store = Store()
    sync(ledger, store)
    companion = Companion(store)
    run(Terminal(ledger), companion)
    assert companion.flights == 3
    assert ledger.releases == [41]


def test_a_first_sync_takes_three_round_trips_besides_the_stream():
    for count in (0, 30, 200):
        companion = Companion(Store())
        run(Terminal(Ledger(1, count)), companion)
        assert companion.flights == 3


def test_messages_and_flights_towards_the_terminal_fit_its_receive_ring():
    companion = Companion(Store(), pushes=[(3, bytes(messages.MAX_PUSH))], rate=921600)
    terminal = Terminal(Ledger(1, 200), max_baud=921600)
    crossing = []
    run(terminal, companion, lambda data, _: crossing.append(len(data)) or data)
    assert companion.result[0] == "done"
    assert companion.largest <= frame.MAX_TO_TERMINAL
    assert max(crossing[::2]) <= 259
    # Two CREDITs may wait while the terminal sends.
    assert 2 * len(frame.encode(messages.build(messages.CREDIT, messages.MAX_SEQ))) < 259


def _ends(script):
    """The two ends of a session in the vectors."""
    ledger = Ledger(script["first_seq"], script["next_seq"] - script["first_seq"])
    ledger.damaged = script["damaged"]
    ledger.released = script["released"]
    terminal = Terminal(ledger, max_baud=script["max_baud"])
    terminal.wall = script["wall"]
    terminal.fill = tuple(script.get("fill", (0, 0)))
    terminal.lines = script.get("log", [])
    terminal.refused_kinds = script["refused_kinds"]
    terminal.nonces.bytes = lambda _: unhexlify(script["terminal_nonce"])
    store = Store()
    store.items = [None] * (script["store_next_seq"] - 1)
    store.seal_before = lambda _: unhexlify(script["last"])
    pushes = [(kind, unhexlify(data)) for kind, data in script["pushes"]]
    companion = Companion(store, pushes=pushes, rate=script["rate"])
    companion.asks_log = "log" in script
    companion.session = CompanionSession(unhexlify(script["companion_nonce"]), script["version"])
    return terminal, companion


def test_whole_sessions_match_their_vectors():
    for script in vectors("session")["sessions"]:
        terminal, companion = _ends(script)
        to_terminal = companion.begin()
        for step in script["messages"]:
            expected = [unhexlify(message) for message in step["payloads"]]
            if step["to"] == "terminal":
                assert to_terminal == expected
                to_companion = terminal.feed(frames(to_terminal))
            else:
                assert to_companion == expected
                to_terminal = companion.feed(frames(to_companion))
        assert companion.result[0] == script["result"]
