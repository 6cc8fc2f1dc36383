"""companion.link and the terminal's sync server in version 2: round trips, pushes, rates,
histories, and peers of version 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from companion.link import LinkError, OtherHistory, SyncResult, inspect, open_transport, sync
from protocol import frame, messages
from protocol.companion_session import Identity
from terminal.sync import SyncServer
from tests.companion.terminal_rig import DEVICE, Store, keys, payload
from tests.companion.wire import Cable, Served

BASE = messages.BASE_BAUD
RATE = 460800
TIME = (messages.PUSH_TIME, b"\x1a\x69\x55\xb9\x00")
VERDICTS = (messages.PUSH_VERDICTS, bytes(range(200)))

Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Served] = []

    def begin(count: int, **options: Any) -> Served:
        running.append(Served(count, **options))
        return running[-1]

    yield begin
    for served in running:
        served.close()


def taker(taken: list[tuple[int, bytes]]) -> Callable[[int, bytes], str]:
    """Takes every push into a list."""

    def on_push(kind: int, data: bytes) -> str:
        taken.append((kind, data))
        return ""

    return on_push


def pull(cable: Cable, store: Store, **more: Any) -> SyncResult:
    return sync(cable, keys, store, timeout=1.5, **more)


def test_a_resync_is_three_writes_and_writes_nothing_at_the_terminal(serve: Serve) -> None:
    served = serve(20)
    cable = served.on_cable()
    store = Store()
    assert pull(cable, store).records == 20
    assert len(cable.writes) == 3
    cable.writes.clear()
    result = pull(cable, store)
    assert result == SyncResult(DEVICE, "0.1.0", 0, 0, 0, 21, 21)
    assert len(cable.writes) == 3
    assert max(len(flight) for flight in cable.writes) <= 259
    assert served.ledger.releases == [21]


def test_pushes_are_taken_or_refused_each_with_the_terminals_reason(serve: Serve) -> None:
    taken: list[tuple[int, bytes]] = []

    def on_push(kind: int, data: bytes) -> str:
        if kind == messages.PUSH_CONFIG:
            raise OSError("flash write failed")
        if kind == 9:
            return "unknown\nhere"
        taken.append((kind, data))
        return ""

    served = serve(5, on_push=on_push)
    pushes = [TIME, (messages.PUSH_CONFIG, b"bad"), (9, b"?"), VERDICTS]
    result = pull(served.on_cable(), Store(), pushes=pushes)
    assert taken == [TIME, VERDICTS]
    assert result.pushed == (messages.PUSH_TIME, messages.PUSH_VERDICTS)
    assert result.refused == (
        (messages.PUSH_CONFIG, "OSError: flash write failed"),
        (9, "unknown?here"),
    )
    assert (result.records, result.released) == (5, 6)


def test_a_terminal_without_a_taker_refuses_every_push(serve: Serve) -> None:
    result = pull(serve(5).on_cable(), Store(), pushes=[TIME])
    assert result.refused == ((messages.PUSH_TIME, "not taken here"),)
    assert result.released == 6


def test_what_to_push_may_depend_on_the_terminal_and_comes_after_its_records(
    serve: Serve,
) -> None:
    taken: list[tuple[int, bytes]] = []
    served = serve(5, on_push=taker(taken), wall=lambda: 1000)
    store = Store()
    met: list[tuple[str, int, int]] = []

    def pushes(identity: Identity) -> list[tuple[int, bytes]]:
        met.append((identity.device_id, identity.wall, len(store.items)))
        return [TIME]

    pull(served.on_cable(), store, pushes=pushes)
    assert met == [(DEVICE, 1000, 5)]
    assert taken == [TIME]


def test_a_push_that_was_answered_is_not_sent_in_the_next_session(serve: Serve) -> None:
    taken: list[tuple[int, bytes]] = []
    served = serve(5, on_push=taker(taken))
    cable = served.on_cable()
    # HELLO, AUTH and PULL, PUSH, PUSH_END; the next PUSH is lost, so a new session begins.
    cable.lost = (4,)
    result = pull(cable, Store(), pushes=[TIME, VERDICTS])
    assert taken == [TIME, VERDICTS]
    assert result.pushed == (messages.PUSH_TIME, messages.PUSH_VERDICTS)


def test_who_asks_hears_of_each_answer_at_once_even_when_the_sync_fails_later(
    serve: Serve,
) -> None:
    heard: list[tuple[int, bytes, str]] = []
    served = serve(5, on_push=lambda kind, data: "" if kind == messages.PUSH_TIME else "busy")
    cable = served.on_cable()
    # HELLO, AUTH and PULL, pushes of two and three messages; all that comes after is lost.
    cable.lost = tuple(range(7, 40))
    with pytest.raises(LinkError):
        pull(
            cable,
            Store(),
            pushes=[TIME, VERDICTS],
            answered=lambda kind, data, why_not: heard.append((kind, data, why_not)),
        )
    assert heard == [(*TIME, ""), (*VERDICTS, "busy")]


def test_many_records_come_at_the_highest_rate_of_both_and_the_line_goes_back(
    serve: Serve,
) -> None:
    served = serve(300)
    for asked, agreed in ((921600, RATE), (230400, 230400)):
        served.ledger.released = 1
        cable = served.on_cable(max_baud=RATE)
        store = Store()
        assert pull(cable, store, baud=asked).next_seq == 301
        assert store.items == [payload(seq) for seq in range(1, 301)]
        served.wait_idle()
        assert cable.rates == cable.terminal.rates == [agreed, BASE]


def test_the_rate_stays_for_a_few_records_or_when_the_port_has_one(serve: Serve) -> None:
    for count, max_baud, baud in ((20, RATE, RATE), (300, 0, RATE), (300, RATE, 0)):
        cable = serve(count).on_cable(max_baud=max_baud)
        pull(cable, Store(), baud=baud)
        assert cable.rates == cable.terminal.rates == []


def test_a_rate_that_the_cable_does_not_carry_is_given_up(serve: Serve) -> None:
    served = serve(300)
    cable = served.on_cable(carries=230400)
    store = Store()
    assert pull(cable, store).next_seq == 301
    served.wait_idle()
    assert store.items == [payload(seq) for seq in range(1, 301)]
    assert cable.rates == cable.terminal.rates == [921600, BASE]


def test_a_companion_that_died_at_a_higher_rate_is_replaced(serve: Serve) -> None:
    served = serve(300)
    cable = served.on_cable()

    class Died(Exception):
        pass

    class Dying(Store):
        def store(self, *_: Any) -> None:
            cable.unplugged = True
            raise Died

    with pytest.raises(Died):
        pull(cable, Dying())
    cable.unplugged = False
    store = Store()
    assert pull(cable, store, baud=0).next_seq == 301
    assert cable.terminal.rates == [921600, BASE]


def test_a_lost_frame_at_a_higher_rate_costs_a_session_and_not_the_rate(serve: Serve) -> None:
    served = serve(300)
    cable = served.on_cable()
    # After HELLO, AUTH with BAUD, and PULL: both CREDITs that the terminal would go on with.
    cable.lost = (3, 4)
    store = Store()
    assert pull(cable, store).next_seq == 301
    assert store.items == [payload(seq) for seq in range(1, 301)]
    assert cable.rates == [921600, BASE, 921600, BASE]


def test_a_terminal_short_of_memory_drops_the_session_and_serves_the_next(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(300)
    cable = served.on_cable()
    write = cable.terminal.write
    written: list[bytes] = []

    def short_of_memory(data: bytes) -> None:
        written.append(data)
        if len(written) == 9:
            raise MemoryError
        write(data)

    monkeypatch.setattr(cable.terminal, "write", short_of_memory)
    store = Store()
    assert pull(cable, store).records == 300
    assert store.items == [payload(seq) for seq in range(1, 301)]
    assert len(written) > 20


@pytest.mark.parametrize("count", [3, 20])
def test_a_terminal_with_another_history_is_told_with_what_it_said(
    serve: Serve, count: int
) -> None:
    served = serve(count)
    store = Store()
    store.items = [*map(payload, range(1, 10)), b"another record of ten"]
    with pytest.raises(OtherHistory) as failure:
        pull(served.on_cable(), store)
    error = failure.value
    assert (error.identity.device_id, error.identity.next_seq) == (DEVICE, count + 1)
    assert error.stored == 11
    if count < 10:
        assert error.code == messages.BAD_RANGE and "journal was lost" in str(error)
    else:
        assert error.code == messages.BAD_HISTORY
        assert "record 10 here is not the one in the store" in str(error)
    assert len(store.items) == 10 and served.ledger.releases == []


@pytest.mark.parametrize("first", [1, 10, 21, 40])
def test_records_can_be_read_as_evidence_without_being_released(serve: Serve, first: int) -> None:
    served = serve(20)
    found: dict[int, bytes | None] = {}

    def take(seq: int, payloads: Sequence[bytes | None]) -> None:
        found.update(enumerate(payloads, seq))

    assert inspect(served.on_cable(), keys, first, take, timeout=1.5).next_seq == 21
    assert found == {seq: payload(seq) for seq in range(first, 21)}
    assert served.ledger.releases == []


def test_a_terminal_of_version_1_cannot_be_inspected(serve: Serve) -> None:
    served = serve(5, server=OnlyVersion1)
    with pytest.raises(LinkError, match="version 1"):
        inspect(served.on_cable(), keys, 1, lambda *_: None, timeout=1.5)
    assert served.ledger.releases == []


class OnlyVersion1(SyncServer):
    """Refuses as a terminal of version 1 does, which over TCP then closes the connection."""

    async def _handle(self, session: Any, payload: bytes, line: Any) -> bool:
        message = messages.parse(payload, messages.TO_TERMINAL)
        if message[0] != messages.HELLO or message[1] == 1:
            over: bool = await super()._handle(session, payload, line)
            return over
        text = f"version {message[1]}, this end speaks 1"
        line.writer.write(frame.encode(messages.error(messages.BAD_VERSION, text)))
        await line.writer.drain()
        return True


@pytest.mark.parametrize("tcp", [False, True], ids=["cable", "tcp"])
def test_a_terminal_of_version_1_is_synced_in_version_1(serve: Serve, tcp: bool) -> None:
    served = serve(300, server=OnlyVersion1)
    transport = open_transport(served.on_tcp()) if tcp else served.on_cable()
    store = Store()
    result = sync(transport, keys, store, pushes=[TIME], timeout=1.5)
    assert store.items == [payload(seq) for seq in range(1, 301)]
    assert (result.version, result.pushed, result.refused) == (1, (), ())
    transport.close()
