"""Messages of a sync session: a CBOR array each, ``[type, field, ...]``, one in a frame.

A type belongs to one direction, so that a port that echoes cannot answer itself. Every field has
a bound that is checked here, before a session acts on it.
"""

import hashlib

from protocol import cbor, config, frame, seal

VERSION = 1
NONCE_LENGTH = 16
PROOF_LENGTH = 32
MAX_SEQ = 0xFFFFFFFF
MAX_CHUNK = 128
# RECORDS: records in one message, and bytes of one sealed record (a journal payload).
MAX_RECORDS = 64
MAX_SEALED = 460
# Frames that may be on their way at once. Eight of 1 KB bridge the turnaround of a USB serial
# port; with new credit at half the window at most two CREDIT frames wait in the terminal's ring.
WINDOW = 8
MAX_WINDOW = 16
MAX_ERROR_TEXT = 120

# To the terminal.
HELLO = 1
AUTH = 2
PULL = 3
CREDIT = 4
ACK = 5
BYE = 6
PROVISION = 7
ESCAPE = 8

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

_SEQ = ("uint", 0, MAX_SEQ)
_NONCE = ("bytes", NONCE_LENGTH, NONCE_LENGTH)
_PROOF = ("bytes", PROOF_LENGTH, PROOF_LENGTH)
_SIZE = ("uint", 0, config.MAX_CONFIG)

# type -> (name, rules of its fields in order)
TO_TERMINAL = {
    HELLO: ("HELLO", (("uint", 0, 255), _NONCE)),
    AUTH: ("AUTH", (_PROOF,)),
    PULL: ("PULL", (_SEQ, _SEQ)),
    CREDIT: ("CREDIT", (_SEQ,)),
    ACK: ("ACK", (_SEQ, _PROOF)),
    BYE: ("BYE", ()),
    PROVISION: ("PROVISION", (_SIZE, _SIZE, ("bytes", 1, MAX_CHUNK))),
    ESCAPE: ("ESCAPE", ()),
}
TO_COMPANION = {
    WELCOME: (
        "WELCOME",
        (
            ("uint", 0, 255),
            _NONCE,  # the companion's, so that an answer to an older HELLO is known as such
            ("text", 0, 16),
            ("text", 0, 16),
            _SEQ,
            _SEQ,
            _SEQ,
            _NONCE,
        ),
    ),
    PROOF: ("PROOF", (_PROOF,)),
    RECORDS: ("RECORDS", (_SEQ, ("records", 1, MAX_RECORDS))),
    END: ("END", (_SEQ,)),
    RELEASED: ("RELEASED", (_SEQ,)),
    PROVISION_NEXT: ("PROVISION_NEXT", (_SIZE,)),
    PROVISIONED: ("PROVISIONED", (("text", 1, 16),)),
    ERROR: ("ERROR", (("text", 1, 20), ("text", 0, MAX_ERROR_TEXT))),
    ESCAPING: ("ESCAPING", ()),
    CLOSED: ("CLOSED", ()),
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


def parse(payload: bytes, table: dict) -> list:
    """Decode and check a message against TO_TERMINAL or TO_COMPANION.

    Raises MessageError that says which message and which field is wrong.
    """
    try:
        message = cbor.loads(payload)
    except cbor.CborError as error:
        raise MessageError("not CBOR: " + str(error))
    if not isinstance(message, list) or not message or _size("uint", message[0]) < 0:
        raise MessageError("a message is an array that starts with its type")
    kind = message[0]
    if kind not in table:
        raise MessageError("unknown message type %d" % kind)
    name, rules = table[kind]
    if kind in (HELLO, WELCOME):
        _check_version(name, message)
    if len(message) != len(rules) + 1:
        raise MessageError("%s has %d fields, not %d" % (name, len(message) - 1, len(rules)))
    for i in range(len(rules)):
        what, low, high = rules[i]
        if not low <= _size(what, message[i + 1]) <= high:
            raise MessageError("%s: field %d is no %s of %d..%d" % (name, i + 1, what, low, high))
    return message


def _check_version(name: str, message: list) -> None:
    # Before the shape: another version may have other fields.
    if len(message) < 2 or _size("uint", message[1]) < 0:
        raise MessageError(name + " without a version")
    if message[1] != VERSION:
        raise MessageError("version %d, this end speaks %d" % (message[1], VERSION), BAD_VERSION)


def build(*fields: object) -> bytes:
    """Encode a message from its type and fields."""
    payload = cbor.dumps(list(fields))
    if len(payload) > frame.MAX_TO_COMPANION:
        raise MessageError("a message of %d bytes" % len(payload))
    return payload


def error(code: str, text: str) -> bytes:
    """An ERROR message; a text that is too long is cut at a character."""
    while len(text.encode()) > MAX_ERROR_TEXT:
        text = text[:-1]
    return build(ERROR, code, text)


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
