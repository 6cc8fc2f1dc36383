"""What comes over a board's wires: an external card reader's line, and a reader chip's answers."""

from drivers import pn532
from drivers.pn532 import BadFrame
from drivers.serialreader import CARD, CHIP, HEARD, HELLO, SerialReader
from protocol import cbor, frame
from terminal import cards
from tests.fuzz.mutation import bent, damage
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random
from tests.shared.wires import Time, Uart

_CHIP_CARD = ["051", "4912", "999999" + "1234567893", "", b"", b"", b"", b"\x9f\x26\x01\x55", True]
_AMOUNT = 500
_SEALED = ["071", "4912", "", "622202******0128", b"t" * 8, b"k" * 10, b"s" * 32, b"", False]


class CardReader(Target):
    """The stream of an external reader: whatever comes, no clear card number but a test card's
    gets in, and what does is for terminal/cards.py to take or refuse."""

    name = "card reader"
    refusals = ()
    memory = (16384, 80)
    steps = (8000, 60)

    def __init__(self) -> None:
        self.seeds = [cbor.dumps(message) for message in _messages()]

    def make(self, dice: Random) -> bytes:
        data = b""
        for _ in range(1 + dice.below(3)):
            payload = pick(dice, self.seeds)
            if dice.below(4):
                payload = bent(dice, payload, pick(dice, self.seeds))
            data += frame.encode(payload or b"\0")
        return data if dice.below(4) else damage(dice, data)

    def read(self, data: bytes) -> object:
        uart = Uart()
        reader = SerialReader(uart, Time())
        reader.want(_AMOUNT)
        reader.say("chip", "00", b"")
        uart.sent = b""
        uart.give(data)
        card = reader.poll()
        while uart.any():
            card = reader.poll() or card
        return card, reader.verdict(), reader.fault, uart.sent

    def check(self, data: bytes, found) -> bytes:  # type: ignore[no-untyped-def]
        card, verdict, fault, sent = found
        assert verdict in (None, True, False)
        assert len(sent) <= 16 + 16 * data.count(b"\0"), "more answers than messages"
        said = ""
        if card is not None:
            pan = card["pan"]
            assert pan[:6] == "999999" if pan else card["sealed"], (
                "a number that is no test card's"
            )
            try:
                said = cards.check(card)["pan"]
            except cards.CardError as error:
                said = str(error)
                assert not pan or pan not in said, "a card number in an error"
        return repr((said, verdict, fault, sent)).encode()


def _messages() -> list:
    # MicroPython knows no [*a, *b].
    made: list = [[HELLO, 2, "A reader"], [CHIP, 7, True, 1], [CHIP, 8, False, 1], [HEARD, 1]]
    for number, values in ((0, _CHIP_CARD), (255, _SEALED)):
        message: list = [CARD, number, _AMOUNT]
        message.extend(values)
        made.append(message)
    return made


class ReaderChip(Target):
    """A PN532's answer to InListPassiveTarget."""

    name = "reader chip"
    refusals = (BadFrame,)

    def __init__(self) -> None:
        one = b"\x01\x01\x00\x04\x08"
        self.seeds = [
            b"\0",
            one + b"\x04\x12\x34\x56\x78",
            one + b"\x07\x04ABCDEF\x05\x78\x80\x70",
            one + b"\x0a0123456789",
            b"\x02" + one[1:] + b"\x041234" + one + b"\x045678",
        ]

    def make(self, dice: Random) -> bytes:
        found = pick(dice, self.seeds)
        if dice.below(2):
            found = damage(dice, found, pick(dice, self.seeds))[:200]
        body = b"\xd5\x4b" + found
        head = bytes([0, 0, 0xFF, len(body), -len(body) & 0xFF])
        data = head + body + bytes([-sum(body) & 0xFF, 0])
        return damage(dice, data) if dice.below(2) else data

    def read(self, data: bytes) -> object:
        return pn532.target(pn532.answer(data, 0x4A))

    def check(self, data: bytes, found) -> bytes:  # type: ignore[no-untyped-def]
        assert len(found) in (0, 4, 7, 10), "no UID is so long"
        start = data.find(b"\x00\xff") + 4
        body = data[start : start + data[start - 2]]
        assert (sum(body) + data[start + len(body)]) & 0xFF == 0, "a wrong checksum"
        assert not found or (body[2] == 1 and found in body), "a UID that nobody sent"
        return bytes(found)
