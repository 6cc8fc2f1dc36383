"""The facts of one store as files: which Parquet files have the rows of a leg and day.

``manifest.json`` in the facts' folder: ``legs`` has for each leg and day number the files with
rows of that day (a file may hold several days), each with a digest of what it says of that day;
``references`` a digest for each of the tables that are the same for every day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from companion.errors import CompanionError
from companion.facts import schema

NAME = "manifest.json"


class FactsError(CompanionError):
    """Facts that are not there, or not whole; the message names the file."""


@dataclass(frozen=True)
class Source:
    """A Parquet file, relative to the facts' folder, and a digest of its rows of one day."""

    path: str
    digest: str


@dataclass
class Manifest:
    """Everything that the rules may read."""

    legs: dict[str, dict[int, list[Source]]] = field(
        default_factory=lambda: {leg: {} for leg in schema.LEGS}
    )
    references: dict[str, str] = field(default_factory=dict)

    def add(self, leg: str, day: int, source: Source) -> None:
        """Say that a file has rows of a leg and day."""
        self.legs[leg].setdefault(day, []).append(source)

    def sources(self, leg: str, day: int) -> list[Source]:
        """The files with rows of a leg and day, always in the same order."""
        return sorted(self.legs[leg].get(day, []), key=lambda source: source.digest)

    def days(self) -> list[int]:
        """Every day that any leg has rows of, in order."""
        return sorted({day for days in self.legs.values() for day in days})


def load(directory: Path) -> Manifest:
    """Read the manifest of a facts' folder; FactsError when it is not there or not one."""
    path = directory / NAME
    try:
        document = json.loads(path.read_text())
        made = Manifest(references=dict(document["references"]))
        for leg in schema.LEGS:
            for day, sources in document["legs"].get(leg, {}).items():
                made.legs[leg][int(day)] = [Source(one["path"], one["digest"]) for one in sources]
    except OSError as error:
        raise FactsError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactsError(f"{path}: not a manifest of facts ({error!r})") from error
    return made


def save(directory: Path, made: Manifest) -> None:
    """Put the manifest in place whole."""
    legs = {
        leg: {str(day): [one.__dict__ for one in days[day]] for day in sorted(days)}
        for leg, days in made.legs.items()
    }
    document = {"legs": legs, "references": made.references}
    replace(directory / NAME, json.dumps(document, sort_keys=True).encode())


def write(path: Path, rows: pa.Table) -> None:
    """Put a Parquet file in place whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(rows, part)
    os.replace(part, path)


def as_table(columns: pa.Schema, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Rows as a table of these columns."""
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], columns.field(name).type)
            for name in columns.names
        },
        schema=columns,
    )


def replace(path: Path, data: bytes) -> None:
    """Put a file in place whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
