"""The scanner finds each form of card data wherever it is planted, and the repository has no card
data but what the list below names, with its reason."""

from __future__ import annotations

import random
import sqlite3
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from boards.virtual.shop import card
from tests import scan
from tests.card_data import BINARY, CVV, MESSAGE, PACKED, PAN, PIN, TRACK
from tests.scan import Finding


@dataclass(frozen=True)
class Allowed:
    """Card data that has to be there: in these files, of this kind, for this reason."""

    files: str
    what: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        return fnmatch(finding.path, self.files) and finding.what in self.what


ROOT = Path(__file__).parent.parent
CARD = card(77)["pan"]  # 16 digits
LONG = "6228481234567891233"  # 19, so half a byte is left over
_ON_THE_WIRE = "whole messages of the line, to which PAN, track 2 and PIN block belong; test keys"
_INSERTED = "the synthetic card that the test inserts"
_CARDS = "checks what a reader gives: good and bad numbers and tracks, all of them synthetic"

ALLOWED = (
    Allowed("companion/evidence/fonts/*.ttf", (PACKED,), "outlines of glyphs that look like one"),
    Allowed("protocol/vectors/iso8583.json", (PAN, PACKED, TRACK, CVV), _ON_THE_WIRE),
    Allowed("protocol/vectors/iso8583_1987.json", (PAN, TRACK, CVV), _ON_THE_WIRE),
    Allowed("protocol/vectors/iso8583_transactions.json", (PAN, PACKED), _ON_THE_WIRE),
    Allowed("boards/virtual/panel.py", (PAN,), "the synthetic card that a person can insert"),
    Allowed("tests/boards/test_virtual_panel.py", (PAN, CVV), _INSERTED),
    Allowed("tests/companion/acquirer_client.py", (PAN,), _INSERTED),
    Allowed("tests/companion/test_acquirer_*.py", (PAN,), _INSERTED),
    Allowed("tests/companion/test_alert_*.py", (PAN,), "the merchant's own card, as he types it"),
    Allowed("tests/companion/test_flash_load.py", (PAN,), "a record that must be refused"),
    Allowed("tests/companion/test_statements.py", (PAN,), "a file that must be refused"),
    Allowed("tests/companion/test_store.py", (PAN,), "a record that must be refused"),
    Allowed("tests/journal/test_cell.py", (PAN,), "the card whose ciphertext is looked for"),
    Allowed("tests/shared/bench.py", (PAN,), _INSERTED),
    Allowed("tests/shared/test_cards.py", (PAN, TRACK, CVV), _CARDS),
    Allowed("tests/shared/test_*.py", (PAN,), _INSERTED),
    Allowed("tests/world/cashier.py", (PAN, TRACK), "the cards of the world's customers"),
    Allowed("tests/world/test_oracle.py", (PAN,), "what the oracle must object to"),
    Allowed("tests/card_data.py", (PAN,), "the cards to look for"),
    Allowed("tests/test_scan.py", (PAN, TRACK, CVV), "the cards that are planted"),
)


def _odd(digits: str) -> bytes:
    """Packed from the second nibble on."""
    text = "7" + digits
    return bytes.fromhex(text + "f" * (len(text) % 2))


def _pin_block(pin: str, pan: str) -> bytes:
    plain = f"0{len(pin)}{pin}".ljust(16, "F")
    return (int(plain, 16) ^ int(pan[-13:-1], 16)).to_bytes(8, "big")


def _message(*fields: int) -> bytes:
    """TPDU, header, MTI 0200, a bitmap and something behind it."""
    bitmap = sum(1 << (64 - field) for field in (3, 4, 11, 41, 42, *fields))
    return bytes.fromhex("6000030000613100000000" + "0200") + bitmap.to_bytes(8, "big") + b"\0" * 9


FORMS = {
    "digits": (f" {CARD},".encode(), PAN),
    "nineteen digits": (f'"{LONG}"'.encode(), PAN),
    "digits in groups": (f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}.".encode(), PAN),
    "digits behind other digits": (f"20261120{CARD}000001234567".encode(), PAN),
    "packed": (bytes.fromhex(CARD), PACKED),
    "packed behind its length": (bytes.fromhex("16" + CARD + "000000"), PACKED),
    "packed from the odd nibble": (_odd(CARD), PACKED),
    "nineteen packed, padded": (bytes.fromhex("19" + LONG + "0"), PACKED),
    "nineteen packed, odd nibble": (_odd(LONG), PACKED),
    "packed in hexadecimal text": (f"F2 is 00{CARD}00000012345678".encode(), PACKED),
    "digits in hexadecimal text": (f"x{CARD.encode().hex()}.".encode(), PAN),
    "a number, big end first": (int(CARD).to_bytes(8, "big"), BINARY),
    "a number, little end first": (int(CARD).to_bytes(8, "little"), BINARY),
    "a long number, big end first": (int(LONG).to_bytes(8, "big"), BINARY),
    "a long number, little end first": (int(LONG).to_bytes(8, "little"), BINARY),
    "track 2": (f";{CARD}=30122010000?".encode(), TRACK),
    "track 2 of no test card": (b"x4012888888881881D3012201", TRACK),
    "track 2 packed": (bytes.fromhex(CARD + "d3012201000" + "f"), TRACK),
    "track 2 packed from the odd nibble": (_odd(CARD + "d30122010"), TRACK),
    "track 1": (f"%B{CARD}^DOE/J^30122010000?".encode(), TRACK),
    "a PIN block": (_pin_block("1234", CARD), PIN),
    "a PIN block of six": (_pin_block("987654", LONG), PIN),
    "a PIN block in hexadecimal": (
        b"got " + _pin_block("0000", CARD).hex().encode() + b"0" * 10,
        PIN,
    ),
    "a message with a PIN": (_message(52), MESSAGE),
    "a message with track 2": (_message(35, 64), MESSAGE),
    "a message in hexadecimal": (b"> " + _message(2, 52, 64).hex().encode(), MESSAGE),
    "a named value": (b'{"cvv2": "123"}', CVV),
    "a named PIN block": (b" pin_block=0412AC89ABCDEF67", CVV),
}


