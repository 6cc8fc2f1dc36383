"""Messages of a sync session: a CBOR array each, ``[type, field, ...]``, one in a frame.

A type belongs to one direction, so that a port that echoes cannot answer itself. Every field has
a bound that is checked here, before a session acts on it. Both ends speak versions 1 to 3.
"""

import hashlib

from protocol import cbor, frame, packed, seal

VERSION = 3
OLDEST_VERSION = 1
NONCE_LENGTH = 16
PROOF_LENGTH = 32
MAX_SEQ = 0xFFFFFFFF
MAX_CHUNK = 128
MAX_PUSH = 2000
# Bits per second with which every session on a serial port begins.
BASE_BAUD = 115200
MAX_RECORDS = packed.MAX_RECORDS
MAX_SEALED = packed.MAX_SEALED
# Frames that may be on their way at once. Eight bridge the turnaround of a USB serial port; with
# new credit at half the window at most two CREDIT frames wait in the terminal's ring.
WINDOW = 8
MAX_WINDOW = 16
MAX_ERROR_TEXT = 120
MAX_LINES = 1024  # bytes of the log in one message

# To the terminal.
HELLO = 1
AUTH = 2
PULL = 3
CREDIT = 4
ACK = 5
BYE = 6
PROVISION = 7
ESCAPE = 8
PUSH = 9
PUSH_END = 10
BAUD = 11
LOG = 12

# To the companion.
WELCOME = 33
PROOF = 34
RECORDS = 35
END = 36
RELEASED = 37
PROVISION_NEXT = 38
PROVISIONED = 39
ERROR = 40
ESCAPING = 41
CLOSED = 42
PUSH_NEXT = 43
PUSHED = 44
BAUD_OK = 45
PACKED = 46
LOGGED = 47

# What a PUSH brings.
PUSH_CONFIG = 1
PUSH_TIME = 2
PUSH_VERDICTS = 3
PUSH_IDENTITY = 4
PUSH_UPDATE = 5

# ERROR codes.
BUSY = "BUSY"
BAD_VERSION = "VERSION"
NO_SESSION = "NO_SESSION"
BAD_AUTH = "AUTH"
BAD_PROTOCOL = "PROTOCOL"
BAD_RANGE = "RANGE"
NOT_PROVISIONED = "NOT_PROVISIONED"
ALREADY_PROVISIONED = "ALREADY_PROVISIONED"
BAD_CONFIG = "CONFIG"
FAULT = "FAULT"
BAD_HISTORY = "HISTORY"
REFUSED = "REFUSED"  # the only one that does not end the session

_SEQ = ("uint", 0, MAX_SEQ)
_NONCE = ("bytes", NONCE_LENGTH, NONCE_LENGTH)
_PROOF = ("bytes", PROOF_LENGTH, PROOF_LENGTH)
_SIZE = ("uint", 0, 1600)  # config.MAX_CONFIG; a board has config.py in memory when it must
_KIND = ("uint", 0, 255)
_PUSH_SIZE = ("uint", 0, MAX_PUSH)
_CHUNK = ("bytes", 1, MAX_CHUNK)

