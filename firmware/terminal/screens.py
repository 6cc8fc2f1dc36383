"""What the screen says: a name and its values in, at most eight lines of 21 characters out.

Pure data and formatting. A screen that reports an outcome is shown only after the outcome's
record is durable; the engine sees to that by the order of its effects.
"""

from terminal import money

WIDTH = 21
MAX_LINES = 8

_SCREENS = {
    "starting": ("PINGZHANG", "", "Starting..."),
    "provision": (
        "NOT PROVISIONED",
        "",
        "Connect the companion",
        "and run:",
        "companion provision",
    ),
    "idle": ("{0}", "", "Enter amount", "", "{1}"),
    "amount": ("SALE", "", "CNY {0}", "", "ENTER = next"),
    "confirm": ("CHARGE", "", "CNY {0}", "", "ENTER = yes", "CANCEL = no"),
    "card": ("CNY {0}", "", "Insert or tap card", "", "CANCEL = stop"),
    "connecting": ("CNY {0}", "", "Connecting..."),
    "processing": ("CNY {0}", "", "Processing...", "Do not switch off"),
    "signing_in": ("Signing in...",),
    "reversing": ("UNFINISHED SALE", "CNY {0}  #{1}", "", "Reversing, try {2}", "Please wait"),
    "approved": ("APPROVED", "CNY {0}", "", "RRN {1}", "AUTH {2}"),
    "declined": ("DECLINED  {1}", "CNY {0}", "", "{2}", "Not charged"),
    "reversed": (
        "NOT CHARGED",
        "CNY {0}  #{1}",
        "",
        "The sale was reversed",
        "Ask for another card",
    ),
    "absent": ("NOT CHARGED", "CNY {0}  #{1}", "", "The host has no sale", "Code {2}"),
    "suspended": (
        "OPEN CASE",
        "CNY {0}  #{1}",
        "",
        "Reversal not answered",
        "Keep the slip and",
        "sync the companion",
    ),
    "waiting": (
        "UNFINISHED SALE",
        "CNY {0}  #{1}",
        "",
        "No sale until it is",
        "reversed. Retrying.",
    ),
    "offline": ("NO CONNECTION", "", "{0}", "Nothing was charged"),
    "refused": ("NOT POSSIBLE", "", "{0}", "Nothing was charged"),
    "owed": (
        "APPROVED",
        "CNY {0}  #{1}",
        "",
        "Receipt not printed",
        "ENTER = reprint",
        "CLEAR = no",
    ),
    "fault": ("OUT OF SERVICE", "", "{0}", "", "Nothing is lost.", "Sync the companion."),
    "escape": ("MAINTENANCE", "", "The port belongs to", "the REPL now"),
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
    return [row.format(*values)[:WIDTH] for row in _SCREENS[name]]


def displayed_amount(shown: list[str]) -> int:
    """The amount in minor units read back from the lines of an amount or confirm screen.

    Raises ValueError when there is none: then nothing may be charged.
    """
    for row in shown:
        if row.startswith("CNY "):
            return money.read(row[4:].split(" ")[0])
    raise ValueError("no amount on the screen")
