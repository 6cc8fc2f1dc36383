"""The firmware's modules linked into one, for boards: fewer names to keep in RAM.

    python -m boards.bundle > build/pingzhang.py

Every module that a board loads takes RAM, even when its bytecode stays in flash: a table of all
the names in it, a dict of its globals, and another entry there for each thing it imports. Most
names occur in many modules. So what the entry modules import at their top, and what that imports,
becomes one module, ``pingzhang``; under their own names the modules only refer to it, for those
who import them later or from outside. What a function imports when it runs stays a module of its
own, which takes what it needs straight from the linked one (relink.py). A constant is put where
it is used and keeps no name, and what nobody here uses is left out, like the companion's end of a
session: an import of it fails on a board.

Lines in a traceback are those of the text that this prints. What cannot be linked is refused:
a module used as a value, an assignment to another module's name, a circle of imports.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Mapping

from boards.linkable import BundleError, Module, constants_of, is_text
from boards.names import OPENS, bound_names, defines, local_names, parts
from boards.relink import Relinker
from boards.renaming import Renamer

__all__ = ["ELSEWHERE", "ENTRIES", "NAME", "BundleError", "bundle"]

NAME = "pingzhang"
ENTRIES = ("terminal.start", "terminal.app")
# The companion's end: what only it uses is not for a board.
ELSEWHERE = ("protocol.companion_session",)


def bundle(
    texts: Mapping[str, str], entries: tuple[str, ...] = ENTRIES, name: str = NAME
) -> dict[str, str]:
    """The texts of the modules by their place on a board, with the linked ones in ``name``.py.
    That may be the entry itself, which keeps its names then: board.py with the drivers it
    imports."""
    linked = _Linker({_module_name(place): text for place, text in texts.items()}, entries, name)
    made = {name + ".py": linked.text()}
    late = Relinker(name, linked.modules, linked.find, linked.new_name)
    for place, text in texts.items():
        module = _module_name(place)
        if module not in ELSEWHERE:
            if module not in linked.modules:
                text = late.text(module, text)
            elif module != name:
                text = linked.reference(module)
            made.setdefault(place, text)
    return made


def _module_name(place: str) -> str:
    return place[: -len(".py")].replace("/", ".")


class _Linker:
    def __init__(self, texts: Mapping[str, str], entries: tuple[str, ...], name: str) -> None:
        self._texts = texts
        self._trees = {module: ast.parse(text, module) for module, text in texts.items()}
        self._name = name
        self.modules: dict[str, Module] = {}
        """In the order of their imports: nothing is used before it is defined."""
        self._under_way: list[str] = []
        for name in entries:
            self._add(name)
        self._asked: set[tuple[str, str]] = set()
        """Modules and names that come from there by an import, though others define them."""
        self._used = self._find_used(entries)
        self._hidden: set[tuple[str, str]] = set()
        """Modules and names that must not keep their names: see text()."""
        self._new_names = self._rename()

    def _add(self, name: str) -> None:
        if name in self.modules:
            return
        if name in self._under_way:
            raise BundleError(f"{name}: a circle of imports")
        self._under_way.append(name)
        module = Module(name, self._texts[name], self._trees[name])
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom):
                self._import(module, statement)
            elif isinstance(statement, ast.Import):
                module.outside.append(statement)
            elif not is_text(statement):
                module.body.append(statement)
        module.names = bound_names(module.body)
        module.constants = constants_of(module, self.modules)
        if name == self._name:
            for public in [here for here in module.constants if not here.startswith("_")]:
                del module.constants[public]
        self._under_way.remove(name)
        self.modules[name] = module

    def _import(self, module: Module, statement: ast.ImportFrom) -> None:
        """What comes from a linked module becomes a reference to it."""
        source = statement.module or ""
        for alias in statement.names:
            if statement.level or alias.name == "*":
                where = f"{module.name}, line {statement.lineno}"
                raise BundleError(f"{where}: an import must say what it takes from where")
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
        found: list[tuple[str, str]] = []

        def take(module: str, name: str) -> None:
            found.append(self.find(module, name, module))
            self._asked.add((module, name))

        def visit(node: ast.AST, aliases: dict[str, str]) -> None:
            """``aliases``: the linked modules that have a name here."""
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if f"{node.module}.{alias.name}" in self.modules:
                        aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    elif node.module in self.modules:
                        take(node.module, alias.name)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = aliases.get(node.value.id)
                if module and node.attr not in ("__file__", "__name__"):
                    take(module, node.attr)
            inner = aliases
            if isinstance(node, OPENS):
                own = local_names(node)
                inner = {name: module for name, module in aliases.items() if name not in own}
            for part, is_inside in parts(node):
                visit(part, inner if is_inside else aliases)

        visit(tree, {})
        return found

    def _references(self, module: Module, statement: ast.stmt) -> set[tuple[str, str]]:
        found = set()
        names = module.names | set(module.borrowed)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in names:
                found.add(self.find(module.name, node.id, module.name))
        for owner, name in _attributes(statement):
            if owner in module.aliases:
                found.add(self.find(module.aliases[owner], name, module.name))
        return found

    def _rename(self) -> dict[tuple[str, str], str]:
        """A name in the linked module for each name of each module."""
        taken = set(dir(builtins))
        # The compiler puts a constant in the place of its name wherever that is read, an argument
        # of the same name or not.
        arguments = {
            node.arg
            for module in self.modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.arg)
        }
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
                while found in taken or (name in module.constants and found in arguments):
                    found += "_"
                taken.add(found)
                new[module.name, name] = found
        return new

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
        # A local of the same name hides a global where another module's function uses it: then
        # that one is called something else.
        body, hidden = self._body()
        while hidden:
            self._hidden |= hidden
            self._new_names = self._rename()
            body, hidden = self._body()
        imports = []
        constants = []
        for module in self.modules.values():
            imports += [ast.unparse(statement) for statement in module.outside]
            for name, value in module.constants.items():
                if (module.name, name) in self._used:
                    constants.append(f"{self.new_name(module.name, name)} = const({value!r})")
        tree = ast.Module(body, [])
        ast.fix_missing_locations(tree)
        head = ["from micropython import const", *dict.fromkeys(imports), *constants]
        return "\n".join([*head, ast.unparse(tree), ""])

    def _body(self) -> tuple[list[ast.stmt], set[tuple[str, str]]]:
        """The statements with their new names, and which of these mean something else there."""
        body = []
        hidden: set[tuple[str, str]] = set()
        for module in self.modules.values():
            renamer = Renamer(module, self.find, self.new_name)
            for statement in module.statements():
                if self._stays(module, statement):
                    body.append(renamer.visit(statement))
            hidden |= renamer.hidden
        return body, hidden

    def _stays(self, module: Module, statement: ast.stmt) -> bool:
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
        # An error has its name only as long as it is handled.
        from_outside |= {
            node.name
            for statement in module.body
            for node in ast.walk(statement)
            if isinstance(node, ast.ExceptHandler) and node.name
        }
        borrowed = {here for here in module.borrowed if (name, here) in self._asked}
        for here in sorted((module.names - from_outside) | borrowed):
            there, original = self.find(name, here, name)
            if here.startswith("_") or (there, original) not in self._used:
                continue
            if original in self.modules[there].constants:
                lines.append(f"{here} = {self.modules[there].constants[original]!r}")
            else:
                new = self._new_names[there, original]
                lines.append(f"from {self._name} import {new} as {here}")
        return "\n".join([*lines, ""])


def _attributes(tree: ast.AST) -> list[tuple[str, str]]:
    """NAME.ATTRIBUTE, wherever it stands."""
    return [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]


if __name__ == "__main__":
    from boards.firmware import texts

    sys.stdout.write(bundle(texts())[NAME + ".py"])
