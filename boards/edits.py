"""Changes to a text of Python where its tree says; what is not changed stays as it is."""

from __future__ import annotations

import ast
from itertools import accumulate

from boards.names import FUNCTIONS

Edit = tuple[int, int, str]
"""First byte, the byte after the last, and what comes there."""


class Text:
    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        lines = self._bytes.split(b"\n")
        self._begins = [0, *accumulate(len(line) + 1 for line in lines)]

    def whole(self, node: ast.expr | ast.stmt, new: str) -> Edit:
        """Something else in the place of a node."""
        return self._at(node.lineno, node.col_offset), self._end(node), new

    def name(
        self, node: ast.Name | ast.arg | ast.alias | ast.Attribute | ast.stmt, new: str
    ) -> Edit:
        """Another name, attribute, name of a function or name that is imported."""
        if isinstance(node, ast.Attribute):
            return self._end(node) - len(node.attr.encode()), self._end(node), new
        begin = self._at(node.lineno, node.col_offset)
        if isinstance(node, FUNCTIONS):
            begin = self._bytes.index(b"def ", begin) + len(b"def ")
            old = node.name
        elif isinstance(node, ast.Name):
            old = node.id
        else:
            old = node.name if isinstance(node, ast.alias) else getattr(node, "arg", "")
        return begin, begin + len(old.encode()), new

    def edited(self, edits: list[Edit]) -> str:
        parts = []
        done = 0
        for begin, end, new in sorted(edits):
            if begin < done:
                raise ValueError(f"two changes at byte {begin}")
            # Lines stay where they are.
            parts += [self._bytes[done:begin], new.encode()]
            parts.append(b"\n" * self._bytes.count(b"\n", begin, end))
            done = end
        return b"".join([*parts, self._bytes[done:]]).decode()

    def _at(self, line: int, column: int) -> int:
        return self._begins[line - 1] + column

    def _end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self._at(node.end_lineno or 0, node.end_col_offset or 0)
