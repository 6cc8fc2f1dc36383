"""Statements: recognised or refused, checked to the last line before anything is stored."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from companion.acquirer import dayfile
from companion.facts.schema import ACQUIRER, as_date
from companion.statements import StatementError, host_day, layouts
from companion.statements.importing import Checked, check, import_file, take_in
from companion.statements.options import Options
from companion.store import Store, StoreError, originals
from tests.companion.sealed import CARD, DAY, MERCHANT, TERMINAL, DayFile
from tests.companion.statement_files import TerminalFile, adyen, allinpay, camt053

CLEAR = "6222000000000009"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def day() -> DayFile:
    return DayFile().add(1, 1250).add(2, 300, "DECLINED").add(3, 700, "REVERSED").add(4, 50)


def live(store: Store) -> list[originals.Original]:
    with store.read() as connection:
        return originals.live(connection)


def kept(store: Store) -> list[str]:
    return sorted(path.name for path in store.files.glob("*")) if store.files.exists() else []


def test_a_day_file_is_read_to_the_last_field() -> None:
    found = layouts.statement(day().text().encode())
    assert (found.layout, found.kind, found.party) == ("pingzhang-host-1", "acquirer", MERCHANT)
    assert (found.channel, found.whole, found.number) == ("card", True, "")
    assert (found.captured_count, found.captured_minor) == (2, 1300)
    assert as_date(found.first_day).isoformat() == as_date(found.last_day).isoformat() == DAY
    assert found.rows.schema == ACQUIRER.remove(0)
    row = found.rows.to_pylist()[0]
    assert (row["line"], row["batch"], row["stan"]) == (3, "000001", "000001")
    assert (row["amount_minor"], row["fee_minor"], row["txn"]) == (1250, None, "SALE")
    assert (row["card"], row["status"], row["f39"]) == (CARD, "CAPTURED", "00")
    assert (row["merchant_no"], row["terminal_no"], row["channel"]) == (MERCHANT, TERMINAL, "card")
    assert (row["day"], row["occurrence"], row["file"]) == (found.first_day, 0, "")
    assert datetime.fromtimestamp(row["at"], timezone.utc).isoformat() == f"{DAY}T09:00:00+00:00"


def test_a_day_without_transactions_is_a_valid_file() -> None:
    assert len(layouts.statement(DayFile().text().encode()).rows) == 0


def test_the_columns_are_those_that_the_host_writes() -> None:
    assert tuple(host_day.COLUMNS) == dayfile.COLUMNS
    assert dayfile.LAYOUT == host_day.NAME


def without_line(number: int) -> str:
    lines = day().text().splitlines()
    del lines[number - 1]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (day().text().replace(",1250,", ",12.50,"), "line 3: amount_minor is '12.50'"),
        (day().text().replace(",1250,", ",1251,"), "captured minor units"),
        (day().text().replace("DECLINED", "CAPTURED"), "captured rows"),
        (day().text().replace("DECLINED", "LOST"), "line 4: status is 'LOST'"),
        (day().text().replace("SALE", "GIFT", 1), "line 3: type is 'GIFT'"),
        (day().text().replace("SALE", "REFUND", 1), "captured minor units, the lines above"),
        (day().text().replace("SALE", "PREAUTH", 1), "line 3: a PREAUTH is not CAPTURED"),
        (day().text().replace("CAPTURED", "AUTHORISED"), "line 3: a SALE is not AUTHORISED"),
        (day().text().replace("156", "840", 1), "line 3: currency is '840'"),
        (day().text().replace(f"{DAY}T09", "2026-13-02T09", 1), "line 3: .* no time"),
        (day().text().replace(f"\n{DAY},", "\n2026-03-03,", 1), "line 3: merchant .* line 1"),
        (
            day().text().replace(f"{TERMINAL},000001", f"{TERMINAL},0001", 1),
            "line 3: batch is '0001'",
        ),
        (day().text().replace(",000001,SALE", ",000001,extra,SALE", 1), "line 3: 16 values"),
        (day().text().replace("batch,stan", "stan,batch"), "line 2: the columns are not"),
        (day().text().replace(f",{DAY}\n", ",today\n"), "line 1: not"),
        (day().text().rsplit("#totals", 1)[0], "without its #totals line; it was cut short"),
        (day().text() + "one more line\n", "without its #totals line"),
        (without_line(3), "the totals say 4 rows, the lines above have 3"),
        (day().text().replace("#totals,4,", "#totals,four,"), "line 7: not '#totals"),
        (day().text().replace(CARD, '"622200\n0005"', 1), "line"),
    ],
)
def test_a_file_with_one_thing_wrong_is_refused_and_the_line_named(
    store: Store, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "day.csv"
    path.write_text(text)
    with pytest.raises(StatementError, match=message) as caught:
        import_file(store, path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert live(store) == [] and kept(store) == []


def test_bytes_that_are_no_text_are_refused_with_their_line(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(day().text().encode().replace(CARD.encode(), b"\xff\xfe", 1))
    with pytest.raises(StatementError, match="line 3: not UTF-8"):
        import_file(store, path)


def test_a_file_with_a_clear_card_number_is_refused_and_the_number_not_shown(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "day.csv"
    path.write_text(day().text().replace(CARD, CLEAR, 1))
    with pytest.raises(StatementError, match="line 3: card is an unmasked") as caught:
        import_file(store, path)
    assert CLEAR not in str(caught.value)
    assert kept(store) == []


def test_a_file_with_shifted_columns_shows_no_card_number_either() -> None:
    text = day().text()
    for clear in (CLEAR, " ".join(re.findall("....", CLEAR)), CLEAR[:4] + "-" + CLEAR[4:]):
        for earlier in ("000001,", "SALE,", f",{CARD}"):
            shifted = text.replace(CARD, clear).replace(earlier, "", 1)
            with pytest.raises(StatementError) as caught:
                layouts.read(shifted.replace(f",{clear}", f",{clear},", 1).encode())
            assert clear not in str(caught.value)
        with pytest.raises(StatementError, match=r"line 3: currency is 1[679] characters") as c:
            layouts.read(text.replace(",156,", f",{clear},", 1).encode())
        assert clear not in str(c.value)
    with pytest.raises(StatementError, match="the totals say another number of rows") as c:
        layouts.read(text.replace("#totals,4", f"#totals,{CLEAR}").encode())
    assert CLEAR not in str(c.value)


def test_a_value_without_an_end_is_refused_with_its_line() -> None:
    for value, message in (
        ("9" * 200_000, "line 3: longer than 65536 bytes"),
        ('"' + "xx\n" * 100_000, "line 3: a quoted value runs over the end of the line"),
    ):
        with pytest.raises(StatementError, match=message):
            layouts.read(day().text().replace("CAPTURED", value, 1).encode())


def test_a_digit_is_one_of_ten() -> None:
    # What looks like another number or batch to a person compares as different.
    for value, foreign in (
        ("000001", "00000\u0661"),
        (",156,", ",\u066156,"),
        (",1250,", ",\uff11250,"),
    ):
        with pytest.raises(StatementError, match="line 3: "):
            layouts.read(day().text().replace(value, foreign, 1).encode())
    with pytest.raises(StatementError, match="not '#totals"):
        layouts.read(day().text().replace("#totals,4", "#totals,\uff14").encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"date,amount\n2026-03-02,1\n",
        b"#pingzhang-host-2,x,y\n",
        b"\x89PNG\r\n",
        CLEAR.encode(),
    ],
)
def test_an_unknown_layout_is_refused_with_what_was_seen_and_expected(data: bytes) -> None:
    with pytest.raises(StatementError, match=r"begins with .*; expected") as caught:
        layouts.read(data)
    assert "#pingzhang-host-1,merchant_no,business_date" in str(caught.value)
    assert CLEAR not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", "begins with nothing, it is empty;"),
        (b"\n\nx", "begins with an empty line;"),
        (b"\xef\xbb\xbf#pingzhang", r"begins with '\xef\xbb\xbf#pingzhang' (digits"),
        (b"\x12\x89 622", r"begins with '\x12\x89 999' (digits shown as 9)"),
    ],
)
def test_the_beginning_of_an_unknown_file_is_shown_as_it_is(data: bytes, seen: str) -> None:
    with pytest.raises(StatementError) as caught:
        layouts.read(data)
    assert seen in str(caught.value)


def test_a_file_that_is_not_there_is_one_clear_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StatementError, match=r"nowhere\.csv: No such file"):
        import_file(store, tmp_path / "nowhere.csv")
    with pytest.raises(StatementError, match="directory"):
        import_file(store, tmp_path)


def test_the_same_bytes_twice_are_one_file_whatever_their_name(
    store: Store, tmp_path: Path
) -> None:
    first = import_file(store, day().write(tmp_path / "a.csv"))
    second = import_file(store, day().write(tmp_path / "b.csv"))
    assert (first.new, second.new) == (True, False)
    assert first.original == second.original
    assert kept(store) == [first.original.sha256]


def test_the_original_is_kept_byte_for_byte(store: Store, tmp_path: Path) -> None:
    path = day().write(tmp_path / "a.csv")
    done = import_file(store, path)
    assert originals.checked(store, done.original).read_bytes() == path.read_bytes()


def test_a_corrected_file_takes_the_place_of_the_earlier_one(store: Store, tmp_path: Path) -> None:
    first = import_file(store, day().write(tmp_path / "a.csv"))
    second = import_file(store, day().add(5, 60).write(tmp_path / "b.csv"))
    assert second.supersedes == [first.original.sha256]
    assert live(store) == [second.original]
    assert len(kept(store)) == 2, "the earlier original stays as evidence"
    other_day = DayFile(day="2026-03-03").add(6, 10)
    assert import_file(store, other_day.write(tmp_path / "c.csv")).supersedes == []
    assert len(live(store)) == 2


def test_an_original_that_was_changed_is_noticed_and_put_right_by_importing_again(
    store: Store, tmp_path: Path
) -> None:
    path = day().write(tmp_path / "a.csv")
    done = import_file(store, path)
    (store.files / done.original.sha256).write_text("changed")
    with pytest.raises(StoreError, match="was changed; import it again"):
        originals.checked(store, done.original)
    assert not import_file(store, path).new
    assert originals.checked(store, done.original).read_bytes() == path.read_bytes()


BOOKINGS = json.dumps(
    {
        "name": "bookings",
        "kind": "bank",
        "party": "1234567890",
        "columns": {"date": "date", "amount": "amount"},
    }
)


def bookings(path: Path, *days: int, amount: int = 1) -> Checked:
    """A bank's file with a booking on each of these days of March."""
    lines = ["date,amount", *(f"2026-03-{day:02d},{amount}" for day in days)]
    path.write_text("\n".join(lines) + "\n")
    return check(path, Options(BOOKINGS))


