"""`companion case` as a person runs it, on a store that was synced, imported and reconciled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from companion.cases.sheet import COLUMNS, SHEET
from companion.cli.main import main
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import MERCHANT, TERMINAL, DayFile, Device


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A stuck reversal, two sales that the host lacks, one that it declined and charged."""
    device = Device()
    device.sale(1, 1250, "approved")
    device.sale(2, 2000, "suspended")
    device.sale(3, 700, "approved")
    device.sale(4, 900, "approved")
    device.sale(5, 111, "declined")
    with Store.open(tmp_path / "s", create=True) as store:
        device.offer(store)
        device.sync(store)
        file = DayFile().add(1, 1250).add(2, 2000).add(5, 111)
        import_file(store, file.write(tmp_path / "day.csv"))
    run(tmp_path / "s", "reconcile")
    return tmp_path / "s"


def run(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--store", str(store)], catch_exceptions=False)


def case(store: Path, *arguments: str) -> str:
    result = run(store, "case", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(store: Path, *arguments: str) -> str:
    result = run(store, "case", *arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


def listed(store: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(case(store, "list", "--json", *arguments))
    return found


def one(store: Path, code: str) -> dict[str, Any]:
    (found,) = listed(store, "--all", "--code", code)
    return found


def test_the_list_says_what_how_much_who_and_until_when(shop: Path) -> None:
    found = {item["code"]: item for item in listed(shop)}
    assert set(found) == {"REVERSAL_STUCK", "TERMINAL_ONLY", "DECLINED_BUT_CAPTURED"}
    stuck = found["REVERSAL_STUCK"]
    assert (stuck["amount_minor"], stuck["actor"], stuck["due"]) == (
        2000,
        "acquirer",
        "2026-03-04",
    )
    assert found["TERMINAL_ONLY"]["breaks"] == 2
    text = case(shop, "list")
    assert "reversal not finished, charged" in text and "cases: 3, breaks: 4" in text
    assert "冲正未完成，已扣款" in case(shop, "list", "--lang", "zh")


def test_a_case_is_shown_with_why_and_what_to_do(shop: Path) -> None:
    stuck = one(shop, "REVERSAL_STUCK")
    text = case(shop, "show", stuck["id"][:4])
    for said in ("20.00", "why:", "next:", "until:", "2026-03-04", "History", "opened"):
        assert said in text
    document = json.loads(case(shop, "show", stuck["id"], "--json"))
    assert [item["what"] for item in document["history"]] == ["opened"]
    assert document["causes"] and document["found"][0]["evidence"]["terminal"]["stan"] == "000002"
    chinese = case(shop, "show", stuck["id"], "--lang", "zh")
    for said in ("差错 1 笔", "应答", "未处理", "收单机构", "下一步:", "原因:"):
        assert said in chinese


def test_a_claim_from_open_to_resolved_by_two_people(shop: Path) -> None:
    id_ = one(shop, "REVERSAL_STUCK")["id"][:4]
    assert "sent" in case(shop, "send", id_, "--to", "acquirer", "--as", "WANG")
    assert "waiting" in case(shop, "wait", id_, "--text", "they look", "--as", "WANG")
    text = case(shop, "resolve", id_, "--text", "booking 8841", "--as", "WANG")
    assert "20.00 waits for a second person" in text
    assert "somebody else" in refused(shop, "approve", id_, "--as", "wang")
    assert "resolved" in case(shop, "approve", id_, "--as", "LI")
    run(shop, "reconcile")
    assert one(shop, "REVERSAL_STUCK")["state"] == "resolved"
    assert "REVERSAL_STUCK" not in {item["code"] for item in listed(shop)}


def test_a_case_is_found_by_the_id_of_a_break_in_it(shop: Path) -> None:
    stuck = one(shop, "REVERSAL_STUCK")
    (item,) = json.loads(case(shop, "show", stuck["id"], "--json"))["found"]
    assert f"case:       {stuck['id']}" in case(shop, "show", item["id"][:6])


def test_what_waits_is_approved_in_a_rejected_case_too(shop: Path) -> None:
    id_ = one(shop, "REVERSAL_STUCK")["id"]
    case(shop, "reject", id_, "--text", "too late", "--as", "WANG")
    case(shop, "write-off", id_, "--text", "no hope", "--as", "WANG")
    assert [item["id"] for item in listed(shop, "--to-approve")] == [id_]
    case(shop, "approve", "--to-approve", "--yes", "--as", "LI")
    assert one(shop, "REVERSAL_STUCK")["state"] == "written_off"


def test_a_filter_says_what_it_would_do_until_it_is_told_yes(shop: Path) -> None:
    act = ("assign", "--to", "LI", "--at-least", "10.00", "--as", "WANG")
    text = case(shop, *act)
    assert "2 cases" in text and "nothing was done" in text
    assert all(item["assignee"] is None for item in listed(shop))
    case(shop, *act, "--yes")
    assert sorted(str(item["assignee"]) for item in listed(shop)) == ["LI", "LI", "None"]
    assert len(listed(shop, "--assignee", "LI")) == 2
    assert "which cases" in refused(shop, "note", "--text", "all of them", "--yes")


def test_bulk_is_all_or_nothing_and_names_what_cannot_be_done(shop: Path) -> None:
    id_ = one(shop, "REVERSAL_STUCK")["id"]
    case(shop, "write-off", id_, "--text", "small", "--as", "WANG")
    line = refused(shop, "send", "--to", "bank", "--channel", "card", "--yes", "--as", "LI")
    assert "nothing was done" in line and id_ in line
    assert {item["state"] for item in listed(shop)} == {"open"}
    case(shop, "approve", "--to-approve", "--yes", "--as", "LI")
    assert one(shop, "REVERSAL_STUCK")["state"] == "written_off"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--terminal", TERMINAL), 3),
        (("--terminal", "10000009"), 0),
        (("--merchant", MERCHANT), 3),
        (("--who", "acquirer"), 3),
        (("--overdue",), 3),
        (("--since", "2026-03-03"), 0),
        (("--until", "2026-03-02"), 3),
        (("--at-most", "1.11"), 1),
        (("--kind", "absent"), 1),
        (("--state", "resolved"), 0),
    ],
)
def test_filters(shop: Path, options: tuple[str, ...], count: int) -> None:
    assert len(listed(shop, *options)) == count


def test_check_tells_whether_anything_is_open(shop: Path) -> None:
    assert run(shop, "case", "list", "--check").exit_code == 1
    assert run(shop, "case", "list", "--check", "--terminal", "1").exit_code == 0


def test_an_id_that_is_not_there_or_not_enough_is_one_clear_error(shop: Path) -> None:
    assert "there is none" in refused(shop, "show", "zzzz")
    assert "there is none" in refused(shop, "show", "a")
    assert "no date" in refused(shop, "assign", one(shop, "TERMINAL_ONLY")["id"], "--due", "soon")


def test_out_to_a_sheet_and_in_again(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "march.xlsx"
    assert "3 cases" in case(shop, "export", str(path))
    book = openpyxl.load_workbook(path)
    cells = book[SHEET]
    for row in (2, 3, 4):
        cells.cell(row, COLUMNS.index("assignee") + 1).value = "LI"
    book.save(path)
    assert "would change 3" in case(shop, "import", str(path), "--dry-run", "--as", "WANG")
    assert all(item["assignee"] is None for item in listed(shop))
    assert "changed 3 cases" in case(shop, "import", str(path), "--as", "WANG")
    again = case(shop, "import", str(path), "--as", "WANG")
    assert "changed 0 cases" in again and "; 3 had been changed by it before" in again
    line = refused(shop, "import", str(path), "--as", "LI")
    assert "row 2, column revision" in line and "nothing was taken in" in line


def test_verify_proves_the_history_and_gives_a_head_to_keep(shop: Path) -> None:
    first = json.loads(case(shop, "verify", "--json"))
    assert (first["whole"], first["entries"]) == (True, 3)
    case(shop, "note", one(shop, "TERMINAL_ONLY")["id"], "--text", "x")
    assert "4 entries" in case(shop, "verify", "--head", first["head"])
    result = run(shop, "case", "verify", "--head", "ab" * 32)
    assert result.exit_code == 1 and "not among the entries" in result.stdout


def test_the_house_says_which_way_long_and_short_are_meant(shop: Path) -> None:
    assert "长款）" not in case(shop, "list", "--lang", "zh")
    case(shop, "labels", "--surplus", "acquirer")
    text = case(shop, "list", "--lang", "zh")
    assert "冲正未完成，已扣款（长款）" in text and "终端方单边账（短款）" in text
    document = json.loads(case(shop, "labels", "--json"))
    assert document["surplus"] == "acquirer" and len(document["labels"]) > 30


def test_a_late_row_closes_its_case_with_the_reason(shop: Path, tmp_path: Path) -> None:
    case(shop, "send", one(shop, "TERMINAL_ONLY")["id"], "--to", "acquirer", "--as", "WANG")
    file = DayFile().add(1, 1250).add(2, 2000).add(5, 111).add(3, 700).add(4, 900)
    with Store.open(shop) as store:
        import_file(store, file.write(tmp_path / "again.csv"))
    run(shop, "reconcile")
    closed = one(shop, "TERMINAL_ONLY")
    assert closed["state"] == "resolved" and closed["closed_by"] == "companion"
    assert "both sides now agree" in closed["closed_reason"]
