"""Names that nothing asks for by their text, made few; for firmware.py.

MicroPython keeps every name of a program once, in a table that doubles when it is full, whether it
is a function's or an argument's. Nobody asks for an argument that is not passed by keyword, nor
for an attribute that begins with an underscore and that only ``self`` has, nor for what a module
has for itself. So these get other names here: an argument one that its function has not, an
attribute or a method one that its class has not, nor what this inherits from or gives to, and what
a module has one that is there already. The same few serve them all.

A private function is called _a or so in a traceback. But a text keeps its lines: they are those of
the file, and for the linked module those of ``python -m boards.bundle``, with all its names.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from boards.edits import Edit, Text
from boards.linkable import BundleError
from boards.members import classes, fresh, members, methods, without_place
from boards.names import (
    FUNCTIONS,
    bound_names,
    defines,
    each_argument,
    globals_of,
    module_uses,
)

__all__ = ["keywords", "shorten"]

_TAKES = (*FUNCTIONS, ast.Lambda)


def keywords(texts: Mapping[str, str]) -> set[str]:
    """What somebody in these passes by keyword."""
    return {
        node.arg
        for text in texts.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword) and node.arg
    }


def shorten(texts: Mapping[str, str], by_keyword: set[str], linked: str = "") -> dict[str, str]:
    """The same programs. ``texts``: all that share classes; ``by_keyword``: names of arguments
    that must stay; ``linked``: a module that nobody but these imports."""
    trees = {place: ast.parse(text, place) for place, text in texts.items()}
    attributes = members(trees)
    asked = _asked_for(trees.values(), linked)
    own = {p: _own(tree, p == f"{linked}.py", asked, attributes) for p, tree in trees.items()}
    made = {}
    for place, tree in trees.items():
        text = Text(texts[place])
        edits = _of_classes(tree, text, attributes) + _of_module(tree, text, own[place])
        edits += _of_imports(tree, text, linked, own.get(f"{linked}.py", {}))
        for function in _outermost(tree):
            edits += _arguments(function, text, by_keyword)
        made[place] = text.edited(edits)
    return made


def _of_classes(tree: ast.Module, text: Text, attributes: Mapping[str, str]) -> list[Edit]:
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    made = [method for one in classes(tree) for method in methods(one)]
    edits = [text.name(node, attributes[node.attr]) for node in asked if node.attr in attributes]
    return edits + [text.name(one, attributes[one.name]) for one in made if one.name in attributes]


def _of_module(tree: ast.Module, text: Text, own: Mapping[str, str]) -> list[Edit]:
    functions = [node for node in tree.body if isinstance(node, FUNCTIONS) and node.name in own]
    edits = [text.name(node, own[node.id]) for node in module_uses(tree) if node.id in own]
    return edits + [text.name(node, own[node.name]) for node in functions]


def _of_imports(tree: ast.Module, text: Text, linked: str, new: Mapping[str, str]) -> list[Edit]:
    return [
        text.name(alias, new[alias.name] + ("" if alias.asname else f" as {alias.name}"))
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == linked
        for alias in node.names
        if alias.name in new
    ]


# Arguments


def _outermost(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _TAKES):
            yield node
        else:
            yield from _outermost(node)


def _arguments(function: ast.AST, text: Text, by_keyword: set[str]) -> list[Edit]:
    """An outermost function, and those in it. A name is changed wherever it stands there, which
    is right as long as it never means one from outside."""
    inner = list(ast.walk(function))
    arguments = [
        argument.arg
        for node in inner
        if isinstance(node, _TAKES)
        for argument in each_argument(node.args)
    ]
    otherwise = _bound_otherwise(inner)
    kept = {"self"} | by_keyword | otherwise | without_place(function)
    kept |= {node.id for node in module_uses(function)}
    names = {node.id for node in inner if isinstance(node, ast.Name)}
    free = fresh("", names | otherwise | by_keyword | set(arguments))
    new = {name: next(free) for name in dict.fromkeys(arguments) if name not in kept}
    uses = [text.name(n, new[n.id]) for n in inner if isinstance(n, ast.Name) and n.id in new]
    return uses + [
        text.name(n, new[n.arg]) for n in inner if isinstance(n, ast.arg) and n.arg in new
    ]


def _bound_otherwise(nodes: list[ast.AST]) -> set[str]:
    """What is bound by something that is not a name of its own in the tree."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            raise BundleError(f"line {node.lineno}: a class in a function")
        if isinstance(node, FUNCTIONS):
            found.add(node.name)
        elif isinstance(node, ast.ExceptHandler):
            found.add(node.name or "")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= bound_names(list[ast.stmt]([node]))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found |= set(node.names)
    return found


# What a module has for itself


def _own(
    tree: ast.Module, hidden: bool, asked: set[str], attributes: Mapping[str, str]
) -> dict[str, str]:
    """Names of a module that no other asks for: of what it holds, which gets one that an
    attribute there has anyway, and of its functions. ``hidden``: nobody but the other texts
    imports it, so that this goes for public names too."""
    nodes = list(ast.walk(tree))
    bound = Counter(name for statement in tree.body for name in bound_names([statement]))
    kept = globals_of(tree) | without_place(tree) | asked
    taken = _meant(nodes)
    short = fresh("_", taken)
    functions = [node.name for node in tree.body if isinstance(node, FUNCTIONS)]
    new = {}
    for name in functions:
        if bound[name] == 1 and name.startswith("_") and name not in kept:
            new[name] = next(short)
    spare = _spare(nodes, attributes, taken | set(new.values()))
    for statement in tree.body:
        for name in sorted(defines(statement) - kept):
            is_ours = name.startswith("_") or hidden
            if bound[name] == 1 and is_ours and not _is_folded(statement):
                new[name] = next(spare)
    return new


def _asked_for(trees: Iterable[ast.Module], linked: str) -> set[str]:
    """Names that some module imports from another, but for the linked one, or has as an attribute
    or a text."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module != linked:
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _is_folded(statement: ast.stmt) -> bool:
    """Whether the compiler puts a value in the place of the name (firmware.py, bundle.py)."""
    value = getattr(statement, "value", None)
    called = value.func if isinstance(value, ast.Call) else None
    number = isinstance(value, ast.Constant) and type(value.value) is int
    return number or (isinstance(called, ast.Name) and called.id == "const")


def _meant(nodes: list[ast.AST]) -> set[str]:
    """Every name in these that means something by itself."""
    taken = set(dir(builtins)) | {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    taken |= _bound_otherwise([node for node in nodes if not isinstance(node, ast.ClassDef)])
    taken |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return taken | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _spare(nodes: list[ast.AST], attributes: Mapping[str, str], taken: set[str]) -> Iterator[str]:
    """Names of attributes in these that mean nothing else there, then others."""
    there = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for name in sorted({attributes.get(name, name) for name in there} - taken):
        if len(name) > 2:  # shorter ones may be arguments
            yield name
    yield from fresh("_", taken | there | set(attributes.values()))
