"""The decoders that both ends share: frame, CBOR, message, record, configuration."""

from binascii import crc32, unhexlify

from protocol import cbor, config, frame, messages, packed, record
from tests.fuzz.mutation import bend, bent, damage, encoded, leaf
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random, from_json, vectors


def session_payloads() -> "list[bytes]":
    """Every message of the golden sessions."""
    found = []
    for session in vectors("session")["sessions"]:
        for flight in session["messages"]:
            for payload in flight["payloads"]:
                found.append(unhexlify(payload))
    return found


def records() -> "list[bytes]":
    """Journal records of every kind, and of one that is not known yet."""
    found = [unhexlify(row["cbor"]) for row in vectors("record")["records"]]
    found.append(cbor.dumps([200, 1, "a newer terminal", b"\0" * 9]))
    return found


def configs() -> "list[bytes]":
    """Configurations with few and with all fields."""
    known = from_json(vectors("record")["config"]["fields"])
    assert isinstance(known, dict)
    pending = [data for data in records() if record.decode(data)["kind"] == record.PENDING]
    full = dict(known, pendings=pending * 2, stan_start=1000, backup_host="::1", backup_port=1)
    return [config.encode(known), config.encode(full)]


class Cbor(Target):
    """Values: each has one encoding, so what is read encodes to the same bytes."""

    name = "cbor"
    refusals = (cbor.CborError,)

    def __init__(self) -> None:
        golden = vectors("cbor")
        self.seeds = [unhexlify(row["cbor"]) for row in golden["good"] + golden["bad"]]
        self.seeds += session_payloads() + records()

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if dice.below(2):
            values = []
            for _ in range(1 + dice.below(6)):
                try:
                    values.append(cbor.loads(pick(dice, self.seeds)))
                except cbor.CborError:
                    values.append(leaf(dice))
            data = encoded(values, data)
        if not dice.below(64):
            data = bytes([0x80 + dice.below(24)]) * dice.below(300) + data * dice.below(9)
        return bent(dice, data, pick(dice, self.seeds))

    def read(self, data: bytes) -> object:
        return cbor.loads(data)

    def check(self, data: bytes, found: object) -> bytes:
        assert cbor.dumps(found) == data, "two encodings of one value"
        return data


class Message(Target):
    """Messages of a session, towards both ends, in every version."""

    name = "message"
    refusals = (messages.MessageError,)

    def __init__(self) -> None:
        self.seeds = session_payloads()
        self.types = sorted(messages.TO_TERMINAL) + sorted(messages.TO_COMPANION)

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if not dice.below(8):
            kind = self.types[dice.below(len(self.types))]
            data = encoded([kind] + [leaf(dice) for _ in range(dice.below(5))], data)
        message = cbor.loads(data)
        assert isinstance(message, list)
        how = dice.below(6) if not dice.below(8) else dice.below(3)
        if message[0] not in messages.TO_TERMINAL:
            how = 5 - how
        return bytes([how]) + bent(dice, data, pick(dice, self.seeds))

    def read(self, data: bytes) -> list:
        # The first byte says who reads: version 0 to 2, at the terminal or at the companion.
        how = data[0] % 6
        table = messages.TO_TERMINAL if how < 3 else messages.TO_COMPANION
        return messages.parse(data[1:], table, how % 3)

    def check(self, data: bytes, found: list) -> bytes:
        if found[0] == messages.PACKED:
            found = [found[0], found[1], packed.pack(found[2])]
        payload = cbor.dumps(found)
        assert data[1:].startswith(payload) or found[0] == messages.HELLO, "another message"
        return payload


