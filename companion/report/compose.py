"""A report's figures out of what was gathered; nothing is read here."""

from __future__ import annotations

from companion.facts.schema import as_date, day_number
from companion.report import ageing, charts, risk, sections
from companion.report.gather import Gathered
from companion.report.model import COUNT, MONEY, RATE, Cell, Report
from companion.report.period import Scope
from companion.report.scoped import Scoped


def compose(scope: Scope, given: Gathered) -> Report:
    """The report of these days."""
    as_of = _as_of(scope, given)
    mine = Scoped(scope, given)
    rates = sections.match_rates(mine)
    made = [
        rates,
        sections.by_code(mine),
        *ageing.sections(mine.everything, mine.cases, as_of),
        sections.fees(mine),
    ]
    if not scope.terminal_no:
        made += [sections.payouts(mine), sections.unpaid(mine)]
    if not scope.merchant_no:
        made.append(sections.shops(mine))
    made += [sections.terminals(mine), sections.offenders(mine)]
    key: list[tuple[str, str, Cell]] = [
        ("money at risk", MONEY, risk.total(mine.breaks)),
        ("open breaks", COUNT, sum(row["state"] == "open" for row in mine.breaks)),
        ("overdue cases, all days", COUNT, sum(ageing.overdue(row, as_of) for row in mine.cases)),
        *((f"{row[0]} match rate", RATE, row[-1]) for row in rates.rows),
        ("fees kept", MONEY, sum(row["fee"] for row in mine.captured)),
        ("payouts awaited", MONEY, sum(map(mine.awaited, mine.payouts))),
    ]
    return Report(
        "Daily report" if scope.first == scope.last else "Monthly report",
        scope.name,
        _head(scope, given, as_of),
        key if not scope.terminal_no else key[:-1],
        made,
        charts.charts(scope, given, mine, as_of),
    )


def _head(scope: Scope, given: Gathered, as_of: int) -> list[tuple[str, str]]:
    head = [
        ("days", scope.name if scope.first == scope.last else f"{scope.first} - {scope.last}"),
        ("shop", scope.merchant_no or "all"),
        ("terminal", scope.terminal_no or "all"),
    ]
    if given.run is None:
        return [*head, ("as of", "nothing was reconciled yet: companion reconcile")]
    run = given.run
    return [
        *head,
        ("as of", str(as_date(as_of))),
        ("run", f"{run['id']}, {run['finished_at']}"),
        ("rules", str(run["rules"])),
        ("break set", str(run["break_set_hash"])),
    ]


def _as_of(scope: Scope, given: Gathered) -> int:
    known = (given.run or {}).get("summary", {}).get("as_of")
    return int(known) if known is not None else day_number(scope.last)
