"""What the screen says: a name and its values in, at most eight lines of 21 characters out.

Pure data and formatting. A screen that reports an outcome is shown only after the outcome's
record is durable; the engine sees to that by the order of its effects.
"""

from terminal import money

WIDTH = 21
MAX_LINES = 8

# One string a screen: a board's heap has no room for one object a line.
_SCREENS = {
    "starting": "PINGZHANG\n\nStarting...",
    "provision": "NOT PROVISIONED\n\nConnect the companion\nand run:\ncompanion provision",
    "idle": "{0}\n\nEnter amount\n\n{1}",
    "menu": "1 Void    2 Refund\n3 Pre-auth  4 Cancel\n5 Completion\n6 Completion notice\n"
    "7 Completion void\n8 Balance  9 Settle\n0 Print last slip\n00 Cases",
    "prompt": "{0}\n\n{1}\n{2}\n\n{3} digits, ENTER",
    "amount": "{1}\n\nCNY {0}\n\nENTER = next",
    "confirm": "{1}\n\nCNY {0}\n\nENTER = yes\nCANCEL = no",
    "sure": "LARGE AMOUNT\n\nCNY {0}\n\nAre you sure?\nENTER = yes\nCANCEL = no",
    "same": "SAME CARD AND AMOUNT\nCNY {0}\n#{1}\n\n"
    "was just approved.\nOnce more?\nENTER = yes\nCLEAR = no",
    "card_only": "{0}\n\nInsert or tap card\n\nCANCEL = stop",
    "card": "CNY {0}\n\nInsert or tap card\n\nCANCEL = stop",
    "connecting": "CNY {0}\n\nConnecting...",
    "processing": "CNY {0}\n\nProcessing...\nDo not switch off",
    "signing_in": "Signing in...",
    "reversing": "UNFINISHED SALE\nCNY {0}\n#{1}\n\nReversing, try {2}\nPlease wait",
    "chip": "CNY {0}\n\nDo not remove card",
    "approved": "APPROVED\nCNY {0}\n{3}\nRRN {1}\nAUTH {2}",
    "balance": "BALANCE\n\nCNY {0}",
    "declined": "DECLINED  {1}\nCNY {0}\n{3}\n{2}\nNothing was done",
    "reversed": "NOT CHARGED\nCNY {0}\n#{1}\n\n{3}\nwas reversed",
    "undone": "NOT DONE\nCNY {0}\n#{1}\n\n{3}\nwas reversed",
    "absent": "NOT CHARGED\nCNY {0}\n#{1}\n\n{3}:\nnot at the host\nCode {2}",
    "suspended": "OPEN CASE\nCNY {0}\n#{1}\n\n"
    "Not known how it went\nKeep the slip and\nsync the companion",
    "waiting": "UNFINISHED SALE\nCNY {0}\n#{1}\n\nNo sale until it is\nsettled. Retrying.",
    "offline": "NO CONNECTION\n\n{0}\nNothing was charged",
    "refused": "NOT POSSIBLE\n\n{0}\nNothing was charged",
    "owed": "APPROVED\nCNY {0}\n#{1}\n\nReceipt not printed\nENTER = reprint\nCLEAR = no",
    "last": "LAST TRANSACTION\nCNY {0}\n#{1}\n{2}\nAPPROVED",
    "settling": "SETTLEMENT\n\nBATCH {0}\nCNY {1}\n\nPlease wait",
    "closing": "SETTLEMENT\n\nBATCH {0}\n\nNot closed yet.\nNo sale. Retrying.",
    "settled": "SETTLED\n\nBATCH {0}",
    "unsettled": "NOT SETTLED  {1}\n\nBATCH {0}\n\nOpen case: sync the\ncompanion",
    "cases": "OPEN CASES: {0}\n{1}\nENTER = next",
    "verdict": "{0}\n#{1}  BATCH {2}\n\n{3}\n\nENTER = next",
    "fault": "OUT OF SERVICE\n\n{0}\n\nNothing is lost.\nSync the companion.",
    "escape": "MAINTENANCE\n\nThe port belongs to\nthe REPL now",
}


_DECLINES = {
    "13": "Bad amount",
    "14": "Bad card number",
    "51": "Not enough money",
    "54": "Card expired",
    "55": "Wrong PIN",
    "58": "Not allowed here",
    "61": "Over the limit",
    "91": "Bank not reachable",
}


def decline_text(code: str) -> str:
    """A few words for the cashier about a declining F39."""
    return _DECLINES.get(code, "Declined by the bank")


def lines(name: str, *values: object) -> list[str]:
    """The lines of a screen; longer ones are cut to the width, never wrapped."""
    return [row[:WIDTH] for row in _SCREENS[name].format(*values).split("\n")][:MAX_LINES]


def displayed_amount(shown: list[str]) -> int:
    """The amount in minor units read back from the lines of an amount or confirm screen.

    Raises ValueError when there is none: then nothing may be charged.
    """
    for row in shown:
        if row.startswith("CNY "):
            return money.read(row[4:].split(" ")[0])
    raise ValueError("no amount on the screen")
