"""Puts the names of a linked module in the place of one module's own; for bundle.py."""

from __future__ import annotations

import ast
from collections.abc import Callable

from boards.linkable import BundleError, Module, is_text
from boards.names import COMPREHENSIONS, bound_names, each_argument, local_names

Find = Callable[[str, str, str], tuple[str, str]]
"""Module, name there and who asks, to the module that defines it and the name there."""
NewName = Callable[[str, str], str]
"""Module that defines it and name, to the name in the linked module."""

_BY_TEXT = ("__name__", "globals", "locals", "vars", "dir", "eval", "exec")


class Renamer(ast.NodeTransformer):
    """Puts the linked module's names in the place of one module's."""

    def __init__(self, module: Module, find: Find, new_name: NewName) -> None:
        self._module = module
        self._find = find
        self._new_name = new_name
        self._scopes: list[tuple[bool, set[str]]] = []  # is it a class, and what it binds
        self.hidden: set[tuple[str, str]] = set()
        """Modules and names whose new names mean something else where they are used."""

    def _is_global(self, name: str) -> bool:
        for depth, (is_class, names) in enumerate(reversed(self._scopes)):
            # What a class binds is seen in its own body only, not in its methods.
            if name in names and not (is_class and depth):
                return False
        return True

    def _has(self, name: str) -> bool:
        module = self._module
        return name in module.names or name in module.borrowed or name in module.aliases

    def _refuse(self, node: ast.AST, why: str) -> BundleError:
        return BundleError(f"{self._module.name}, line {getattr(node, 'lineno', 0)}: {why}")

    def _of(self, name: str, module: str = "") -> str:
        where = self._module.name
        found = self._find(module or where, name, where)
        new = self._new_name(*found)
        if not self._is_global(new):
            self.hidden.add(found)
        return new

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self._is_global(node.id):
            # Before the class has its own, the module's would be meant.
            if self._scopes[-1][0] and isinstance(node.ctx, ast.Load) and self._has(node.id):
                raise self._refuse(node, f"{node.id} is the class's and the module's")
            return node
        if node.id == "__file__":
            # Where the module would be by itself; the linked one is in the root of them all.
            place = self._module.name.replace(".", "/") + ".py"
            root = "__file__[:__file__.rfind('/') + 1]"
            return ast.parse(f"{root} + {place!r}", mode="eval").body
        if node.id in _BY_TEXT:
            raise self._refuse(node, f"{node.id}: names are others in the linked module")
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

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name and self._is_global(node.name):
            node.name = self._of(node.name)
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return self._import(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        """One in a statement of the module that depends on something."""
        for alias in node.names:
            here = alias.asname or alias.name.partition(".")[0]
            if self._is_global(here) and self._of(here) != here:
                if alias.asname is None and "." in alias.name:
                    raise self._refuse(node, f"{alias.name} is imported without a name of its own")
                alias.asname = self._of(here)
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
        node.body = [item for item in node.body if not is_text(item)] or [ast.Pass()]
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
        node.body = [item for item in node.body if not is_text(item)] or [ast.Pass()]
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
            # What it goes through is found outside of it.
            first = node.generators[0]
            source = self.visit(first.iter)
            first.iter = ast.Constant(None)
            self._scopes.append((False, local_names(node)))
            super().generic_visit(node)
            self._scopes.pop()
            first.iter = source
            return node
        return super().generic_visit(node)
