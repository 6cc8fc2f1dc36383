"""The way to a card's UID, against cards that follow the standard."""

from drivers import iso14443, testcard
from terminal import cards
from tests.shared import cards_in_field
from tests.shared.cards_in_field import Card, Field
from tests.shared.expect import Random, raises

FOUR = bytes([0x12, 0x34, 0x56, 0x78])
SEVEN = bytes([0x04, 1, 2, 3, 4, 5, 6])
TEN = bytes([0x04, 9, 8, 7, 6, 5, 4, 3, 2, 1])


def field(*uids: bytes) -> Field:
    made = Field()
    made.cards = [Card(uid) for uid in uids]
    return made


def test_crc_a_is_that_of_the_standard():
    # ISO/IEC 14443-3, annex B: the two examples.
    assert iso14443.crc_a(b"\x00\x00") == b"\xa0\x1e"
    assert iso14443.crc_a(b"\x12\x34") == b"\x26\xcf"
    random = Random(2)
    for length in range(12):
        data = random.bytes(length)
        assert iso14443.crc_a(data) == cards_in_field.crc_a(data)


def test_uids_of_all_three_sizes_are_found_and_the_card_is_halted():
    for uid in (FOUR, SEVEN, TEN):
        around = field(uid)
        assert iso14443.uid(around.air) == uid
        assert around.cards[0].state == "HALT"


def test_a_card_that_stays_is_found_every_time():
    around = field(SEVEN)
    assert [iso14443.uid(around.air) for _ in range(5)] == [SEVEN] * 5


def test_the_frames_of_a_single_size_uid():
    around = field(FOUR)
    iso14443.uid(around.air)
    select = b"\x93\x70" + FOUR + b"\x08"
    assert around.heard == [
        (b"\x52", 7),
        (b"\x93\x20", 0),
        (select + cards_in_field.crc_a(select), 0),
        (b"\x50\x00\x57\xcd", 0),
    ]


def test_nothing_in_the_field_is_no_card():
    around = field()
    assert iso14443.uid(around.air) == b""
    assert len(around.heard) == 1


def test_an_answer_spoiled_at_any_place_gives_no_uid_and_the_next_try_does():
    """Every answer of the dialogue: silent, too short, too long, a byte of it changed."""
    for uid in (FOUR, SEVEN):
        for answer in range(len(_answers(uid))):
            for how in range(9):
                around = field(uid)
                around.spoil = _Spoiler(answer, how)
                assert iso14443.uid(around.air) in (b"", uid), (answer, how)
                around.spoil = lambda data: data
                tries = [iso14443.uid(around.air), iso14443.uid(around.air)]
                assert tries[1] == uid, (answer, how)


def test_a_changed_byte_of_a_checked_answer_is_never_taken_for_another_card():
    random = Random(3)
    for _ in range(300):
        around = field(SEVEN)
        around.spoil = _Noise(random)
        assert iso14443.uid(around.air) in (b"", SEVEN)


def test_two_cards_are_none():
    around = field(FOUR, bytes([0x12, 0x34, 0x56, 0x79]))

    def air(frame: bytes, bits: int) -> bytes:
        try:
            return around.air(frame, bits)
        except cards_in_field.Clash:
            clash = iso14443.Collision()
        raise clash

    raises(iso14443.Collision, iso14443.uid, air)


def test_a_uid_makes_a_test_card_that_the_terminal_takes():
    seen = set()
    for number in range(200):
        card = testcard.card(bytes([0x12, number, 0x56, 0x78]))
        assert card["pan"].startswith("999999") and len(card["pan"]) == 16
        assert cards.check(card)["entry"] == "072"
        assert card["test"]
        seen.add(card["pan"])
    assert len(seen) == 200
    assert testcard.card(SEVEN) == testcard.card(SEVEN)


def test_the_test_card_of_a_uid_stays_the_same_from_release_to_release():
    # A void next week must find its sale: these two are what the cards have today.
    assert testcard.card(FOUR)["pan"] == "9999995461044856"
    assert testcard.card(SEVEN)["pan"] == "9999994461690073"


def test_uids_that_change_with_every_tap_are_one_card():
    first = bytes([0x08, 1, 2, 3])
    assert iso14443.is_random(first) and not iso14443.is_random(SEVEN)
    assert testcard.card(first) == testcard.card(bytes([0x08, 200, 9, 9]))
    assert testcard.card(first) != testcard.card(bytes([0x04, 200, 9, 9]))


def _answers(uid: bytes) -> list:
    around = field(uid)
    iso14443.uid(around.air)
    return around.heard[:-1]  # HLTA has none


class _Spoiler:
    """Spoils one answer: silent, a byte short, a byte more, or one of its bytes changed."""

    def __init__(self, answer: int, how: int) -> None:
        self._left = answer
        self._how = how

    def __call__(self, data: bytes) -> bytes:
        self._left -= 1
        if self._left != -1:
            return data
        if self._how < 3:
            return (b"", data[:-1], data + b"\0")[self._how]
        changed = bytearray(data)
        changed[self._how % len(data)] ^= 1 << self._how % 8
        return bytes(changed)


class _Noise:
    """One bit of one byte, in answers that carry a check."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def __call__(self, data: bytes) -> bytes:
        if len(data) < 3 or self._random.below(3):
            return data
        changed = bytearray(data)
        changed[self._random.below(len(data))] ^= 1 << self._random.below(8)
        return bytes(changed)
