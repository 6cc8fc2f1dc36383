"""The firmware's modules linked into one, for boards: fewer names to keep in RAM.

    python -m boards.bundle > build/pingzhang.py

Every module that a board loads takes RAM, even when its bytecode stays in flash: a table of all
the names in it, a dict of its globals, and another entry there for each thing it imports. Most
names occur in many modules. So what the entry modules import at their top, and what that imports,
becomes one module, ``pingzhang``; under their own names the modules only refer to it, for those
who import them later or from outside. What a function imports when it runs stays a module of its
own. A constant is put where it is used and keeps no name, and what nobody here uses is left out,
like the companion's end of a session: an import of it fails on a board.

Lines in a traceback are those of the text that this prints. What cannot be linked is refused:
a module used as a value, an assignment to another module's name, a circle of imports.
"""

from __future__ import annotations

import ast
import builtins
import copy
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boards.names import (
    COMPREHENSIONS,
    bound_names,
    defines,
    each_argument,
    globals_of,
    local_names,
)

NAME = "pingzhang"
ENTRIES = ("terminal.start", "terminal.app")
# The companion's end: what only it uses is not for a board.
ELSEWHERE = ("protocol.companion_session",)

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
class _Module:
    """One module's text taken apart."""

    name: str
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


def bundle(
    texts: Mapping[str, str], entries: tuple[str, ...] = ENTRIES, name: str = NAME
) -> dict[str, str]:
    """The texts of the modules by their place on a board, with the linked ones in ``name``.py.
    That may be the entry itself, which keeps its names then: board.py with the drivers it
    imports."""
    trees = {place: ast.parse(text, place) for place, text in texts.items()}
    linked = _Linker({_module_name(place): tree for place, tree in trees.items()}, entries, name)
    made = {}
    for place, text in texts.items():
        module = _module_name(place)
        if module not in ELSEWHERE:
            made[place] = linked.reference(module) if module in linked.modules else text
    made[name + ".py"] = linked.text()
    return made


def _module_name(place: str) -> str:
    return place[: -len(".py")].replace("/", ".")


