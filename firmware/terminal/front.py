"""The front panel's side of a transaction: keys in, effects out, until a card is read.

Modes: idle, menu, more (its second page), erase, prompt, amount, confirm, sure, card are the
cashier's; busy, result, ask and blocked are set by the engine's ``show`` effects; pages are
screens to read, one after the other. Nothing here sends or stores anything.
"""

from protocol import record
from terminal import money, screens, transactions

# Ten digits are 99,999,999.99: far above any sale, far below F4's twelve.
_MAX_DIGITS = 10
# What the cashier types to name an original, by transactions.asks: (name, fewest, most) digits.
_PROMPTS = {
    "": (),
    "stan": (("stan", 1, 6),),
    "rrn": (("rrn", 12, 12), ("date", 4, 4)),
    "auth": (("auth", 6, 6), ("date", 4, 4)),
}
# The menu, by its digit; the sale needs none.
_MENU = {
    "1": record.VOID,
    "2": record.REFUND,
    "3": record.PREAUTH,
    "4": record.PREAUTH_CANCEL,
    "5": record.COMPLETION,
    "6": record.COMPLETION_NOTICE,
    "7": record.COMPLETION_VOID,
    "8": record.BALANCE,
}
_SETTLE = "9"
_REPRINT = "0"
_CASES = "00"
_MORE = {
    "0": ("ask_cases",),
    "1": ("ask", "health"),
    "2": ("ask", "training"),
    "9": ("ask", "reset"),
}
# What is typed before everything is erased: RESET on a telephone's keys.
_ERASE = "73738"


