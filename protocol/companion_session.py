"""The companion's end of a sync session, as a state machine without I/O.

``start`` and ``receive`` return effects, tuples that begin with their name:

``("send", payload)``            send one frame
``("identified", Identity)``     call ``authenticate`` (or ``provision`` when device_id is "")
``("missing", first, end)``      the terminal no longer has records first..end-1
``("store", first, items)``      make the records durable (None is a damaged one), call ``stored``
``("provisioned", device_id)``   the terminal keeps the configuration
``("done", next_seq, released)`` the session ended well
``("failed", code, text)``       the session ended; LOST is worth another session

The terminal's end is protocol/session.py.
"""

from protocol import messages, seal

# An answer got lost on the way, or the terminal restarted: nothing is wrong with either end.
LOST = "LOST"
# More than a full 1 MB journal holds: a terminal that claims more has another history.
MAX_MISSING = 8192

_NEW = 0
_GREETING = 1
_IDENTIFIED = 2
_PROVING = 3
_PULLING = 4
_ACKING = 5
_PROVISIONING = 6
_LEAVING = 7
_OVER = 8


class Identity:
    """What WELCOME says: who the terminal is and which records it has, first_seq..next_seq-1."""

    def __init__(self, welcome: list) -> None:
        self.device_id: str = welcome[3]
        self.firmware: str = welcome[4]
        self.first_seq: int = welcome[5]
        self.next_seq: int = welcome[6]
        self.released: int = welcome[7]


