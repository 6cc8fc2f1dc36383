"""The truth of a world as a file: each break with its key and its figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from companion.errors import CompanionError


class TruthError(CompanionError):
    """A file of truth that is none; the message names the line."""


@dataclass(frozen=True)
class Known:
    """One break that was put there; money in minor units, `match_pass` as in the facts."""

    code: str
    row_key: str
    amount_minor: int
    effect_minor: int
    owed_minor: int
    provisional: int
    match_pass: int
    variant: str


_NAMES = tuple(field.name for field in fields(Known))
_NUMBERS = ("amount_minor", "effect_minor", "owed_minor", "provisional", "match_pass")


def write(path: Path, known: Iterable[Known]) -> None:
    """Write them in the order of their codes and keys."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(_NAMES)
        out.writerows(astuple(one) for one in sorted(known, key=lambda one: astuple(one)))


def read(path: Path) -> list[Known]:
    """Read what `write` has written; TruthError for anything else."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            if tuple(next(lines, ())) != _NAMES:
                raise TruthError(f"{path}: line 1: not {','.join(_NAMES)}")
            return [_known(path, number, values) for number, values in enumerate(lines, 2)]
    except OSError as error:
        raise TruthError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TruthError(f"{path}: {error}") from error


def _known(path: Path, number: int, values: list[str]) -> Known:
    try:
        row = dict(zip(_NAMES, values, strict=True))
        return Known(**{name: int(row[name]) if name in _NUMBERS else row[name] for name in row})  # type: ignore[arg-type]
    except ValueError as error:
        raise TruthError(f"{path}: line {number}: {error}") from error
