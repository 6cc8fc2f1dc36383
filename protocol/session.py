"""The terminal's end of a sync session, as a state machine without I/O.

``receive`` takes one frame's payload and returns effects, tuples that begin with their name:

``("greet",)``                       call ``identify`` and ``greet``, or ``fail``
``("send", payload)``                send one frame
``("pack", first, items)``           send one frame with a PACKED message of these records
``("open",)``                        the companion has the key: call ``opened``, or ``fail`` when
                                     another session is open
``("recall", seq)``                  read record seq, call ``recalled``
``("read", first, end, max_bytes)``  read records first..end-1, as many as fit, call ``records``
``("release", seq)``                 release everything below seq, then call ``released``
``("provision", config_bytes)``      store a checked configuration, then call ``provisioned``
``("push", kind, data)``             the companion's data: call ``pushed`` or ``refuse``
``("baud", rate)``                   all that was sent has left: go on at this rate
``("log", first)``                   read the log from there on, then call ``logged``
``("escape",)``                      give the port back to the REPL
``("done",)``                        the session ended well
``("failed", code, text)``           the session ended; the ERROR that says so was a "send" before

Effects are carried out in order, the calls they ask for included, before the next ``receive``.
The companion's end is protocol/companion_session.py: a device never loads it.
"""

from protocol import cbor, frame, messages, seal

# [RECORDS, first_seq, [...]] or [PACKED, first_seq, bytes]: array head, type, u32, array head of
# up to 64 items or head of a byte string.
_RECORDS_HEAD = 1 + 2 + 5 + 3
# The head of a record: 2 bytes, or 3 for a long one. PACKED has 1 byte for most.
_HEAD = 2
_LONG_HEAD = 3

_IDLE = 0
_GREETED = 1
_OPEN = 2


def item_size(payload: bytes | None) -> int:
    """The most bytes that one record takes in a RECORDS or PACKED message."""
    if payload is None:
        return 1
    return len(payload) + (_HEAD if len(payload) < 255 else _LONG_HEAD)


