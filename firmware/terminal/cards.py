"""What a reader gives, checked, and the only forms in which it may be kept.

PCI DSS 3: the PAN is shown and stored truncated (first six, last four) or as a keyed hash; track
data is used for one message and dropped. Nothing here has a side effect.
"""

from binascii import unhexlify

from protocol import seal

TOKEN_LENGTH = 8


class CardError(ValueError):
    """A card that cannot be used; the message never contains its number."""


def _luhn(pan: str) -> bool:
    total = 0
    for i in range(len(pan)):
        digit = int(pan[len(pan) - 1 - i])
        if i % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def _track_of(pan: str, track2: str) -> bool:
    """Whether track 2 is well-formed and of this PAN: a reversal has only the PAN to go by."""
    number, _, rest = track2.replace("=", "D", 1).partition("D")
    return number == pan and rest.isdigit() and len(track2) <= 37


def check(card: object) -> dict:
    """A reader's event as a dict with pan, expiry, entry and track2; raises CardError.

    ``pan`` 13 to 19 digits with a right check digit, ``expiry`` YYMM, ``entry`` F22 (3 digits),
    ``track2`` the card's own with = or D as its separator, or "". ``chip`` is true when the card
    has a last word on an approval, ``icc`` its data for the issuer, at most 255 bytes.
    """
    if not isinstance(card, dict):
        raise CardError("card is not an object")
    pan = card.get("pan")
    if pan == "" and "sealed" in card:
        # A certified reader's, for its own host's eyes: no dialect here can carry it yet.
        raise CardError("Encrypted card data")
    if not isinstance(pan, str) or not 13 <= len(pan) <= 19 or not pan.isdigit():
        raise CardError("card number is not 13 to 19 digits")
    if not _luhn(pan):
        raise CardError("card number has a wrong check digit")
    expiry = card.get("expiry")
    if not isinstance(expiry, str) or len(expiry) != 4 or not expiry.isdigit():
        raise CardError("card expiry is not YYMM")
    entry = card.get("entry", "021")
    if not isinstance(entry, str) or len(entry) != 3 or not entry.isdigit():
        raise CardError("card entry mode is not 3 digits")
    track2 = card.get("track2", "")
    if not isinstance(track2, str) or (track2 and not _track_of(pan, track2)):
        raise CardError("track 2 is not that of the card number")
    checked: dict = {"pan": pan, "expiry": expiry, "entry": entry, "track2": track2}
    checked["chip"] = card.get("chip") is True
    checked["icc"] = _icc(card.get("icc", ""), pan)
    return checked


def _icc(text: object, pan: str) -> bytes:
    """F55 as a chip gave it, in hexadecimal. It goes into the journal: no PAN and no track 2."""
    if not isinstance(text, str) or len(text) > 510:
        raise CardError("chip data is not up to 255 bytes")
    if pan in text:
        raise CardError("chip data has the card number in it")
    try:
        return unhexlify(text)
    except ValueError:
        pass
    raise CardError("chip data is not hexadecimal")


def masked(pan: str) -> str:
    """First six and last four digits, stars between; the length stays visible."""
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def token(key: bytes, pan: str) -> bytes:
    """A keyed hash of the whole PAN, the same for the same card on one merchant's terminals."""
    return seal.hmac_sha256(key, pan.encode())[:TOKEN_LENGTH]
