"""The sentence of each code of a break: picked by what its rows say, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from companion.facts.schema import as_date
from companion.reconcile import codes, fold
from companion.reconcile.phrases import PHRASES, kind, phrase, status

SHOP = "shop"
ACQUIRER = "acquirer"
BANK = "bank"

Row = Mapping[str, object]

# Names in a break's note.
_DAYS = ("settle_day", "pay_day", "late_day", "paid_day", "valid_to", "hold_day", "due_day")
_MONEY = ("net", "got", "expected", "fee", "hold", "done")


def money(minor: int) -> str:
    """Minor units as a person reads them: 123456 -> 1,234.56."""
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 100)
    return f"{sign}{whole:,}.{part:02d}"


def notes(text: str) -> dict[str, str]:
    """A break's note, "name=value;name=value", by name."""
    parts = (part.partition("=") for part in text.split(";") if part)
    return {name: value for name, _, value in parts}


class _Known(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "?"


@dataclass(frozen=True)
class Told:
    """A break with its rows, while words are found for it."""

    row: Row
    t: Row | None
    a: Row | None
    b: Row | None
    p: Row | None
    lost: bool
    language: str
    notes: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.row["code"])

    @property
    def values(self) -> dict[str, object]:
        """What sentences have places for; what is not known is not there."""
        known: dict[str, object] = {"amount": money(number(self.row["amount_minor"]))}
        for name, value in self.notes.items():
            known[name] = value
            if name in _DAYS and value.isdigit():
                # The first day on which it is not valid any more.
                last = int(value) - (name == "valid_to")
                known[name] = as_date(last).isoformat()
            elif name in _MONEY and value.lstrip("-").isdigit():
                known[name] = money(int(value))
        day = self.row.get("day")
        if isinstance(day, int):
            known["day"] = as_date(day).isoformat()
        if self.t:
            known["here"] = money(number(self.t["amount_minor"]))
            known["kind_here"] = kind(str(self.t["txn"]), self.language)
            known["tries"] = self.t["reversal_attempts"]
            known["card"] = self.t["card"]
        if self.a:
            known["there"] = money(number(self.a["amount_minor"]))
            known["kind_there"] = kind(str(self.a["txn"]), self.language)
            known["status"] = status(str(self.a["status"]), self.language)
        if self.code.startswith("PAYOUT_"):
            known.update(self._payout(known))
        # What no row says is still an amount of the break.
        known.setdefault("here", known["amount"])
        known.setdefault("there", known["amount"])
        known.setdefault("status", status("CAPTURED", self.language))
        return known

    def _payout(self, known: Mapping[str, object]) -> dict[str, object]:
        """What the rows of a payout say of it."""
        found: dict[str, object] = {}
        if self.notes and "day" in known:
            found["settle_day"] = known["day"]
        for row in (self.p, self.b):
            for name in ("ref", "account"):
                if row and row[name]:
                    found[name] = row[name]
        if self.b:
            found["paid_day"] = as_date(number(self.b["day"])).isoformat()
        returned = self.b is not None and self.b["kind"] == "RETURN"
        why = (self.p and self.p["reason"]) or (returned and self.b and self.b["text"])
        if why:
            found["why"] = why
        return found

    def say(self, name: str, **more: object) -> str:
        """A sentence; what is not known of it is a question mark."""
        return phrase(name, self.language, _Known({**self.values, **more}))

    def also(self, *names: str) -> list[str]:
        """Those of these parts for which everything is known."""
        found = []
        for name in names:
            try:
                found.append(phrase(name, self.language, self.values))
            except KeyError:
                continue
        return found

    def txn(self, side: Row | None, name: str) -> str:
        return str(side[name]) if side else ""


Sentence = tuple[str, str, list[str]]


def _host_only(case: Told) -> Sentence:
    if case.a and case.a["status"] not in ("CAPTURED", "AUTHORISED"):
        return case.say("host_only.no_money"), SHOP, []
    if case.lost:
        return case.say("host_only.lost"), SHOP, []
    if "unseen" in case.notes:
        return case.say("host_only.unseen"), SHOP, []
    words = case.say("host_only")
    if case.row["provisional"]:
        return words, SHOP, case.also("in_grace")
    return words, ACQUIRER, []


def _terminal_only(case: Told) -> Sentence:
    more = case.also("in_grace") if case.row["provisional"] else []
    return case.say("terminal_only"), ACQUIRER, more


def _void_not_applied(case: Told) -> Sentence:
    name = "void_not_applied" if case.a else "void_not_applied.absent"
    return case.say(name), ACQUIRER, []


def _mismatch(case: Told) -> Sentence:
    same = case.t and case.a and case.t["amount_minor"] == case.a["amount_minor"]
    return case.say("amount_mismatch" + (".direction" if same else "")), ACQUIRER, []


def _declined(case: Told) -> Sentence:
    return case.say("declined_but_captured", code=case.txn(case.t, "code") or "?"), ACQUIRER, []


def _reversed(case: Told) -> Sentence:
    code = case.txn(case.t, "reversal_code")
    if code:
        return case.say("reversed_but_settled", code=code), ACQUIRER, []
    return case.say("reversed_but_settled.silent"), ACQUIRER, []