# type -> (name, rules of its fields in order), as in version 3
TO_TERMINAL = {
    HELLO: ("HELLO", (_KIND, _NONCE)),
    AUTH: ("AUTH", (_PROOF,)),
    PULL: ("PULL", (_SEQ, _SEQ, ("bytes", 0, seal.SEAL_LENGTH))),
    CREDIT: ("CREDIT", (_SEQ,)),
    ACK: ("ACK", (_SEQ, _PROOF)),
    BYE: ("BYE", ()),
    PROVISION: ("PROVISION", (_SIZE, _SIZE, _CHUNK)),
    ESCAPE: ("ESCAPE", ()),
    PUSH: ("PUSH", (_KIND, _PUSH_SIZE, _PUSH_SIZE, _CHUNK)),
    PUSH_END: ("PUSH_END", (_KIND, _PROOF)),
    BAUD: ("BAUD", (_SEQ,)),
    LOG: ("LOG", (_SEQ,)),
}
TO_COMPANION = {
    WELCOME: (
        "WELCOME",
        (
            _KIND,
            _NONCE,  # the companion's, so that an answer to an older HELLO is known as such
            ("text", 0, 16),
            ("text", 0, 16),
            _SEQ,
            _SEQ,
            _SEQ,
            _NONCE,
            _SEQ,
            _SEQ,
            _SEQ,
            _SEQ,
        ),
    ),
    PROOF: ("PROOF", (_PROOF,)),
    RECORDS: ("RECORDS", (_SEQ, ("records", 1, MAX_RECORDS))),
    END: ("END", (_SEQ,)),
    RELEASED: ("RELEASED", (_SEQ, _SEQ)),
    PROVISION_NEXT: ("PROVISION_NEXT", (_SIZE,)),
    PROVISIONED: ("PROVISIONED", (("text", 1, 16),)),
    ERROR: ("ERROR", (("text", 1, 20), ("text", 0, MAX_ERROR_TEXT))),
    ESCAPING: ("ESCAPING", ()),
    CLOSED: ("CLOSED", ()),
    PUSH_NEXT: ("PUSH_NEXT", (_KIND, _PUSH_SIZE)),
    PUSHED: ("PUSHED", (_KIND,)),
    BAUD_OK: ("BAUD_OK", (_SEQ,)),
    PACKED: ("PACKED", (_SEQ, ("bytes", 1, frame.MAX_TO_COMPANION))),
    LOGGED: ("LOGGED", (_SEQ, ("text", 0, MAX_LINES))),
}
# How many of the last fields versions 1 and 2 lack, and the types that a version does not have.
_LATER_FIELDS = {PULL: (1, 0), WELCOME: (4, 2), RELEASED: (1, 1)}
_NO_LOG = (LOG, LOGGED)
_NOT_IN = {
    1: (PUSH, PUSH_END, BAUD, PUSH_NEXT, PUSHED, BAUD_OK, PACKED) + _NO_LOG,
    2: (RECORDS,) + _NO_LOG,
    3: (RECORDS,),
}


class MessageError(ValueError):
    """A message that breaks its schema; ``code`` is the ERROR code that answers it."""

    def __init__(self, text: str, code: str = BAD_PROTOCOL) -> None:
        super().__init__(text)
        self.code = code


def _size(kind: str, value: object) -> int:
    """What a rule bounds: a number's value, a length in bytes or in items; -1 for a wrong type."""
    if kind == "uint":
        return value if isinstance(value, int) and not isinstance(value, bool) else -1
    if kind == "bytes":
        return len(value) if isinstance(value, bytes) else -1
    if kind == "text":
        return len(value.encode()) if isinstance(value, str) else -1
    if not isinstance(value, list):
        return -1
    for item in value:
        if item is not None and not (
            isinstance(item, bytes) and seal.SEAL_LENGTH < len(item) <= MAX_SEALED
        ):
            return -1
    return len(value)


def parse(payload: bytes, table: dict, version: int = 0) -> list:
    """Decode and check a message against TO_TERMINAL or TO_COMPANION.

    ``version`` 0 takes a message of any version. PACKED comes out with a list of its records, as
    RECORDS has it. Raises MessageError that says which message and which field is wrong.
    """
    try:
        message = cbor.loads(payload)
    except cbor.CborError as error:
        raise MessageError("not CBOR: " + str(error))
    if not isinstance(message, list) or not message or _size("uint", message[0]) < 0:
        raise MessageError("a message is an array that starts with its type")
    kind = message[0]
    if kind not in table or kind in _NOT_IN.get(version, ()):
        raise MessageError("unknown message type %d" % kind)
    name, rules = table[kind]
    if kind == HELLO:
        message = _readable_hello(message)
    elif kind == WELCOME:
        version = _version(name, message)
        if version > VERSION:
            raise _other_version(version)
    most = least = len(rules)
    if kind in _LATER_FIELDS:
        later = _LATER_FIELDS[kind] + (0,)
        least -= later[version - 1 if version else 0]
        most = least if version else most
    if not least <= len(message) - 1 <= most:
        raise MessageError("%s has %d fields, not %d" % (name, len(message) - 1, most))
    for i in range(len(message) - 1):
        what, low, high = rules[i]
        if not low <= _size(what, message[i + 1]) <= high:
            raise MessageError("%s: field %d is no %s of %d..%d" % (name, i + 1, what, low, high))
    if kind == PACKED:
        try:
            message[2] = packed.unpack(message[2])
        except ValueError as error:
            raise MessageError("PACKED: " + str(error))
    return message


