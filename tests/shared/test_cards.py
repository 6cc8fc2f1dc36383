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
    )
    for change in bad:
        card = dict(good)
        card.update(change)
        error = raises(cards.CardError, cards.check, card)
        assert "4111" not in str(error)
    raises(cards.CardError, cards.check, None)


def test_masking_keeps_six_and_four_and_the_length():
    assert cards.masked(PAN) == "622200*********0005"
    assert len(cards.masked("4111111111111")) == 13


def test_the_token_depends_on_key_and_card():
    tokens = [cards.token(key, pan) for key in (bytes(32), b"k" * 32) for pan in (PAN, PAN[:-1])]
    assert len(set(tokens)) == 4
    assert len(tokens[0]) == cards.TOKEN_LENGTH
