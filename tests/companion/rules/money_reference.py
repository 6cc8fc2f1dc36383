"""Payouts, plainly: the same answers as companion/rules, by loops over dicts, for small worlds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from companion.facts import schema
from tests.companion.rules.money_fold import Facts, Row

_GIVES_BACK = {"VOID", "REFUND", "COMPLETION_VOID"}
_WAIT = 5

Told = tuple[str, str, int, int]


@dataclass
class _Group:
    merchant_no: str
    channel: str
    currency: str
    ref: str
    settle_day: int
    net: int = 0
    bookings: list[Row] = field(default_factory=list)

    @property
    def key(self) -> str:
        name = self.ref or str(self.settle_day)
        suffix = "" if self.currency == "156" else "|" + self.currency
        return f"{self.merchant_no}|{self.channel}|{name}|PAYOUT{suffix}"

    @property
    def got(self) -> int:
        return sum(one["part"] for one in self.bookings)

    @property
    def paid(self) -> list[Row]:
        return [one for one in self.bookings if one["kind"] != "RETURN"]

    @property
    def returned(self) -> list[Row]:
        return [one for one in self.bookings if one["kind"] == "RETURN"]

    @property
    def unpaid(self) -> bool:
        return not self.paid or bool(self.returned)


class Reference:
    """Every group and booking of the facts up to a day, and what is to be said of them."""

    def __init__(self, facts: Facts, as_of: int) -> None:
        self._facts = facts
        self._as_of = as_of
        self._settle: dict[tuple[str, int], int] = {
            (row["channel"], row["day"]): row["settle_day"] for row in facts.due
        }
        self._times = {
            (row["channel"], row["settle_day"]): (row["pay_day"], row["late_day"])
            for row in facts.pay_due
        }
        self._groups: dict[str, _Group] = {}
        self._open: list[Row] = []
        self._stale: list[Row] = []
        days = {
            row["day"]
            for rows in (facts.acquirer, facts.bank, facts.payouts)
            for row in rows
            if row["day"] <= as_of
        }
        for day in sorted(days):
            self._day(day)
        self._stale += [one for one in self._open if as_of > one["day"] + _WAIT]

    def told(self) -> list[Told]:
        """Code, row key, amount and owed of every break."""
        found = [told for group in self._groups.values() for told in self._of_group(group)]
        seen: Counter[str] = Counter()
        for row in sorted(self._stale, key=lambda one: int(one["id"])):
            name = f"BANK|{row['account']}|{row['day']}|{row.get('ref', '')}|{row['amount_minor']}"
            code = "PAYOUT_OVER" if row["amount_minor"] > 0 else "PAYOUT_SHORT"
            code = "PAYOUT_RETURNED" if row["kind"] == "RETURN" else code
            amount = row["amount_minor"]
            seen[name] += 1
            found.append((code, f"{name}|{seen[name]}", abs(amount), -amount))
        return sorted(found)

    def _day(self, day: int) -> None:
        for row in self._facts.acquirer:
            if row["day"] == day:
                self._add(row)
        channels = {row["channel"] for row in self._facts.accounts}
        self._open += [
            row
            for row in self._facts.bank
            if row["day"] == day and row["channel"] in channels and row["amount_minor"]
        ]
        named = set()
        for row in list(self._open):
            groups = self._named(row, day)
            if groups:
                named.add(groups[0].key)
                self._book(row, groups[:1])
        free = [one for one in self._groups.values() if one.unpaid and one.key not in named]
        self._by_amount(free)
        self._together([one for one in free if one.unpaid and one.net != one.got])
        self._returns()
        self._stale += [one for one in self._open if day > one["day"] + _WAIT]
        self._open = [one for one in self._open if day <= one["day"] + _WAIT]

    def _add(self, row: Row) -> None:
        captured = row["status"] in ("CAPTURED", "AUTHORISED")
        known = {(one["merchant_no"], one["channel"]) for one in self._facts.accounts}
        if not captured or row["txn"].startswith("PREAUTH"):
            return
        if (row["merchant_no"], row["channel"]) not in known:
            return
        by_calendar = self._settle.get((row["channel"], row["day"]), int(row["day"]))
        settle = int(row.get("settle_day", 0)) or by_calendar
        made = _Group(
            row["merchant_no"], row["channel"], row["currency"], row.get("settle_ref", ""), settle
        )
        group = self._groups.setdefault(made.key, made)
        group.settle_day = max(group.settle_day, settle)
        sign = -1 if row["txn"] in _GIVES_BACK else 1
        group.net += sign * row["amount_minor"] - (row["fee_minor"] or 0)

    def _named(self, row: Row, day: int) -> list[_Group]:
        """The groups that the booking's reference may mean, the best first."""
        ref = row.get("ref", "")
        if not ref:
            return []
        sent = {
            (one["merchant_no"], one["channel"], one["settle_day"])
            for one in self._facts.payouts
            if one.get("ref") == ref and one["day"] <= day
        }
        found = [
            group
            for group in self._groups.values()
            if group.channel == row["channel"]
            and group.currency == row["currency"]
            and (
                group.ref == ref
                or (not group.ref and (group.merchant_no, group.channel, group.settle_day) in sent)
            )
        ]
        holders = self._holders(row["account"])
        return sorted(found, key=lambda one: (one.merchant_no not in holders, one.key))

    def _by_amount(self, groups: list[_Group]) -> None:
        for row in self._credits():
            fitting = [
                one
                for one in sorted(groups, key=lambda one: (one.settle_day, one.key))
                if one.unpaid
                and one.net - one.got == row["amount_minor"]
                and self._fits(row, [one])
            ]
            if fitting:
                self._book(row, fitting[:1])

    def _together(self, groups: list[_Group]) -> None:
        for row in self._credits():
            days = sorted({self._time(one)[0] for one in groups})
            for day in days:
                mine = [
                    one
                    for one in groups
                    if self._time(one)[0] == day
                    and one.unpaid
                    and one.merchant_no in self._holders(row["account"])
                    and (one.channel, one.currency) == (row["channel"], row["currency"])
                ]
                total = sum(one.net - one.got for one in mine)
                if len(mine) > 1 and total == row["amount_minor"] and self._fits(row, mine):
                    self._book(row, mine)
                    break

    def _returns(self) -> None:
        for row in [one for one in self._open if one["kind"] == "RETURN"]:
            fitting = [
                one
                for one in sorted(
                    self._groups.values(), key=lambda one: (-one.settle_day, one.key)
                )
                if one.got == -row["amount_minor"] > 0
                and one.merchant_no in self._holders(row["account"])
                and (one.channel, one.currency) == (row["channel"], row["currency"])
                and one.settle_day <= row["day"]
            ]
            if fitting:
                self._book(row, fitting[:1])

    def _credits(self) -> list[Row]:
        credits = [one for one in self._open if one["kind"] != "RETURN"]
        return sorted(
            credits, key=lambda one: (one["day"], one["account"], one.get("ref", ""), one["id"])
        )

    def _fits(self, row: Row, groups: list[_Group]) -> bool:
        last = max(
            max([self._time(one)[1], *(back["day"] for back in one.returned)]) for one in groups
        )
        first = max(one.settle_day for one in groups)
        return first <= row["day"] <= last + _WAIT and all(
            one.merchant_no in self._holders(row["account"])
            and (one.channel, one.currency) == (row["channel"], row["currency"])
            for one in groups
        )

    def _book(self, row: Row, groups: Iterable[_Group]) -> None:
        groups = list(groups)
        for group in groups:
            part = row["amount_minor"] if len(groups) == 1 else group.net - group.got
            group.bookings.append({**row, "part": part})
        self._open.remove(row)

    def _holders(self, account: str) -> set[str]:
        return {one["merchant_no"] for one in self._facts.accounts if one["account"] == account}

    def _time(self, group: _Group) -> tuple[int, int]:
        key = (group.channel, group.settle_day)
        return self._times.get(key, (group.settle_day, schema.FAR))

    def _standing(self, group: _Group, row: Row) -> str:
        mine = [
            one
            for one in self._facts.accounts
            if one["merchant_no"] == group.merchant_no
            and one["channel"] == group.channel
            and one["account"] == row["account"]
        ]
        if any(one["valid_from"] <= row["day"] < one["valid_to"] for one in mine):
            return "VALID"
        return "OLD" if any(one["valid_to"] <= row["day"] for one in mine) else "WRONG"

    def _of_group(self, group: _Group) -> list[Told]:
        late_day = self._time(group)[1]
        found: list[tuple[str, int, int]] = []
        code = self._code(group, self._as_of > late_day)
        if code:
            found.append((code, abs(group.net - group.got), group.net - group.got))
        if group.paid and min(one["day"] for one in group.paid) > late_day:
            found.append(("PAYOUT_LATE", abs(group.net), 0))
        for standing in ("OLD", "WRONG"):
            parts = [
                one["part"]
                for one in group.paid
                if one["kind"] == "CREDIT" and self._standing(group, one) == standing
            ]
            if sum(parts) > 0:
                found.append((f"PAYOUT_{standing}_ACCOUNT", sum(parts), 0))
        return [(code, group.key, amount, owed) for code, amount, owed in found]

    def _code(self, group: _Group, late: bool) -> str:
        rest = group.net - group.got
        announced = [
            one
            for one in self._facts.payouts
            if one["day"] <= self._as_of
            and (one["merchant_no"], one["channel"]) == (group.merchant_no, group.channel)
            and (
                one.get("ref") == group.ref if group.ref else one["settle_day"] == group.settle_day
            )
        ]
        if rest < 0:
            return "PAYOUT_OVER" if late or group.paid else ""
        if rest == 0:
            return ""
        if group.returned or any(one["status"] == "RETURNED" for one in announced):
            return "PAYOUT_RETURNED"
        if group.paid:
            return "PAYOUT_SHORT" if late else ""
        standings = {self._standing(group, one) for one in announced if one["status"] == "SENT"}
        for standing in ("OLD", "WRONG"):
            if standing in standings:
                return f"PAYOUT_{standing}_ACCOUNT"
        return "PAYOUT_MISSING" if late else ""