class Front:
    """State machine of the panel. Effects are the engine's, plus
    ("card_in", txn, amount_minor, displayed_minor, card, original), ("answer", wanted),
    ("ask_settle",), ("ask_reprint",), ("ask_cases",), and ("ask", what) for what is no trade:
    "health", "training", "reset", and "erase" when that was confirmed. Above ``confirm_minor``
    (0: never) an amount is confirmed twice."""

    def __init__(self, merchant_name: str, status, confirm_minor: int = 0) -> None:
        self.mode = "idle"
        self._txn = record.SALE
        self._digits = ""
        self._minor = 0
        self._original: dict | None = None
        self._prompts: tuple = ()
        self._pages: list = []
        self._merchant = merchant_name
        self._status = status
        self._confirm_minor = confirm_minor

    def key(self, name: str) -> list:
        """One key: "0".."9", "00", "ENTER", "CLEAR" (last digit), "CANCEL"."""
        if self.mode == "pages" and name == "ENTER" and self._pages:
            return self._next_page()
        if self.mode in ("idle", "result", "pages"):
            return self._first_key(name)
        if name == "CANCEL" and self.mode in _CASHIERS:
            return self.idle()
        if self.mode == "ask" and name in ("ENTER", "CLEAR"):
            return [("answer", name == "ENTER")]
        handler = _KEYS.get(self.mode)
        return handler(self, name) if handler else []

    def card(self, card: dict, shown: list[str]) -> list:
        """A card was read; only the card screen takes one. ``shown`` is what the panel shows now:
        the amount is read back from it, not from the digits that were typed (invariant 7)."""
        if self.mode != "card":
            return []
        displayed = 0 if self._txn == record.BALANCE else screens.displayed_amount(shown)
        return [("card_in", self._txn, self._minor, displayed, card, self._original)]

    def card_wanted(self) -> int | None:
        """The amount for which a card is to be read, 0 for none; None: no card is."""
        return self._minor if self.mode == "card" else None

    def idle(self) -> list:
        """Back to the first screen."""
        return [("show", "idle", "idle", self._merchant, self._status())]

    def offer(self, txn: int, amount_minor: int, original: dict) -> list:
        """The engine found the original: the cashier confirms its amount."""
        self._txn = txn
        self._minor = amount_minor
        self._original = original
        return self._confirm()

    def _first_key(self, name: str) -> list:
        if name.isdigit():
            self._begin(record.SALE)
            return self._amount_key(name)
        if name == "ENTER" and self.mode == "idle":
            return [("show", "menu", "menu")]
        return [] if self.mode == "idle" else self.idle()

    def read(self, pages: list) -> list:
        """Show screens, name and values, one after the other; at least one."""
        self._pages = pages
        return self._next_page()

    def _next_page(self) -> list:
        return [("show", "pages") + self._pages.pop(0)]

    def _begin(self, txn: int) -> None:
        self._txn = txn
        self._digits = ""
        self._minor = 0
        self._prompts = _PROMPTS[transactions.asks(txn)]
        self._original = {"batch": 0, "stan": 0} if self._prompts else None

    def _more_key(self, name: str) -> list:
        self._digits = ""
        return [_MORE[name]] if name in _MORE else []

    def _erase_key(self, name: str) -> list:
        if name == "ENTER":
            return [("ask", "erase")] if self._digits == _ERASE else self.idle()
        if name == "CLEAR":
            self._digits = self._digits[:-1]
        elif name.isdigit() and len(self._digits + name) <= len(_ERASE):
            self._digits += name
        else:
            return [("beep", 1)]
        return [("show", "erase", "erase", self._digits or "-")]

    def _menu_key(self, name: str) -> list:
        if name == "CLEAR":
            return [("show", "more", "more")]
        if name == _SETTLE:
            return [("ask_settle",)]
        if name == _REPRINT:
            return [("ask_reprint",)]
        if name == _CASES:
            return [("ask_cases",)]
        if name not in _MENU:
            return []
        self._begin(_MENU[name])
        return self._next_prompt()

    def _next_prompt(self) -> list:
        self._digits = ""
        if self._prompts:
            return self._ask()
        if self._txn == record.BALANCE:
            return [("show", "card", "card_only", transactions.title(self._txn))]
        return self._show_amount()

    def _ask(self) -> list:
        name, _, most = self._prompts[0]
        title = transactions.title(self._txn)
        return [("show", "prompt", "prompt", title, _ASKED[name], self._digits or "-", most)]

    def _prompt_key(self, name: str) -> list:
        what, fewest, most = self._prompts[0]
        if name == "CLEAR":
            self._digits = self._digits[:-1]
            return self._ask()
        if name == "ENTER" and len(self._digits) >= fewest:
            return self._take(what)
        # Hosts give RRN and authorisation codes with letters too; a keyboard may have them.
        letter = what in ("rrn", "auth") and len(name) == 1 and "a" <= name.lower() <= "z"
        if not (name.isdigit() or letter):
            return []
        if len(self._digits) + len(name) > most:
            return [("beep", 1)]
        self._digits += name
        return self._ask()

    def _take(self, what: str) -> list:
        if what == "stan":
            return [("find", "original", self._txn, int(self._digits))]
        self._original = dict(self._original or {})
        self._original[what] = self._digits
        self._prompts = self._prompts[1:]
        return self._next_prompt()

    def _show_amount(self) -> list:
        shown = money.show(self._minor)
        return [("show", "amount", "amount", shown, transactions.title(self._txn))]

    def _amount_key(self, name: str) -> list:
        if name == "CLEAR":
            self._digits = self._digits[:-1]
        elif name == "ENTER" and self._minor:
            return self._confirm()
        elif name.isdigit():
            digits = (self._digits + name).lstrip("0")
            if len(digits) > _MAX_DIGITS:
                return [("beep", 1)]
            self._digits = digits
        else:
            return []
        self._minor = int(self._digits or "0")
        return self._show_amount()

    def _confirm(self) -> list:
        charge = self._txn == record.SALE
        title = "CHARGE" if charge else transactions.title(self._txn)
        return [("show", "confirm", "confirm", money.show(self._minor), title)]

    def _confirm_key(self, name: str) -> list:
        if name == "CLEAR":
            return self.idle()
        if name != "ENTER":
            return []
        amount = money.show(self._minor)
        if self.mode == "confirm" and 0 < self._confirm_minor < self._minor:
            return [("show", "sure", "sure", amount)]
        return [("show", "card", "card", amount)]


_ASKED = {"stan": "STAN", "rrn": "RRN", "auth": "AUTH CODE", "date": "DATE MMDD"}
_CASHIERS = ("menu", "more", "erase", "prompt", "amount", "confirm", "sure", "card")
_KEYS = {
    "menu": Front._menu_key,
    "more": Front._more_key,
    "erase": Front._erase_key,
    "prompt": Front._prompt_key,
    "amount": Front._amount_key,
    "confirm": Front._confirm_key,
    "sure": Front._confirm_key,
}