def _stuck(case: Told) -> Sentence:
    state = case.txn(case.t, "status")
    if state == fold.SUSPENDED:
        return case.say("reversal_stuck.suspended"), ACQUIRER, []
    if state == fold.NEEDS_RECON and not case.txn(case.t, "code"):
        return case.say("reversal_stuck.open"), ACQUIRER, []
    if state == fold.NEEDS_RECON:
        code = case.txn(case.t, "code")
        return case.say("reversal_stuck.undecided", code=code), ACQUIRER, []
    return case.say("reversal_stuck.pending"), SHOP, []


def _clock(case: Told) -> Sentence:
    seconds = case.notes.get("seconds", "")
    if not seconds.lstrip("-").isdigit():
        return case.say("clock_skew.unknown"), SHOP, []
    ahead = int(seconds)
    way = "ahead" if ahead > 0 else "behind"
    return case.say("clock_skew", minutes=(abs(ahead) + 30) // 60, way=case.say(way)), SHOP, []


def _over(case: Told) -> Sentence:
    held = case.t and case.a and case.a["txn"] == "PREAUTH"
    if held:
        return case.say("preauth_over.held"), ACQUIRER, []
    return case.say("preauth_over.completed"), SHOP, case.also("preauth_over.sums")


def _payout(name: str, actor: str, *parts: str) -> Callable[[Told], Sentence]:
    names = [f"payout.{part}" for part in ("settled", "ref", *parts)]

    def tell(case: Told) -> Sentence:
        return case.say(name), actor, case.also(*names)

    return tell


def _payout_over(case: Told) -> Sentence:
    if str(case.row["row_key"]).startswith("BANK|"):
        return case.say("payout_over.stray"), ACQUIRER, []
    return _payout("payout_over", ACQUIRER, "sums")(case)


def _statement(case: Told) -> Sentence:
    leg = case.notes.get("leg") or str(case.row["row_key"]).split("|")[2:3][-1]
    name = f"statement_missing.{leg}"
    if name not in PHRASES:
        name = "statement_missing.acquirer"
    actor = {"bank": BANK, "terminal": SHOP}.get(leg, ACQUIRER)
    more = case.also("statement_missing.due")
    if case.row["amount_minor"]:
        more += case.also("statement_missing.waiting")
    return case.say(name), actor, more


def _plain(name: str, actor: str, *parts: str) -> Callable[[Told], Sentence]:
    def tell(case: Told) -> Sentence:
        return case.say(name), actor, case.also(*parts)

    return tell


TELLERS: dict[str, Callable[[Told], Sentence]] = {
    codes.HOST_ONLY: _host_only,
    codes.TERMINAL_ONLY: _terminal_only,
    codes.AMOUNT_MISMATCH: _mismatch,
    codes.DUPLICATE_CHARGE: _plain("duplicate_charge", ACQUIRER, "duplicate_charge.twin"),
    codes.DECLINED_BUT_CAPTURED: _declined,
    codes.REVERSED_BUT_SETTLED: _reversed,
    codes.REVERSAL_STUCK: _stuck,
    codes.NOT_CAPTURED: _plain("not_captured", ACQUIRER),
    codes.REFUND_UNKNOWN: _plain("refund_unknown", SHOP),
    codes.VOID_NOT_APPLIED: _void_not_applied,
    codes.SELF_SWIPE: _plain("self_swipe", SHOP),
    codes.CLOCK_SKEW: _clock,
    codes.PREAUTH_OVER: _over,
    codes.PREAUTH_UNDER: _plain("preauth_under", ACQUIRER),
    codes.PREAUTH_EXPIRED: _plain("preauth_expired", SHOP, "preauth_expired.since"),
    codes.PREAUTH_NOT_RELEASED: _plain("preauth_not_released", ACQUIRER),
    codes.COMPLETION_DUPLICATE: _plain(
        "completion_duplicate", ACQUIRER, "completion_duplicate.first"
    ),
    codes.PAYOUT_MISSING: _payout("payout_missing", ACQUIRER, "due", "latest"),
    codes.PAYOUT_LATE: _payout("payout_late", ACQUIRER, "latest", "paid"),
    codes.PAYOUT_SHORT: _payout("payout_short", ACQUIRER, "sums"),
    codes.PAYOUT_OVER: _payout_over,
    codes.PAYOUT_OLD_ACCOUNT: _payout(
        "payout_old_account", ACQUIRER, "account", "valid_to", "wanted"
    ),
    codes.PAYOUT_WRONG_ACCOUNT: _payout("payout_wrong_account", ACQUIRER, "account", "wanted"),
    codes.PAYOUT_RETURNED: _payout("payout_returned", BANK, "account", "why"),
    codes.FEE_DIFFERS: _plain("fee_differs", ACQUIRER, "fee_differs.sums"),
    codes.STATEMENT_MISSING: _statement,
}


def number(value: object) -> int:
    """A whole number of a row; 0 for none."""
    return value if isinstance(value, int) else 0
