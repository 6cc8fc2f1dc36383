"""Which names a piece of Python binds, by scope; for bundle.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
OPENS = (*FUNCTIONS, ast.Lambda, *COMPREHENSIONS)


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


def module_uses(tree: ast.AST) -> list[ast.Name]:
    """Where a name from outside of all in this stands, a module's own when it is a module: not
    one that a function, a comprehension or the body of a class has under the same name."""
    found: list[ast.Name] = []

    def visit(node: ast.AST, here: frozenset[str], below: frozenset[str]) -> None:
        """``here``: names that are not from outside where this node stands; ``below``: in a
        function there, which does not see what a class has."""
        if isinstance(node, ast.Name) and node.id not in here:
            found.append(node)
        own = below
        if isinstance(node, OPENS):
            own = below | local_names(node)
        elif isinstance(node, ast.ClassDef):
            own = below | bound_names(node.body)
        for part, is_inside in parts(node):
            if not is_inside:
                visit(part, here, below)
            else:
                visit(part, own, below if isinstance(node, ast.ClassDef) else own)

    visit(tree, frozenset(), frozenset())
    return found


def parts(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """What a node is made of, and whether that sees the names which the node binds for itself: a
    function's body does, not what an argument is if nobody gives it; nor what a comprehension
    goes through."""
    inside: list[ast.AST] = []
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        inside = list(node.body)
    elif isinstance(node, ast.Lambda):
        inside = [node.body]
    elif isinstance(node, COMPREHENSIONS):
        first = node.generators[0]
        yield first.iter, False
        inside = [first.target, *first.ifs]
        inside += [part for part in ast.iter_child_nodes(node) if part is not first]
        yield from ((part, True) for part in inside)
        return
    for part in ast.iter_child_nodes(node):
        yield part, any(part is one for one in inside)
