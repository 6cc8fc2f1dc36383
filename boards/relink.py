"""A module that is not linked takes what it needs straight from the linked one; for bundle.py.

By way of ``protocol.record``, which only refers to the linked module, it would load that one too,
with a table of names, a dict, and an entry for every name that anybody takes from there.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable

from boards.edits import Edit, Text
from boards.linkable import Module
from boards.members import without_place
from boards.names import bound_names, globals_of, module_uses

Find = Callable[[str, str, str], tuple[str, str]]
NewName = Callable[[str, str], str]
_NOT_THERE = ("__file__", "__name__")


class Relinker:
    """``modules``: the linked ones; ``find`` and ``new_name``: as for renaming.Renamer."""

    def __init__(
        self, name: str, modules: dict[str, Module], find: Find, new_name: NewName
    ) -> None:
        self._name = name
        self._modules = modules
        self._find = find
        self._new_name = new_name

    def text(self, name: str, source: str) -> str:
        """The module's, with the same lines."""
        return _Late(self, name, source).text()

    def value(self, module: str, name: str, where: str) -> tuple[str, str]:
        """What stands for a name of a linked module, and the name in the linked one that it is:
        one of them is empty."""
        there, original = self._find(module, name, where)
        constants = self._modules[there].constants
        if original in constants:
            return f"({constants[original]!r})", ""
        return "", self._new_name(there, original)

    def statement(self, names: dict[str, str]) -> list[str]:
        taken = [f"{new} as {here}" if new != here else new for here, new in names.items()]
        return [f"from {self._name} import {', '.join(taken)}"] if names else []

    def has(self, module: str) -> bool:
        return module in self._modules


class _Late:
    def __init__(self, linker: Relinker, name: str, source: str) -> None:
        self._linker = linker
        self._name = name
        self._text = Text(source)
        self._tree = ast.parse(source, name)
        self._uses = module_uses(self._tree)
        self._attributes = {
            node.value: node
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        self._bound = Counter(
            name for statement in self._tree.body for name in bound_names([statement])
        )
        self._without_place = without_place(self._tree) | globals_of(self._tree)
        every = list(ast.walk(self._tree))
        self._names = {node.id for node in every if isinstance(node, ast.Name)}
        self._names |= {node.arg for node in every if isinstance(node, ast.arg)}
        self._names |= set(self._bound)

    def text(self) -> str:
        edits: list[Edit] = []
        for statement in self._tree.body:
            if isinstance(statement, ast.ImportFrom) and not statement.level:
                edits += self._relinked(statement)
        return self._text.edited(edits)

    def _relinked(self, statement: ast.ImportFrom) -> list[Edit]:
        source = statement.module or ""
        edits: list[Edit] = []
        names: dict[str, str] = {}
        left = []
        for alias in statement.names:
            here = alias.asname or alias.name
            taken: tuple[dict[str, str], list[Edit]] | None = None
            once = self._bound[here] == 1 and here not in self._without_place
            if once and self._linker.has(f"{source}.{alias.name}"):
                taken = self._of_module(here, f"{source}.{alias.name}")
            elif once and self._linker.has(source):
                taken = self._of_name(here, source, alias.name)
            if taken is None:
                left.append(alias)
            else:
                names.update(taken[0])
                edits += taken[1]
        if len(left) == len(statement.names):
            return []
        others = [ast.unparse(ast.ImportFrom(source, left, 0))] if left else []
        parts = others + self._linker.statement(names)
        return [*edits, self._text.whole(statement, "; ".join(parts) or "pass")]

    def _of_module(self, here: str, module: str) -> tuple[dict[str, str], list[Edit]] | None:
        """Every ``here.NAME``; None when it is used in another way."""
        names: dict[str, str] = {}
        edits = []
        for use in [use for use in self._uses if use.id == here]:
            node = self._attributes.get(use)
            if node is None or not isinstance(node.ctx, ast.Load) or node.attr in _NOT_THERE:
                return None
            value, new = self._linker.value(module, node.attr, self._name)
            if node.lineno != node.end_lineno:
                return None
            mine = new
            while mine in self._names:
                mine += "_"
            edits.append(self._text.whole(node, value or mine))
            if new:
                names[mine] = new
        return names, edits

    def _of_name(
        self, here: str, module: str, name: str
    ) -> tuple[dict[str, str], list[Edit]] | None:
        value, new = self._linker.value(module, name, self._name)
        if new:
            return {here: new}, []
        return {}, [self._text.whole(use, value) for use in self._uses if use.id == here]
