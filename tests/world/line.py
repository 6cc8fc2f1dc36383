"""The network, in the place of terminal/acquirer.py and of the host's server.

Faults are armed by an action and used up by the first message they fit:

    drop       it does not arrive
    delay      it arrives so many milliseconds later
    twice      it arrives twice, so many milliseconds apart
    overtaken  it arrives after the next message the same way, or a minute later
    truncate   only so many bytes of it arrive
    reset      the connection breaks; an even value: before it arrives, an odd one: after
    dies       so many milliseconds there is no way to this host; an odd value: it arrives before

There is a way to each host, the primary (0) and the backup (1), and each can be down. Or it is
silent: who connects reaches somebody, and no message gets there.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from protocol.iso8583 import wire
from protocol.iso8583.codec import Iso8583Error
from tests.world.host import Armed, Host
from tests.world.timeline import Timeline

MAX_ANSWERS = 4  # as terminal/acquirer.py
_MAX_MESSAGE = 1024
_CONNECT_MS = 5000
_HOP_MS = 40

Post = Callable[[tuple[object, ...]], None]


class Connection:
    """One TCP connection: what has been sent on it, and who still holds it."""

    def __init__(self, link: int, host: int, post: Post) -> None:
        self.link = link
        self.host = host
        self.open = False
        self._post = post
        self._hung_up = False
        self._unwrapper = wire.Unwrapper(_MAX_MESSAGE)
        self._answers = 0

    def tell(self, *event: object) -> None:
        if not self._hung_up:
            self._post(event)

    def close(self, why: str) -> None:
        if self.open:
            self.open = False
            self.tell("closed", self.link, why)

    def hang_up(self) -> None:
        self.open = False
        self._hung_up = True

    def bring(self, data: bytes) -> None:
        """Bytes arrive at the terminal."""
        if not self.open:
            return
        try:
            for message in self._unwrapper.feed(data):
                self._answers += 1
                if self._answers > MAX_ANSWERS:
                    self.close("the host does not stop talking")
                    return
                self.tell("received", self.link, message)
        except Iso8583Error as error:
            self.close(f"read: {error}")


class Network:
    """Carries messages both ways, in virtual time."""

    def __init__(
        self, timeline: Timeline, host: Host, fired: Callable[[str], None], rng: random.Random
    ) -> None:
        self._timeline = timeline
        self._host = host
        self._fired = fired
        self.rng = rng
        self.requests: list[Armed] = []
        self.answers: list[Armed] = []
        self._down_until = [0, 0]
        self._silent_until = [0, 0]
        self._overtaken: list[Callable[[], None]] = []

    def go_down(self, host: int, milliseconds: int) -> None:
        """There is no way to this host for a while."""
        self._down_until[host] = self._timeline.now + milliseconds

    def fall_silent(self, host: int, milliseconds: int) -> None:
        """This host takes connections for a while, and answers nothing."""
        self._silent_until[host] = self._timeline.now + milliseconds

    def _down(self, connection: Connection) -> bool:
        return self._timeline.now < self._down_until[connection.host]

    def connect(self, connection: Connection) -> None:
        def done() -> None:
            if self._down(connection):
                connection.tell("connect_failed", connection.link, "connect: no answer")
            else:
                connection.open = True
                connection.tell("connected", connection.link)

        down = self._down(connection)
        if down:
            self._fired("net down")
        self._timeline.after(_CONNECT_MS if down else 2 * _HOP_MS, done)

    def send(self, connection: Connection, data: bytes) -> None:
        """A request leaves; what arrives of it is the faults' business."""
        if not connection.open:
            return
        fault = self._take(self.requests, self._host.speech.name(data[2:]), "request")
        deliver = self._to_host(connection, data)
        if self._timeline.now < self._silent_until[connection.host]:
            self._fired("host silent")
            return
        if fault is None and self._down(connection):
            self._fired("net down")
            return
        self._carry(connection, fault, data, deliver)
        if fault is None or fault.kind != "overtaken":
            self._release_overtaken()

    def _to_host(self, connection: Connection, data: bytes) -> Callable[[], None]:
        def deliver() -> None:
            for thinking, answer in self._host.take(data[2:], connection.host):
                self._answer_after(thinking, connection, answer)

        return deliver

    def _answer_after(self, thinking: int, connection: Connection, data: bytes) -> None:
        self._timeline.after(thinking, lambda: self._answer(connection, data))

    def _answer(self, connection: Connection, data: bytes) -> None:
        fault = self._take(self.answers, self._host.speech.name(data[2:]), "answer")
        if fault is None and self._down(connection):
            self._fired("net down")
            return
        if fault and fault.kind == "truncate":
            self._timeline.after(_HOP_MS, lambda: connection.bring(data[: int(fault.value)]))
            return
        # In two pieces: the terminal must put it together.
        at = self.rng.randrange(1, len(data))

        def bring() -> None:
            connection.bring(data[:at])
            connection.bring(data[at:])

        self._carry(connection, fault, data, bring)

    def _carry(
        self, connection: Connection, fault: Armed | None, data: bytes, deliver: Callable[[], None]
    ) -> None:
        later = self._timeline.after
        kind = fault.kind if fault else ""
        value = int(fault.value or 0) if fault else 0
        if kind in ("drop", "truncate"):
            return
        if kind == "delay":
            later(_HOP_MS + value, deliver)
        elif kind == "twice":
            later(_HOP_MS, deliver)
            later(_HOP_MS + value, deliver)
        elif kind == "overtaken":
            self._overtaken.append(deliver)
            later(60_000, self._release_overtaken)
        elif kind == "dies":
            if value % 2:
                later(_HOP_MS, deliver)
            self.go_down(connection.host, value)
        elif kind == "reset":
            if value % 2:
                later(_HOP_MS, deliver)
            later(_HOP_MS + 1, lambda: connection.close("read: connection reset"))
        else:
            later(_HOP_MS, deliver)

    def _release_overtaken(self) -> None:
        for deliver in self._overtaken:
            self._timeline.after(2 * _HOP_MS, deliver)
        self._overtaken = []

    def _take(self, armed: list[Armed], mti: str, leg: str) -> Armed | None:
        for fault in armed:
            if fault.fits(mti):
                armed.remove(fault)
                self._fired(f"{leg} {fault.kind}")
                return fault
        return None

    def good(self) -> None:
        """No faults from now on; what is on its way still arrives."""
        self.requests.clear()
        self.answers.clear()
        self._down_until = [0, 0]
        self._silent_until = [0, 0]


class Line:
    """The terminal's end, with the surface and the rules of terminal/acquirer.py."""

    def __init__(self, network: Network, timeline: Timeline, linger_ms: int, post: Post) -> None:
        self._network = network
        self._timeline = timeline
        self._linger_ms = linger_ms
        self._post = post
        self._connections: dict[int, Connection] = {}
        self._lingering = 0

    def connect(self, link: int, host: int) -> None:
        self._connections[link] = Connection(link, host, self._post)
        self._network.connect(self._connections[link])

    def send(self, link: int, data: bytes) -> None:
        connection = self._connections.get(link)
        if connection:
            self._network.send(connection, data)

    def host_of(self, link: int) -> int:
        """Where a connection goes; -1 when there is none."""
        return self._connections[link].host if link in self._connections else -1

    def linger(self, link: int) -> None:
        if self._lingering and self._lingering != link:
            self.hang_up(self._lingering)
        self._lingering = link
        self._timeline.after(self._linger_ms, lambda: self.hang_up(link))

    def hang_up(self, link: int) -> None:
        connection = self._connections.pop(link, None)
        if self._lingering == link:
            self._lingering = 0
        if connection:
            connection.hang_up()

    def power_off(self) -> None:
        for link in list(self._connections):
            self.hang_up(link)
