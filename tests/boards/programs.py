"""Programs of a few modules, made by chance, in which the same few names mean many things: what a
linker must keep apart. Every expression in them is a number."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_NAMES = ("a", "b", "c", "x", "_x", "_y", "_a", "show", "total", "_b1")
_LOCALS = ("a", "b", "c", "x", "_x", "_a", "show")
_A_MODULE = "7"
_INTERPRETER = Path(sys.executable).parent / "micropython"


def output(folder: Path, texts: Mapping[str, str], code: str) -> str:
    """What MicroPython prints when these are its modules."""
    for place, text in texts.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    run = subprocess.run(
        [str(_INTERPRETER), "-c", code],
        env={"MICROPYPATH": f"{folder}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not run.stderr and run.stdout, run.stdout + run.stderr
    return run.stdout


class _Module:
    """``known``: names here, and how an expression uses each: "%s" with what is in the holes."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.known: dict[str, str] = {}
        self.given: list[str] = []
        """Those that others may import."""
        self._chance = chance

    def free(self, prefix: str = "") -> str:
        """A name that nothing has here."""
        names = [prefix + name for name in _NAMES if prefix + name not in self.known]
        return self._chance.choice(names) if names else self.free(prefix + "n")

    def number(self, known: dict[str, str], depth: int = 0) -> str:
        """An expression; ``known``: what is seen where it stands."""
        chance = self._chance
        kind = chance.randrange(8) if depth < 3 else 0
        if kind < 4:
            if not known or not chance.randrange(5):
                return str(chance.randrange(9))
            use = known[chance.choice(sorted(known))]
            if depth > 4:
                return use.replace("%s", "4")
            holes = [self.number(known, depth + 1) for _ in range(use.count("%s"))]
            return use % tuple(holes)
        name = chance.choice(_LOCALS)
        inner = _seen({**known, name: name})
        first, second = self.number(known, depth + 1), self.number(inner, depth + 1)
        if kind == 4:
            return f"(lambda {name}: {second})({first})"
        if kind == 5:
            return f"sum([{second} for {name} in [{first}, 2]])"
        if kind == 6:
            return f"(lambda {name}={first}: {second})()"
        return f"({first} + {self.number(known, depth + 1)})"

    def take(self, other: _Module) -> None:
        """Import from a module."""
        chance = self._chance
        if chance.randrange(2):
            here = other.name
            if chance.randrange(2) or here in self.known:
                here = self.free()
            as_here = "" if here == other.name else f" as {here}"
            self.lines.append(f"from shop import {other.name}{as_here}")
            for name in other.given:
                self.known[f"{here}.{name}"] = f"{here}.{other.known[name]}"
            self.known[here] = _A_MODULE
        else:
            for name in chance.sample(other.given, min(2, len(other.given))):
                here = self.free()
                self.lines.append(f"from shop.{other.name} import {name} as {here}")
                self.known[here] = other.known[name].replace(name, here, 1)

    def define(self) -> None:
        """A constant, something that is held, a function or a class."""
        name = self.free()
        chance = self._chance
        kind = chance.randrange(5)
        if kind == 0:
            self.lines.append(f"{name} = {chance.randrange(9)}")
            use = name
        elif kind == 1:
            self.lines.append(f"{name} = [{self.number({})}]")
            use = f"{name}[0]"
        elif kind == 4:
            use = self._class(name)
        else:
            use = self._function(name)
        self.known[name] = use
        self.given.append(name)

    def _function(self, name: str) -> str:
        chance = self._chance
        arguments = chance.sample(_LOCALS, chance.randrange(3))
        known = {**self.known, **dict(zip(arguments, arguments, strict=True))}
        self.lines.append(f"def {name}({', '.join(arguments)}):")
        local = chance.choice(_LOCALS)
        self.lines.append(f"    {local} = {self.number({n: n for n in arguments})}")
        known[local] = local
        self.lines.append(f"    return {self.number(_seen(known))}")
        return f"{name}({', '.join(['%s'] * len(arguments))})"

    def _class(self, name: str) -> str:
        chance = self._chance
        field, other, method, argument = chance.sample(_NAMES[:8], 4)
        known = {**self.known, argument: argument}
        first, second = self.number(_seen(known)), self.number(_seen(known))
        self.lines += [
            f"class {name}:",
            f"    def __init__(self, {argument}):",
            f"        self.{field} = {first}",
            f"        self.{other} = {argument}",
            f"    def {method}(self, {argument}):",
            f"        return self.{field} + self.{other} + {second}",
            f"    def _{method}1(self):",
            f"        return self.{method}({self.number(self.known)})",
            "    def sum(self):",
            f"        return self._{method}1()",
        ]
        return f"{name}(%s).sum()"

    def text(self) -> str:
        return "\n".join([*self.lines, ""])


def _seen(known: dict[str, str]) -> dict[str, str]:
    """Without what stands behind a module's name that is another thing's here."""
    return {
        name: use
        for name, use in known.items()
        if "." not in name or known[name.partition(".")[0]] == _A_MODULE
    }


def program(seed: int) -> dict[str, str]:
    """Texts by place; ``shop.till.run()`` gives a list of numbers."""
    chance = random.Random(seed)
    made: list[_Module] = []
    for name in ("money", "names", "keys", "till", "seldom"):
        module = _Module(chance, name)
        for other in chance.sample(made, min(len(made), 2)):
            if other.given:
                module.take(other)
        for _ in range(6):
            module.define()
        made.append(module)
    *_, till, seldom = made
    calls = [till.number(till.known) for _ in range(12)]
    late = ["late." + seldom.known[name].replace("%s", "3") for name in seldom.given]
    till.lines += [
        "def run():",
        "    from shop import seldom as late",
        f"    return [{', '.join(calls + late)}]",
    ]
    return {"shop/__init__.py": "", **{f"shop/{one.name}.py": one.text() for one in made}}
