"""What is wrong with a journal is said in Chinese too, whoever noticed it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import companion
from companion.reconcile import problems
from companion.reconcile.phrases import CHINESE, ENGLISH

_SOURCES = Path(companion.__file__).parent.rglob("*.py")
_SAID = "".join(path.read_text() for path in _SOURCES if path.name != "problems.py")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("missing from the store", "本地没有"),
        (
            "the terminal has another record 17 than the store: its journal was rolled back, "
            "swapped or lost",
            "终端的记录 17 与已存的不同：其日志被回退、调换或丢失",
        ),
        (
            "damaged: sector 3 slot 1-2, sector 4 slot 7, ...; "
            "the parts of record 9 are not all there",
            "已损坏：扇区 3 槽位 1-2，扇区 4 槽位 7，...；记录 9 的各部分不全",
        ),
        (
            "it stands on record 5: the terminal lost those between",
            "封印接在记录 5 之后，终端丢失了中间的",
        ),
        (
            "totals of batch 000001 are (1, 990, 0, 0), its transactions (2, 1980, 0, 0)",
            "批次 000001 的总计 (1, 990, 0, 0)，交易合计 (2, 1980, 0, 0)",
        ),
        ("held a clear card number: not stored", "含明文卡号，未保存"),
        ("what nobody knows: yet, more", "what nobody knows: yet, more"),
    ],
)
def test_a_problem_in_chinese(english: str, chinese: str) -> None:
    assert problems.said(english, CHINESE) == chinese
    assert problems.said(english, ENGLISH) == english


def test_every_line_is_a_problem_that_somewhere_is_said() -> None:
    """One that is worded anew there has to be worded anew here."""
    said = re.sub(
        r'"\s*f?"',
        "",
        _SAID,
    )
    lines = [line.split("=")[0] for line in problems._LINES.strip().splitlines()]
    assert len(lines) > 20
    for english in lines:
        longest = max(re.split(r"\{\w+\}", english), key=len).strip()
        assert longest in said, english
