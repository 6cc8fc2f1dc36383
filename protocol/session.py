"""The terminal's end of a sync session, as a state machine without I/O.

``receive`` takes one frame's payload and returns effects, tuples that begin with their name:

``("greet",)``                       a session may begin: call ``greet``, or ``fail`` when busy
``("send", payload)``                send one frame
``("read", first, end, max_bytes)``  read records first..end-1, as many as fit, call ``records``
``("release", seq)``                 release everything below seq, then call ``released``
``("provision", config_bytes)``      store a checked configuration, then call ``provisioned``
``("escape",)``                      give the port back to the REPL
``("done",)``                        the session ended well
``("failed", code, text)``           the session ended; the ERROR that says so was a "send" before

Effects are carried out in order, the calls they ask for included, before the next ``receive``.
The companion's end is protocol/companion_session.py: a device never loads it.
"""

from protocol import cbor, config, frame, messages, seal

# [RECORDS, first_seq, [...]]: array head, type, u32, array head of up to 64 items.
_RECORDS_HEAD = 1 + 2 + 5 + 2
# The head of a byte string of 24 to 255 bytes.
_ITEM_HEAD = 2

_IDLE = 0
_GREETED = 1
_OPEN = 2


def item_size(payload: bytes | None) -> int:
    """Bytes that one record takes in a RECORDS message."""
    return 1 if payload is None else len(payload) + _ITEM_HEAD