def told(store: Store) -> list[tuple[str, str, str, int]]:
    with store.read() as connection:
        return [
            (part.kind, part.party, part.period, part.captured_minor)
            for part in originals.parts(connection)
        ]


def test_a_file_of_several_statements_is_kept_once_and_each_is_known(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "batch.csv"
    path.write_text(adyen())
    done = import_file(store, path)
    assert [(part.part, part.kind) for part in done.parts] == [(0, "acquirer"), (1, "payouts")]
    assert told(store) == [
        ("acquirer", "Shop", "batch 118 (2026-03-01 to 2026-03-03)", 2299),
        ("payouts", "Shop", "batch 118 (2026-03-03)", 1350),
    ]
    assert len(kept(store)) == 1


def test_batches_may_tell_the_same_days_and_only_the_same_batch_takes_its_place(
    store: Store, tmp_path: Path
) -> None:
    files = {}
    for name, text in (
        ("first", adyen()),
        ("second", adyen().replace(",118,", ",119,")),
        ("corrected", adyen().replace("O1", "O9")),
    ):
        path = tmp_path / name
        path.write_text(text)
        files[name] = import_file(store, path)
    assert files["second"].supersedes == []
    assert files["corrected"].supersedes == [files["first"].original.sha256]
    assert sorted({period[:9] for _, _, period, _ in told(store)}) == ["batch 118", "batch 119"]
    assert len(told(store)) == 4


def test_a_longer_statement_takes_the_place_of_the_days_in_it(
    store: Store, tmp_path: Path
) -> None:
    for day in (2, 3):
        take_in(store, bookings(tmp_path / "day", day))
    done = take_in(store, bookings(tmp_path / "days", 1, 2, 3, 4))
    assert len(done.supersedes) == 2
    assert told(store) == [("bank", "******7890", "2026-03-01 to 2026-03-04", 400)]


@pytest.mark.parametrize("days", [(2,), (1, 2, 3), (3, 4, 5), (1, 2)])
def test_a_day_is_not_told_twice(store: Store, tmp_path: Path, days: tuple[int, ...]) -> None:
    take_in(store, bookings(tmp_path / "first", 2, 3, 4))
    with pytest.raises(StoreError, match=r"told by an earlier file .* that tells more than it"):
        take_in(store, bookings(tmp_path / "second", *days, amount=2))
    assert told(store) == [("bank", "******7890", "2026-03-02 to 2026-03-04", 300)]
    assert len(kept(store)) == 1


def test_a_file_of_another_layout_takes_the_place_only_when_asked(
    store: Store, tmp_path: Path
) -> None:
    take_in(store, bookings(tmp_path / "first", 2))
    path = tmp_path / "camt.xml"
    path.write_text(camt053(account="1234567890"))
    with pytest.raises(StoreError, match="of another layout; --replace takes its place"):
        take_in(store, check(path))
    assert take_in(store, check(path), replace=True).supersedes
    assert told(store) == [("bank", "******7890", "2026-03-02", 1050)]


def test_a_second_statement_of_one_day_counts_beside_the_first(
    store: Store, tmp_path: Path
) -> None:
    for number in (62, 63, 62):
        path = tmp_path / f"{number}.xml"
        path.write_text(camt053(number=number).replace("PAY-1", f"PAY-{number}"))
        import_file(store, path)
    corrected = tmp_path / "corrected.xml"
    corrected.write_text(camt053(number=62))
    assert len(import_file(store, corrected).supersedes) == 1
    assert len(told(store)) == 2


def test_each_terminal_may_have_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    def take(amount: int, *terminals: str) -> list[str]:
        path = tmp_path / "export.csv"
        file = TerminalFile()
        for stan, terminal in enumerate(terminals, 1):
            file.add(stan, amount)
            file.rows[-1] = file.rows[-1].replace("10000009", terminal)
        path.write_text(file.text())
        return import_file(store, path).supersedes

    assert take(1, "10000001") == take(10, "10000002") == []
    assert len(take(2, "10000001")) == 1
    assert sum(minor for *_, minor in told(store)) == 12
    assert len(take(100, "10000001", "10000002")) == 2
    with pytest.raises(StoreError, match="that tells more than it"):
        take(3, "10000001")
    assert sum(minor for *_, minor in told(store)) == 200


def test_the_same_bytes_read_in_another_way_are_the_file_anew(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "first"
    first = take_in(store, bookings(path, 2))
    again = take_in(store, check(path, Options(BOOKINGS)))
    assert (first.new, again.new) == (True, False)
    other = BOOKINGS.replace("1234567890", "9876543210")
    done = take_in(store, check(path, Options(other)))
    assert (done.new, done.supersedes) == (True, [])
    assert told(store) == [("bank", "******3210", "2026-03-02", 100)]
    assert len(kept(store)) == 1
    (item,) = live(store)
    assert item.mapping == other


def test_what_a_file_took_the_place_of_by_mistake_counts_again(
    store: Store, tmp_path: Path
) -> None:
    first = take_in(store, bookings(tmp_path / "first", 2))
    path = tmp_path / "of another account"
    wrong = take_in(store, bookings(path, 1, 2, amount=5))
    assert wrong.supersedes == [first.original.sha256]
    other = BOOKINGS.replace("1234567890", "9876543210")
    take_in(store, check(path, Options(other)))
    assert told(store) == [
        ("bank", "******3210", "2026-03-01 to 2026-03-02", 1000),
        ("bank", "******7890", "2026-03-02", 100),
    ]
    assert len(live(store)) == 2


def test_a_file_of_two_merchants_of_which_one_is_corrected_counts_for_the_other(
    store: Store, tmp_path: Path
) -> None:
    for name, text in (
        ("both", allinpay({}, {"商户号": "821290053115678"})),
        ("one", allinpay({"交易金额": "99.00"})),
    ):
        path = tmp_path / name
        path.write_text(text)
        import_file(store, path)
    assert [(party, minor) for _, party, _, minor in told(store)] == [
        ("821290053111234", 9900),
        ("821290053115678", 1250),
    ]
    assert len(live(store)) == 2


def test_a_clear_card_number_is_masked_on_the_way_in_when_asked(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "pos.csv"
    path.write_text(allinpay({"卡号": CLEAR}))
    with pytest.raises(StatementError, match="a clear card number; such a file is not kept"):
        import_file(store, path)
    assert kept(store) == []
    done = take_in(store, check(path, mask=True))
    stored = originals.checked(store, done.original).read_text()
    assert CLEAR not in stored and "622200******0009" in stored
    assert not take_in(store, check(path, mask=True)).new
    assert path.read_text() == allinpay({"卡号": CLEAR})


def test_a_file_that_changes_while_it_is_imported_is_not_kept(
    store: Store, tmp_path: Path
) -> None:
    path = day().write(tmp_path / "a.csv")
    checked = check(path)
    path.write_text(day().add(9, 1).text())
    with pytest.raises(StoreError, match="was changed while it was imported"):
        take_in(store, checked)
    assert live(store) == [] and kept(store) == []


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """A quarter of a million rows, of which a block at a time is in memory."""
    path = tmp_path / "large.csv"
    file = DayFile()
    with path.open("w") as stream:
        head, names = file.text().splitlines()[:2]
        stream.write(f"{head}\n{names}\n")
        row = file.add(1, 100).rows[0]
        before, after = row.split(",000001,000001,", 1)
        for stan in range(250_000):
            stream.write(f"{before},000001,{stan:06d},{after}\n")
        stream.write("#totals,250000,250000,25000000\n")
    size = path.stat().st_size
    pa.default_memory_pool().release_unused()
    before_bytes = pa.total_allocated_bytes()
    found = layouts.statement(path)
    assert found.captured_minor == 25_000_000
    assert pa.total_allocated_bytes() - before_bytes < size // 4, "rows are on disk"


def test_files_of_an_older_store_are_statements_of_a_day(tmp_path: Path) -> None:
    database = tmp_path / "store.sqlite"
    with sqlite3.connect(database) as old:
        old.executescript((Path(__file__).parent / "store-v1.sql").read_text())
        for name, by in (("new", None), ("old", "new")):
            old.execute(
                "INSERT INTO files VALUES (?, ?, 'pingzhang-host-1', ?, ?, 4, 2, 1300, 'then', ?)",
                (name, f"{name}.csv", MERCHANT, DAY, by),
            )
    old.close()
    with Store.open(tmp_path) as store:
        assert told(store) == [("acquirer", MERCHANT, DAY, 1300)]
        assert [item.name for item in live(store)] == ["new.csv"]
        (part,) = originals.parts_of(store, "old")
        assert (part.rows, part.captured_count, part.channel) == (4, 2, "card")


def test_no_cut_or_flipped_byte_makes_anything_but_the_same_rows_or_an_error() -> None:
    data = day().text().encode()
    whole = layouts.statement(data)
    chance = random.Random(20260302)
    refused = 0
    for _ in range(400):
        bad = bytearray(data)
        if chance.random() < 0.3:
            del bad[chance.randrange(len(bad)) :]
        else:
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            statement = layouts.statement(bytes(bad))
        except StatementError:
            refused += 1
            continue
        # A changed digit in a time or an RRN cannot be told from a true one; the money can.
        assert statement.captured_minor == whole.captured_minor
        assert len(statement.rows) == len(whole.rows)
    assert refused > 250


def test_the_store_keeps_originals_to_its_user(store: Store, tmp_path: Path) -> None:
    done = import_file(store, day().write(tmp_path / "a.csv"))
    assert os.stat(store.files / done.original.sha256).st_mode & 0o077 == 0
