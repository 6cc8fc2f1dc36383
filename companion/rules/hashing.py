"""The hash of a set of breaks: the same from any engine, store and order of rows."""

from __future__ import annotations

import hashlib

import pyarrow as pa


def break_id(code: str, row_key: str) -> str:
    """How a break is known in every run and store."""
    return hashlib.sha256(f"{code}|{row_key}".encode()).hexdigest()[:16]


def break_set_hash(breaks: pa.Table) -> str:
    """SHA-256 over what a BREAKS relation says, a line a break, sorted."""
    names = ("code", "row_key", "amount_minor", "effect_minor", "owed_minor", "provisional")
    columns = [breaks[name].to_pylist() for name in names]
    lines = sorted(
        f"{break_id(code, key)} {amount} {effect} {owed} {provisional}\n"
        for code, key, amount, effect, owed, provisional in zip(*columns, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