class TerminalSession:
    """One stream's session. It starts anew at every HELLO, whatever state it was in.

    ``device_id`` is "" and ``sync_key`` empty for a terminal without a configuration.
    ``serial``: on a cable, where provisioning and escape are allowed.
    """

    def __init__(self, device_id: str, sync_key: bytes, firmware: str, serial: bool) -> None:
        self._device_id = device_id
        self._sync_key = sync_key
        self._firmware = firmware
        self._serial = serial
        self._reset()

    def _reset(self) -> None:
        self._state = _IDLE
        self._hello = b""
        self._proofs: messages.Proofs | None = None
        self._first = 0
        self._end = 0
        self._released = 0
        self._streaming = False
        self._next = 0  # next record to send in this pull
        self._sent = 0  # RECORDS messages sent in this pull
        self._credit = 0  # RECORDS messages allowed in this pull
        self._confirmable = 0  # the companion may acknowledge up to here
        self._config = bytearray()
        self._config_size = 0

    @property
    def active(self) -> bool:
        """True from an accepted HELLO to the end of the session."""
        return self._state != _IDLE

    def drop(self) -> None:
        """The peer is gone or silent."""
        self._reset()

    def fail(self, code: str, text: str) -> list:
        """End the session with an ERROR."""
        self._reset()
        return [("send", messages.error(code, text)), ("failed", code, text)]

    def receive(self, payload: bytes) -> list:
        """Effects of one message."""
        try:
            message = messages.parse(payload, messages.TO_TERMINAL)
            kind = message[0]
            if kind == messages.HELLO:
                self._reset()
                self._hello = payload
                return [("greet",)]
            if kind == messages.ESCAPE:
                return self._escape()
            if self._state == _IDLE:
                raise messages.MessageError("begin with HELLO", messages.NO_SESSION)
            return self._step(kind, message)
        except messages.MessageError as error:
            return self.fail(error.code, str(error))

    def greet(self, first_seq: int, next_seq: int, released: int, nonce: bytes) -> list:
        """Answer to "greet" with the journal's range; zeros without a configuration.

        The range holds for the whole session: what is appended meanwhile is the next session's.
        """
        self._first = first_seq
        self._end = next_seq
        self._released = released
        welcome = messages.build(
            messages.WELCOME,
            messages.VERSION,
            self._hello[-messages.NONCE_LENGTH :],
            self._device_id,
            self._firmware,
            first_seq,
            next_seq,
            released,
            nonce,
        )
        self._state = _GREETED
        if self._device_id:
            self._proofs = messages.Proofs(self._sync_key, self._hello, welcome)
        return [("send", welcome)]

    def _escape(self) -> list:
        if not self._serial:
            raise messages.MessageError("ESCAPE is for the serial port only")
        self._reset()
        return [("send", messages.build(messages.ESCAPING)), ("escape",)]

    def _step(self, kind: int, message: list) -> list:
        if kind == messages.BYE:
            self._reset()
            return [("send", messages.build(messages.CLOSED)), ("done",)]
        if kind == messages.PROVISION:
            return self._provision(message[1], message[2], message[3])
        if kind == messages.AUTH:
            return self._auth(message[1])
        if self._state != _OPEN:
            raise messages.MessageError("not authenticated", messages.BAD_AUTH)
        if kind == messages.PULL:
            return self._pull(message[1], message[2])
        if kind == messages.CREDIT:
            return self._add_credit(message[1])
        return self._ack(message[1], message[2])

    def _auth(self, proof: bytes) -> list:
        if self._state != _GREETED:
            raise messages.MessageError("AUTH twice")
        if self._proofs is None:
            raise messages.MessageError(
                "this terminal has no configuration", messages.NOT_PROVISIONED
            )
        if not seal.equal(proof, self._proofs.companion()):
            raise messages.MessageError(
                "the companion's key is not this terminal's", messages.BAD_AUTH
            )
        self._state = _OPEN
        return [("send", messages.build(messages.PROOF, self._proofs.terminal()))]

    def _pull(self, first: int, credit: int) -> list:
        if self._streaming:
            raise messages.MessageError("PULL during a pull")
        if first < self._first or first > self._end:
            raise messages.MessageError(
                "PULL from %d, the journal has %d..%d" % (first, self._first, self._end - 1),
                messages.BAD_RANGE,
            )
        self._streaming = True
        self._next = first
        self._sent = 0
        self._credit = 0
        return self._add_credit(credit)

    def _add_credit(self, credit: int) -> list:
        """Credit counts from the start of the pull, so that a lost CREDIT heals with the next."""
        if not self._streaming:
            return []
        if credit > self._sent + messages.MAX_WINDOW:
            raise messages.MessageError(
                "credit for %d messages, at most %d may be on their way"
                % (credit, messages.MAX_WINDOW),
                messages.BAD_RANGE,
            )
        self._credit = credit
        return self._continue()

    def _continue(self) -> list:
        if self._next == self._end:
            self._streaming = False
            self._confirmable = max(self._confirmable, self._end)
            return [("send", messages.build(messages.END, self._end))]
        if self._sent >= self._credit:
            return []
        return [("read", self._next, self._end, frame.MAX_TO_COMPANION - _RECORDS_HEAD)]

    def records(self, first: int, items: list[bytes | None]) -> list:
        """Answer to "read": records from ``first`` on, None for a damaged one, at least one.

        At most messages.MAX_RECORDS, and item_size of them all within max_bytes.
        """
        message = messages.build(messages.RECORDS, first, items)
        self._next = first + len(items)
        self._sent += 1
        self._confirmable = max(self._confirmable, self._next)
        effects: list = [("send", message)]
        effects.extend(self._continue())
        return effects

    def _ack(self, seq: int, proof: bytes) -> list:
        if self._proofs is None or not seal.equal(proof, self._proofs.ack(seq)):
            raise messages.MessageError("ACK with a wrong proof", messages.BAD_AUTH)
        if seq > self._confirmable:
            raise messages.MessageError(
                "ACK up to %d, only %d was sent" % (seq, self._confirmable), messages.BAD_RANGE
            )
        if seq <= self._released:
            return self.released(self._released)
        return [("release", seq)]

    def released(self, seq: int) -> list:
        """Answer to "release": everything below ``seq`` is released now."""
        self._released = seq
        return [("send", messages.build(messages.RELEASED, seq))]

    def _provision(self, offset: int, size: int, chunk: bytes) -> list:
        if not self._serial:
            raise messages.MessageError("PROVISION is for the serial port only")
        if self._device_id:
            raise messages.MessageError(
                "this terminal is %s already" % self._device_id, messages.ALREADY_PROVISIONED
            )
        if not self._config:
            self._config_size = size
        if size != self._config_size or offset != len(self._config):
            raise messages.MessageError(
                "PROVISION at %d of %d, expected %d of %d"
                % (offset, size, len(self._config), self._config_size)
            )
        if offset + len(chunk) > size:
            raise messages.MessageError("PROVISION beyond its size of %d" % size)
        self._config.extend(chunk)
        if len(self._config) < size:
            return [("send", messages.build(messages.PROVISION_NEXT, len(self._config)))]
        return self._configured(bytes(self._config))

    def _configured(self, data: bytes) -> list:
        try:
            config.decode(data)
        except (config.ConfigError, cbor.CborError) as error:
            return self.fail(messages.BAD_CONFIG, str(error))
        return [("provision", data)]

    def provisioned(self, device_id: str, sync_key: bytes) -> list:
        """Answer to "provision": the configuration is durable."""
        self._reset()
        self._device_id = device_id
        self._sync_key = sync_key
        return [("send", messages.build(messages.PROVISIONED, device_id)), ("done",)]
