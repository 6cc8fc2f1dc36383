"""What a day or month came to: the figures, and that every form of a report has the same."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from click.testing import CliRunner
from rich.console import Console

from companion.cli.main import main
from companion.facts.schema import day_number
from companion.reconcile import codes, run
from companion.report import page, svg, text, workbook
from companion.report.compose import compose
from companion.report.gather import Gathered, Row
from companion.report.languages import translated
from companion.report.model import (
    COUNT,
    MONEY,
    RATE,
    TEXT,
    WORD,
    Cell,
    Chart,
    Report,
    Section,
    columns,
    rate,
    shown,
)
from companion.report.period import PeriodError, Scope, of_day, of_month
from companion.statements import importing
from companion.store import Store
from tests.companion.sealed import MERCHANT, TERMINAL, DayFile, Device

DAY = day_number(date(2026, 3, 2))
SHOP, OTHER = MERCHANT, "104110070110002"
RUN: Row = {
    "id": 7,
    "finished_at": "2026-03-05T00:00:00+00:00",
    "rules": "legs-1",
    "break_set_hash": "ab" * 32,
    "summary": {"as_of": DAY + 10},
}


def _pair(verdict: str, count: int, sides: str = "ta", **more: object) -> Row:
    row: Row = {
        "merchant_no": SHOP,
        "terminal_no": TERMINAL,
        "channel": "card",
        "day": DAY,
        "verdict": verdict,
        "provisional": 0,
        "rows": count,
        "t_rows": count * ("t" in sides),
        "a_rows": count * ("a" in sides),
        "low": 0,
        "charged": 100 * count,
        "booked": 100 * count,
    }
    return {**row, **more}


def _break(code: str, amount: int, effect: int = 0, owed: int = 0, **more: object) -> Row:
    row: Row = {
        "code": code,
        "row_key": f"{code}|{amount}",
        "state": "open",
        "merchant_no": SHOP,
        "terminal_no": TERMINAL,
        "channel": "card",
        "business_date": "2026-03-02",
        "amount_minor": amount,
        "effect_minor": effect,
        "owed_minor": owed,
        "provisional": False,
        "case_closed": False,
    }
    return {**row, **more}


def _payout(key: str, net: int, got: int, still_open: int = 1, **more: object) -> Row:
    row: Row = {
        "row_key": key,
        "merchant_no": SHOP,
        "channel": "card",
        "currency": "156",
        "settle_day": DAY,
        "pay_day": DAY + 1,
        "late_day": DAY + 2,
        "net_minor": net,
        "got_minor": got,
        "open": still_open,
    }
    return {**row, **more}


def _given(**more: Any) -> Gathered:
    empty: dict[str, Any] = {
        "run": RUN,
        "pairs": [],
        "captured": [],
        "payouts": [],
        "breaks": [],
        "cases": [],
    }
    return Gathered(**{**empty, **more})


def _scope(merchant: str = "", terminal: str = "") -> Scope:
    return Scope(*of_day("2026-03-02"), merchant, terminal)


def _rows(report: Report, title: str) -> list[dict[str, Cell]]:
    (section,) = [one for one in report.sections if one.title == title]
    names = [column.name for column in section.columns]
    return [dict(zip(names, row, strict=True)) for row in section.rows]


def _key(report: Report) -> dict[str, Cell]:
    return {name: cell for name, _, cell in report.key}


def test_the_match_rate_is_of_what_has_been_judged() -> None:
    pairs = [
        _pair(codes.MATCHED, 90, low=5),
        _pair(codes.HEALED, 3, "t"),
        _pair(codes.WAITING, 4, "t"),
        _pair(codes.TERMINAL_ONLY, 2, "t", provisional=1),
        _pair(codes.TERMINAL_ONLY, 1, "t"),
        _pair(codes.HOST_ONLY, 10, "a"),
        _pair(codes.HOST_ONLY, 10, "a", day=DAY + 1),
    ]
    rows = _rows(compose(_scope(), _given(pairs=pairs)), "Match rate")
    assert rows == [
        {
            "leg": "terminal",
            "rows": 100,
            "square": 93,
            "waiting": 6,
            "broken": 1,
            "low confidence": 5,
            "match rate": 989361,
        },
        {
            "leg": "acquirer",
            "rows": 100,
            "square": 90,
            "waiting": 0,
            "broken": 10,
            "low confidence": 5,
            "match rate": 900000,
        },
    ]


def test_only_what_is_open_and_does_not_go_away_by_itself_is_at_risk() -> None:
    breaks = [
        _break(codes.AMOUNT_MISMATCH, 300, -300),
        _break(codes.HOST_ONLY, 500, 500),
        _break(codes.HOST_ONLY, 800),  # declined there: no money in it
        _break(codes.HOST_ONLY, 7000, 7000, provisional=True),
        _break(codes.NOT_CAPTURED, 9000, -9000, state="closed"),
        _break(codes.HOST_ONLY, 600, 600, case_closed=True),  # written off
        _break(codes.PAYOUT_SHORT, 40, owed=40, terminal_no=""),
        _break(codes.PAYOUT_WRONG_ACCOUNT, 60, terminal_no=""),
        _break(codes.PAYOUT_LATE, 20000, terminal_no=""),
        _break(codes.FEE_DIFFERS, 5),
        _break(codes.SELF_SWIPE, 1234),
        _break(codes.JOURNAL_GAP, 0, business_date=None),
        _break(codes.HOST_ONLY, 99, 99, business_date="2026-03-03"),
    ]
    report = compose(_scope(), _given(breaks=breaks))
    assert _key(report)["money at risk"] == 300 + 500 + 40 + 60 + 5
    assert _key(report)["open breaks"] == 11
    by_code = {row["code"]: row for row in _rows(report, "Breaks")}
    assert by_code[codes.HOST_ONLY] == {
        "code": codes.HOST_ONLY,
        "what": "only the acquirer has it",
        "open": 4,
        "provisional": 1,
        "closed": 0,
        "amount": 8900,
        "effect": 8100,
        "owed": 0,
        "at risk": 500,
    }
    assert by_code[codes.NOT_CAPTURED]["closed"] == 1
    assert codes.JOURNAL_GAP in by_code


def test_what_is_open_ages_and_what_is_due_is_overdue() -> None:
    case: Row = {"merchant_no": SHOP, "terminal_no": TERMINAL, "state": "open", "at_risk": 100}
    given = _given(
        breaks=[
            _break(codes.HOST_ONLY, 1, 1, business_date="2026-03-11"),
            _break(codes.HOST_ONLY, 2, 2, business_date="2026-03-05"),
            _break(codes.HOST_ONLY, 4, 4, business_date="2026-03-04"),
            _break(codes.HOST_ONLY, 8, 8, business_date="2026-01-01"),
            _break(codes.HOST_ONLY, 16, 16, business_date="2026-01-01", state="closed"),
        ],
        cases=[
            {**case, "first_day": "2026-03-11", "due": "2026-03-12"},
            {**case, "first_day": "2026-03-04", "due": "2026-03-11"},
            {**case, "first_day": "2026-03-04", "due": "2026-03-11", "state": "resolved"},
        ],
    )
    report = compose(_scope(), given)
    ages = [tuple(row.values()) for row in _rows(report, "Ageing")]
    assert ages == [
        ("0 to 1 days", 1, 1, 1, 0),
        ("4 to 7 days", 1, 2, 0, 0),
        ("8 to 30 days", 1, 4, 1, 1),
        ("more than 30 days", 1, 8, 0, 0),
    ]
    states = [tuple(row.values()) for row in _rows(report, "Cases")]
    assert states == [("open", 2, 200, 1), ("resolved", 1, 100, 0)]
    assert _key(report)["overdue cases, all days"] == 1


def test_fees_are_shown_with_what_they_are_of_the_money() -> None:
    captured: Row = {
        "merchant_no": SHOP,
        "terminal_no": TERMINAL,
        "channel": "card",
        "day": DAY,
        "rows": 10,
        "gross": 100000,
        "fee": 380,
        "stated": 9,
        "told": 95000,
    }
    given = _given(
        pairs=[_pair(codes.MATCHED, 1)],
        captured=[captured, {**captured, "day": DAY + 1}],
        breaks=[_break(codes.FEE_DIFFERS, 5), _break(codes.FEE_DIFFERS, 7, state="closed")],
    )
    (row,) = _rows(compose(_scope(), given), "Fees")
    assert tuple(row.values()) == (SHOP, "card", 10, 100000, 380, 4000, 1, 1, 5)


def test_a_payout_is_paid_awaited_or_broken() -> None:
    given = _given(
        pairs=[_pair(codes.MATCHED, 1)],
        payouts=[
            _payout("paid", 1000, 1000),
            _payout("closed", 1000, 990, still_open=0),
            _payout("awaited", 500, 0),
            _payout("short", 300, 250),
            _payout("late", 700, 700),
        ],
        breaks=[
            _break(codes.PAYOUT_SHORT, 50, owed=50, row_key="short", terminal_no=""),
            _break(codes.PAYOUT_LATE, 700, row_key="late", terminal_no=""),
        ],
    )
    report = compose(_scope(), given)
    (row,) = _rows(report, "Payouts")
    assert tuple(row.values()) == (SHOP, "card", 5, 3500, 2940, 500, 1, 1)
    follow = [
        (row["what"], row["due"], row["received"]) for row in _rows(report, "Payouts to follow")
    ]
    assert follow == [("payout short", 300, 250), ("awaited", 500, 0)]
    bank = _rows(report, "Match rate")[2]
    assert (bank["square"], bank["waiting"], bank["broken"], bank["match rate"]) == (
        3,
        1,
        1,
        750000,
    )


def test_a_terminal_that_does_it_again_is_named_first() -> None:
    given = _given(
        pairs=[
            _pair(codes.MATCHED, 50),
            _pair(codes.MATCHED, 80, terminal_no="10000002"),
            _pair(codes.MATCHED, 5, merchant_no=OTHER, terminal_no="10000003"),
        ],
        breaks=[
            _break(codes.REVERSAL_STUCK, 100, 100, terminal_no="10000002"),
            _break(codes.REVERSAL_STUCK, 150, 150, terminal_no="10000002", state="closed"),
            _break(codes.HOST_ONLY, 70, 70),
        ],
    )
    report = compose(_scope(), given)
    terminals = [
        (row["terminal"], row["breaks"], row["at risk"]) for row in _rows(report, "Terminals")
    ]
    assert terminals == [("10000002", 2, 100), (TERMINAL, 1, 70), ("10000003", 0, 0)]
    (offender,) = _rows(report, "Repeat offenders")
    assert tuple(offender.values()) == (
        *(SHOP, "10000002", codes.REVERSAL_STUCK, "reversal not finished, charged"),
        *(2, 1, 250),
    )
    shops = [(row["merchant"], row["rows"], row["breaks"]) for row in _rows(report, "Shops")]
    assert shops == [(SHOP, 130, 3), (OTHER, 5, 0)]


def test_a_report_of_one_terminal_or_shop_has_nothing_of_the_others() -> None:
    given = _given(
        pairs=[_pair(codes.MATCHED, 3), _pair(codes.MATCHED, 5, terminal_no="10000002")],
        breaks=[
            _break(codes.HOST_ONLY, 1, 1),
            _break(codes.HOST_ONLY, 2, 2, terminal_no="10000002"),
            _break(codes.PAYOUT_MISSING, 4, owed=4, terminal_no=""),
            _break(codes.HOST_ONLY, 8, 8, merchant_no=OTHER),
        ],
        payouts=[_payout("p", 4, 0)],
    )
    one = compose(_scope(SHOP, TERMINAL), given)
    assert (_key(one)["money at risk"], _rows(one, "Match rate")[0]["rows"]) == (1, 3)
    assert "Payouts" not in [section.title for section in one.sections]
    assert "payouts awaited" not in _key(one)
    shop = compose(_scope(SHOP), given)
    assert _key(shop)["money at risk"] == 1 + 2 + 4
    assert _key(compose(_scope(), given))["money at risk"] == 1 + 2 + 4 + 8


def test_a_month_has_its_days_and_a_day_the_two_weeks_before_it_in_its_charts() -> None:
    month = Scope(*of_month("2026-02"))
    assert (len(month.days), len(month.trend), month.name) == (28, 28, "2026-02")
    assert (len(_scope().days), len(_scope().trend)) == (1, 14)
    breaks = [
        _break(codes.HOST_ONLY, 9, 9, business_date="2026-02-20"),
        _break(codes.HOST_ONLY, 1, 1),
    ]
    (chart,) = [
        one
        for one in compose(_scope(), _given(breaks=breaks)).charts
        if one.title.startswith("Money at risk")
    ]
    assert (chart.labels[0], chart.labels[-1]) == ("02-17", "03-02")
    assert chart.series["at risk"][3] == 9
    assert chart.series["at risk"][-1] == 1


@pytest.mark.parametrize("wrong", ["2026-3-2", "2026-02-30", "2026-03-02x", "", "20260302"])
def test_what_is_no_day_is_refused(wrong: str) -> None:
    with pytest.raises(PeriodError):
        of_day(wrong)


@pytest.mark.parametrize("wrong", ["2026-13", "2026-3", "2026", "2026-03-02"])
def test_what_is_no_month_is_refused(wrong: str) -> None:
    with pytest.raises(PeriodError):
        of_month(wrong)


def test_cells_are_shown_as_people_read_them() -> None:
    assert [
        shown(MONEY, -123456),
        shown(MONEY, 5),
        shown(RATE, 999999),
        shown(RATE, 1_000_000),
        shown(COUNT, 12345),
        shown(TEXT, "a"),
        shown(MONEY, None),
    ] == ["-1,234.56", "0.05", "99.99%", "100.00%", "12,345", "a", ""]
    assert rate(0, 0) is None
    assert rate(999_999_999, 1_000_000_000) == 999_999


NASTY = '=1+1<script>&"[bold]'


def _any_report() -> Report:
    section = Section(
        *("What / is: it?", columns("name", ("n", COUNT), ("money", MONEY), ("part", RATE))),
        [(NASTY, 12345, -678901, 987654), ("", None, 5, None)],
        ("A note.",),
    )
    nothing = Section("Nothing", columns("name"), [], empty="none at all")
    chart = Chart("A & b", MONEY, ["<1>", "2"], {"due": [100, -50], "got": [0, 7]})
    return Report(
        "Title", "<1>", [("shop", NASTY)], [("risk", MONEY, 1999)], [section, nothing], [chart]
    )


def test_every_word_of_a_report_has_its_chinese() -> None:
    case: Row = {"merchant_no": SHOP, "terminal_no": TERMINAL, "at_risk": 1, "due": None}
    states = ("open", "evidence", "sent", "waiting", "resolved", "rejected", "written_off")
    given = _given(
        pairs=[_pair(codes.MATCHED, 1, terminal_no=str(number)) for number in range(60)],
        breaks=[
            *(_break(code, 1, 1) for code in (*codes.BREAKS, codes.HOST_ONLY)),
            _break(codes.PAYOUT_SHORT, 1, row_key="short"),
            *(
                _break(codes.HOST_ONLY, 1, 1, business_date=f"2026-{day}")
                for day in ("03-11", "03-09", "03-05", "01-01")
            ),
        ],
        payouts=[_payout("short", 2, 1), _payout("new", 2, 0)],
        cases=[{**case, "state": state, "first_day": None} for state in states],
        captured=[
            {**_pair("", 1), "gross": 1, "fee": 1, "stated": 1, "told": 1},
        ],
    )
    english = compose(_scope(), given)
    for report in (english, compose(_scope(), _given(run=None))):
        for section in translated(report, "zh").sections:
            words = [section.title, section.empty, *section.notes]
            words += [column.name for column in section.columns]
            for place, column in enumerate(section.columns):
                words += [str(row[place]) for row in section.rows if column.kind == WORD]
            assert [one for one in words if re.search("[a-z]", one)] == []
    chinese = translated(english, "zh")
    names = [name for name, _ in chinese.head] + [name for name, _, _ in chinese.key]
    names += [one for chart in chinese.charts for one in (chart.title, *chart.series)]
    assert [one for one in (chinese.title, *names) if re.search("[a-z]", one)] == []
    assert len(chinese.charts) == 5
    plain = [section.rows for section in english.sections]
    figures = [[cell for row in rows for cell in row if isinstance(cell, int)] for rows in plain]
    same = [section.rows for section in chinese.sections]
    assert figures == [
        [cell for row in rows for cell in row if isinstance(cell, int)] for rows in same
    ]


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._in = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._in = tag == "td"
        if self._in:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self._in:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in = False


def _sheet_cells(report: Report) -> list[list[object]]:
    book = openpyxl.load_workbook(BytesIO(workbook.render(report)))
    return [
        [cell.value for cell in row] for sheet in book.worksheets[1:2] for row in sheet.iter_rows()
    ]


def test_text_html_and_xlsx_have_the_same_figures() -> None:
    report = _any_report()
    expected = [NASTY, "12,345", "-6,789.01", "98.76%", "", "", "0.05", ""]
    parsed = _Cells()
    parsed.feed(page.render(report))
    assert parsed.cells == expected
    out = StringIO()
    text.render(report, Console(file=out, width=200))
    said = out.getvalue()
    for value in expected:
        assert value in said
    rows = _sheet_cells(report)
    assert rows[0] == ["name", "n", "money", "part"]
    assert [[_as_text(value) for value in row] for row in rows[1:3]] == [
        [NASTY, "12345", "-6789.01", "0.9876"],
        ["None", "None", "0.05", "None"],
    ]
    for form in (said, page.render(report)):
        assert "none at all" in form
        assert "A note." in form


def _as_text(value: object) -> str:
    return str(Decimal(str(value))) if isinstance(value, (int, float)) else str(value)


def test_a_page_needs_nothing_from_anywhere_and_runs_nothing() -> None:
    made = page.render(_any_report())
    parsed = _Cells()
    parsed.feed(made)
    assert not parsed.tags & {"script", "link", "img", "iframe", "object", "base"}
    assert not parsed.attributes & {"src", "href", "onclick", "onload", "style"}
    assert "url(" not in made
    assert "default-src 'none'" in made


def test_a_text_in_a_sheet_is_no_formula() -> None:
    book = openpyxl.load_workbook(BytesIO(workbook.render(_any_report())))
    assert book.sheetnames == ["Report", "What   is  it ", "Nothing"]
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    nasty = [cell for cell in cells if cell.value == NASTY]
    assert {cell.data_type for cell in nasty} == {"s"}
    assert len(nasty) == 2


@pytest.mark.parametrize("lying", [False, True])
def test_bars_are_as_long_as_what_they_show(lying: bool) -> None:
    values = [0, 50000, 100000]
    chart = Chart("c", MONEY, ["a", "b", "c"], {"one": values}, lying)
    root = ElementTree.fromstring(svg.render(chart))
    side = "width" if lying else "height"
    none, half, whole = [int(float(bar.attrib[side])) for bar in root.findall("rect")]
    assert none == 0
    assert whole > 100
    assert abs(whole - 2 * half) <= 1
    assert [bar.findtext("title") for bar in root.findall("rect")][2] == "c, one: 1,000"


def test_what_is_below_zero_hangs_and_the_least_is_seen() -> None:
    chart = Chart("c", COUNT, ["a", "b", "c"], {"one": [1000, -1000, 1]})
    root = ElementTree.fromstring(svg.render(chart))
    up, down, least = root.findall("rect")
    zero = int(up.attrib["y"]) + int(up.attrib["height"])
    assert int(down.attrib["y"]) == zero
    assert least.attrib["height"] == "1"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """One day: 30 sales, one of which the host has with another amount, one that it lacks."""
    device, host = Device(), DayFile()
    device.sign_in("0302091500")
    for stan in range(1, 31):
        device.sale(stan, 1000 + stan, "approved")
        if stan > 1:
            host.add(stan, 1000 + stan + (stan == 2) * 500)
    with Store.open(tmp_path / "s", create=True) as store:
        device.offer(store)
        device.sync(store)
        (tmp_path / "day.csv").write_text(host.text())
        importing.import_file(store, tmp_path / "day.csv")
        run.reconcile(store)
    return tmp_path / "s"


def _reported(store: Path, *arguments: str) -> str:
    command = ["report", *arguments, "--store", str(store)]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_report_of_a_reconciled_day(shop: Path, tmp_path: Path) -> None:
    said = json.loads(_reported(shop, "day", "2026-03-02", "--json"))
    host, terminal = 29, 30
    legs = {row["leg"]: (row["rows"], row["square"]) for row in said["sections"]["Match rate"]}
    assert legs == {"terminal": (terminal, 28), "acquirer": (host, 28)}
    (line,) = said["sections"]["Terminals"]
    booked = sum(1000 + stan for stan in range(1, 31))
    assert (line["rows"], line["booked"], line["charged"]) == (30, booked, booked - 1001 + 500)
    codes_of = {row["code"]: row["effect"] for row in said["sections"]["Breaks"]}
    assert codes_of[codes.AMOUNT_MISMATCH] == 500
    assert _reported(shop, "month", "2026-03").count("5.00") >= 1
    html, xlsx = tmp_path / "r.html", tmp_path / "r.xlsx"
    for path in (html, xlsx):
        _reported(shop, "month", "2026-03", "--out", str(path))
    assert re.search(r"<td>AMOUNT_MISMATCH</td>", html.read_text())
    assert openpyxl.load_workbook(xlsx).sheetnames[0] == "Report"


def test_facts_that_are_not_whole_are_no_report(shop: Path) -> None:
    (step,) = [path for path in (shop / "facts" / "state").iterdir() if path.name.isdigit()]
    (step / "pairs.parquet").unlink()
    command = ["report", "day", "--store", str(shop)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "companion reconcile makes it anew" in line


def test_before_anything_was_reconciled_a_report_says_so(tmp_path: Path) -> None:
    Store.open(tmp_path / "s", create=True).close()
    assert "nothing was reconciled yet" in _reported(tmp_path / "s", "day", "2026-03-02")
    command = ["report", "day", "2026-03-02", "--format", "xlsx", "--store", str(tmp_path / "s")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--out FILE.xlsx" in result.stderr
