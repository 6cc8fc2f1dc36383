"""The papers of a case: what stands in them, and that they are the same whenever they are made."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from dataclasses import replace
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from companion.cases.errors import CaseError
from companion.evidence import fonts, gather, pack, show
from companion.evidence.pack import Pack
from companion.evidence.pages import Office
from companion.evidence.words import Words
from companion.facts import manifest, schema
from companion.reconcile import codes
from companion.statements.importing import import_file
from companion.store import Store, StoreError, changes
from companion.store.breaks import Break
from protocol import record
from tests import scan
from tests.companion.evidence_world import DAY_NUMBER, World, reversed_sale
from tests.companion.sealed import MERCHANT, TERMINAL
from tests.companion.statement_files import MT940, camt053

pytestmark = pytest.mark.thorough

LANGUAGES = ("en", "zh")
LONG_NAME = "上海市浦东新区堃喆镕記海鮮酒家有限責任公司第一分店 & <b>Söhne</b>"
NAMES = ("TEST SHOP", LONG_NAME)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def made(store: Store, case: str, language: str = "en", day: str | None = "2026-03-05") -> Pack:
    office = Office(("1 Long Road", "Ms Li, 021-5555 0100"), ())
    return pack.make(gather.case(store, case, language, day), office, Words(language))


@cache
def pages(pack_: Pack) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pack_.pdf)).pages]


def text(pack_: Pack) -> str:
    """All words of the PDF, however its lines are broken."""
    return "".join("".join(pages(pack_)).split())


def has(pack_: Pack, *wanted: str) -> None:
    found = text(pack_)
    for one in wanted:
        assert "".join(one.split()) in found, one


def files(pack_: Pack) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(pack_.zip)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_clearing_desk_finds_on_the_first_page_what_it_needs(
    store: Store, tmp_path: Path, language: str
) -> None:
    world, case = reversed_sale(store, tmp_path)
    first = "".join(pages(made(store, case, language))[0].split())
    for wanted in (
        "TESTSHOP",
        MERCHANT,
        TERMINAL,
        "000001",
        "000007",
        "000000000007",
        "CNY1,250.00",
        "2026-03-02",
        "2026-03-05",
        "2026-03-10",
        "622200******0005",
        "021-55550100",
        case,
        "ACQ20260302.csv",
        world.sha256,
        "verify.py",
    ):
        assert wanted in first, wanted
    asked = {"en": "RefundCNY1,250.00tothecard", "zh": "请将CNY1,250.00退回持卡人卡内"}
    assert asked[language] in first


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_case_gives_the_same_bytes(store: Store, tmp_path: Path, language: str) -> None:
    _, case = reversed_sale(store, tmp_path)
    assert made(store, case, language) == made(store, case, language)
    other = made(store, case, language, "2026-03-06")
    assert other.pdf != made(store, case, language).pdf


def test_a_deadline_that_is_over_is_not_asked_for(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    has(made(store, case, day="2026-03-10"), "Please answer by 2026-03-10")
    late = made(store, case, day="2026-03-11")
    has(late, "Please answer within five business days")
    assert "2026-03-10" not in text(late)


def test_the_zip_has_everything_under_its_hash_and_the_pdf_lists_it(
    store: Store, tmp_path: Path
) -> None:
    world, case = reversed_sale(store, tmp_path)
    done = made(store, case)
    content = files(done)
    assert sorted(content) == list(content)
    sums = content.pop("SHA256SUMS").decode().splitlines()
    assert sums == [
        f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(content.items())
    ]
    assert content[done.pdf_name] == done.pdf
    for name, data in content.items():
        if name != done.pdf_name:
            has(done, name, hashlib.sha256(data).hexdigest())
    (line,) = json.loads(content["statement-lines.json"])
    original = (tmp_path / "ACQ20260302.csv").read_text().splitlines()
    assert (line["sha256"], line["line"], line["text"]) == (world.sha256, 3, original[2])
    (row,) = csv.DictReader(StringIO(content["transactions.csv"].decode("utf-8-sig")))
    assert (row["code"], row["stan"], row["amount_minor"]) == (
        "REVERSED_BUT_SETTLED",
        "000007",
        "125000",
    )
    (slip,) = [data.decode() for name, data in content.items() if name.startswith("slips/")]
    assert "*** REPRINT FROM JOURNAL ***" in slip and "REVERSED, NOT DONE" in slip
    has(done, *slip.splitlines()[2:])


def test_a_slip_is_in_the_terminals_language_whatever_the_papers_are_in(
    store: Store, tmp_path: Path
) -> None:
    world, case = reversed_sale(store, tmp_path)
    with store.write() as connection:
        changes.queue(connection, world.device.device_id, {"language": 1, "utc_offset_min": 540})
        waiting = changes.data_of(connection, world.device.device_id)
        changes.taken(connection, world.device.device_id, waiting)
    for language in LANGUAGES:
        done = made(store, case, language)
        (slip,) = [data.decode() for name, data in files(done).items() if "slips/" in name]
        rows = ("*** 据流水重印 ***", "金额     ￥1250.00", "已冲正,交易未成功")
        assert set(rows) <= set(slip.splitlines())
        has(done, *rows)


def test_the_seals_are_explained_as_what_they_are(store: Store, tmp_path: Path) -> None:
    _, case = reversed_sale(store, tmp_path)
    done = made(store, case)
    has(done, "A seal is not a signature", "the seals alone prove nothing against us")
    has(made(store, case, "zh"), "封印不是签名", "仅凭封印不能证明我方没有改动")
    assert b"A seal is not a signature" in files(done)["README.txt"]


def test_only_the_records_of_the_case_are_shown_and_no_key_block(
    store: Store, tmp_path: Path
) -> None:
    world, case = reversed_sale(store, tmp_path)
    content = files(made(store, case))
    journal = json.loads(content["journal/pz-test-1.json"])
    # Not the sign-in, which has a key block, nor the next customer's sale.
    assert [one["seq"] for one in journal["records"]] == [2, 3, 4, 5]
    assert [one["kind"] for one in journal["records"]] == [
        "ARMED",
        "BOOT",
        "REVERSAL",
        "REVERSAL_END",
    ]
    before = world.device.payloads[0]
    assert before is not None and journal["records"][0]["before"] == before[-8:].hex()
    last = world.device.payloads[-1]
    assert last is not None and journal["newest"]["seal"] == last[-8:].hex()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_font_is_embedded_and_every_character_can_be_read(
    store: Store, tmp_path: Path, language: str, name: str
) -> None:
    world = World(store)
    world.device.config["merchant_name"] = name
    world.device.sale(1, 500, "approved")
    world.file.add(2, 700)
    world.save(tmp_path)
    found = [
        world.found(codes.TERMINAL_ONLY, 1, 500, world.ours(1, 500, 1, 2)),
        world.found(codes.HOST_ONLY, 2, 700, a=world.theirs(2, 700, 3)),
    ]
    done = made(store, world.case("c0ffee", found), language)
    has(done, name, "消费")
    for page in PdfReader(BytesIO(done.pdf)).pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            described = font.get_object()["/FontDescriptor"].get_object()
            assert "/FontFile2" in described
    # What the acquirer's file has no row of was looked for in it.
    has(done, "ACQ20260302.csv", world.sha256)


def test_a_character_that_the_font_does_not_have_is_marked_and_kept_in_the_data(
    store: Store, tmp_path: Path
) -> None:
    assert fonts.printable("𬭚\u202e\x07A") == "〓  A"
    world = World(store)
    world.device.config["merchant_name"] = "𬭚店"
    world.device.sale(1, 500, "approved")
    world.save(tmp_path)
    found = world.found(codes.TERMINAL_ONLY, 1, 500, world.ours(1, 500, 1, 2))
    done = made(store, world.case("c0ffee", [found]))
    has(done, "〓店", "〓 stands for a character")
    assert json.loads(files(done)["case.json"])["merchant_name"] == "𬭚店"


def every_code(world: World, folder: Path) -> str:
    """A case of every code there is, with as many rows as each has."""
    ends = {
        codes.DECLINED_BUT_CAPTURED: "declined",
        codes.REFUND_UNKNOWN: "recon",
        codes.REVERSAL_STUCK: "suspended",
        codes.REVERSED_BUT_SETTLED: "reversed",
    }
    alone = (codes.HOST_ONLY, codes.DUPLICATE_CHARGE)
    journal = (*codes.JOURNAL, codes.BATCH_UNSETTLED, codes.BATCH_TOTALS_DIFFER)
    for stan in range(1, len(codes.BREAKS) + 1):
        world.device.sale(stan, 1000 * stan, ends.get(codes.BREAKS[stan - 1], "approved"))
        world.device.add(record.RECEIPT, stan=stan, batch=1, copy=1)
        world.file.add(stan, 1000 * stan)
    world.save(folder)
    note = (
        f"net=90000009;got=80000008;settle_day={DAY_NUMBER};late_day={DAY_NUMBER + 2};"
        f"account=622200******0013;wanted=622848******1233;valid_to={DAY_NUMBER};why=frozen;"
        "ref=S1;rows=3;"
        f"expected=6;fee=9;seconds=700;leg=acquirer;party={MERCHANT};due_day={DAY_NUMBER + 1}"
    )
    found = []
    for stan, code in enumerate(codes.BREAKS, 1):
        amount = 1000 * stan
        if code in journal:
            found.append(world.gap(code, 3 * stan, 3 * stan, "torn"))
        elif code.startswith("PAYOUT"):
            rows = {"b": world.bank(amount), "p": world.payout(amount)}
            found.append(world.found(code, stan, amount, note=note, terminal_no="", **rows))
        else:
            t = None if code in alone else world.ours(stan, amount, 3 * stan - 2, 3 * stan)
            a = None if code == codes.TERMINAL_ONLY else world.theirs(stan, amount, stan + 2)
            found.append(world.found(code, stan, amount, t, a, note=note, match_pass=3))
    return world.case("eeeeeeeeeeee", found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_of_every_code_has_a_letter_for_each_group_and_recipient(
    store: Store, tmp_path: Path, language: str
) -> None:
    case = every_code(World(store), tmp_path)
    done = made(store, case, language)
    words = Words(language)
    for code in codes.BREAKS:
        has(done, words.code(code).title)
    for recipient in ("acquirer", "bank", "file"):
        has(done, words.say(f"to.{recipient}"))
    assert text(done).count("".join(words.say("to.bank").split())) == 1
    has(done, words.say("low"), "900,000.09", "800,000.08")
    assert files(made(store, case, language)) == files(done)


def test_nothing_in_a_pack_is_card_data(store: Store, tmp_path: Path) -> None:
    case = every_code(World(store), tmp_path)
    for language in LANGUAGES:
        folder = tmp_path / language
        done = made(store, case, language)
        with zipfile.ZipFile(BytesIO(done.zip)) as archive:
            archive.extractall(folder)
        # What is compressed looks like anything now and then: the pages as they are drawn.
        (folder / done.pdf_name).write_text("\n".join(pages(done)))
        drawn = [page.get_contents() for page in PdfReader(BytesIO(done.pdf)).pages]
        (folder / "drawn").write_bytes(b"".join(one.get_data() for one in drawn if one))
        assert scan.scan([folder]) == []


def test_card_and_identity_numbers_in_free_text_are_masked() -> None:
    card = "476173" + "9001010119"
    assert show.masked(f"x,{card},y") == "x,476173******0119,y"
    person = "110105194912310029"[:17]
    assert show.masked(f"{person}9 {person}X") == f"{person}9 110105************"
    assert show.masked(f"x,{MERCHANT},000000000007,121775090000345678") == (
        f"x,{MERCHANT},000000000007,121775090000345678"
    )


@pytest.mark.parametrize("leg", ["text", "reason"])
def test_what_people_write_is_masked_too(store: Store, tmp_path: Path, leg: str) -> None:
    card = "476173" + "9001010119"
    world = World(store)
    world.file.add(2, 700)
    world.save(tmp_path)
    rows = {"b": world.bank(700, text=f"from {card}")} if leg == "text" else {}
    if leg == "reason":
        rows = {"p": world.payout(700, reason=f"card {card} closed", status="RETURNED")}
    found = world.found(codes.PAYOUT_RETURNED, 2, 700, note=f"why={card}", **rows)
    done = made(store, world.case("c0ffee", [found]))
    for data in (*files(done).values(), text(done).encode()):
        assert card.encode() not in data
    has(done, "476173******0119")


def test_a_booking_of_several_lines_is_shown_whole(store: Store, tmp_path: Path) -> None:
    world = World(store)
    found = []
    for name, content, begin in (("b.xml", camt053(), "<Ntry>"), ("b.sta", MT940, ":61:")):
        (tmp_path / name).write_text(content)
        world.sha256 = import_file(store, tmp_path / name).original.sha256
        line = next(at for at, one in enumerate(content.splitlines(), 1) if begin in one)
        row = world.bank(700, line=line)
        found.append(world.found(codes.PAYOUT_OVER, line, 700, b=row, row_key=f"BANK|{name}"))
    lines = gather.case(store, world.case("c0ffee", found), "en").lines
    shown = {line.name: line.text for line in lines}
    assert shown["b.xml"].startswith("<Ntry>") and "</TxDtls>" in shown["b.xml"]
    assert shown["b.sta"].startswith(":61:") and ":86:" in shown["b.sta"]
    assert shown["b.sta"].count(":61:") == 1


def test_amounts_have_their_currency_and_are_not_added_to_others(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    world.file.add(2, 700).add(3, 700).add(4, 700)
    world.save(tmp_path)
    found = [
        world.found(codes.HOST_ONLY, at, 12345, a=world.theirs(at, 12345, 3, currency=currency))
        for at, currency in enumerate(("156", "978", "392", "978", "999"))
    ]
    done = made(store, world.case("c0ffee", found))
    has(done, "CNY 123.45 + JPY 12,345 + EUR 246.90 + 999 123.45", "EUR 123.45")


def test_a_case_without_a_terminal_row_has_no_slip_and_says_so(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    world.file.add(2, 700)
    world.save(tmp_path)
    found = world.found(codes.HOST_ONLY, 2, 700, a=world.theirs(2, 700, 3))
    done = made(store, world.case("c0ffee", [found]))
    has(
        done,
        "sealed journals",
        "at no terminal of ours",
        "No slip: no record of this transaction is in our hands",
    )
    assert not [name for name in files(done) if name.startswith(("slips/", "journal/"))]


def test_journals_and_exports_in_one_letter_are_both_named(store: Store, tmp_path: Path) -> None:
    world = World(store)
    world.device.sale(1, 500, "approved")
    world.file.add(2, 700)
    world.save(tmp_path)
    ts = world.ours(1, 500, 1, 3), world.ours(2, 700, 3, 3, device_id=world.sha256)
    found = [world.found(codes.TERMINAL_ONLY, n, 700, t) for n, t in enumerate(ts, 1)]
    has(made(store, world.case("c0ffee", found)), "the sealed journals and the exports of our")


def test_what_is_wrong_with_a_journal_is_chinese_in_a_chinese_pack(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    world.device.sale(1, 500, "approved")
    world.save(tmp_path)
    wrong = [
        world.gap(codes.JOURNAL_GAP, 2, 2, "missing from the store"),
        world.gap(codes.JOURNAL_ALTERED, 3, 3, "the seal does not match the record"),
    ]
    done = made(store, world.case("c0ffee", wrong), "zh")
    has(done, "本地没有", "封印与记录不符")
    assert "missing" not in text(done)
    assert "match" not in text(done)


def test_a_terminal_of_another_maker_has_a_line_instead_of_records(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    world.file.add(2, 700)
    world.save(tmp_path)
    # Such a row names its file as its device, and its line as its record.
    t = world.ours(2, 700, 3, 3, device_id=world.sha256)
    done = made(store, world.case("c0ffee", [world.found(codes.TERMINAL_ONLY, 2, 700, t)]))
    has(done, "this terminal is of another maker", "The terminal's export: ACQ20260302.csv")
    has(done, "We have compared the exports of our terminals")
    assert "sealedjournals" not in text(done)
    (line,) = json.loads(files(done)["statement-lines.json"])
    assert (line["leg"], line["line"]) == ("terminal", 3)


def test_a_gap_asks_for_the_log_between_the_records_around_it(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    for stan in (1, 2, 3):
        world.device.sale(stan, 100 * stan, "approved")
    world.device.payloads[2] = None
    world.save(tmp_path)
    found = world.gap(codes.JOURNAL_GAP, 3, 3, "torn by a power cut")
    done = made(store, world.case("c0ffee", [found]))
    journal = json.loads(files(done)["journal/pz-test-1.json"])
    assert [one["seq"] for one in journal["records"]] == [1, 2, 4, 5, 6]
    behind = journal["records"][2]
    assert (behind["before"], behind["holds"]) == (None, None)
    has(done, "2026-03-02 17:00:02 - 2026-03-02 17:00:04", "torn by a power cut")
    has(done, "record 2", "STAN 000001", "record 4", "STAN 000002")


def test_a_payout_comes_with_the_transactions_that_make_up_its_sum(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    for stan in (1, 2, 3, 4):
        world.file.add(stan, 1000 * stan)
    world.save(tmp_path)
    rows = [
        world.theirs(1, 1000, 3, fee_minor=6, settle_ref="S1"),
        world.theirs(2, 2000, 4, fee_minor=None, settle_ref="S1", txn="REFUND"),
        world.theirs(3, 3000, 5, settle_ref="S1", status="REVERSED"),
        world.theirs(4, 4000, 6, fee_minor=24, settle_ref="S2"),
        # The acquirer does not say when: the calendar does.
        world.theirs(5, 500, 7, fee_minor=3, settle_day=0),
    ]
    path = store.facts / "acquirer.parquet"
    manifest.write(path, manifest.as_table(schema.ACQUIRER, rows))
    due = {"channel": "card", "day": DAY_NUMBER, "grace_day": 0, "settle_day": DAY_NUMBER + 1}
    manifest.write(store.facts / "due.parquet", manifest.as_table(schema.DUE, [due]))
    made_of = manifest.Manifest()
    made_of.add("acquirer", DAY_NUMBER, manifest.Source("acquirer.parquet", "x"))
    manifest.save(store.facts, made_of)

    def late(name: str, net: int, count: int) -> Break:
        key = f"{MERCHANT}|card|{name}|PAYOUT"
        note, day = f"net={net};got=0;rows={count}", DAY_NUMBER + 1
        return world.found(
            codes.PAYOUT_MISSING, 0, abs(net), row_key=key, terminal_no="", note=note, day=day
        )

    found = [
        # A key that came before has the day behind it.
        replace(late("S1", 1000 - 6 - 2000, 2), row_key=f"{MERCHANT}|card|S1|PAYOUT|20515"),
        late(str(DAY_NUMBER + 1), 497, 1),
        # The facts are not those of the break.
        late("S2", 1234, 1),
    ]
    done = made(store, world.case("c0ffee", found))
    tables = {name: data for name, data in files(done).items() if name.startswith("payouts/")}
    assert set(tables) == {f"payouts/{one.id}.csv" for one in found[:2]}
    lines = list(
        csv.DictReader(StringIO(tables[f"payouts/{found[0].id}.csv"].decode("utf-8-sig")))
    )
    assert [(one["stan"], one["amount_minor"], one["fee_minor"]) for one in lines] == [
        ("000001", "1000", "6"),
        ("000002", "2000", ""),
    ]
    assert [(one["day"], one["file"], one["line"]) for one in lines] == [
        ("2026-03-02", world.sha256, "3"),
        ("2026-03-02", world.sha256, "4"),
    ]
    has(done, f"payouts/{found[0].id}.csv")


def test_a_case_of_many_keeps_the_pages_few_and_the_data_whole(
    store: Store, tmp_path: Path
) -> None:
    world = World(store)
    count = 300
    for stan in range(1, count + 1):
        world.file.add(stan, stan)
    world.save(tmp_path)
    found = [
        world.found(codes.HOST_ONLY, stan, stan, a=world.theirs(stan, stan, stan + 2))
        for stan in range(1, count + 1)
    ]
    done = made(store, world.case("c0ffee", found))
    assert len(PdfReader(BytesIO(done.pdf)).pages) < 60
    has(done, "and 100 more: transactions.csv", show.money(sum(range(count + 1))))
    table = files(done)["transactions.csv"].decode("utf-8-sig")
    assert len(table.splitlines()) == count + 1
    assert len(json.loads(files(done)["statement-lines.json"])) == count


def test_a_break_can_be_named_too_and_what_is_neither_is_refused(
    store: Store, tmp_path: Path
) -> None:
    _, case = reversed_sale(store, tmp_path)
    whole = gather.case(store, case, "en")
    (item,) = whole.items
    assert gather.case(store, item.id, "en") == whole
    with pytest.raises(CaseError, match="there is none"):
        gather.case(store, "0000", "en")


def test_an_original_that_was_changed_is_no_evidence(store: Store, tmp_path: Path) -> None:
    world, case = reversed_sale(store, tmp_path)
    path = store.files / world.sha256
    path.write_bytes(path.read_bytes().replace(b",125000,", b",125001,"))
    with pytest.raises(StoreError, match="changed"):
        gather.case(store, case, "en")


def test_a_spreadsheet_takes_no_value_for_a_formula(store: Store, tmp_path: Path) -> None:
    world = World(store)
    world.file.add(2, 700)
    world.save(tmp_path)
    row = world.theirs(2, 700, 3, rrn="=1+2")
    done = made(store, world.case("c0ffee", [world.found(codes.HOST_ONLY, 2, 700, a=row)]))
    (line,) = csv.DictReader(StringIO(files(done)["transactions.csv"].decode("utf-8-sig")))
    assert line["rrn"] == "'=1+2"