class TerminalSession:
    """One stream's session. It starts anew at every HELLO, whatever state it was in.

    ``serial``: on a cable, where provisioning and escape are allowed. ``max_baud``: the highest
    rate of the stream's port, 0 when it has none of its own.
    """

    def __init__(self, firmware: str, serial: bool, max_baud: int = 0) -> None:
        self._device_id = ""
        self._sync_key = b""
        self._firmware = firmware
        self._serial = serial
        self._max_baud = max_baud
        self._reset()

    def _reset(self) -> None:
        self._state = _IDLE
        self._version = 0
        self._hello = b""
        self._nonce = b""
        self._proofs: messages.Proofs | None = None
        self._first = 0
        self._end = 0
        self._released = 0
        self._room = 0
        self._streaming = False
        self._next = 0  # next record to send in this pull
        self._sent = 0  # messages with records sent in this pull
        self._credit = 0  # ... allowed in this pull
        self._confirmable = 0  # the companion may acknowledge up to here
        self._last = b""  # the seal that the companion has of the record before the pull
        self._upload: messages.Upload | None = None
        self._kind = 0  # of the push

    @property
    def active(self) -> bool:
        """True from an accepted HELLO to the end of the session."""
        return self._state != _IDLE

    @property
    def open(self) -> bool:
        """True while the session holds the terminal: from an accepted AUTH to its end."""
        return self._state == _OPEN

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
            message = messages.parse(payload, messages.TO_TERMINAL, self._version)
            kind = message[0]
            if kind == messages.HELLO:
                self._reset()
                self._version = min(message[1], messages.VERSION)
                self._hello = payload
                self._nonce = message[2]
                return [("greet",)]
            if kind == messages.ESCAPE:
                return self._escape()
            if self._state == _IDLE:
                raise messages.MessageError("begin with HELLO", messages.NO_SESSION)
            return self._step(kind, message)
        except messages.MessageError as error:
            return self.fail(error.code, str(error))

    def identify(self, device_id: str, sync_key: bytes) -> None:
        """Who this terminal is now; "" and b"" without a configuration."""
        self._device_id = device_id
        self._sync_key = sync_key

    def greet(
        self,
        first_seq: int,
        next_seq: int,
        released: int,
        nonce: bytes,
        wall: int = 0,
        fill: tuple = (0, 0),
    ) -> list:
        """Answer to "greet" with the journal's range, the clock, and ``fill``: how many slots of
        the journal are free and how many it has; 0 for what is not there.

        The range holds for the whole session: what is appended meanwhile is the next session's.
        """
        self._first = first_seq
        self._end = next_seq
        self._released = released
        fields = [
            messages.WELCOME,
            self._version,
            self._nonce,
            self._device_id,
            self._firmware,
            first_seq,
            next_seq,
            released,
            nonce,
        ]
        if self._version > 1:
            fields.extend((wall, self._max_baud))
        self._room = fill[0]
        if self._version > 2:
            fields.extend(fill)
        welcome = messages.build(*fields)
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
            # The AUTH before it in the same flight was damaged: worth another session.
            raise messages.MessageError("begin with HELLO and AUTH", messages.NO_SESSION)
        if kind == messages.PULL:
            return self._pull(message)
        if kind == messages.CREDIT:
            return self._add_credit(message[1])
        if kind == messages.PUSH:
            return self._push(message)
        if kind == messages.PUSH_END:
            return self._push_end(message[1], message[2])
        if kind == messages.BAUD:
            return self._baud(message[1])
        if kind == messages.LOG:
            return self._log(message[1])
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
        return [("open",)]

    def opened(self) -> list:
        """Answer to "open": no other session holds the terminal."""
        assert self._proofs is not None
        self._state = _OPEN
        return [("send", messages.build(messages.PROOF, self._proofs.terminal()))]

    def _pull(self, message: list) -> list:
        first = message[1]
        last = message[3] if len(message) > 3 else b""
        if self._streaming:
            raise messages.MessageError("PULL during a pull")
        if first < self._first or first > self._end:
            raise messages.MessageError(
                "PULL from %d, the journal has %d..%d" % (first, self._first, self._end - 1),
                messages.BAD_RANGE,
            )
        if len(last) not in (0, seal.SEAL_LENGTH):
            raise messages.MessageError("PULL with a part of a seal")
        self._streaming = True
        self._next = first
        self._sent = 0
        self._credit = 0
        if not last:
            return self._add_credit(message[2])
        self._check_credit(message[2])
        self._credit = message[2]
        self._last = last
        return [("recall", first - 1)]

    def recalled(self, payload: bytes | None) -> list:
        """Answer to "recall": the record's payload, None when it is damaged or gone."""
        if payload is not None and payload[-seal.SEAL_LENGTH :] != self._last:
            text = "record %d here is not the one in the store" % (self._next - 1)
            return self.fail(messages.BAD_HISTORY, text)
        return self._continue()

    def _add_credit(self, credit: int) -> list:
        """Credit counts from the start of the pull, so that a lost CREDIT heals with the next."""
        if not self._streaming:
            return []
        self._check_credit(credit)
        self._credit = credit
        return self._continue()

    def _check_credit(self, credit: int) -> None:
        if credit > self._sent + messages.MAX_WINDOW:
            raise messages.MessageError(
                "credit for %d messages, at most %d may be on their way"
                % (credit, messages.MAX_WINDOW),
                messages.BAD_RANGE,
            )

    def _continue(self) -> list:
        if self._next == self._end:
            self._streaming = False
            self._confirmable = max(self._confirmable, self._end)
            return [("send", messages.build(messages.END, self._end))]
        if self._sent >= self._credit:
            return []
        most = frame.MAX_TO_COMPANION_1 if self._version == 1 else frame.MAX_TO_COMPANION
        return [("read", self._next, self._end, most - _RECORDS_HEAD)]

    def records(self, first: int, items: list[bytes | None]) -> list:
        """Answer to "read": records from ``first`` on, None for a damaged one, at least one.

        At most messages.MAX_RECORDS, and item_size of them all within max_bytes.
        """
        if self._version == 1:
            effects: list = [("send", messages.build(messages.RECORDS, first, items))]
        else:
            effects = [("pack", first, items)]
        self._next = first + len(items)
        self._sent += 1
        self._confirmable = max(self._confirmable, self._next)
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
            return self.released(self._released, self._room)
        return [("release", seq)]

    def released(self, seq: int, room: int = 0) -> list:
        """Answer to "release": everything below ``seq`` is released now, and so many slots of the
        journal are free."""
        self._released = seq
        fields = (seq, room) if self._version > 2 else (seq,)
        return [("send", messages.build(messages.RELEASED, *fields))]

    def _provision(self, offset: int, size: int, chunk: bytes) -> list:
        if not self._serial:
            raise messages.MessageError("PROVISION is for the serial port only")
        if self._device_id:
            raise messages.MessageError(
                "this terminal is %s already" % self._device_id, messages.ALREADY_PROVISIONED
            )
        if self._upload is None:
            self._upload = messages.Upload("PROVISION", size)
        offset = self._upload.add(offset, size, chunk)
        data = self._upload.whole()
        if data is None:
            return [("send", messages.build(messages.PROVISION_NEXT, offset))]
        return self._configured(data)

    def _configured(self, data: bytes) -> list:
        from protocol import config  # here: a board provisions once

        try:
            config.decode(data)
        except (config.ConfigError, cbor.CborError) as error:
            return self.fail(messages.BAD_CONFIG, str(error))
        return [("provision", data)]

    def provisioned(self, device_id: str, sync_key: bytes) -> list:
        """Answer to "provision": the configuration is durable."""
        self._reset()
        self.identify(device_id, sync_key)
        return [("send", messages.build(messages.PROVISIONED, device_id)), ("done",)]

    def _push(self, message: list) -> list:
        _, kind, offset, size, chunk = message
        if offset == 0:
            self._kind = kind
            self._upload = messages.Upload("PUSH", size)
        if self._upload is None or kind != self._kind:
            raise messages.MessageError("PUSH of kind %d without its beginning" % kind)
        offset = self._upload.add(offset, size, chunk)
        return [("send", messages.build(messages.PUSH_NEXT, kind, offset))]

    def _push_end(self, kind: int, proof: bytes) -> list:
        data = self._upload.whole() if self._upload and kind == self._kind else None
        if data is None or self._proofs is None:
            raise messages.MessageError("PUSH_END of kind %d before all of it" % kind)
        self._upload = None
        if not seal.equal(proof, self._proofs.push(kind, data)):
            raise messages.MessageError("PUSH_END with a wrong proof", messages.BAD_AUTH)
        return [("push", kind, data)]

    def pushed(self, kind: int) -> list:
        """Answer to "push": it is done, or durable."""
        return [("send", messages.build(messages.PUSHED, kind))]

    def refuse(self, text: str) -> list:
        """Answer to "push": it was not taken. The session goes on."""
        return [("send", messages.error(messages.REFUSED, text))]

    def _baud(self, rate: int) -> list:
        if self._streaming:
            raise messages.MessageError("BAUD during a pull")
        if not messages.BASE_BAUD <= rate <= self._max_baud:
            raise messages.MessageError(
                "%d baud, this port has %d at most" % (rate, self._max_baud), messages.BAD_RANGE
            )
        return [("send", messages.build(messages.BAUD_OK, rate)), ("baud", rate)]

    def _log(self, first: int) -> list:
        if self._streaming:
            raise messages.MessageError("LOG during a pull")
        return [("log", first)]

    def logged(self, following: int, lines: str) -> list:
        """Answer to "log": lines of at most messages.MAX_LINES bytes, none at the end, and where
        the next ones begin."""
        return [("send", messages.build(messages.LOGGED, following, lines))]