def _version(name: str, message: list) -> int:
    # Before the shape: another version may have other fields.
    if len(message) < 2 or _size("uint", message[1]) < 0:
        raise MessageError(name + " without a version")
    if message[1] < OLDEST_VERSION:
        raise _other_version(message[1])
    version: int = message[1]
    return version


def _readable_hello(message: list) -> list:
    """A later version's HELLO without what it has behind the nonce: it asks for this one too."""
    version = _version("HELLO", message)
    if version <= VERSION:
        return message
    if len(message) < 3 or _size("bytes", message[2]) != NONCE_LENGTH or version > 255:
        raise _other_version(version)
    return message[:3]


def _other_version(version: int) -> MessageError:
    return MessageError(
        "version %d, this end speaks %d to %d" % (version, OLDEST_VERSION, VERSION), BAD_VERSION
    )


def build(*fields: object) -> bytes:
    """Encode a message from its type and fields."""
    payload = cbor.dumps(list(fields))
    if len(payload) > frame.MAX_TO_COMPANION:
        raise MessageError("a message of %d bytes" % len(payload))
    return payload


def error(code: str, text: str) -> bytes:
    """An ERROR message; a text that is too long is cut at a character."""
    text = text[:MAX_ERROR_TEXT]
    while len(text.encode()) > MAX_ERROR_TEXT:
        text = text[:-1]
    return build(ERROR, code, text)


class Upload:
    """What PROVISION or PUSH brings in chunks, in order; its size was bounded by the schema."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._data = bytearray()

    def add(self, offset: int, size: int, chunk: bytes) -> int:
        """Take a chunk; returns where the next one begins."""
        if size != self._size or offset != len(self._data):
            raise MessageError(
                "%s at %d of %d, expected %d of %d"
                % (self._name, offset, size, len(self._data), self._size)
            )
        if offset + len(chunk) > size:
            raise MessageError("%s beyond its size of %d" % (self._name, size))
        self._data.extend(chunk)
        return len(self._data)

    def whole(self) -> bytes | None:
        """All of it, None while some is missing."""
        return bytes(self._data) if len(self._data) == self._size else None


class Proofs:
    """What each end proves with the sync key, bound to both greetings of this session.

    The transcript covers the nonces, the device, the versions and the journal range, so that
    nobody between the ends can alter one of them.
    """

    def __init__(self, sync_key: bytes, hello: bytes, welcome: bytes) -> None:
        self._mac = seal.Hmac(sync_key)
        transcript = hashlib.sha256(hello)
        transcript.update(welcome)
        self._transcript = transcript.digest()

    def companion(self) -> bytes:
        """AUTH: the companion has the key."""
        return self._mac.digest(b"pingzhang companion", self._transcript)

    def terminal(self) -> bytes:
        """PROOF: the terminal has the key."""
        return self._mac.digest(b"pingzhang terminal", self._transcript)

    def ack(self, seq: int) -> bytes:
        """ACK: whoever has the key, and nobody else, lets the terminal forget records."""
        return self._mac.digest(b"pingzhang ack", self._transcript, seq.to_bytes(8, "big"))

    def push(self, kind: int, data: bytes) -> bytes:
        """PUSH_END: what arrived is what this session's companion sent."""
        digest = hashlib.sha256(data).digest()
        return self._mac.digest(b"pingzhang push", self._transcript, bytes([kind]), digest)