def _kinds(path: Path) -> set[str]:
    return {finding.what for finding in scan.scan([path])}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found_in_a_flash_image_and_nothing_without_it(
    form: str, tmp_path: Path
) -> None:
    planted, what = FORMS[form]
    dice = random.Random(form)
    image = bytearray(dice.randbytes(16 * 1024) + b"\xff" * 16 * 1024)
    path = tmp_path / "journal.flash"
    path.write_bytes(image)
    assert _kinds(path) == set()
    # In the middle, across a sector's end, alone between erased sectors.
    for offset in (1000, 4096 - len(planted) // 2, 24 * 1024):
        changed = bytearray(image)
        changed[offset : offset + len(planted)] = planted
        path.write_bytes(changed)
        assert what in _kinds(path), offset


def test_what_a_terminal_may_keep_is_not_found(tmp_path: Path) -> None:
    masked = CARD[:6] + "*" * 6 + CARD[-4:]
    path = tmp_path / "log"
    path.write_text(
        f"{masked} {CARD[:-1]}{(int(CARD[-1]) + 1) % 10} merchant 104110070110001\n"
        f"token 8a7f99999900 RRN 261120093000 amount 999999999999 pin=5 track={masked}\n"
    )
    path_2 = tmp_path / "journal.flash"
    # A message without secrets, and short records in front of erased flash.
    path_2.write_bytes(_message(2, 64) + b"\x04\x12\x34" + b"\xff" * 100)
    assert scan.scan([tmp_path]) == []


def test_a_database_is_read_with_what_was_deleted_from_it(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA secure_delete=OFF")
    database.execute("CREATE TABLE t (a TEXT, b BLOB, n INTEGER, cvv2 TEXT)")
    database.execute("INSERT INTO t VALUES (?, ?, ?, NULL)", ("fine", b"fine", 5))
    database.commit()
    assert _kinds(path) == set()
    database.execute("INSERT INTO t (n) VALUES (?)", (int(LONG),))
    database.commit()
    assert _kinds(path) == {PAN, BINARY}
    database.execute("DELETE FROM t WHERE n > 5")
    database.execute("INSERT INTO t (cvv2) VALUES ('123')")
    # So long that it begins in one page and goes on in others.
    database.execute("INSERT INTO t (a) VALUES (?)", ("x" * 4000 + CARD + "x" * 4000,))
    database.commit()
    assert {CVV, PAN} <= _kinds(path)
    database.execute("DELETE FROM t")
    database.commit()
    database.close()
    assert PAN in _kinds(path)  # in the free pages


def test_what_is_compressed_is_read_too(tmp_path: Path) -> None:
    table = pa.table({"card": ["fine", CARD], "amount_minor": [1, int(LONG)]})
    pq.write_table(table, tmp_path / "facts.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "evidence.zip", "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("record.json", "no " * 100 + CARD)
    found = {(finding.path, finding.what) for finding in scan.scan([tmp_path], root=tmp_path)}
    assert found >= {("facts.parquet", PAN), ("evidence.zip", PAN)}


def test_a_finding_does_not_repeat_the_number(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"card {CARD}")
    assert CARD not in str(scan.scan([tmp_path])[0])


def test_the_command_says_with_its_exit_code_whether_there_is_any(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("nothing")
    assert scan.main([str(tmp_path)]) == 0
    log.write_text(f"card {CARD}")
    assert scan.main([str(tmp_path)]) == 1
    assert scan.main([str(tmp_path / "no such file")]) == 2


def test_the_repository_has_card_data_only_where_it_must() -> None:
    folders = [ROOT / name for name in ("boards", "companion", "firmware", "protocol", "tests")]
    folders += [path for path in ROOT.iterdir() if path.suffix in (".md", ".json", ".toml")]
    everything = scan.scan(folders, root=ROOT)
    unexplained = [one for one in everything if not any(rule.covers(one) for rule in ALLOWED)]
    assert [str(one) for one in unexplained] == []
    unused = [rule.files for rule in ALLOWED if not any(map(rule.covers, everything))]
    assert unused == []
