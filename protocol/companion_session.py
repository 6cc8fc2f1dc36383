"""The companion's end of a sync session, as a state machine without I/O.

``start`` and ``receive`` return effects, tuples that begin with their name:

``("send", payload)``            send one frame
``("identified", Identity)``     call ``authenticate`` (or ``provision`` when device_id is "")
``("missing", first, end)``      the terminal no longer has records first..end-1
``("store", first, items)``      make the records durable (None is a damaged one), call ``stored``
``("baud", rate)``               the terminal is about to change: go on at this rate
``("ready",)``                   every record is stored: call ``push``, ``log``, ``finish`` or
                                 ``leave``
``("pushed", kind)``             the terminal has taken it; "ready" comes next
``("refused", kind, text)``      the terminal does not take it; "ready" comes next
``("logged", next, lines)``      lines of the terminal's log, none at its end; "ready" comes next
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

_NEW, _GREETING, _IDENTIFIED, _PROVING, _CHANGING, _PULLING, _READY = range(7)
_PUSHING, _PUSH_ENDING, _ACKING, _PROVISIONING, _LEAVING, _LOGGING, _OVER = range(7, 14)
# Another ERROR before WELCOME answers what was left of an older session.
_ANSWERS_HELLO = (messages.BUSY, messages.BAD_VERSION, messages.FAULT)
# What comes instead of the message that is due when that one was lost in the same flight.
_LATER_IN_FLIGHT = {
    _PROVING: (messages.PACKED, messages.END, messages.BAUD_OK),
    _ACKING: (messages.CLOSED,),
}


class Identity:
    """What WELCOME says: who the terminal is and which records it has, first_seq..next_seq-1.

    ``wall``: its clock in Unix seconds, 0 when not set. ``max_baud``: 0 when it has one rate.
    ``room`` of the journal's ``slots`` are free, in the end behind what was released; both 0
    before version 3.
    """

    def __init__(self, welcome: list) -> None:
        self.version: int = welcome[1]
        self.device_id: str = welcome[3]
        self.firmware: str = welcome[4]
        self.first_seq: int = welcome[5]
        self.next_seq: int = welcome[6]
        self.released: int = welcome[7]
        self.wall: int = welcome[9] if self.version > 1 else 0
        self.max_baud: int = welcome[10] if self.version > 1 else 0
        self.room: int = welcome[11] if self.version > 2 else 0
        self.slots: int = welcome[12] if self.version > 2 else 0


class CompanionSession:
    """One session. ``nonce`` is 16 random bytes, new for every session.

    ``version`` is the highest to speak; after ERROR VERSION another session may try a lower one.
    """

    def __init__(self, nonce: bytes, version: int = messages.VERSION) -> None:
        self._nonce = nonce
        self._highest = version
        self._version = 0  # this session's, once WELCOME has named it
        self._hello = messages.build(messages.HELLO, version, nonce)
        self._state = _NEW
        self._welcome = b""
        self._identity: Identity | None = None
        self._proofs: messages.Proofs | None = None
        self._expected = -1  # next record to arrive, -1: only authenticate, pull nothing
        self._received = 0  # messages with records stored in this pull
        self._granted = 0
        self._last = b""
        self._rate = 0
        self._pull_sent = False
        self._kind = 0  # of the push
        self._data = b""  # the push, or the configuration
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
            message = messages.parse(payload, messages.TO_COMPANION, self._version)
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

    def authenticate(
        self, sync_key: bytes, from_seq: int, last: bytes = b"", rate: int = 0
    ) -> list:
        """Answer to "identified": the terminal's key and the first record that is not stored yet.

        ``from_seq`` -1 pulls nothing and only proves that both ends have the key. ``last`` is the
        seal of the record before it, b"" when that one is not stored: the terminal compares.
        ``rate`` is the one to pull at, 0 for that of the port. Version 1 has neither.
        """
        identity = self._known()
        self._proofs = messages.Proofs(sync_key, self._hello, self._welcome)
        self._expected = from_seq
        self._state = _PROVING
        effects: list = [("send", messages.build(messages.AUTH, self._proofs.companion()))]
        if self._version == 1 or from_seq < 0:
            return effects
        if from_seq >= identity.first_seq:
            self._last = last
        if rate:
            self._rate = rate
            effects.append(("send", messages.build(messages.BAUD, rate)))
        else:
            effects.append(self._pull(identity))
        return effects

    def provision(self, config_bytes: bytes) -> list:
        """Answer to "identified" when the terminal has no configuration: give it this one."""
        self._data = config_bytes
        self._offset = 0
        self._state = _PROVISIONING
        return self._send_chunk()

    def push(self, kind: int, data: bytes) -> list:
        """Answer to "ready": give the terminal 1 to messages.MAX_PUSH bytes of this kind."""
        if not 1 <= len(data) <= messages.MAX_PUSH:
            raise messages.MessageError("a push of %d bytes" % len(data))
        self._kind = kind
        self._data = data
        self._offset = 0
        self._state = _PUSHING
        return self._send_chunk()

    def log(self, first: int) -> list:
        """Answer to "ready", in version 3: read the log from there on, 0 for all of it."""
        self._state = _LOGGING
        return [("send", messages.build(messages.LOG, first))]

    def finish(self) -> list:
        """Answer to "ready": let the terminal release what is stored, and end the session."""
        if self._known().released >= self._expected:
            return self.leave()
        return self._acknowledge() + [("send", messages.build(messages.BYE))]

    def leave(self) -> list:
        """Answer to "ready": end the session and acknowledge nothing."""
        return self._leave(self._expected, self._known().released)

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
        if code == messages.REFUSED and self._state in (_PUSHING, _PUSH_ENDING):
            self._state = _READY
            return [("refused", self._kind, text), ("ready",)]
        # What accuses a terminal is believed from the terminal only.
        accuses = code in (messages.BAD_HISTORY, messages.BAD_RANGE)
        unproved = accuses and self._state == _PROVING
        self._state = _OVER
        if code == messages.NO_SESSION or unproved:
            return [("failed", LOST, "the terminal ended the session (did it restart?)")]
        return [("failed", code, text)]

    def _greeting(self, payload: bytes, message: list) -> list:
        if message[0] == messages.ERROR and message[1] in _ANSWERS_HELLO:
            return self._refused(message[1], message[2])
        if message[0] != messages.WELCOME or message[2] != self._nonce:
            return []
        identity = Identity(message)
        self._state = _IDENTIFIED
        if identity.version > self._highest:
            return self._fail(messages.BAD_VERSION, "WELCOME in version %d" % identity.version)
        if identity.first_seq > identity.next_seq or identity.released > identity.next_seq:
            return self._fail(messages.BAD_PROTOCOL, "WELCOME with an impossible journal range")
        self._version = identity.version
        self._welcome = payload
        self._identity = identity
        return [("identified", identity)]

    def _known(self) -> Identity:
        assert self._identity is not None
        return self._identity

    def _step(self, kind: int, message: list) -> list:
        if self._state == _PROVING and kind == messages.PROOF:
            return self._proved(message[1])
        if self._state == _CHANGING and kind == messages.BAUD_OK:
            return self._changed(message[1])
        if self._state == _PULLING and kind in (messages.RECORDS, messages.PACKED):
            return self._records(message[1], message[2])
        if self._state == _PULLING and kind == messages.END:
            return self._end(message[1])
        if self._state == _PUSHING and kind == messages.PUSH_NEXT:
            return self._pushing(message)
        if self._state == _PUSH_ENDING and kind == messages.PUSHED:
            return self._pushed(message[1])
        if self._state == _LOGGING and kind == messages.LOGGED:
            self._state = _READY
            return [("logged", message[1], message[2]), ("ready",)]
        if self._state == _ACKING and kind == messages.RELEASED:
            if self._version > 2:
                self._known().room = message[2]
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
        if self._version > 1 and kind in _LATER_IN_FLIGHT.get(self._state, ()):
            return self._fail(LOST, "%s came and what is before it did not" % name)
        return self._fail(messages.BAD_PROTOCOL, "%s is not due now" % name)

    def _proved(self, proof: bytes) -> list:
        identity = self._known()
        if self._proofs is None or not seal.equal(proof, self._proofs.terminal()):
            return self._fail(messages.BAD_AUTH, "the terminal's key is not the one on record")
        if self._expected < 0:
            return self._leave(identity.next_seq, identity.released)
        wrong = self._wrong_range(identity)
        if wrong:
            return self._fail(messages.BAD_RANGE, wrong)
        if self._rate:
            self._state = _CHANGING
            return []
        return self._begin_pull(identity)

    def _wrong_range(self, identity: Identity) -> str:
        """Why the terminal's journal cannot be the one that the store follows; "" when it can."""
        if self._expected > identity.next_seq:
            return (
                "the store has records up to %d, the terminal only up to %d: its journal was lost"
                % (self._expected - 1, identity.next_seq - 1)
            )
        if identity.first_seq - self._expected > MAX_MISSING:
            return (
                "the terminal no longer has records %d..%d, which are not in the store either"
                % (self._expected, identity.first_seq - 1)
            )
        return ""

    def _changed(self, rate: int) -> list:
        if rate != self._rate:
            return self._fail(messages.BAD_PROTOCOL, "BAUD_OK for %d baud" % rate)
        return [("baud", rate)] + self._begin_pull(self._known())

    def _pull(self, identity: Identity) -> tuple:
        self._granted = messages.WINDOW
        self._pull_sent = True
        fields: list = [messages.PULL, max(self._expected, identity.first_seq), self._granted]
        if self._version > 1:
            fields.append(self._last)
        return ("send", messages.build(*fields))

    def _begin_pull(self, identity: Identity) -> list:
        effects: list = []
        if not self._pull_sent:
            effects.append(self._pull(identity))
        if self._expected < identity.first_seq:
            effects.append(("missing", self._expected, identity.first_seq))
            self._expected = identity.first_seq
        self._state = _PULLING
        return effects

    def _records(self, first: int, items: list) -> list:
        if first != self._expected:
            return self._fail(LOST, "records from %d came, not %d" % (first, self._expected))
        if first + len(items) > self._known().next_seq:
            return self._fail(messages.BAD_PROTOCOL, "records beyond the journal's end")
        self._expected += len(items)
        return [("store", first, items)]

    def _end(self, next_seq: int) -> list:
        if next_seq != self._expected:
            return self._fail(
                LOST, "END at %d, records came up to %d" % (next_seq, self._expected)
            )
        if next_seq != self._known().next_seq:
            return self._fail(messages.BAD_PROTOCOL, "END before the journal's end")
        if self._version == 1:
            return self._acknowledge()
        self._state = _READY
        return [("ready",)]

    def _acknowledge(self) -> list:
        assert self._proofs is not None
        self._state = _ACKING
        proof = self._proofs.ack(self._expected)
        return [("send", messages.build(messages.ACK, self._expected, proof))]

    def _released(self, released: int) -> list:
        if released > self._expected:
            return self._fail(messages.BAD_PROTOCOL, "more was released than acknowledged")
        effects = self._leave(self._expected, released)
        # In version 2 the BYE went with the ACK.
        return effects if self._version == 1 else []

    def _leave(self, next_seq: int, released: int) -> list:
        # Over only when the terminal says so: else the next sync might find it busy.
        self._state = _LEAVING
        self._done = ("done", next_seq, released)
        return [("send", messages.build(messages.BYE))]

    def _send_chunk(self) -> list:
        provisioning = self._state == _PROVISIONING
        fields = [messages.PROVISION] if provisioning else [messages.PUSH, self._kind]
        chunk = self._data[self._offset : self._offset + messages.MAX_CHUNK]
        return [("send", messages.build(*fields, self._offset, len(self._data), chunk))]

    def _next_chunk(self, offset: int) -> list:
        if offset != self._offset + messages.MAX_CHUNK or offset >= len(self._data):
            return self._fail(
                messages.BAD_PROTOCOL,
                "the terminal asks for byte %d of %d" % (offset, len(self._data)),
            )
        self._offset = offset
        return self._send_chunk()

    def _pushing(self, message: list) -> list:
        end = min(self._offset + messages.MAX_CHUNK, len(self._data))
        if message != [messages.PUSH_NEXT, self._kind, end] or self._proofs is None:
            return self._fail(messages.BAD_PROTOCOL, "a wrong answer to byte %d of a push" % end)
        self._offset = end
        if end < len(self._data):
            return self._send_chunk()
        self._state = _PUSH_ENDING
        proof = self._proofs.push(self._kind, self._data)
        return [("send", messages.build(messages.PUSH_END, self._kind, proof))]

    def _pushed(self, kind: int) -> list:
        if kind != self._kind:
            return self._fail(messages.BAD_PROTOCOL, "PUSHED for kind %d" % kind)
        self._state = _READY
        return [("pushed", kind), ("ready",)]