class _Linker:
    def __init__(
        self, trees: Mapping[str, ast.Module], entries: tuple[str, ...], name: str
    ) -> None:
        self._trees = trees
        self._name = name
        self.modules: dict[str, _Module] = {}
        """In the order of their imports: nothing is used before it is defined."""
        self._under_way: list[str] = []
        for name in entries:
            self._add(name)
        self._used = self._find_used(entries)
        self._hidden: set[tuple[str, str]] = set()
        self._new_names = self._rename()
        # A local of the same name hides a global where another module's function uses it: then
        # that one is called something else.
        while hidden := self._find_hidden():
            self._hidden |= hidden
            self._new_names = self._rename()

    def _add(self, name: str) -> None:
        if name in self.modules:
            return
        if name in self._under_way:
            raise BundleError(f"{name}: a circle of imports")
        self._under_way.append(name)
        module = _Module(name, self._trees[name])
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom):
                self._import(module, statement)
            elif isinstance(statement, ast.Import):
                module.outside.append(statement)
            elif not _is_text(statement):
                module.body.append(statement)
        module.names = bound_names(module.body)
        module.constants = _constants(module, self.modules)
        if name == self._name:
            for public in [here for here in module.constants if not here.startswith("_")]:
                del module.constants[public]
        self._under_way.remove(name)
        self.modules[name] = module

    def _import(self, module: _Module, statement: ast.ImportFrom) -> None:
        """What comes from a linked module becomes a reference to it."""
        source = statement.module or ""
        for alias in statement.names:
            here = alias.asname or alias.name
            if f"{source}.{alias.name}" in self._trees:
                module.aliases[here] = f"{source}.{alias.name}"
                self._add(module.aliases[here])
            elif source in self._trees:
                module.borrowed[here] = (source, alias.name)
                self._add(source)
            else:
                module.outside.append(ast.ImportFrom(source, [alias], 0))

    def _find_used(self, entries: tuple[str, ...]) -> set[tuple[str, str]]:
        """Modules and names that something on a board refers to."""
        left = [(entry, name) for entry in entries for name in self.modules[entry].names]
        refers: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for name, tree in self._trees.items():
            module = self.modules.get(name)
            if name not in ELSEWHERE:
                inner = ast.Module(module.body, []) if module else tree
                left += self._imported(inner)
            if module is None:
                continue
            for statement in module.body:
                uses = self._references(module, statement)
                bound = bound_names([statement])
                for here in bound:
                    refers.setdefault((name, here), set()).update(uses)
                if not bound:
                    left += uses
        used: set[tuple[str, str]] = set()
        while left:
            one = left.pop()
            if one not in used:
                used.add(one)
                left += refers.get(one, ())
        return used

    def _imported(self, tree: ast.Module) -> list[tuple[str, str]]:
        """What a module that is not linked, or a function, takes of the linked ones."""
        found = []
        aliases: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if f"{node.module}.{alias.name}" in self.modules:
                        aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    elif node.module in self.modules:
                        found.append(self.find(node.module, alias.name, node.module))
        for owner, name in _attributes(tree):
            if owner in aliases and name not in ("__file__", "__name__"):
                found.append(self.find(aliases[owner], name, aliases[owner]))
        return found

    def _references(self, module: _Module, statement: ast.stmt) -> set[tuple[str, str]]:
        found = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in module.names | set(module.borrowed):
                found.add(self.find(module.name, node.id, module.name))
        for owner, name in _attributes(statement):
            if owner in module.aliases:
                found.add(self.find(module.aliases[owner], name, module.name))
        return found

    def _rename(self) -> dict[tuple[str, str], str]:
        """A name in the linked module for each name of each module."""
        taken = set(dir(builtins))
        for module in self.modules.values():
            for statement in module.outside:
                taken |= bound_names([statement])
        new: dict[tuple[str, str], str] = {}
        if self._name in self.modules:
            for name in self.modules[self._name].names - set(self.modules[self._name].constants):
                new[self._name, name] = name
                taken.add(name)
        for module in self.modules.values():
            for name in sorted(module.names):
                if (module.name, name) not in self._used or (module.name, name) in new:
                    continue
                found = name
                if name in module.constants:
                    found = "_" + name.lstrip("_")  # the compiler keeps no name that begins so
                if found in taken or (module.name, name) in self._hidden:
                    found += "_" + module.name.rpartition(".")[2]
                while found in taken:
                    found += "_"
                taken.add(found)
                new[module.name, name] = found
        return new

    def _find_hidden(self) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for module in self.modules.values():
            renamer = _Renamer(self, module)
            for statement in module.body:
                renamer.visit(copy.deepcopy(statement))
            found |= renamer.hidden
        return found

    def find(self, module: str, name: str, where: str) -> tuple[str, str]:
        """The module that defines a name which this one has, and the name there."""
        there = self.modules[module]
        if name in there.borrowed:
            return self.find(*there.borrowed[name], where)
        if name not in there.names:
            raise BundleError(f"{where}: {module} does not define {name}")
        return module, name

    def new_name(self, module: str, name: str) -> str:
        """What it is called in the linked module; ``module`` defines it."""
        return self._new_names.get((module, name), name)

    def text(self) -> str:
        """The linked module's."""
        imports = []
        constants = []
        body: list[ast.stmt] = []
        for module in self.modules.values():
            imports += [ast.unparse(statement) for statement in module.outside]
            for name, value in module.constants.items():
                if (module.name, name) in self._used:
                    constants.append(f"{self.new_name(module.name, name)} = const({value!r})")
            renamer = _Renamer(self, module)
            for statement in module.body:
                if self._stays(module, statement):
                    body.append(renamer.visit(copy.deepcopy(statement)))
        tree = ast.Module(body, [])
        ast.fix_missing_locations(tree)
        head = ["from micropython import const", *dict.fromkeys(imports), *constants]
        return "\n".join([*head, ast.unparse(tree), ""])

    def _stays(self, module: _Module, statement: ast.stmt) -> bool:
        bound = bound_names([statement])
        used = not bound or any((module.name, name) in self._used for name in bound)
        return used and not defines(statement) & set(module.constants)

    def reference(self, name: str) -> str:
        """The text that stands for a linked module under its own name."""
        module = self.modules[name]
        lines = []
        # What it takes from outside may be there on one interpreter only.
        from_outside = {
            alias.asname or alias.name
            for statement in module.body
            for node in ast.walk(statement)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        for here in sorted((module.names - from_outside) | set(module.borrowed)):
            there, original = self.find(name, here, name)
            if here.startswith("_") or (there, original) not in self._used:
                continue
            if original in self.modules[there].constants:
                lines.append(f"{here} = {self.modules[there].constants[original]!r}")
            else:
                new = self._new_names[there, original]
                lines.append(f"from {self._name} import {new} as {here}")
        return "\n".join([*lines, ""])


class _Renamer(ast.NodeTransformer):
    """Puts the linked module's names in the place of one module's."""

    def __init__(self, linker: _Linker, module: _Module) -> None:
        self._linker = linker
        self._module = module
        self._scopes: list[tuple[bool, set[str]]] = []  # is it a class, and what it binds
        self.hidden: set[tuple[str, str]] = set()
        """Modules and names whose new names mean something else where they are used."""

    def _is_global(self, name: str) -> bool:
        for depth, (is_class, names) in enumerate(reversed(self._scopes)):
            # What a class binds is seen in its own body only, not in its methods.
            if name in names and not (is_class and depth):
                return False
        return True

    def _refuse(self, node: ast.AST, why: str) -> BundleError:
        return BundleError(f"{self._module.name}, line {getattr(node, 'lineno', 0)}: {why}")

    def _of(self, name: str, module: str = "") -> str:
        where = self._module.name
        found = self._linker.find(module or where, name, where)
        new = self._linker.new_name(*found)
        if not self._is_global(new):
            self.hidden.add(found)
        return new

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self._is_global(node.id):
            return node
        if node.id == "__file__":
            # Where the module would be by itself; the linked one is in the root of them all.
            place = self._module.name.replace(".", "/") + ".py"
            root = "__file__[:__file__.rfind('/') + 1]"
            return ast.parse(f"{root} + {place!r}", mode="eval").body
        if node.id in self._module.aliases:
            raise self._refuse(node, f"the module {node.id} is used as a value")
        if node.id in self._module.names or node.id in self._module.borrowed:
            return ast.Name(self._of(node.id), node.ctx)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        owner = node.value
        if isinstance(owner, ast.Name) and self._is_global(owner.id):
            module = self._module.aliases.get(owner.id)
            if module:
                if not isinstance(node.ctx, ast.Load):
                    raise self._refuse(node, f"{owner.id}.{node.attr} is assigned to")
                return ast.Name(self._of(node.attr, module), node.ctx)
        self.generic_visit(node)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        return ast.Global([self._of(name) for name in node.names])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        bound = local_names(node)
        if self._is_global(node.name):
            node.name = self._of(node.name)
        node.decorator_list = [self.visit(item) for item in node.decorator_list]
        node.returns = None
        self._arguments(node.args)
        node.body = [item for item in node.body if not _is_text(item)] or [ast.Pass()]
        self._scopes.append((False, bound))
        node.body = self._visited(node.body)
        self._scopes.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._arguments(node.args)
        self._scopes.append((False, local_names(node)))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def _arguments(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(item) for item in arguments.defaults]
        arguments.kw_defaults = [item and self.visit(item) for item in arguments.kw_defaults]
        for argument in each_argument(arguments):
            argument.annotation = None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        bound = bound_names(node.body)
        if self._is_global(node.name):
            node.name = self._of(node.name)
        node.bases = [self.visit(item) for item in node.bases]
        node.body = [item for item in node.body if not _is_text(item)] or [ast.Pass()]
        self._scopes.append((True, bound))
        node.body = self._visited(node.body)
        self._scopes.pop()
        return node

    def _visited(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements after their visit; one that only declares a type is left out."""
        return [done for item in body if (done := self.visit(item))] or [ast.Pass()]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.Assign([self.visit(node.target)], self.visit(node.value), lineno=node.lineno)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, COMPREHENSIONS):
            self._scopes.append((False, local_names(node)))
            super().generic_visit(node)
            self._scopes.pop()
            return node
        return super().generic_visit(node)


def _attributes(tree: ast.AST) -> list[tuple[str, str]]:
    """NAME.ATTRIBUTE, wherever it stands."""
    return [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _constants(module: _Module, linked: Mapping[str, _Module]) -> dict[str, object]:
    """Names given once, at the top, to a value that an expression of the compiler's can have."""
    times: dict[str, int] = {}
    for statement in module.body:
        for name in bound_names([statement]):
            times[name] = times.get(name, 0) + 1
    found: dict[str, object] = {}
    changed = globals_of(module.tree)
    for statement in module.body:
        names = defines(statement)
        value = getattr(statement, "value", None)
        if len(names) == 1 and isinstance(value, ast.expr):
            name = names.pop()
            known = _value(value, module, found, linked)
            if known is None and name.startswith("_") and _uses(module, name) == 1:
                known = _literal(value, module, found, linked)
            if known is not None and times[name] == 1 and name not in changed:
                found[name] = known
    return found


def _uses(module: _Module, name: str) -> int:
    """How often a name of its own is read in a module."""
    nodes = ast.walk(module.tree)
    reads = [node for node in nodes if isinstance(node, ast.Name) and node.id == name]
    return len([node for node in reads if isinstance(node.ctx, ast.Load)])


def _literal(
    node: ast.expr, module: _Module, found: dict[str, object], linked: Mapping[str, _Module]
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
    node: ast.expr, module: _Module, found: dict[str, object], linked: Mapping[str, _Module]
) -> object:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return _literal(node, module, found, linked)


def _value(
    node: ast.expr, module: _Module, found: dict[str, object], linked: Mapping[str, _Module]
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


if __name__ == "__main__":
    from boards.firmware import texts

    sys.stdout.write(bundle(texts())[NAME + ".py"])
