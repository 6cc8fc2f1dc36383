"""A module's text taken apart for linking, and its constants; for bundle.py."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boards.names import bound_names, defines, globals_of

_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
    ast.BitOr: operator.or_,
}
_INTERNED = 10  # characters that a text may have and be a name to mpy-cross


class BundleError(ValueError):
    """A module that cannot be linked; the message says which, where and why."""


@dataclass
class Module:
    """One module's text taken apart."""

    name: str
    source: str
    tree: ast.Module
    body: list[ast.stmt] = field(default_factory=list)
    """Without docstrings and imports."""
    outside: list[ast.stmt] = field(default_factory=list)
    """Imports of what is not linked."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Name here -> linked module."""
    borrowed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name here -> linked module and the name there."""
    names: set[str] = field(default_factory=set)
    """What is defined here."""
    constants: dict[str, object] = field(default_factory=dict)
    """Of the names: what stands for a value that the compiler can put in their place."""

    def statements(self) -> list[ast.stmt]:
        """Another copy of the body, to be changed."""
        tree = ast.parse(self.source)
        imports = (ast.Import, ast.ImportFrom)
        return [item for item in tree.body if not is_text(item) and not isinstance(item, imports)]


def is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def constants_of(module: Module, linked: Mapping[str, Module]) -> dict[str, object]:
    """Names given once, at the top, to a value that an expression of the compiler's can have."""
    times: dict[str, int] = {}
    for statement in module.body:
        for name in bound_names([statement]):
            times[name] = times.get(name, 0) + 1
    found: dict[str, object] = {}
    changed = globals_of(module.tree)
    reads = _reads(module)
    for statement in module.body:
        names = defines(statement)
        value = getattr(statement, "value", None)
        if len(names) == 1 and isinstance(value, ast.expr):
            name = names.pop()
            known = _value(value, module, found, linked)
            if known is None and name.startswith("_") and reads[name] == 1:
                known = _literal(value, module, found, linked)
            if known is not None and times[name] == 1 and name not in changed:
                found[name] = known
    return found


def _reads(module: Module) -> Counter[str]:
    """How often each name is read in a module."""
    return Counter(
        node.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


def _literal(
    node: ast.expr, module: Module, found: dict[str, object], linked: Mapping[str, Module]
) -> object:
    """A text, bytes or a tuple of such and of numbers, as it stands; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, (str, bytes)) else None
    if isinstance(node, ast.Tuple) and node.elts:
        items = tuple(_literal_item(item, module, found, linked) for item in node.elts)
        return None if None in items else items
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left = _literal(node.left, module, found, linked)
        times = _value(node.right, module, found, linked)
        return left * times if isinstance(left, bytes) and isinstance(times, int) else None
    return None


def _literal_item(
    node: ast.expr, module: Module, found: dict[str, object], linked: Mapping[str, Module]
) -> object:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return _literal(node, module, found, linked)


def _value(
    node: ast.expr, module: Module, found: dict[str, object], linked: Mapping[str, Module]
) -> object:
    """What an expression of integers, short texts and constants stands for, None for others: the
    compiler makes another object of a longer text at each place."""
    if isinstance(node, ast.Constant):
        short = isinstance(node.value, str) and len(node.value) <= _INTERNED
        return node.value if short or type(node.value) is int else None
    if isinstance(node, ast.Name):
        if node.id in module.borrowed:
            source, name = module.borrowed[node.id]
            return linked[source].constants.get(name)
        return found.get(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left = _value(node.left, module, found, linked)
        right = _value(node.right, module, found, linked)
        if isinstance(left, int) and isinstance(right, int):
            done: int = _OPERATIONS[type(node.op)](left, right)
            return done
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _value(node.operand, module, found, linked)
        return -operand if isinstance(operand, int) else None
    return None
