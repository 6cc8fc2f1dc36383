"""Cases on the screen, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from companion.cases import causes, deadlines, history, states
from companion.cases.listing import Case
from companion.cases.terms import sentence, term
from companion.cli.output import table
from companion.facts.schema import as_date
from companion.reconcile import labels, words
from companion.reconcile.words import money

# Breaks that are printed; --json has all of them.
_SHOWN = 20
_NAME = 12


def summary(one: Case, language: str) -> dict[str, object]:
    """A case as JSON has it."""
    return {
        **one.__dict__,
        "label": labels.label(one.code, language),
        "next_action": one.action().said(language),
    }


def break_document(item: Mapping[str, object], language: str) -> dict[str, object]:
    """A break of a case as JSON has it: its reason in the language, its evidence read."""
    read = labels.with_evidence(item)
    return {**read, "reason": words.said(read, language)}


class View:
    """Cases in a language, with 长款 and 短款 as the house says them."""

    def __init__(self, out: Console, language: str, surplus: labels.Surplus) -> None:
        self._out = out
        self._language = language
        self._surplus = surplus

    def many(self, found: Sequence[Case]) -> None:
        """A table of cases."""
        if not found:
            self._out.print(self._say("none"))
            return
        columns = ("id", "day", "what", "terminal", "breaks", "amount", "state", "who", "due")
        made = self._table("cases", (*columns, "next"), ("breaks", "amount"))
        today = as_date(deadlines.today()).isoformat()
        for one in found:
            late = one.state in states.ACTIVE and one.due is not None and one.due < today
            waits = f" ({self._term('proposed')})" if one.proposed_minor is not None else ""
            made.add_row(
                one.id,
                one.first_day or "",
                self._label(one),
                one.terminal_no,
                str(one.breaks),
                money(one.amount_minor),
                self._term(one.state) + waits,
                escape(one.assignee or self._term(one.actor)),
                f"[red]{one.due}[/red]" if late else one.due or "",
                escape(one.action().said(self._language)),
            )
        self._out.print(made)
        total = money(sum(one.amount_minor for one in found))
        breaks = sum(one.breaks for one in found)
        self._out.print(self._say("total", cases=len(found), breaks=breaks, amount=total))

    def one(
        self,
        case: Case,
        found: Sequence[Mapping[str, object]],
        why: Sequence[causes.Cause],
        adjusted: Sequence[Mapping[str, object]],
        events: Sequence[history.Event],
    ) -> None:
        """Everything about a case."""
        self._head(case)
        self._why(why, len(found))
        self._line("next", case.action().said(self._language))
        assigned = f", {case.assignee}" if case.assignee else ""
        self._line("who", self._term(case.actor) + assigned)
        self._line("until", case.due or "-")
        if case.closed_reason:
            self._line("closed by", f"{case.closed_by}: {case.closed_reason}")
        self._breaks(found)
        for made in adjusted:
            self._line("adjustment", self._adjustment(made))
        past = self._table("history", ("when", "who", "what", "state", "text"))
        for event in events:
            state = self._term(event.state)
            past.add_row(event.at, escape(event.person), event.what, state, escape(event.text))
        self._out.print(past)

    def _head(self, case: Case) -> None:
        self._line("case", f"{case.id}, {self._term(case.state)}")
        kind = self._term(case.kind)
        self._line("what", f"{self._label(case)} ({case.code}), {kind}, {case.merchant_no}")
        sums = self._say(
            "sums",
            amount=money(case.amount_minor),
            breaks=case.breaks,
            effect=money(case.effect_minor),
            owed=money(case.owed_minor),
        )
        self._line("how much", sums)
        if case.proposed_minor is not None:
            self._line("proposed", self._say("waits", amount=money(case.proposed_minor)))
        if case.adjusted_minor:
            self._line("adjusted", money(case.adjusted_minor))

    def _why(self, why: Sequence[causes.Cause], breaks: int) -> None:
        for place, item in enumerate(why):
            part = self._say("share", part=item.breaks, all=breaks)
            share = f" ({part})" if breaks > 1 else ""
            self._line("or" if place else "why", item.said(self._language) + share)
            for because in item.because(self._language):
                self._out.print(f"{'':<{_NAME + 2}}- {escape(because)}", soft_wrap=True)

    def _breaks(self, found: Sequence[Mapping[str, object]]) -> None:
        made = self._table("breaks", ("id", "day", "code", "key", "amount", "why"), ("amount",))
        for row in found[:_SHOWN]:
            closed = self._say("closed", reason=row["closed_reason"])
            gone = "" if row["found"] else f" ({closed})"
            made.add_row(
                str(row["id"]),
                str(row["business_date"] or ""),
                str(row["code"]),
                escape(str(row["row_key"])),
                money(int(str(row["amount_minor"]))),
                escape(f"{break_document(row, self._language)['reason']}{gone}"),
            )
        self._out.print(made)
        if len(found) > _SHOWN:
            self._out.print(self._say("more", count=len(found) - _SHOWN))

    def _line(self, name: str, value: str) -> None:
        shown = self._term(name) + ":"
        blank = " " * (_NAME - cell_len(shown))
        self._out.print(f"{shown}{blank}{escape(value)}", soft_wrap=True)

    def _table(self, title: str, columns: Sequence[str], right: Sequence[str] = ()) -> Table:
        said = [self._term(name) for name in columns]
        return table(self._term(title).capitalize(), said, [self._term(name) for name in right])

    def _label(self, case: Case) -> str:
        return labels.label(case.code, self._language, case.effect_minor, self._surplus)

    def _adjustment(self, made: Mapping[str, object]) -> str:
        text, maker = made["text"], made["maker"]
        said = self._say(
            "made", amount=money(int(str(made["amount_minor"]))), text=text, maker=maker
        )
        if made["approved"] is None:
            return said
        verdict = "approved" if made["approved"] else "refused"
        return f"{said}; {self._say(verdict, checker=made['checker'])}"

    def _say(self, name: str, **values: object) -> str:
        return sentence(name, self._language, **values)

    def _term(self, word: str) -> str:
        return term(word, self._language)
