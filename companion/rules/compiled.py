"""SQL of expressions, compiled once: for all the rules that takes a second, as long as a day of
many hundred thousand rows takes to match. So it is kept in a file, under a digest of what it was
made of: the sources of the rules and the version of ibis. Anything else in that file is passed
over and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import ibis
from ibis.expr import types as ir

# What expressions are made of, besides companion.rules itself.
_WORDS = (
    "companion.facts.schema",
    "companion.reconcile.codes",
    "companion.reconcile.fold",
    "companion.store.findings",
)

_known: dict[tuple[str, Any], str] = {}


def sql(expression: ir.Table, dialect: str) -> str:
    """The query of an expression."""
    key = (dialect, expression.op())
    if key not in _known:
        _known[key] = str(ibis.to_sql(expression, dialect=dialect, pretty=False))
    return _known[key]


def recall(path: Path, dialect: str, expressions: list[ir.Table]) -> None:
    """Take the queries from `path`, if they were kept there from these very expressions."""
    try:
        kept = json.loads(path.read_text())
        queries = kept["sql"] if kept["of"] == _digest(dialect) else []
    except (OSError, ValueError, KeyError, TypeError):
        return
    if len(queries) == len(expressions):
        for expression, query in zip(expressions, queries, strict=True):
            _known[(dialect, expression.op())] = query


def keep(path: Path, dialect: str, expressions: list[ir.Table]) -> None:
    """Keep the queries in `path` for the next process."""
    queries = [sql(expression, dialect) for expression in expressions]
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps({"of": _digest(dialect), "sql": queries}))
    os.replace(part, path)


def is_known(dialect: str, expressions: list[ir.Table]) -> bool:
    """Whether nothing is left to compile."""
    return all((dialect, expression.op()) in _known for expression in expressions)


def forget() -> None:
    """Compile everything anew when it is asked for."""
    _known.clear()


@lru_cache(maxsize=8)
def _digest(dialect: str) -> str:
    digest = hashlib.sha256(f"{ibis.__version__} {dialect}".encode())
    words = [Path(str(sys.modules[name].__file__)) for name in _WORDS]
    for source in (*sorted(Path(__file__).parent.glob("*.py")), *words):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
