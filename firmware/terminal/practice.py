"""A front panel with a host that is not there: what a cashier practises with.

Pure: keys and cards in, screens and slips out, and nothing behind them.
"""

from protocol import record
from terminal import cards, money, receipt, screens, trade, transactions
from terminal.front import Front

# What a void may still find.
_KEPT = 8
_RRN = "000000000000"
_AUTH = "000000"
_BANNER = "*** TRAINING ***"
_MARK = "TRAINING"  # before the first line, where the banner has no room
_SLIP = "*** TRAINING 培训 ***"
_READY = "ENTER, CLEAR, 2: END"
# Screens that name what is not there in training, and those in their place.
_OTHERS = {"menu": "practice_menu", "more": "practice_more"}
# The last two digits of an amount that this host declines, with the same code.
_DECLINES = (51, 54, 55, 61, 91)


class Practice:
    """The front panel with a host that is not there. ``show(lines)``, ``print_line(text)`` and
    ``beep(n)`` are the panel's; ``leave()`` ends the training. ``names``: of the configuration,
    what a slip shows."""

    def __init__(self, names: dict, panel, leave) -> None:
        self._names = names
        self._panel = panel
        self._leave = leave
        self._front = Front(
            names["merchant_name"], lambda: screens.say(_READY, True), names["confirm_minor"]
        )
        self._shown: list[str] = []
        self._stan = 0
        self._done: list[tuple] = []  # (ARMED, OUTCOME) of what was approved, the newest last
        self._count = 0
        self._net_minor = 0

    def begin(self) -> None:
        """Show the first screen."""
        self._carry_out(self._front.idle())

    def event(self, event: dict) -> None:
        """A key or a card."""
        if "key" in event:
            self._carry_out(self._front.key(str(event["key"])))
        elif "card" in event:
            self._carry_out(self._front.card(event["card"], self._shown))

    def _carry_out(self, effects: list) -> None:
        for effect in effects:
            name = effect[0]
            if name == "show":
                self._show(*effect[1:])
            elif name == "beep":
                self._panel.beep(effect[1])
            elif name == "card_in":
                self._carry_out(self._sold(*effect[1:]))
            elif name == "find":
                self._carry_out(self._found(effect[2], effect[3]))
            elif name == "offer":
                self._carry_out(self._front.offer(*effect[1:]))
            elif name == "ask_settle":
                self._carry_out(self._settled())
            elif name == "ask_reprint":
                self._carry_out(self._printed_again())
            elif effect == ("ask", "training"):
                self._leave()
            elif name == "ask" or name == "ask_cases":
                self._carry_out([("show", "result", "untrained"), ("beep", 3)])

    def _show(self, mode: str, screen: str, *values: object) -> None:
        self._front.mode = mode
        self._shown = _marked(screens.lines(_OTHERS.get(screen, screen), *values))
        self._panel.show(self._shown)
        if hasattr(self._panel, "want_card"):
            self._panel.want_card(self._front.card_wanted())
        if mode == "result" and hasattr(self._panel, "tell_reader"):
            self._panel.tell_reader("refused", "", b"")

    def _sold(self, txn: int, amount_minor: int, displayed_minor: int, raw: dict, original):
        refusal = trade.bad_amount(txn, amount_minor, displayed_minor)
        if refusal:
            return trade.refused(refusal)
        try:
            masked = cards.masked(cards.check(raw)["pan"])
        except cards.CardError as error:
            return trade.refused(str(error))
        if txn == record.BALANCE:
            return [("show", "result", "balance", money.show(0)), ("beep", 1)]
        amount = money.show(amount_minor)
        title = transactions.title(txn)
        if amount_minor % 100 in _DECLINES:
            code = str(amount_minor % 100)
            text = screens.decline_text(code)
            return [("show", "result", "declined", amount, code, text, title), ("beep", 2)]
        self._approve(txn, amount_minor, masked, original or {})
        return [("show", "result", "approved", amount, _RRN, _AUTH, title), ("beep", 1)]

    def _approve(self, txn: int, amount_minor: int, masked: str, original: dict) -> None:
        self._stan += 1
        armed = {"txn": txn, "stan": self._stan, "batch": 0, "pan": masked}
        armed["amount_minor"] = amount_minor
        armed["orig_stan"] = original.get("stan", 0)
        armed["orig_rrn"] = original.get("rrn", "")
        armed["orig_auth"] = original.get("auth", "")
        outcome = {"rrn": _RRN, "auth": _AUTH, "host_time": "", "amount_minor": amount_minor}
        self._done = self._done[1 - _KEPT :] + [(armed, outcome)]
        effect = transactions.effect(txn)
        if effect != transactions.NOTHING:
            self._count += 1
            self._net_minor += amount_minor if effect == transactions.DEBIT else -amount_minor
        self._print(receipt.approved(self._names, armed, outcome))

    def _print(self, rows: list) -> None:
        for row in [_SLIP] + rows[:-1] + [_SLIP, rows[-1]]:
            self._panel.print_line(row)

    def _found(self, txn: int, stan: int) -> list:
        offered = trade.refused("No such original")
        for armed, outcome in self._done:
            if armed["stan"] == stan and transactions.undoes(txn, armed["txn"]):
                offered = [("offer", txn, outcome["amount_minor"], {"stan": stan})]
            elif armed["orig_stan"] == stan:
                offered = trade.refused("Already voided")
        return offered

    def _settled(self) -> list:
        net = money.show(abs(self._net_minor))
        if self._net_minor < 0:
            net = "-" + net
        shown = ("show", "result", "trained", self._count, net)
        self._done, self._count, self._net_minor = [], 0, 0
        return [shown, ("beep", 1)]

    def _printed_again(self) -> list:
        if not self._done:
            return trade.refused("Nothing to print")
        armed, outcome = self._done[-1]
        self._print(receipt.approved(self._names, armed, outcome, True))
        title = transactions.title(armed["txn"])
        amount = money.show(outcome["amount_minor"])
        return [("show", "result", "last", amount, armed["stan"], title)]


def _marked(rows: list[str]) -> list[str]:
    """A screen that says that it is a practice one, in the room that it has."""
    most = screens.max_lines()
    while len(rows) >= most and "" in rows:
        rows.remove("")
    if len(rows) < most:
        return [screens.say(_BANNER, True)] + rows
    return [screens.say(_MARK, True) + " " + rows[0]] + rows[1:]
