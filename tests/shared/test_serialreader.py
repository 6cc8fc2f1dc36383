"""The external card reader's protocol, as README.md of firmware/drivers has it."""

from binascii import unhexlify

from drivers import serialreader
from drivers.serialreader import ACK, ASK, CARD, CHIP, HELLO, SerialReader
from protocol import cbor, frame
from terminal import cards
from tests.shared.expect import Random, raises
from tests.shared.wires import Time, Uart

# entry, expiry, pan, masked, token, ksn, sealed, icc, chip
TEST_CARD = ["051", "4912", "9999991234567893", "", b"", b"", b"", b"\x9f\x26\x01\x55", True]
SEALED = ["071", "4912", "", "622202******0128", b"t" * 8, b"k" * 10, b"s" * 32, b"", False]


class Peer:
    """The reader's side of the line: what the terminal sent, and frames to it."""

    def __init__(self) -> None:
        self.time = Time()
        self.uart = Uart()
        self.reader = SerialReader(self.uart, self.time)
        self._decoder = frame.Decoder(200)

    def send(self, message: object) -> dict | None:
        self.uart.give(frame.encode(cbor.dumps(message)))
        return self.reader.poll()

    def heard(self) -> list:
        payloads = self._decoder.feed(self.uart.sent)
        self.uart.sent = b""
        return [cbor.loads(payload) for payload in payloads]

    def wait(self, milliseconds: int) -> list:
        for _ in range(milliseconds // 20):
            self.time.ms += 20
            self.reader.poll()
        return self.heard()


def card(values: list, number: object = 1) -> list:
    message = [CARD, number]
    message.extend(values)
    return message


def changed(values: list, at: int, value: object) -> list:
    values = list(values)
    values[at] = value
    return values


def test_a_test_card_goes_to_the_terminal_once_and_is_acknowledged():
    peer = Peer()
    peer.heard()
    given = peer.send(card(TEST_CARD))
    assert given is not None
    assert given["pan"] == "9999991234567893" and given["test"]
    checked = cards.check(given)
    assert checked["entry"] == "051" and checked["icc"] == b"\x9f\x26\x01\x55" and checked["chip"]
    assert peer.heard() == [[ACK, 1], [ASK, 1, None]]
    assert peer.reader.poll() is None


def test_a_message_that_comes_again_is_acknowledged_again_and_taken_once():
    peer = Peer()
    assert peer.send(card(TEST_CARD, 7)) is not None
    assert peer.send(card(TEST_CARD, 7)) is None
    assert peer.heard() == [[ACK, 7], [ASK, 1, None], [ACK, 7]]
    assert peer.send(card(TEST_CARD, 8)) is not None


def test_no_clear_number_but_a_test_cards_gets_in():
    for pan in ("6222021234567890128", "4111111111111111", "99999", "9" * 20, " 9999991234567893"):
        peer = Peer()
        assert peer.send(card(changed(TEST_CARD, 2, pan))) is None
        assert peer.heard() == [[ASK, 1, None]]  # and no ACK: the reader sees that it was refused
        assert peer.send(card(changed(SEALED, 2, pan))) is None


def test_an_encrypted_card_is_refused_by_the_terminal_in_plain_words():
    peer = Peer()
    given = peer.send(card(SEALED))
    assert given is not None and given["masked"] == "622202******0128"
    error = raises(cards.CardError, cards.check, given)
    assert str(error) == "Encrypted card data"
    assert len(str(error)) <= 21


def test_a_chips_last_word_comes_once():
    peer = Peer()
    assert peer.reader.verdict() is None
    for number, accepted in ((3, True), (4, False)):
        peer.send([CHIP, number, accepted])
        assert peer.reader.verdict() is accepted
        assert peer.reader.verdict() is None


def test_the_reader_is_told_when_a_card_is_wanted_and_again_in_case_it_was_lost():
    peer = Peer()
    peer.reader.want(1234)
    peer.reader.want(1234)
    assert peer.heard() == [[ASK, 1, 1234]]
    assert peer.wait(4500) == [[ASK, 1, 1234], [ASK, 1, 1234]]
    peer.reader.want(0)
    peer.reader.want(None)
    assert peer.heard() == [[ASK, 1, 0], [ASK, 1, None]]


def test_what_is_no_message_is_dropped_without_an_ack():
    good = card(TEST_CARD)
    wrong = [
        5,
        [],
        [CARD],
        [9, 1, 1],
        good[:-1],
        card(TEST_CARD, -1),
        card(TEST_CARD, 256),
        card(TEST_CARD, True),
        [CHIP, 1, 1],
        [CHIP, 1, "yes"],
        [HELLO, 2, "reader"],
        [HELLO, 1, 5],
        [HELLO, 1, "x" * 33],
    ]
    for at in range(2, len(good)):
        for value in (None, 5, "x" * 300, b"x" * 300, []):
            wrong.append(changed(good, at, value))
    good.append(1)
    wrong.append(good)
    for message in wrong:
        peer = Peer()
        peer.heard()
        assert peer.send(message) is None, message
        assert peer.reader.verdict() is None
        assert ACK not in [told[0] for told in peer.heard()], message


def test_fields_have_a_longest_length():
    for at, longest in ((0, 3), (1, 4), (3, 19), (4, 8), (5, 12), (6, 256), (7, 255)):
        fits = TEST_CARD[at][:0] + (b"5" if at > 3 else "5") * longest
        assert Peer().send(card(changed(TEST_CARD, at, fits))) is not None, at
        assert Peer().send(card(changed(TEST_CARD, at, fits + fits[:1]))) is None, at
    for pan, taken in (("999999" + "9" * 13, True), ("999999" + "9" * 14, False)):
        assert (Peer().send(card(changed(TEST_CARD, 2, pan))) is not None) == taken


def test_a_reader_of_another_version_is_said():
    for message in ([HELLO, 2, "reader"], [HELLO, 1, 5], [HELLO, 1, "x" * 33]):
        peer = Peer()
        peer.send(message)
        assert peer.reader.fault == "card reader has another version"
    peer = Peer()
    peer.send([HELLO, 1, "x" * 32])
    assert peer.reader.fault == ""


def test_noise_and_broken_frames_do_no_harm():
    random = Random(7)
    peer = Peer()
    good = frame.encode(cbor.dumps(card(TEST_CARD)))
    for _ in range(300):
        data = bytearray(good)
        for _ in range(1 + random.below(4)):
            data[random.below(len(data))] ^= 1 << random.below(8)
        peer.uart.give(random.bytes(random.below(30)) + bytes(data))
        assert peer.reader.poll() is None
    peer.uart.give(b"\x01" * 2000)
    assert peer.reader.poll() is None
    peer.uart.give(b"\0")
    assert peer.send(card(TEST_CARD, 2)) is not None


def test_a_reader_is_asked_and_missed_and_back():
    peer = Peer()
    assert peer.reader.fault == "starting"
    peer.send([HELLO, 1, "Certified 3000"])
    assert peer.reader.fault == "" and peer.reader.name == "Certified 3000"
    assert peer.wait(5000).count([ASK, 1, None]) == 3
    assert peer.reader.fault == ""
    peer.wait(2000)
    assert peer.reader.fault == "card reader does not answer"
    peer.send([HELLO, 1, "Certified 3000"])
    assert peer.reader.fault == ""


def test_the_bytes_of_a_message():
    # COBS of [3, 5, true] as CBOR and its CRC-32, between zeros.
    peer = Peer()
    peer.uart.give(unhexlify("00" + "09" + "830305f5" + "6c4e8a46" + "00"))
    peer.reader.poll()
    assert peer.reader.verdict() is True


def test_the_longest_message_fits():
    longest = ["051", "4912", "9999991234567893", "9" * 19, b"t" * 8, b"k" * 12, b"s" * 256]
    longest += [b"i" * 255, True]
    payload = cbor.dumps(card(longest, 255))
    assert len(payload) <= serialreader.MAX_PAYLOAD