class CompanionSession:
    """One session. ``nonce`` is 16 random bytes, new for every session."""

    def __init__(self, nonce: bytes) -> None:
        self._nonce = nonce
        self._hello = messages.build(messages.HELLO, messages.VERSION, nonce)
        self._state = _NEW
        self._welcome = b""
        self._identity: Identity | None = None
        self._proofs: messages.Proofs | None = None
        self._expected = -1  # next record to arrive, -1: only authenticate, pull nothing
        self._received = 0  # RECORDS messages stored in this pull
        self._granted = 0
        self._config = b""
        self._offset = 0
        self._done: tuple = ()

    def start(self) -> list:
        """Begin: the companion speaks first."""
        self._state = _GREETING
        return [("send", self._hello)]

    def receive(self, payload: bytes) -> list:
        """Effects of one message."""
        if self._state == _OVER:
            return []
        try:
            message = messages.parse(payload, messages.TO_COMPANION)
        except messages.MessageError as error:
            # Before WELCOME what arrives may be the end of an older session or the port's echo.
            if self._state == _GREETING and error.code != messages.BAD_VERSION:
                return []
            return self._fail(error.code, str(error))
        if self._state == _GREETING:
            return self._greeting(payload, message)
        if message[0] == messages.ERROR:
            return self._refused(message[1], message[2])
        return self._step(message[0], message)

    def authenticate(self, sync_key: bytes, from_seq: int) -> list:
        """Answer to "identified": the terminal's key and the first record that is not stored yet.

        ``from_seq`` -1 pulls nothing and only proves that both ends have the key.
        """
        self._proofs = messages.Proofs(sync_key, self._hello, self._welcome)
        self._expected = from_seq
        self._state = _PROVING
        return [("send", messages.build(messages.AUTH, self._proofs.companion()))]

    def provision(self, config_bytes: bytes) -> list:
        """Answer to "identified" when the terminal has no configuration: give it this one."""
        self._config = config_bytes
        self._offset = 0
        self._state = _PROVISIONING
        return self._send_chunk()

    def stored(self) -> list:
        """Answer to "store": the records are durable. Gives new credit at half the window."""
        self._received += 1
        if self._state != _PULLING or self._granted - self._received > messages.WINDOW // 2:
            return []
        self._granted = self._received + messages.WINDOW
        return [("send", messages.build(messages.CREDIT, self._granted))]

    def _fail(self, code: str, text: str) -> list:
        past_greeting = self._state > _GREETING
        self._state = _OVER
        failed = ("failed", code, text)
        # BYE frees the terminal for the next session at once.
        return [("send", messages.build(messages.BYE)), failed] if past_greeting else [failed]

    def _refused(self, code: str, text: str) -> list:
        self._state = _OVER
        if code == messages.NO_SESSION:
            return [("failed", LOST, "the terminal ended the session (did it restart?)")]
        return [("failed", code, text)]

    def _greeting(self, payload: bytes, message: list) -> list:
        if message[0] == messages.ERROR and message[1] != messages.NO_SESSION:
            return self._refused(message[1], message[2])
        if message[0] != messages.WELCOME or message[2] != self._nonce:
            return []
        identity = Identity(message)
        self._state = _IDENTIFIED
        if identity.first_seq > identity.next_seq or identity.released > identity.next_seq:
            return self._fail(messages.BAD_PROTOCOL, "WELCOME with an impossible journal range")
        self._welcome = payload
        self._identity = identity
        return [("identified", identity)]

    def _step(self, kind: int, message: list) -> list:
        if self._state == _PROVING and kind == messages.PROOF:
            return self._proved(message[1])
        if self._state == _PULLING and kind == messages.RECORDS:
            return self._records(message[1], message[2])
        if self._state == _PULLING and kind == messages.END:
            return self._end(message[1])
        if self._state == _ACKING and kind == messages.RELEASED:
            return self._released(message[1])
        if self._state == _PROVISIONING and kind == messages.PROVISION_NEXT:
            return self._next_chunk(message[1])
        if self._state == _PROVISIONING and kind == messages.PROVISIONED:
            self._state = _OVER
            return [("provisioned", message[1])]
        if self._state == _LEAVING and kind == messages.CLOSED:
            self._state = _OVER
            return [self._done]
        name = messages.TO_COMPANION[kind][0]
        return self._fail(messages.BAD_PROTOCOL, "%s is not due now" % name)

    def _proved(self, proof: bytes) -> list:
        identity = self._identity
        if identity is None or self._proofs is None:
            return self._fail(messages.BAD_PROTOCOL, "PROOF without a greeting")
        if not seal.equal(proof, self._proofs.terminal()):
            return self._fail(messages.BAD_AUTH, "the terminal's key is not the one on record")
        if self._expected < 0:
            return self._finish(identity.next_seq, identity.released)
        if self._expected > identity.next_seq:
            return self._fail(
                messages.BAD_RANGE,
                "the store has records up to %d, the terminal only up to %d: its journal was lost"
                % (self._expected - 1, identity.next_seq - 1),
            )
        return self._begin_pull(identity)

    def _begin_pull(self, identity: Identity) -> list:
        effects: list = []
        missing = identity.first_seq - self._expected
        if missing > MAX_MISSING:
            return self._fail(
                messages.BAD_RANGE,
                "the terminal no longer has records %d..%d, which are not in the store either"
                % (self._expected, identity.first_seq - 1),
            )
        if missing > 0:
            effects.append(("missing", self._expected, identity.first_seq))
            self._expected = identity.first_seq
        self._granted = messages.WINDOW
        self._state = _PULLING
        pull = messages.build(messages.PULL, self._expected, self._granted)
        effects.append(("send", pull))
        return effects

    def _records(self, first: int, items: list) -> list:
        if first != self._expected:
            return self._fail(LOST, "records from %d came, not %d" % (first, self._expected))
        if self._identity is None or first + len(items) > self._identity.next_seq:
            return self._fail(messages.BAD_PROTOCOL, "records beyond the journal's end")
        self._expected += len(items)
        return [("store", first, items)]

    def _end(self, next_seq: int) -> list:
        if next_seq != self._expected:
            return self._fail(
                LOST, "END at %d, records came up to %d" % (next_seq, self._expected)
            )
        if self._proofs is None or self._identity is None or next_seq != self._identity.next_seq:
            return self._fail(messages.BAD_PROTOCOL, "END before the journal's end")
        self._state = _ACKING
        return [("send", messages.build(messages.ACK, next_seq, self._proofs.ack(next_seq)))]

    def _released(self, released: int) -> list:
        if released > self._expected:
            return self._fail(messages.BAD_PROTOCOL, "more was released than acknowledged")
        return self._finish(self._expected, released)

    def _finish(self, next_seq: int, released: int) -> list:
        # Over only when the terminal says so: else the next sync might find it busy.
        self._state = _LEAVING
        self._done = ("done", next_seq, released)
        return [("send", messages.build(messages.BYE))]

    def _send_chunk(self) -> list:
        chunk = self._config[self._offset : self._offset + messages.MAX_CHUNK]
        return [
            (
                "send",
                messages.build(messages.PROVISION, self._offset, len(self._config), chunk),
            )
        ]

    def _next_chunk(self, offset: int) -> list:
        if offset != self._offset + messages.MAX_CHUNK or offset >= len(self._config):
            return self._fail(
                messages.BAD_PROTOCOL,
                "the terminal asks for byte %d of %d" % (offset, len(self._config)),
            )
        self._offset = offset
        return self._send_chunk()
