"""The sync server: serves the journal to a companion over the serial port and the network.

It reads the journal and releases what the companion has acknowledged; selling goes on meanwhile,
since the event loop gets its turn after every record, and a sale under way goes first.
"""

import asyncio

from protocol import frame, messages, packed
from protocol.session import TerminalSession, item_size

# A flight of two messages is read whole: a TCP port closed with bytes unread is reset, and the
# ERROR on its way would be lost.
_READ = 128
# Bytes written in one go.
_SLICE = 512
# Of the log in one message: the heap may be in pieces.
_LINES = 480


def _refuse(kind: int, data: bytes) -> str:
    return "not taken here"


async def _next_turn() -> None:
    await asyncio.sleep(0)


def _no_clock() -> int:
    return 0


def _no_fill() -> tuple:
    return 0, 0


def _no_log(first: int, most: int) -> tuple:
    return first, ""


def _unheard(where: str, why: str) -> None:
    pass


def _reason(error: Exception) -> str:
    return "%s: %s" % (type(error).__name__, error)


class _Line:
    """The writing half of a stream. A port that can change its rate has ``max_baud`` and
    ``set_baud(rate)``, which first lets go what was written."""

    def __init__(self, writer, serial: bool, where: str) -> None:
        self.writer = writer
        self.serial = serial
        self.where = where
        self.max_baud = getattr(writer, "max_baud", 0)
        self.raised = False

    def set_baud(self, rate: int) -> None:
        raised = rate != messages.BASE_BAUD
        if raised or self.raised:
            self.raised = raised
            self.writer.set_baud(rate)


