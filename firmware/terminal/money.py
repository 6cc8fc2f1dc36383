"""Amounts on screens and slips: integer minor units to text and back. No floats anywhere."""


def show(amount_minor: int) -> str:
    """``1234`` -> ``"12.34"``."""
    return "%d.%02d" % (amount_minor // 100, amount_minor % 100)


def read(text: str) -> int:
    """The minor units of an amount as ``show`` wrote it; raises ValueError for anything else.

    Used to compare what was really on the screen with what is about to be sent (invariant 7).
    """
    yuan, _, fen = text.partition(".")
    if len(fen) != 2 or not yuan.isdigit() or not fen.isdigit():
        raise ValueError("not an amount: %r" % text)
    return int(yuan) * 100 + int(fen)
