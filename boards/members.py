"""New names for attributes and methods that only ``self`` is asked for; for shorten.py."""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import count
from string import ascii_lowercase

from boards.linkable import BundleError
from boards.names import FUNCTIONS, bound_names

_Class = tuple[str, str]
"""Text and name."""
_ASKS = ("getattr", "hasattr", "setattr", "delattr")


def fresh(prefix: str, taken: set[str]) -> Iterator[str]:
    """a, b ... z, a1, b1 ..., without those that are taken."""
    for turn in count():
        for letter in ascii_lowercase:
            name = f"{prefix}{letter}{turn or ''}"
            if name not in taken:
                yield name


def without_place(tree: ast.AST) -> set[str]:
    """Names inside f-strings: before Python 3.12 nobody knows where in the text they are."""
    inside = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for inner in ast.walk(node)
    ]
    names = {node.id for node in inside if isinstance(node, ast.Name)}
    return names | {node.attr for node in inside if isinstance(node, ast.Attribute)}


def members(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """New names of attributes and methods."""
    families = _Families(trees)
    owners: dict[str, set[_Class]] = defaultdict(set)
    taken: set[str] = set()
    kept: set[str] = set()
    texts = {
        node.value
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    kept |= texts
    made_up: set[tuple[_Class, str]] = set()
    for place, tree in trees.items():
        kept |= without_place(tree)
        own: dict[ast.Attribute, _Class] = {}
        for one in classes(tree):
            family = families.of((place, one.name))
            for method in methods(one):
                owners[method.name].add(family)
                own.update(dict.fromkeys(_of_self(method), family))
                made_up |= {(family, name) for name in _made_up(method, texts)}
            kept |= bound_names(one.body) - {method.name for method in methods(one)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                taken.add(node.attr)
                if node in own:
                    owners[node.attr].add(own[node])
                else:
                    kept.add(node.attr)
    taken |= kept | set(owners) | {name for _, name in made_up}
    new: dict[str, str] = {}
    used: dict[str, set[_Class]] = defaultdict(set)
    private = [name for name in owners if name.startswith("_") and not name.startswith("__")]
    for name in sorted(private, key=lambda name: (-len(owners[name]), name)):
        asked = any((family, name) in made_up for family in owners[name])
        if asked or name in kept or owners[name] & families.closed:
            continue
        new[name] = next(n for n in fresh("_", taken) if not used[n] & owners[name])
        used[new[name]] |= owners[name]
    return new


def classes(tree: ast.Module) -> list[ast.ClassDef]:
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [item for item in node.body if isinstance(item, FUNCTIONS)]


def _of_self(method: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Attribute]:
    """Every ``self.NAME`` in a method."""
    if [argument.arg for argument in method.args.args][:1] != ["self"]:
        return []
    return [
        node
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]


class _Families:
    """Classes that inherit from each other, each known by one of them."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._parent: dict[_Class, _Class] = {}
        known = {
            (place, node.name): node for place, tree in trees.items() for node in classes(tree)
        }
        closed = []
        for one, node in known.items():
            bases = [base.id if isinstance(base, ast.Name) else "" for base in node.bases]
            for name in bases:
                found = _class_of(trees, one[0], name)
                if found in known:
                    self._parent[self.of(one)] = self.of(found)
                elif not isinstance(getattr(builtins, name, None), type):
                    closed.append(one)
        self.closed = {self.of(one) for one in closed}
        """Those that have a class from elsewhere among them: they keep their names."""

    def of(self, one: _Class) -> _Class:
        while self._parent.get(one, one) != one:
            one = self._parent[one]
        return one


def _made_up(method: ast.AST, texts: set[str]) -> set[str]:
    """What a method may ask ``self`` for by a text put together as it runs."""
    found = set()
    for node in ast.walk(method):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id in _ASKS and isinstance(node.args[0], ast.Name):
            asked = node.args[1]
            if node.args[0].id != "self" or isinstance(asked, ast.Constant):
                continue
            first = asked.left if isinstance(asked, ast.BinOp) else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                raise BundleError(f"line {node.lineno}: any attribute may be meant")
            found |= {first.value + text for text in texts}
    return found


def _class_of(trees: Mapping[str, ast.Module], place: str, name: str) -> _Class:
    """Where a class comes from that a text has under this name."""
    for node in trees[place].body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                source = (node.module or "").replace(".", "/") + ".py"
                if (alias.asname or alias.name) == name and source in trees:
                    return _class_of(trees, source, alias.name)
    return place, name
