"""The external card reader's protocol, as README.md of firmware/drivers has it."""

from binascii import unhexlify

from drivers import serialreader
from drivers.serialreader import ACK, ASK, CARD, CHIP, HEARD, HELLO, SAID, SerialReader
from protocol import cbor, frame
from terminal import cards
from tests.shared.expect import Random, raises
from tests.shared.wires import Time, Uart

# entry, expiry, pan, masked, token, ksn, sealed, icc, chip
TEST_CARD = ["051", "4912", "9999991234567893", "", b"", b"", b"", b"\x9f\x26\x01\x55", True]
SEALED = ["071", "4912", "", "622202******0128", b"t" * 8, b"k" * 10, b"s" * 32, b"", False]


class Peer:
    """The reader's side of the line: what the terminal sent, and frames to it."""

    def __init__(self, amount_minor: int | None = 500) -> None:
        self.time = Time()
        self.uart = Uart()
        self.reader = SerialReader(self.uart, self.time)
        self._decoder = frame.Decoder(400)
        self.reader.want(amount_minor)
        self.reader.poll()
        self.uart.sent = b""

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


def card(values: list, number: object = 1, amount_minor: object = 500) -> list:
    message = [CARD, number, amount_minor]
    message.extend(values)
    return message


def changed(values: list, at: int, value: object) -> list:
    values = list(values)
    values[at] = value
    return values


def test_a_test_card_goes_to_the_terminal_once_and_is_acknowledged():
    peer = Peer()
    given = peer.send(card(TEST_CARD))
    assert given is not None
    assert given["pan"] == "9999991234567893" and given["test"]
    checked = cards.check(given)
    assert checked["entry"] == "051" and checked["icc"] == b"\x9f\x26\x01\x55" and checked["chip"]
    assert peer.heard() == [[ACK, 1]]
    assert peer.reader.poll() is None


def test_a_message_that_comes_again_is_acknowledged_again_and_taken_once():
    peer = Peer()
    assert peer.send(card(TEST_CARD, 7)) is not None
    assert peer.send(card(TEST_CARD, 7)) is None
    assert peer.heard() == [[ACK, 7], [ACK, 7]]
    assert peer.send(card(TEST_CARD, 8)) is not None
    # A reader that starts anew must not begin with that number: it is told.
    peer.heard()
    peer.reader.want(None)
    assert peer.heard() == [[ASK, 2, None, 8]]


def test_no_clear_number_but_a_test_cards_gets_in():
    for pan in ("6222021234567890128", "4111111111111111", "99999", "9" * 20, " 9999991234567893"):
        peer = Peer()
        assert peer.send(card(changed(TEST_CARD, 2, pan))) is None
        assert peer.heard() == []  # no ACK: the reader sees that it was refused
        assert peer.send(card(changed(SEALED, 2, pan))) is None


def test_an_encrypted_card_is_refused_by_the_terminal_in_plain_words():
    peer = Peer()
    given = peer.send(card(SEALED))
    assert given is not None and given["masked"] == "622202******0128"
    error = raises(cards.CardError, cards.check, given)
    assert str(error) == "Encrypted card data"
    assert len(str(error)) <= 21


def test_a_card_read_for_another_amount_or_when_none_is_wanted_is_not_taken():
    for wanted, amount_minor in ((500, 501), (None, 500), (None, None), (0, False), (1, True)):
        peer = Peer(wanted)
        assert peer.send(card(TEST_CARD, 1, amount_minor)) is None, (wanted, amount_minor)
        assert peer.heard() == []
    peer = Peer(0)
    assert peer.send(card(TEST_CARD, 1, 0)) is not None
    peer.reader.want(700)
    assert peer.send(card(TEST_CARD, 2, 0)) is None
    assert peer.send(card(TEST_CARD, 3, 700)) is not None


def test_a_chips_last_word_comes_once():
    peer = Peer()
    assert peer.reader.verdict() is None
    for number, accepted in ((3, True), (4, False)):
        peer.reader.say("chip", "00", b"")
        peer.send([CHIP, number, accepted, number - 2])
        assert peer.reader.verdict() is accepted
        assert peer.reader.verdict() is None


def test_a_chips_word_on_another_approval_or_on_none_is_not_taken():
    peer = Peer()
    peer.send([CHIP, 1, True, 0])  # nobody has asked a chip
    assert peer.reader.verdict() is None
    peer.reader.say("chip", "00", b"")
    peer.reader.say("refused", "", b"")
    peer.send([CHIP, 2, True, 1])
    peer.send([CHIP, 3, True, 2])
    peer.reader.say("chip", "00", b"")
    for said in (0, 1, 2, None, True):
        peer.send([CHIP, 4, True, said])
        peer.send([CHIP, 5, True])
        assert peer.reader.verdict() is None, said
    assert ACK not in [told[0] for told in peer.heard()]
    peer.send([CHIP, 6, True, 3])
    assert peer.reader.verdict() is True


