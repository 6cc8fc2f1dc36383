"""An external certified card reader on a UART: what it sends, checked, as the panel's events.

Frames are those of the sync protocol (protocol/frame.py), payloads CBOR arrays; README.md of this
folder has the messages. The reader keeps the customer's card number to itself: it gives one in
clear only for test cards (999999...), and this end takes no other.
"""

from binascii import hexlify

from drivers import testcard, ticks
from protocol import cbor, frame

VERSION = 2
# From the reader
HELLO = 1
CARD = 2
CHIP = 3
HEARD = 4
# To the reader
ASK = 129
ACK = 130
SAID = 131

MAX_PAYLOAD = 640  # the longest CARD
_ASK_MS = 2000
_SILENT = 3  # questions without an answer
_SAY_MS = 500
_SAYINGS = 10
_READS = 16  # of 64 bytes at a poll: what a UART's buffer holds
# What SAID may say, as its number.
_HOW = ("refused", "approved", "declined", "chip")
# Fields of CARD behind its kind, number and amount: name, type, longest.
_FIELDS = (
    ("entry", str, 3),
    ("expiry", str, 4),
    ("pan", str, 19),
    ("masked", str, 19),
    ("token", bytes, 8),
    ("ksn", bytes, 12),
    ("sealed", bytes, 256),
    ("icc", bytes, 255),
    ("chip", bool, 1),
)


class SerialReader:
    """``poll`` gives a card once, when it was read; ``verdict`` a chip's word on an approval."""

    every_ms = 20

    def __init__(self, uart, now_ms=ticks.now_ms) -> None:
        self._uart = uart
        self._now_ms = now_ms
        self._decoder = frame.Decoder(MAX_PAYLOAD)
        self._last: int | None = None  # the number of the newest message that was taken
        self._card: dict | None = None
        self._verdict: bool | None = None
        self._asked = now_ms() - _ASK_MS
        self._wanted: int | None = None
        self._unanswered = 0
        self._number = 0  # of the newest word on a card
        self._how = ""
        self._word: list = []
        self._sayings = 0  # of it that are left
        self._said = 0
        self.fault = "starting"

    def poll(self) -> dict | None:
        """Take what came. Never waits and never raises; what is not a message is dropped."""
        for _ in range(_READS):
            if not self._uart.any():
                break
            for payload in self._decoder.feed(self._uart.read(64) or b""):
                self._message(payload)
        if self._sayings and ticks.since(self._now_ms(), self._said) >= _SAY_MS:
            self._say()
        if ticks.since(self._now_ms(), self._asked) >= _ASK_MS:
            self._unanswered = min(self._unanswered + 1, _SILENT + 1)
            if self._unanswered > _SILENT:
                self.fault = "card reader does not answer"
            self._ask()
        card = self._card
        self._card = None
        return card

    def want(self, amount_minor: int | None) -> None:
        """A card is to be read for this amount, 0 for none; None: no card any more."""
        if amount_minor != self._wanted:
            self._wanted = amount_minor
            self._ask()

    def _ask(self) -> None:
        # What is lost on the line is said again with the next question.
        self._asked = self._now_ms()
        self._send([ASK, VERSION, self._wanted, self._last])

    def say(self, how: str, code: str, icc: bytes) -> None:
        """What became of the card, until the reader has heard it; see drivers/panel.py."""
        self._number = (self._number + 1) % 256
        self._how = how
        self._word = [SAID, self._number, _HOW.index(how), code, icc]
        self._sayings = _SAYINGS
        self._say()

    def _say(self) -> None:
        self._said = self._now_ms()
        self._sayings -= 1
        self._send(self._word)

    def verdict(self) -> bool | None:
        """Whether the chip accepts the approval; None when it has not said anything."""
        verdict = self._verdict
        self._verdict = None
        return verdict

    def _message(self, payload: bytes) -> None:
        try:
            items = cbor.loads(payload)
        except cbor.CborError:
            return
        if not isinstance(items, list) or len(items) < 2 or not _is_number(items[1]):
            return
        kind = items[0]
        if kind == HELLO:
            self._hello(items)
        elif kind == HEARD and items[1] == self._number:
            self._sayings = 0
        elif kind in (CARD, CHIP):
            # A message comes again until its ACK arrives: the second one is acknowledged only.
            if items[1] != self._last and not self._take(items):
                return
            self._last = items[1]
            self._send([ACK, items[1]])

    def _hello(self, items: list) -> None:
        if items[1] != VERSION:
            self.fault = "card reader has another version"
            return
        self.fault = ""
        self._unanswered = 0

    def _take(self, items: list) -> bool:
        if items[0] == CHIP:
            # On this approval and no other: one that comes late is about money that went back.
            asked = self._how == "chip" and _is_that(items[3:], self._number)
            if not asked or not isinstance(items[2], bool):
                return False
            self._verdict = items[2]
            return True
        # Read for another amount, its chip would vouch for that one (I7).
        card = _card(items[3:]) if _is_that(items[2:3], self._wanted) else None
        if card is None:
            return False
        self._sayings = 0  # what is said from now on is of this one
        self._card = card
        return True

    def _send(self, message: list) -> None:
        self._uart.write(frame.encode(cbor.dumps(message)))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def _is_that(items: list, number: int | None) -> bool:
    """Whether it is this number and nothing else; false is no 0."""
    return number is not None and items == [number] and not isinstance(items[0], bool)


def _card(values: list) -> dict | None:
    """The panel's card of a CARD message; None when it is none. terminal/cards.py checks what is
    in it. A number in clear that is not a test card's goes no further than here."""
    if len(values) != len(_FIELDS):
        return None
    card: dict = {}
    for i, (name, kind, longest) in enumerate(_FIELDS):
        value = values[i]
        if not isinstance(value, kind):
            return None
        if isinstance(value, (str, bytes)) and len(value) > longest:
            return None
        card[name] = value
    card["icc"] = hexlify(card["icc"]).decode()
    if card["pan"][: len(testcard.PREFIX)] == testcard.PREFIX:
        card["test"] = True
        del card["sealed"]
        return card
    if card["pan"] or not card["sealed"]:
        return None
    return card
