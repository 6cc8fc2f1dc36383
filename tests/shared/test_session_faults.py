"""A fault at every byte of a whole session, in both versions: nothing is lost, nothing is twice.

The session has every message in it: several RECORDS with credit, pushes that are taken and
refused, a change of the rate, an acknowledgement.
"""

from protocol.companion_session import LOST
from tests.shared.sessions import STEP, Companion, Ledger, Store, Terminal, expected, frames, run

RECORDS = 26
PUSHES = ((2, b"\x1a\x69\x00\x00\x00"), (3, bytes(range(130))), (9, b"from the future"))


def _ledger():
    ledger = Ledger(1, RECORDS)
    ledger.damaged = [seq for seq in range(1, RECORDS + 1) if seq % 4]
    return ledger


def _terminal(ledger):
    terminal = Terminal(ledger, max_baud=921600)
    terminal.at_once = 5  # six RECORDS: the first window is not enough
    terminal.refused_kinds = (9,)
    return terminal


def _survives(version, spoil):
    """One spoiled session, then a clean one; returns how the spoiled one ended, None: in silence.

    What was released is stored, and what is stored is what the terminal has, once and in order.
    """
    ledger = _ledger()
    store = Store()
    terminal = _terminal(ledger)
    companion = Companion(store, version=version, pushes=PUSHES, rate=460800)
    run(terminal, companion, spoil)
    assert ledger.released <= store.next_seq()
    assert store.items == expected(ledger)[: len(store.items)]
    pushed = list(terminal.pushed)
    assert pushed == list(PUSHES[: len(pushed)])
    again = Companion(store, nonce_seed=2, version=version, pushes=PUSHES)
    run(terminal, again)
    assert again.result == ("done", RECORDS + 1, RECORDS + 1), again.result
    assert store.items == expected(ledger)
    # All of them again; a frame whose end was lost may be the first thing that the second hears.
    assert terminal.pushed[len(pushed) :][-2:] == (list(PUSHES[:2]) if version > 1 else [])
    assert len(terminal.pushed) <= len(pushed) + 3
    return companion.result


def _length(version):
    terminal = _terminal(_ledger())
    companion = Companion(Store(), version=version, pushes=PUSHES, rate=460800)
    length = run(terminal, companion)
    assert companion.result == ("done", RECORDS + 1, RECORDS + 1)
    assert terminal.rates == ([460800] if version > 1 else [])
    return length


def _at_every_byte(change):
    """Spoil each byte with ``change(stream, index)``, which gives the stream that arrives."""
    for version in (1, 3):
        for at in range(0, _length(version), STEP):

            def spoil(data, offset, at=at):
                return change(data, at - offset) if 0 <= at - offset < len(data) else data

            result = _survives(version, spoil)
            # A damaged frame alone never looks like an enemy, only like a bad line.
            lost = result is None or result[0] == "done" or result[1] == LOST
            assert lost, (version, at, result)


def test_a_changed_byte_anywhere_is_only_a_lost_frame():
    def changed(data, index):
        return data[:index] + bytes([data[index] ^ 0x55]) + data[index + 1 :]

    _at_every_byte(changed)


def test_a_byte_that_becomes_a_frames_edge_is_only_a_lost_frame():
    _at_every_byte(lambda data, index: data[:index] + b"\0" + data[index + 1 :])


def test_a_lost_byte_anywhere_is_only_a_lost_frame():
    _at_every_byte(lambda data, index: data[:index] + data[index + 1 :])


def test_a_doubled_byte_anywhere_is_only_a_lost_frame():
    _at_every_byte(lambda data, index: data[: index + 1] + data[index:])


def test_a_flight_cut_short_anywhere_is_only_lost_frames():
    _at_every_byte(lambda data, index: data[:index])


def test_a_disconnect_at_every_byte_loses_nothing():
    for version in (1, 3):
        for cut in range(0, _length(version), STEP):

            def spoil(data, offset, cut=cut):
                return data[: max(0, cut - offset)]

            assert _survives(version, spoil) is None


def _restarted_before(version, at):
    """A session whose terminal restarts before flight ``at``; returns how many flights it had."""
    ledger = _ledger()
    store = Store()
    terminal = _terminal(ledger)
    companion = Companion(store, version=version, pushes=PUSHES)
    to_terminal = frames(companion.begin())
    flights = 0
    while to_terminal:
        if flights == at:
            terminal = _terminal(ledger)
        flights += 1
        to_terminal = frames(companion.feed(frames(terminal.feed(to_terminal))))
    # Before the first flight there was nothing to lose.
    assert (companion.result[0] == "done") == (at in (0, flights))
    assert companion.result[0] == "done" or companion.result[1] == LOST
    assert store.items == expected(ledger)[: len(store.items)]
    assert ledger.released <= store.next_seq()
    return flights


def test_a_restart_of_the_terminal_before_any_flight_is_worth_another_session():
    for version in (1, 3):
        at = 0
        while _restarted_before(version, at) > at:
            at += 1
        assert at >= 5


def _messages_of(version):
    """How many frames cross in a whole session."""
    count = []
    run(
        _terminal(_ledger()),
        Companion(Store(), version=version, pushes=PUSHES, rate=460800),
        lambda data, offset: count.append(len(_split(data))) or data,
    )
    return sum(count)


def _split(data):
    return [b"\0" + part + b"\0" for part in data.split(b"\0") if part]


def _with_frames(version, change):
    """Each frame of a session once, given to ``change(frames of its flight, index)``."""
    for number in range(_messages_of(version)):
        seen = [0]

        def spoil(data, offset, number=number, seen=seen):
            parts = _split(data)
            index = number - seen[0]
            seen[0] += len(parts)
            return b"".join(change(parts, index)) if 0 <= index < len(parts) else data

        yield _survives(version, spoil)


def test_every_frame_lost_loses_nothing():
    for version in (1, 3):
        for result in _with_frames(version, lambda parts, i: parts[:i] + parts[i + 1 :]):
            assert result is None or result[0] == "done" or result[1] == LOST, result


def test_every_frame_doubled_or_out_of_order_does_no_harm():
    for version in (1, 3):
        for _ in _with_frames(version, lambda parts, i: parts[: i + 1] + parts[i:]):
            pass
        for _ in _with_frames(version, lambda parts, i: parts[i:] + parts[:i]):
            pass


def test_every_two_frames_lost_lose_nothing():
    for version in (1, 3):
        count = _messages_of(version)
        for first in range(0, count, 1 if STEP == 1 else 5):
            for second in range(first + 1, count):
                seen = [0]

                def spoil(data, offset, first=first, second=second, seen=seen):
                    parts = _split(data)
                    start = seen[0]
                    seen[0] += len(parts)
                    kept = [p for i, p in enumerate(parts, start) if i not in (first, second)]
                    return b"".join(kept)

                _survives(version, spoil)
