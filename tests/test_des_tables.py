"""The tables that a board keeps in flash are those of the standard."""

from pathlib import Path

from protocol.iso8583 import des_tables
from tests import des_tables as source

ROOT = Path(__file__).parent.parent


def test_the_tables_are_worked_out_from_the_s_boxes() -> None:
    assert (ROOT / "protocol/iso8583/des_tables.py").read_text() == source.text()
    kept = (des_tables.PLANE_0, des_tables.PLANE_1, des_tables.PLANE_2, des_tables.PLANE_3)
    assert list(kept) == source.planes()
