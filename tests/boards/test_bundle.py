"""Modules linked into one do what they did apart; what cannot be linked is refused."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boards import firmware
from boards.bundle import ELSEWHERE, NAME, BundleError, bundle
from tests.boards.programs import output

ENTRY = ("shop.till",)


TEXTS = {
    "shop/__init__.py": 'VERSION = "1.2"\n',
    "shop/money.py": '''"""Money."""
import struct
UNIT = 100
HALF = UNIT - 50
DOUBLE = 2 * UNIT
_MARK = "CNY"
_LONG = "a text that is longer than a name"
_PAIRS = ("a", "b")
class Amount:
    unit = UNIT
    show = None
    def __init__(self, minor: int) -> None:
        self.minor = minor
    def show(self) -> str:
        return f"{_MARK} {self.minor // self.unit}"
def show(minor: int, mark: str = _MARK) -> str:
    """Shown."""
    return mark + str(minor) + show_long()
def show_long() -> str:
    return _LONG
def open(minor):
    return Amount(minor)
def unused():
    return nothing_here()
def place():
    return __file__
''',
    "shop/names.py": """
import struct
from binascii import crc32 as checksum
_MARK = "names"
count = 0
def total(rows: "list[int]") -> int:
    return sum([row for row in rows])
def mark():
    return _MARK, checksum(b"x"), struct.calcsize("<I")
def counted():
    global count
    count += 1
    return count
""",
    "shop/till.py": """
from shop import VERSION, money, names
from shop.money import Amount as Sum, UNIT, show
from shop.names import mark
_HANDLERS = {}
def run(show_long, total):
    # The locals have the names of globals of other modules.
    mark = [money.show_long() for unit in range(1)]
    return [VERSION, show(UNIT), mark[0], names.total([1, 2]), show_long + total, money.DOUBLE]
def amounts():
    return [Sum(250).show(), money.open(700).show(), open is money.open, money.HALF]
def late():
    from shop import seldom
    return seldom.answer()
def marks():
    return mark(), names.counted(), names.counted(), money.place()
class Till:
    total = 5
    def run(self):
        return total(self)
def total(till):
    return till.total
def tills():
    return Till().run(), (lambda names: names)(1), {mark: 1 for mark in "a"}
""",
    "shop/seldom.py": """
from shop import money
def answer():
    return money.Amount, money.UNIT
""",
}


_CODE = """
from shop import till
print(till.run(1, 2), till.amounts(), till.late()[1], till.tills())
print(till.marks())
from shop import money
print(money.UNIT, money.show(3), money.Amount is till.late()[0], "pingzhang" in sys.modules)
"""


def test_the_linked_modules_do_what_they_did(tmp_path: Path) -> None:
    code = "import sys\n" + _CODE
    before = output(tmp_path / "apart", TEXTS, code).splitlines()
    after = output(tmp_path / "linked", bundle(TEXTS, ENTRY), code).splitlines()
    assert "'1.2', 'CNY100a text" in before[0]
    assert [row.replace("/linked/", "/apart/") for row in after[:2]] == before[:2]
    # Whoever imports a linked module by its own name gets the same objects.
    assert before[2].endswith("True False") and after[2] == before[2].replace("False", "True")


def test_what_is_not_used_or_is_a_number_has_no_name() -> None:
    made = bundle(TEXTS, ENTRY)
    names = {
        node.id
        for node in ast.walk(ast.parse(made[NAME + ".py"]))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert not {"UNIT", "HALF", "DOUBLE", "unused"} & names
    assert "unused" not in made[NAME + ".py"] and "_PAIRS" not in made[NAME + ".py"]
    assert "UNIT = 100" in made["shop/money.py"] and "unused" not in made["shop/money.py"]
    assert "Shown." not in made[NAME + ".py"]
    assert made["shop/seldom.py"].splitlines()[1:] == [
        "from pingzhang import Amount",
        "def answer():",
        "    return Amount, (100)",
    ]
    assert made["shop/__init__.py"] == TEXTS["shop/__init__.py"]


def test_a_module_that_is_the_linked_one_itself_keeps_its_names(tmp_path: Path) -> None:
    texts = {
        **TEXTS,
        "board.py": "from shop import money\nNAME = 'x'\nshow = 5\nopen = money.open\n",
    }
    made = bundle(texts, ("board",), "board")
    code = "import board\nprint(board.NAME, board.show, board.open(900).minor)"
    assert output(tmp_path, made, code).splitlines() == ["x 5 900"]
    # The others take from it what they need.
    assert made["shop/till.py"].count("\n") == TEXTS["shop/till.py"].count("\n")
    assert "from board import Amount as Sum" in made["shop/till.py"]


_IMPORT = "from shop import money\n"


@pytest.mark.parametrize(
    ("place", "text", "why"),
    [
        ("till", _IMPORT + "x = [money]\n", "line 2: the module money is used as a value"),
        ("till", _IMPORT + "money.UNIT = 3\n", "line 2: money.UNIT is assigned to"),
        ("till", _IMPORT + "x = money.nowhere\n", "money does not define nowhere"),
        ("till", "from shop.money import nowhere\nx = nowhere\n", "does not define nowhere"),
        ("money", "from shop import till\nx = till.run\n", "a circle of imports"),
        ("till", "from shop.money import *\n", "line 1: an import must say what"),
        ("till", "from . import money\n", "line 1: an import must say what"),
        ("till", _IMPORT + "x = eval('1')\n", "line 2: eval: names are others"),
        ("till", "x = 1.5\nclass A:\n    y = x\n    x = 2\n", "the class's and the module's"),
    ],
)
def test_what_cannot_be_linked_is_refused(place: str, text: str, why: str) -> None:
    with pytest.raises(BundleError, match=why):
        bundle({**TEXTS, f"shop/{place}.py": text}, ENTRY)


def _is_reference(text: str) -> bool:
    kinds = (ast.ImportFrom, ast.Assign)
    return bool(text) and all(isinstance(node, kinds) for node in ast.parse(text).body)


def test_the_firmware_is_linked_and_every_module_is_still_there() -> None:
    texts = firmware.texts()
    made = bundle(texts)
    apart = {module.replace(".", "/") + ".py" for module in ELSEWHERE}
    assert set(made) == set(texts) - apart | {NAME + ".py"}
    linked = {place for place in texts if place in made and _is_reference(made[place])}
    assert {"terminal/engine.py", "terminal/ring.py", "protocol/record.py"} <= linked
    # Needed once or seldom.
    assert (
        not {"terminal/recovery.py", "protocol/config.py", "protocol/iso8583/profile.py"} & linked
    )
    defined = [
        node.name
        for node in ast.parse(made[NAME + ".py"]).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    assert len(defined) == len(set(defined)) > 200


@pytest.mark.thorough
def test_another_process_links_the_same() -> None:
    for seed in ("1", "2"):
        linked = subprocess.run(
            [sys.executable, "-m", "boards.bundle"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert linked.stdout == bundle(firmware.texts())[NAME + ".py"]
