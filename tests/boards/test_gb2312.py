"""The table in the repository is what the generator writes, and the driver reads all of it."""

from boards.gb2312 import TABLE, table
from drivers import gb2312


def test_the_table_is_up_to_date() -> None:
    assert TABLE.read_bytes() == table()


def test_every_character_of_gb_2312_is_encoded_as_pythons_codec_does() -> None:
    text = "".join(chr(code) for code in range(0x20, 0x10000) if _known(chr(code)))
    assert len(text) == 7445 + 95
    assert gb2312.encode(text) == text.encode("gb2312")


def _known(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return char != "\x7f"