def test_the_reader_is_told_what_became_of_the_card_until_it_has_heard_it():
    peer = Peer()
    icc = b"\x91\x0a" + bytes(10)
    peer.reader.say("approved", "00", icc)
    peer.send([HEARD, 0])
    assert peer.wait(1000) == [[SAID, 1, 1, "00", icc]] * 3
    peer.send([HEARD, 1])
    assert peer.wait(1000) == [[ASK, 2, 500, None]]
    for how, number in (("refused", 0), ("declined", 2), ("chip", 3)):
        peer.reader.say(how, "51", b"")
        assert peer.heard()[0][2:] == [number, "51", b""]
    raises(ValueError, peer.reader.say, "perhaps", "", b"")


def test_what_became_of_one_card_is_not_said_of_the_next():
    peer = Peer()
    peer.reader.say("approved", "00", b"")
    assert peer.send(card(TEST_CARD, 9)) is not None
    assert peer.heard() == [[SAID, 1, 1, "00", b""], [ACK, 9]]
    assert peer.wait(1500) == []


def test_a_reader_that_hears_nothing_is_not_told_for_ever():
    peer = Peer()
    peer.reader.say("declined", "51", b"")
    told = peer.wait(20000)
    assert told.count([SAID, 1, 2, "51", b""]) == 10
    # A new word begins anew, and is heard by its own number only.
    peer.reader.say("refused", "", b"")
    peer.send([HEARD, 1])
    assert peer.wait(500).count([SAID, 2, 0, "", b""]) == 2


def test_the_numbers_of_what_is_said_go_round():
    peer = Peer()
    for _ in range(256):
        peer.reader.say("refused", "", b"")
        peer.uart.sent = b""
    peer.reader.say("refused", "", b"")
    assert peer.heard() == [[SAID, 1, 0, "", b""]]


def test_the_reader_is_told_when_a_card_is_wanted_and_again_in_case_it_was_lost():
    peer = Peer(None)
    peer.reader.want(1234)
    peer.reader.want(1234)
    assert peer.heard() == [[ASK, 2, 1234, None]]
    assert peer.wait(4500) == [[ASK, 2, 1234, None], [ASK, 2, 1234, None]]
    peer.reader.want(0)
    peer.reader.want(None)
    assert peer.heard() == [[ASK, 2, 0, None], [ASK, 2, None, None]]


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
        [CHIP, 1, 1, 1],
        [CHIP, 1, "yes", 1],
        [CHIP, 1, True, 1, 1],
        [HEARD],
        [HEARD, "1"],
        [HELLO, 1, "reader"],
    ]
    for at in range(2, len(good)):
        for value in (None, 5, "x" * 300, b"x" * 300, []):
            wrong.append(changed(good, at, value))
    good.append(1)
    wrong.append(good)
    for message in wrong:
        peer = Peer()
        peer.reader.say("chip", "00", b"")
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
    for version in (1, 3):
        peer = Peer()
        peer.send([HELLO, version, "reader"])
        assert peer.reader.fault == "card reader has another version"
    peer.send([HELLO, 2, "reader"])
    assert peer.reader.fault == ""


def test_noise_and_broken_frames_do_no_harm():
    random = Random(7)
    peer = Peer()
    good = frame.encode(cbor.dumps(card(TEST_CARD)))
    for _ in range(300):
        data = bytearray(good)
        at = 1 + random.below(len(data) - 2)
        data[at] ^= 1 << random.below(8)
        for _ in range(random.below(4)):
            data[random.below(at)] ^= 1 << random.below(8)
        peer.uart.give(random.bytes(random.below(30)) + bytes(data))
        assert peer.reader.poll() is None
    peer.uart.give(b"\x01" * 2000 + b"\0")
    assert peer.reader.poll() is None
    assert peer.uart.any() == 2001 - 1024  # a reader that babbles leaves the others their turn
    assert peer.reader.poll() is None
    assert peer.send(card(TEST_CARD, 2)) is not None


def test_a_reader_is_asked_and_missed_and_back():
    peer = Peer()
    assert peer.reader.fault == "starting"
    peer.send([HELLO, 2, "Certified 3000"])
    assert peer.reader.fault == ""
    assert peer.wait(5000).count([ASK, 2, 500, None]) == 2
    assert peer.reader.fault == ""
    peer.wait(3000)
    assert peer.reader.fault == "card reader does not answer"
    peer.send([HELLO, 2, "Certified 3000"])
    assert peer.reader.fault == ""


def test_the_bytes_of_a_message():
    # COBS of [3, 5, true, 1] as CBOR and its CRC-32, between zeros.
    peer = Peer()
    peer.reader.say("chip", "00", b"")
    peer.uart.give(unhexlify("00" + "0a" + "840305f501" + "88f6a924" + "00"))
    peer.reader.poll()
    assert peer.reader.verdict() is True


def test_the_longest_message_fits():
    longest: list = ["051", "4912", "9999991234567893", "9" * 19, b"t" * 8, b"k" * 12, b"s" * 256]
    longest += [b"i" * 255, True]
    payload = cbor.dumps(card(longest, 255, 999999999999))
    assert len(payload) <= serialreader.MAX_PAYLOAD
