"""What a reader gives is checked, and no error repeats a card number."""

from terminal import cards
from tests.shared.expect import raises

PAN = "6222000000000000005"


def test_a_good_card_is_taken_with_defaults():
    card = cards.check({"pan": "4111111111111111", "expiry": "3012"})
    assert card["entry"] == "021"
    assert card["track2"] == ""


def test_bad_cards_are_refused_without_repeating_the_number():
    good = {"pan": "4111111111111111", "expiry": "3012"}
    bad = (
        {"pan": "4111111111111112"},
        {"pan": "411111111111"},
        {"pan": "41111111111111111111"},
        {"pan": 4111111111111111},
        {"expiry": "301"},
        {"expiry": "30-2"},
        {"entry": "21"},
        {"track2": "1" * 38},
        {"track2": "not a track"},
        {"track2": "4111111111111111"},
        {"track2": "4111111111111111=3012=201"},
        {"track2": "4012888888881881=3012201"},
    )
    for change in bad:
        card = dict(good)
        card.update(change)
        error = raises(cards.CardError, cards.check, card)
        assert "4111" not in str(error)
    raises(cards.CardError, cards.check, None)


def test_a_track_of_the_same_card_is_taken_with_either_separator():
    for track2 in ("", "4111111111111111=301220100", "4111111111111111D3012201"):
        card = {"pan": "4111111111111111", "expiry": "3012", "track2": track2}
        assert cards.check(card)["track2"] == track2


def test_masking_keeps_six_and_four_and_the_length():
    assert cards.masked(PAN) == "622200*********0005"
    assert len(cards.masked("4111111111111")) == 13


def test_the_token_depends_on_key_and_card():
    tokens = [cards.token(key, pan) for key in (bytes(32), b"k" * 32) for pan in (PAN, PAN[:-1])]
    assert len(set(tokens)) == 4
    assert len(tokens[0]) == cards.TOKEN_LENGTH
