"""Programs whose names were made few, or that were linked, do what they did before."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.bundle import NAME, bundle
from boards.linkable import BundleError
from boards.shorten import keywords, shorten
from tests.boards.programs import output, program


def _check(folder: Path, texts: dict[str, str], code: str) -> dict[str, str]:
    """The short texts, after all three ways have said the same."""
    linked = bundle(texts, ("shop.till",))
    short = shorten(linked, keywords(texts), NAME)
    before = output(folder / "apart", texts, code)
    assert output(folder / "linked", linked, code) == before
    assert output(folder / "short", short, code) == before
    for place, text in short.items():
        assert text.count("\n") == linked[place].count("\n"), place
    return short


def _program(folder: Path, seed: int) -> None:
    _check(folder, program(seed), "from shop import till\nprint(till.run())")


# 52: a comprehension over something of a module that has the name of its own variable.
@pytest.mark.parametrize("seed", [52, 3])
def test_a_program_made_by_chance_does_what_it_did(tmp_path: Path, seed: int) -> None:
    _program(tmp_path, seed)


@pytest.mark.thorough
@pytest.mark.parametrize("first", range(1000, 1050, 10))
def test_programs_made_by_chance_do_what_they_did(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 10):
        _program(tmp_path / str(seed), seed)


TRAPS = {
    "shop/__init__.py": "",
    "shop/money.py": """
try:
    import struct as packer
except ImportError as missing:
    packer = missing
UNIT = 5
rows = [1, 2]
def show(rows):
    return [rows for rows in rows], UNIT
def packed():
    return packer.calcsize("<I")
class Purse:
    kind = UNIT
    def __init__(self, minor):
        self._minor = minor
        self._kind = "purse"
    def _shown(self):
        return self._kind + str(self._minor)
    def ask(self, what):
        return getattr(self, "_do_" + what)()
    def _do_count(self):
        return self._minor
    def _secret(self):
        return 1
    def asked(self):
        return getattr(self, "_secret")()
""",
    "shop/keys.py": """
try:
    import binascii as packer
except ImportError:
    packer = None
rows = [3, 4]
missing = None
def each(_UNIT, show=rows):
    return [rows for rows in show], _UNIT, packer.hexlify(b"x")
def named(first, second=0, *, third=1):
    inner = lambda first, other=second: (first, other, third)
    def deep(second):
        nonlocal first
        first += second
        return first
    return inner(7), deep(2), first
""",
    "shop/till.py": """
from shop import keys, money
from shop.keys import rows, named
from shop.money import Purse as Base, UNIT
_found = {}
class Till(Base):
    def __init__(self, minor, extra):
        super().__init__(minor)
        self._extra = extra
        self.public = 0
        other = self
        other._outside = 3
    def total(self):
        return self._minor + self._extra + self._outside, self._shown()
    def _shown(self):
        return "till" + super()._shown()
def run():
    _found["x"] = 1
    from shop import seldom
    till = Till(10, 20)
    return [
        [rows for rows in rows], money.show([8]), keys.each(6), keys.each(_UNIT=9, show=[1]),
        money.packed(), till.total(), till.ask("count"), till.asked(), till.kind, _found, UNIT,
        named(1, third=5), f"{till.public} {rows}", seldom.late(2), seldom.named_late(3),
    ]
""",
    "shop/seldom.py": """
from shop import keys, money
from shop.keys import named as _named
from shop.money import (
    UNIT,
    show,
)
_kept = [UNIT]
def _own(money):
    return money + 1
def late(keys):
    said = (
        f"for {_kept} "
        f"{UNIT} {show([1])}"
    )
    return _own(keys), money.UNIT, said, money.Purse(1).ask("count"), _kept
def named_late(value):
    _kept[0] += value
    return _named(value, second=UNIT), keys.rows, [money for money in [money.UNIT]]
""",
}


def test_what_looks_alike_stays_apart(tmp_path: Path) -> None:
    short = _check(tmp_path, TRAPS, "from shop import till\nprint(till.run())")
    made = short[NAME + ".py"]
    # Only self asks for it, so it has another name; what may be asked for by a text has not.
    assert "_extra" not in made and "_minor" not in made
    assert "_do_count" in made and "_secret" in made and "_outside" in made
    assert "public" in made and "def run(" in made
    # Arguments, but not those that somebody gives by keyword.
    assert "extra" not in made and "third" in made
    assert "_own" not in short["shop/seldom.py"] and "def late(" in short["shop/seldom.py"]


def test_a_late_module_takes_what_it_needs_from_the_linked_one(tmp_path: Path) -> None:
    code = "import sys\nfrom shop import till\ntill.run()\nprint(sorted(sys.modules))"
    linked = bundle(TRAPS, ("shop.till",))
    loaded = output(tmp_path, shorten(linked, keywords(TRAPS), NAME), code)
    assert "'pingzhang'" in loaded and "'shop.seldom'" in loaded
    # In f-strings nothing is changed, so that one is loaded by its own name.
    assert "'shop.money'" in loaded and "'shop.keys'" not in loaded


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f():\n    class A:\n        pass\n    return A\n", "line 2: a class in a function"),
        (
            "class A:\n    def f(self, name):\n        return getattr(self, name)\n",
            "line 3: any attribute may be meant",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, why: str) -> None:
    with pytest.raises(BundleError, match=why):
        shorten({"shop.py": text}, set())
