"""Which names a piece of Python binds, by scope; for bundle.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)


def each_argument(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from arguments.posonlyargs + arguments.args + arguments.kwonlyargs
    for argument in (arguments.vararg, arguments.kwarg):
        if argument:
            yield argument


def defines(statement: ast.stmt) -> set[str]:
    """What one assignment of a module binds."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return bound_names(list[ast.stmt]([statement]))
    return set()


def local_names(node: ast.AST) -> set[str]:
    """What a function, a lambda or a comprehension binds."""
    if isinstance(node, FUNCTIONS):
        names = {argument.arg for argument in each_argument(node.args)}
        return names | bound_names(node.body) - globals_of(node)
    if isinstance(node, ast.Lambda):
        return {argument.arg for argument in each_argument(node.args)}
    return bound_names([item.target for item in getattr(node, "generators", ())])


def globals_of(tree: ast.AST) -> set[str]:
    """Names that a function in it declares global."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.update(node.names)
    return found


def bound_names(nodes: list[ast.stmt] | list[ast.expr]) -> set[str]:
    """The names that these bind in the scope they stand in."""
    names: set[str] = set()
    left: list[ast.AST] = list(nodes)
    while left:
        node = left.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(item.asname or item.name.split(".")[0] for item in node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        if not isinstance(node, (*_SCOPES, *COMPREHENSIONS)):
            left.extend(ast.iter_child_nodes(node))
    return names