class SyncServer:
    """One terminal's server; one session at a time over all its streams.

    ``settings``: the decoded configuration, None before provisioning. ``ledger``: ``first_seq``,
    ``next_seq``, ``released``, ``read(seq)``, ``release(seq)``; None before provisioning.
    ``on_provision(config_bytes)`` stores a checked configuration durably and returns True.
    ``on_escape()`` is called after the peer was told. ``new_nonce()`` returns 16 random bytes.
    ``on_push(kind, data)`` takes what the companion gives (messages.PUSH_...) and returns "", or
    why it does not; the same push may come twice. ``wall()``: Unix seconds, 0 while not set.
    ``on_refused(where, why)`` hears of a peer that has not the key. ``give_way()`` is awaited
    before each record and slice: it returns when those who go first have had their turn.
    ``fill()``: (free slots, slots) of the journal. ``log(first, most)``: (next, lines) of the log.
    """

    # A peer silent for so long is gone; it must not keep others out.
    silence_s = 10
    # At a raised rate it is gone sooner, and the line goes back: the companion may have died, or
    # the rate be more than the cable carries. Less than a companion waits for an answer.
    raised_s = 1

    def __init__(
        self,
        settings: dict | None,
        ledger,
        on_provision,
        on_escape,
        firmware: str,
        new_nonce,
        on_push=_refuse,
        wall=_no_clock,
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.on_push = on_push
        self.wall = wall
        self.on_refused = _unheard
        self.log = _no_log
        self.fill = _no_fill
        self.seconds = _no_clock  # gives those since the start
        self.synced = -1  # of these, when a session ended well last
        self.give_way = _next_turn
        self._on_provision = on_provision
        self._on_escape = on_escape
        self._firmware = firmware
        self._new_nonce = new_nonce
        self._holder: TerminalSession | None = None
        # Made now, while the heap is whole.
        self._encoder = frame.Encoder(frame.MAX_TO_COMPANION)

    @property
    def busy(self) -> bool:
        """Whether a session is running."""
        return self._holder is not None

    async def serve_stream(self, reader, writer, serial: bool, where: str = "cable") -> None:
        """Serve one stream until its end; on the network also until its first session is over.

        ``reader.read(n)`` gives 1..n bytes as soon as any are there and b"" at the end. ``where``
        is the peer's address.
        """
        line = _Line(writer, serial, where)
        session = TerminalSession(self._firmware, serial, line.max_baud)
        decoder = frame.Decoder(frame.MAX_TO_TERMINAL)
        try:
            while True:
                over = False
                try:
                    payloads = await self._next(reader, decoder, self._patience(session, line))
                    if not payloads:
                        return
                    for payload in payloads:
                        over = await self._handle(session, payload, line)
                except (asyncio.TimeoutError, MemoryError):
                    decoder.reset()
                    session.drop()
                    over = True
                self._settle(session, line)
                if over and not serial:
                    return
        except OSError:
            # The peer went away: what it did not acknowledge stays.
            return
        finally:
            session.drop()
            self._settle(session, line)

    def _patience(self, session: TerminalSession, line: _Line) -> int:
        """Seconds for the next good frame; 0: a serial port waits for a session for ever."""
        if line.raised:
            return self.raised_s
        return self.silence_s if session.active or not line.serial else 0

    async def _next(self, reader, decoder: frame.Decoder, seconds: int) -> list:
        """The next good frames' payloads, none at the end of the stream."""
        frames = self._frames(reader, decoder)
        return await (asyncio.wait_for(frames, seconds) if seconds else frames)

    async def _frames(self, reader, decoder: frame.Decoder) -> list:
        payloads: list = []
        while not payloads:
            data = await reader.read(_READ)
            if not data:
                return []
            payloads = decoder.feed(data)
        return payloads

    def _settle(self, session: TerminalSession, line: _Line) -> None:
        """What an open session held is free when it is over."""
        if not session.open:
            line.set_baud(messages.BASE_BAUD)
            if self._holder is session:
                self._holder = None

    async def _handle(self, session: TerminalSession, payload: bytes, line: _Line) -> bool:
        """Carry out the effects of one message; True when the session is over."""
        over = False
        effects = session.receive(payload)
        while effects:
            effect = effects.pop(0)
            name = effect[0]
            if name == "send":
                await self._send(frame.encode(effect[1]), line)
            elif name == "pack":
                encoder = self._encoder
                length = packed.message_into(encoder.payload, messages.PACKED, *effect[1:])
                await self._send(encoder.encode(length), line)
            elif name == "escape":
                self._on_escape()
            elif name == "done" or name == "failed":
                over = True
                if name == "done" and self._holder is session:
                    self.synced = self.seconds()
                if effect[1:2] == (messages.BAD_AUTH,):
                    self.on_refused(line.where, "wrong key")
            elif name == "read":
                effects.extend(await self._read(session, *effect[1:]))
            else:
                effects.extend(self._answer(session, effect, line))
        return over

    async def _send(self, data, line: _Line) -> None:
        for at in range(0, len(data), _SLICE):
            if at:
                await self.give_way()
            # A copy: a writer may keep what it could not send yet.
            line.writer.write(bytes(data[at : at + _SLICE]))
            await asyncio.wait_for(line.writer.drain(), self.silence_s)

    async def _read(self, session: TerminalSession, first: int, end: int, room: int) -> list:
        try:
            return session.records(first, await self._records(first, end, room))
        except Exception as error:
            return session.fail(messages.FAULT, _reason(error))

    def _answer(self, session: TerminalSession, effect: tuple, line: _Line) -> list:
        name = effect[0]
        try:
            if name == "greet":
                self._settle(session, line)
                return self._greet(session)
            if name == "open":
                return self._open(session)
            if name == "recall":
                recycled = effect[1] < self.ledger.first_seq
                return session.recalled(None if recycled else self.ledger.read(effect[1]))
            if name == "release":
                self.ledger.release(effect[1])
                return session.released(self.ledger.released, self.fill()[0])
            if name == "push":
                why_not = self.on_push(effect[1], effect[2])
                return session.refuse(why_not) if why_not else session.pushed(effect[1])
            if name == "baud":
                line.set_baud(effect[1])
                return []
            if name == "log":
                return session.logged(*self.log(effect[1], _LINES))
            return self._provision(session, effect[1])
        except Exception as error:
            # A journal or flash that fails ends this sync with its reason. It must not end the
            # task: the port would be dead until the next restart.
            if name == "push":
                # The session goes on, so that a bad push keeps no records back.
                return session.refuse(_reason(error))
            return session.fail(messages.FAULT, _reason(error))

    def _greet(self, session: TerminalSession) -> list:
        settings = self.settings
        ledger = self.ledger
        if settings is None:
            session.identify("", b"")
            return session.greet(0, 0, 0, self._new_nonce())
        if ledger is None:
            return session.fail(messages.BUSY, "the terminal is still starting")
        session.identify(settings["device_id"], settings["sync_key"])
        return session.greet(
            *(ledger.first_seq, ledger.next_seq, ledger.released, self._new_nonce()),
            *(self.wall(), self.fill()),
        )

    def _open(self, session: TerminalSession) -> list:
        if self._holder is not None:
            return session.fail(messages.BUSY, "another sync is running on this terminal")
        self._holder = session
        return session.opened()

    async def _records(self, first: int, end: int, room: int) -> list:
        """As many records from ``first`` on as one message holds."""
        ledger = self.ledger
        items: list[bytes | None] = []
        while first < end and len(items) < messages.MAX_RECORDS:
            await self.give_way()
            if first < ledger.first_seq:
                # Recycled meanwhile: reading it would look like damage.
                raise ValueError("record %d is no longer in the journal" % first)
            payload = ledger.read(first)
            room -= item_size(payload)
            if room < 0:
                break
            items.append(payload)
            first += 1
        return items

    def _provision(self, session: TerminalSession, data: bytes) -> list:
        if self.settings is not None:
            return session.fail(messages.ALREADY_PROVISIONED, "provisioned over another port")
        if not self._on_provision(data):
            return session.fail(messages.FAULT, "the configuration could not be stored")
        from protocol import config

        settings = config.decode(data)
        self.settings = settings
        return session.provisioned(settings["device_id"], settings["sync_key"])
