"""F48 of settlement and batch upload: the totals, the host's word on them, and the details.

Amounts are in minor units. Raises Iso8583Error for what does not fit its digits.
"""

from protocol.iso8583.codec import Iso8583Error

BALANCED, UNBALANCED, ERROR = 1, 2, 3
MOST_DETAILS = 8
_FIELD = 48
_PART = 31  # debit total 12, count 3, credit total 12, count 3, reply 1


def totals(debit_minor: int, debit_count: int, credit_minor: int, credit_count: int) -> str:
    """F48 of a 0500: 62 digits. This terminal has no foreign cards apart, so their half is 0."""
    text = _digits(debit_minor, 12, "debit total") + _digits(debit_count, 3, "debit count")
    text += _digits(credit_minor, 12, "credit total") + _digits(credit_count, 3, "credit count")
    return text + "0" * (2 * _PART - len(text))


def reply(text: str) -> int:
    """What F48 of a 0510 says: BALANCED only when neither half objects, ERROR when unreadable."""
    if len(text) != 2 * _PART or not text.isdigit():
        return ERROR
    domestic = text[_PART - 1]
    foreign = text[-1]
    # Nothing was sent for foreign cards, so a host may leave their reply at 0.
    if domestic == "1" and foreign in ("0", "1"):
        return BALANCED
    return UNBALANCED if domestic in ("1", "2") and foreign in ("0", "1", "2") else ERROR


def details(rows: list) -> str:
    """F48 of a 0320 from 1 to 8 (class, STAN, masked PAN, amount).

    The digits a mask hides are sent as 0: the terminal has forgotten them.
    """
    if not 1 <= len(rows) <= MOST_DETAILS:
        raise Iso8583Error(f"{len(rows)} details, not 1 to {MOST_DETAILS}", _FIELD)
    text = _digits(len(rows), 2, "number of details")
    for kind, stan, masked, amount_minor in rows:
        pan = masked.replace("*", "0")
        if not pan.isdigit() or len(pan) > 20:
            raise Iso8583Error("a detail's card number is not up to 20 digits and *", _FIELD)
        text += _digits(kind, 2, "class") + _digits(stan, 6, "STAN")
        text += "0" * (20 - len(pan)) + pan + _digits(amount_minor, 12, "amount")
    return text


def end_count(details_sent: int) -> str:
    """F48 of the 0320 that ends an upload: how many details there were, 4 digits."""
    return _digits(details_sent, 4, "number of details")


def _digits(value: int, length: int, name: str) -> str:
    text = str(value)
    if value < 0 or len(text) > length:
        raise Iso8583Error(f"{name} does not fit {length} digits", _FIELD)
    return "0" * (length - len(text)) + text