class Record(Target):
    """Journal records, as they come out of a terminal's flash or a message."""

    name = "record"
    refusals = (record.RecordError, cbor.CborError)

    def __init__(self) -> None:
        self.seeds = records()

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if not dice.below(16):
            # An older terminal's, without the last fields.
            values = cbor.loads(data)
            assert isinstance(values, list)
            data = cbor.dumps(values[: dice.below(len(values)) + 1])
            return data if dice.below(2) else bent(dice, data)
        return bent(dice, data, pick(dice, self.seeds))

    def read(self, data: bytes) -> dict:
        return record.decode(data)

    def check(self, data: bytes, found: dict) -> bytes:
        assert record.kind_name(found["kind"])
        if "fields" in found:
            return cbor.dumps([found["kind"]] + found["fields"])
        again = record.encode(found)
        # An older terminal's record is shorter by fields that are empty.
        assert again[1:3] == data[1:3] or len(again) > len(data), "another record"
        assert record.decode(again) == found
        return again


class Config(Target):
    """A configuration, from PROVISION or a push, or out of the vault."""

    name = "config"
    refusals = (config.ConfigError, cbor.CborError)

    def __init__(self) -> None:
        self.seeds = configs()

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if dice.below(2):
            return bent(dice, data, pick(dice, self.seeds))
        # One or two fields, so that most others stay good and the checks behind them are reached.
        values = cbor.loads(data)
        assert isinstance(values, list)
        for _ in range(1 + dice.below(2)):
            at = dice.below(len(values))
            values[at] = bend(dice, values[at]) if dice.below(3) else leaf(dice)
        return encoded(values, data)

    def read(self, data: bytes) -> dict:
        return config.decode(data)

    def check(self, data: bytes, found: dict) -> bytes:
        again = config.encode(found)
        assert config.decode(again) == found
        return again


def _plainly(stream: bytes, most: int) -> "list[bytes]":
    """The payloads of a stream, by the specification's words and nothing else."""
    found = []
    for stuffed in stream.split(b"\0")[:-1]:
        data = bytearray()
        rest = stuffed
        while rest:
            run = rest[0]
            if run > len(rest):
                break
            data.extend(rest[1:run])
            rest = rest[run:]
            if run < 255 and rest:
                data.append(0)
        payload = bytes(data[:-4])
        good = not rest and 0 < len(payload) <= most
        if good and crc32(payload) & 0xFFFFFFFF == int.from_bytes(data[-4:], "big"):
            found.append(payload)
    return found


class Frame(Target):
    """A byte stream in pieces: what comes out does not depend on where it was cut."""

    name = "frame"
    refusals = ()
    memory = (16384, 16)
    steps = (4000, 48)

    def __init__(self) -> None:
        self.seeds = [unhexlify(row["payload"]) for row in vectors("frame")["frames"]]
        self.seeds += session_payloads()
        self.seeds += [bytes(200), bytes(range(256)) * 4]
        for size in (249, 250, 251, 254, frame.MAX_TO_TERMINAL, frame.MAX_TO_COMPANION):
            self.seeds += [b"\1" * size, b"\1" * (size + 1)]
        self.frames = [frame.encode(payload) for payload in self.seeds]

    def make(self, dice: Random) -> bytes:
        stream = b""
        for _ in range(1 + dice.below(3)):
            what = dice.below(8)
            if what == 0:
                stream += frame.encode(damage(dice, pick(dice, self.seeds)) or b"\0")
            elif what < 4:
                stream += pick(dice, self.frames)
            else:
                stream += damage(dice, pick(dice, self.frames), pick(dice, self.frames))
        return bytes([dice.below(256)]) + stream

    def read(self, data: bytes) -> list[bytes]:
        # The first byte says how long the pieces are.
        piece = data[0] or 1
        stream = data[1:]
        most = frame.MAX_TO_TERMINAL if piece & 1 else frame.MAX_TO_COMPANION
        decoder = frame.Decoder(most)
        found: list[bytes] = []
        for start in range(0, len(stream), piece):
            found.extend(decoder.feed(stream[start : start + piece]))
        return found

    def check(self, data: bytes, found: list[bytes]) -> bytes:
        most = frame.MAX_TO_TERMINAL if (data[0] or 1) & 1 else frame.MAX_TO_COMPANION
        # What was too long for the decoder's buffer is longer than any good frame.
        assert found == _plainly(data[1:], most), "other payloads than the specification says"
        return b"".join(found)
