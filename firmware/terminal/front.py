"""The front panel's side of a sale: keys in, effects out, until a card is read.

Modes: idle, amount, confirm, card are the cashier's; busy, result, ask and blocked are set by the
engine's ``show`` effects. Nothing here sends or stores anything.
"""

from terminal import money, screens

# Ten digits are 99,999,999.99: far above any sale, far below F4's twelve.
_MAX_DIGITS = 10


class Front:
    """State machine of the panel. Effects are the engine's, plus
    ("card_sale", amount_minor, displayed_minor, card) and ("answer", wanted)."""

    def __init__(self, merchant_name: str, status) -> None:
        self.mode = "idle"
        self._digits = ""
        self._merchant = merchant_name
        self._status = status

    def key(self, name: str) -> list:
        """One key: "0".."9", "00", "ENTER", "CLEAR" (last digit), "CANCEL"."""
        if self.mode in ("idle", "result"):
            return self._first_key(name)
        if self.mode == "amount":
            return self._amount_key(name)
        if self.mode == "confirm":
            return self._confirm_key(name)
        if self.mode == "card" and name == "CANCEL":
            return self.idle()
        if self.mode == "ask" and name in ("ENTER", "CLEAR"):
            return [("answer", name == "ENTER")]
        return []

    def card(self, card: dict, shown: list[str]) -> list:
        """A card was read; only the card screen takes one. ``shown`` is what the panel shows now:
        the amount is read back from it, not from the digits that were typed (invariant 7)."""
        if self.mode != "card":
            return []
        displayed = screens.displayed_amount(shown)
        return [("card_sale", self._amount(), displayed, card)]

    def idle(self) -> list:
        """Back to the first screen."""
        self._digits = ""
        return [("show", "idle", "idle", self._merchant, self._status())]

    def _amount(self) -> int:
        return int(self._digits or "0")

    def _first_key(self, name: str) -> list:
        if name.isdigit():
            self._digits = ""
            return self._digit(name)
        return self.idle() if self.mode == "result" else []

    def _digit(self, name: str) -> list:
        digits = (self._digits + name).lstrip("0")
        if len(digits) > _MAX_DIGITS:
            return [("beep", 1)]
        self._digits = digits
        return [("show", "amount", "amount", money.show(self._amount()))]

    def _amount_key(self, name: str) -> list:
        if name.isdigit():
            return self._digit(name)
        if name == "CANCEL":
            return self.idle()
        if name == "CLEAR":
            self._digits = self._digits[:-1]
            return [("show", "amount", "amount", money.show(self._amount()))]
        if name == "ENTER" and self._amount():
            return [("show", "confirm", "confirm", money.show(self._amount()))]
        return []

    def _confirm_key(self, name: str) -> list:
        if name == "ENTER":
            return [("show", "card", "card", money.show(self._amount()))]
        if name in ("CANCEL", "CLEAR"):
            return self.idle()
        return []
