"""Statements: recognised or refused, checked to the last line before anything is stored."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from companion.acquirer import dayfile
from companion.statements import StatementError, host_day, layouts
from companion.statements.importing import import_file
from companion.store import Store, StoreError, originals
from tests.companion.sealed import CARD, DAY, MERCHANT, TERMINAL, DayFile

CLEAR = "6222000000000009"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def day() -> DayFile:
    return DayFile().add(1, 1250).add(2, 300, "DECLINED").add(3, 700, "REVERSED").add(4, 50)


def live(store: Store) -> list[originals.Original]:
    with store.read() as connection:
        return originals.live(connection)


def kept(store: Store) -> list[str]:
    return sorted(path.name for path in store.files.glob("*")) if store.files.exists() else []


def test_a_day_file_is_read_to_the_last_field() -> None:
    statement = layouts.parse(day().text().encode())
    assert (statement.layout, statement.merchant_no) == ("pingzhang-host-1", MERCHANT)
    assert (statement.captured_count, statement.captured_minor) == (2, 1300)
    row = statement.rows[0]
    assert (row.line, row.batch, row.stan, row.amount_minor) == (3, "000001", "000001", 1250)
    assert (row.card, row.status, row.f39) == (CARD, "CAPTURED", "00")
    assert row.host_time.isoformat() == f"{DAY}T09:00:00+00:00"


def test_a_day_without_transactions_is_a_valid_file() -> None:
    assert layouts.parse(DayFile().text().encode()).rows == []


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
                layouts.parse(shifted.replace(f",{clear}", f",{clear},", 1).encode())
            assert clear not in str(caught.value)
        with pytest.raises(StatementError, match=r"line 3: currency is 1[679] characters") as c:
            layouts.parse(text.replace(",156,", f",{clear},", 1).encode())
        assert clear not in str(c.value)
    with pytest.raises(StatementError, match="the totals say another number of rows") as c:
        layouts.parse(text.replace("#totals,4", f"#totals,{CLEAR}").encode())
    assert CLEAR not in str(c.value)


def test_a_value_without_an_end_is_refused_with_its_line() -> None:
    for value in ("9" * 200_000, '"' + "xx\n" * 100_000):
        with pytest.raises(StatementError, match=r"line \d+: field larger than field limit"):
            layouts.parse(day().text().replace("CAPTURED", value, 1).encode())


def test_a_digit_is_one_of_ten() -> None:
    # What looks like another number or batch to a person compares as different.
    for value, foreign in (
        ("000001", "00000\u0661"),
        (",156,", ",\u066156,"),
        (",1250,", ",\uff11250,"),
    ):
        with pytest.raises(StatementError, match="line 3: "):
            layouts.parse(day().text().replace(value, foreign, 1).encode())
    with pytest.raises(StatementError, match="not '#totals"):
        layouts.parse(day().text().replace("#totals,4", "#totals,\uff14").encode())


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
        layouts.parse(data)
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
        layouts.parse(data)
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
    assert originals.load(store, done.original) == path.read_bytes()


def test_a_corrected_file_takes_the_place_of_the_earlier_one(store: Store, tmp_path: Path) -> None:
    first = import_file(store, day().write(tmp_path / "a.csv"))
    second = import_file(store, day().add(5, 60).write(tmp_path / "b.csv"))
    assert second.supersedes == first.original.sha256
    assert live(store) == [second.original]
    assert len(kept(store)) == 2, "the earlier original stays as evidence"
    other_day = DayFile(day="2026-03-03").add(6, 10)
    assert import_file(store, other_day.write(tmp_path / "c.csv")).supersedes is None
    assert len(live(store)) == 2


def test_an_original_that_was_changed_is_noticed_and_put_right_by_importing_again(
    store: Store, tmp_path: Path
) -> None:
    path = day().write(tmp_path / "a.csv")
    done = import_file(store, path)
    (store.files / done.original.sha256).write_text("changed")
    with pytest.raises(StoreError, match="was changed; import it again"):
        originals.load(store, done.original)
    assert not import_file(store, path).new
    assert originals.load(store, done.original) == path.read_bytes()


def test_no_cut_or_flipped_byte_makes_anything_but_the_same_rows_or_an_error() -> None:
    data = day().text().encode()
    whole = layouts.parse(data)
    chance = random.Random(20260302)
    refused = 0
    for _ in range(400):
        bad = bytearray(data)
        if chance.random() < 0.3:
            del bad[chance.randrange(len(bad)) :]
        else:
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            statement = layouts.parse(bytes(bad))
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
