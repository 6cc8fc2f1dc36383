"""What comes from an acquirer's host: length prefixes, messages of each profile, answers."""

from binascii import unhexlify

from protocol.iso8583 import codec, profile, wire
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.dialect import Profile
from terminal.exchange import AnswerError, Exchange, Request
from tests.fuzz.mutation import damage
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random, vectors

_VECTORS = {
    "unionpay_pos": ("iso8583", "iso8583_transactions"),
    "iso8583_1987": ("iso8583_1987",),
}
_KEY = bytes(range(16))
_HERE = __file__[: -len("tests/fuzz/iso8583.py")]


def load(name: str) -> Profile:
    """One of the profiles that come with the firmware."""
    return profile.load_file(_HERE + "protocol/iso8583/profiles/" + name + ".json")


def wires(name: str) -> "list[bytes]":
    """The golden messages of a profile, from the TPDU on."""
    found = []
    for file in _VECTORS[name]:
        for message in vectors(file)["messages"]:
            found.append(unhexlify("".join([part[1] for part in message["wire"]])))
    return found


def _piece(dice: Random) -> str:
    odd = ("", " ", "D", "A+")
    what = dice.below(8)
    return odd[what] if what < len(odd) else str(dice.below(10 ** (what - 3)))


class Codec(Target):
    """Messages of one profile: a message that is read is written as it came."""

    refusals = (Iso8583Error,)
    steps = (20000, 60)

    def __init__(self, dialect: str) -> None:
        self.name = dialect
        self.profile = load(dialect)
        self.seeds = wires(dialect)
        self.fields: dict[int, list[str | bytes]] = {}
        for data in self.seeds:
            for number, value in codec.decode(self.profile, data).fields.items():
                self.fields.setdefault(number, []).append(value)
        self.numbers = sorted(self.fields)

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if dice.below(4):
            data = self.other_fields(dice, data)
            if dice.below(2):
                return data
        if not dice.below(4):
            return self._other_bitmap(dice, data)
        return damage(dice, data, pick(dice, self.seeds))

    def other_fields(self, dice: Random, data: bytes) -> bytes:
        """With fields of other messages, without some, and with their values changed."""
        message = codec.decode(self.profile, data)
        fields = message.fields
        for _ in range(1 + dice.below(5)):
            number = self.numbers[dice.below(len(self.numbers))]
            values = self.fields[number]
            value = values[dice.below(len(values))]
            if number in fields and not dice.below(3):
                del fields[number]
            elif isinstance(value, bytes):
                fields[number] = damage(dice, value, data, 1)
            else:
                # Most of them as long as before, or few would get past the lengths.
                cut = dice.below(len(value) + 1)
                piece = _piece(dice)
                rest = len(piece) if dice.below(8) else dice.below(3)
                text = value[:cut] + piece + value[cut + rest :]
                fields[number] = text[: len(value)] if dice.below(8) else text
        try:
            return codec.encode(self.profile, message.mti, fields, data[:5])
        except Iso8583Error:
            return damage(dice, data)

    def _other_bitmap(self, dice: Random, data: bytes) -> bytes:
        out = bytearray(data)
        bit = dice.below(128)
        at = self.profile.mti_at + 2 + (bit >> 3)
        if at < len(out):
            out[at] ^= 0x80 >> (bit & 7)
        return bytes(out)

    def read(self, data: bytes) -> codec.Message:
        return codec.decode(self.profile, data)

    def check(self, data: bytes, found: codec.Message) -> bytes:
        again = codec.encode(self.profile, found.mti, found.fields, found.tpdu)
        # The header is the profile's own, an answer's may differ.
        start = self.profile.mti_at
        assert again[start:] == data[start:], "two encodings of one message"
        if not data[-1] & 15:  # DES in software is slow
            assert not codec.verify_mac(self.profile, found, _KEY), "a MAC under no key"
        return again


class Answer(Target):
    """An answer to one of the terminal's requests, as the engine reads it."""

    name = "answer"
    refusals = (AnswerError,)
    steps = (40000, 60)

    def __init__(self) -> None:
        self.codecs = [Codec(name) for name in sorted(_VECTORS)]
        self.exchanges = []
        for one in self.codecs:
            settings = {"tmk": unhexlify("0123456789ABCDEFFEDCBA9876543210")}
            self.exchanges.append(Exchange(settings, one.profile, None, OSError))

    def make(self, dice: Random) -> bytes:
        which = dice.below(2)
        one = self.codecs[which]
        asked = dice.below(len(one.seeds))
        # The answer stands behind its request in the vectors, most of the time.
        answer = one.seeds[min(asked + dice.below(2), len(one.seeds) - 1)]
        what = dice.below(4)
        if what < 3:
            answer = one.other_fields(dice, answer)
        if what > 1:
            answer = damage(dice, answer, pick(dice, one.seeds))
        return bytes([which, asked]) + answer

    def read(self, data: bytes) -> bytes:
        which = data[0] % 2
        one = self.codecs[which]
        exchange = self.exchanges[which]
        asked = codec.decode(one.profile, one.seeds[data[1] % len(one.seeds)])
        request = Request(asked.mti, asked.fields, b"")
        exchange.late(data[2:], [2, 3, 4])
        answer = exchange.read(request, data[2:], b"")
        assert not answer.authentic, "a MAC under no key"
        exchange.bad_keys(answer.key_block)
        said = f"{answer.code} {answer.differs} {answer.amount_minor} {answer.batch}"
        return said.encode()

    def check(self, data: bytes, found: bytes) -> bytes:
        return found


class Wire(Target):
    """The stream of a connection, in pieces: messages behind their lengths."""

    name = "wire"
    refusals = (Iso8583Error,)

    def __init__(self) -> None:
        self.seeds = [wire.wrap(data) for data in wires("unionpay_pos")]

    def make(self, dice: Random) -> bytes:
        stream = b""
        for _ in range(1 + dice.below(4)):
            data = pick(dice, self.seeds)
            stream += data if dice.below(2) else damage(dice, data, pick(dice, self.seeds), 2)
        return bytes([1 + dice.below(255)]) + stream

    def read(self, data: bytes) -> list[bytes]:
        piece = data[0] or 1
        unwrapper = wire.Unwrapper(1024)
        found = []
        for at in range(1, len(data), piece):
            found += unwrapper.feed(data[at : at + piece])
        return found

    def check(self, data: bytes, found: list[bytes]) -> bytes:
        stream = data[1:]
        for message in found:
            assert stream.startswith(wire.wrap(message)), "another message than was sent"
            stream = stream[2 + len(message) :]
        return b"".join(found)
