"""The sync server: serves the journal to a companion over the serial port and over TCP.

It reads the journal and releases what the companion has acknowledged; selling goes on meanwhile,
since the event loop gets its turn between any two frames.
"""

import asyncio

from protocol import config, frame, messages
from protocol.session import TerminalSession, item_size

_READ = 64
# Companions and port scanners at once; each costs a decoder of 200 bytes.
_MAX_PEERS = 4


class SyncServer:
    """One terminal's server; one session at a time over all its streams.

    ``settings``: the decoded configuration, None before provisioning. ``ledger``: ``first_seq``,
    ``next_seq``, ``released``, ``read(seq)``, ``release(seq)``; None before provisioning.
    ``on_provision(config_bytes)`` stores a checked configuration durably and returns True.
    ``on_escape()`` is called after the peer was told. ``new_nonce()`` returns 16 random bytes.
    """

    # A peer silent for so long is gone; it must not keep others out.
    silence_s = 10

    def __init__(
        self, settings: dict | None, ledger, on_provision, on_escape, firmware: str, new_nonce
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self._on_provision = on_provision
        self._on_escape = on_escape
        self._firmware = firmware
        self._new_nonce = new_nonce
        self._holder: TerminalSession | None = None
        self._peers = 0

    @property
    def busy(self) -> bool:
        """Whether a session is running."""
        return self._holder is not None

    async def serve_tcp(self, port: int):
        """Listen on every interface; returns asyncio's server. OSError when the port is taken."""
        return await asyncio.start_server(self._serve_peer, "0.0.0.0", port)

    async def _serve_peer(self, reader, writer) -> None:
        self._peers += 1
        try:
            if self._peers <= _MAX_PEERS:
                await self.serve_stream(reader, writer, False)
        finally:
            self._peers -= 1
            try:
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass

    async def serve_stream(self, reader, writer, serial: bool) -> None:
        """Serve one stream until its end; over TCP also until its first session is over.

        ``reader.read(n)`` gives 1..n bytes as soon as any are there and b"" at the end.
        """
        session = self._new_session(serial)
        decoder = frame.Decoder(frame.MAX_TO_TERMINAL)
        try:
            while True:
                try:
                    data = await self._read(reader, session, serial)
                    if not data:
                        return
                    over = False
                    for payload in decoder.feed(data):
                        over = await self._handle(session, payload, writer)
                except asyncio.TimeoutError:
                    decoder.reset()
                    self._free(session)
                    over = True
                if over and not serial:
                    return
        except OSError:
            # The peer went away: what it did not acknowledge stays.
            return
        finally:
            self._free(session)

    def _new_session(self, serial: bool) -> TerminalSession:
        settings = self.settings
        if settings is None:
            return TerminalSession("", b"", self._firmware, serial)
        return TerminalSession(settings["device_id"], settings["sync_key"], self._firmware, serial)

    def _free(self, session: TerminalSession) -> None:
        session.drop()
        if self._holder is session:
            self._holder = None

    async def _read(self, reader, session: TerminalSession, serial: bool) -> bytes:
        # The serial stream has no end; between sessions it waits for as long as it takes.
        if serial and not session.active:
            return await reader.read(_READ)
        return await asyncio.wait_for(reader.read(_READ), self.silence_s)

    async def _handle(self, session: TerminalSession, payload: bytes, writer) -> bool:
        """Carry out the effects of one message; True when the session is over."""
        over = False
        effects = session.receive(payload)
        while effects:
            effect = effects.pop(0)
            name = effect[0]
            if name == "send":
                writer.write(frame.encode(effect[1]))
                await asyncio.wait_for(writer.drain(), self.silence_s)
            elif name == "escape":
                self._on_escape()
            elif name == "done" or name == "failed":
                over = True
            else:
                effects.extend(self._answer(session, effect))
        if self._holder is session and not session.active:
            self._holder = None
        return over

    def _answer(self, session: TerminalSession, effect: tuple) -> list:
        name = effect[0]
        try:
            if name == "greet":
                return self._greet(session)
            if name == "read":
                items = self._records(effect[1], effect[2], effect[3])
                return session.records(effect[1], items)
            if name == "release":
                self.ledger.release(effect[1])
                return session.released(self.ledger.released)
            return self._provision(session, effect[1])
        except Exception as error:
            # A journal or flash that fails ends this sync with its reason. It must not end the
            # task: the port would be dead until the next restart.
            return session.fail(messages.FAULT, "%s: %s" % (type(error).__name__, error))

    def _greet(self, session: TerminalSession) -> list:
        if self._holder is not None and self._holder is not session:
            return session.fail(messages.BUSY, "another sync is running on this terminal")
        ledger = self.ledger
        if self.settings is None:
            first_seq = next_seq = released = 0
        elif ledger is None:
            return session.fail(messages.BUSY, "the terminal is still starting")
        else:
            first_seq, next_seq, released = ledger.first_seq, ledger.next_seq, ledger.released
        self._holder = session
        return session.greet(first_seq, next_seq, released, self._new_nonce())

    def _records(self, first: int, end: int, room: int) -> list:
        """As many records from ``first`` on as one message holds."""
        ledger = self.ledger
        if first < ledger.first_seq:
            # Recycled meanwhile: reading it would look like damage.
            raise ValueError("record %d is no longer in the journal" % first)
        items: list[bytes | None] = []
        while first < end and len(items) < messages.MAX_RECORDS:
            payload = ledger.read(first)
            room -= item_size(payload)
            if room < 0:
                break
            items.append(payload)
            first += 1
        return items

    def _provision(self, session: TerminalSession, data: bytes) -> list:
        if not self._on_provision(data):
            return session.fail(messages.FAULT, "the configuration could not be stored")
        settings = config.decode(data)
        self.settings = settings
        return session.provisioned(settings["device_id"], settings["sync_key"])
