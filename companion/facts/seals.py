"""Files that are made of the truth, and used again only as they were left.

``seals.json`` in their folder has of each its size, the time of its last change and a digest of
its end, where a Parquet file describes its parts. A file that is gone, cut, written over or
touched is not the one that was sealed; nor is one without a seal, which a kill has left. What a
disk changes by itself, without a trace in size or time, is not seen: that would take reading all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

NAME = "seals.json"
# How much of a file's end is read, in bytes.
_END = 4096


class Seals:
    """The seals of the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = _load(folder / NAME)
        self._now: dict[str, list[object]] = {}

    def put(self, path: Path) -> None:
        """Seal a file as it is; the seal lasts from `save` on."""
        self._now[self._name(path)] = _look(path)

    def whole(self, path: Path) -> bool:
        """Whether a file is as it was when it was sealed."""
        name = self._name(path)
        seal = self._now.get(name, self._before.get(name))
        try:
            kept = seal is not None and seal == _look(path)
        except OSError:
            return False
        if kept and seal is not None:
            self._now[name] = seal
        return kept

    def save(self) -> None:
        """Put in place the seals of what was sealed or found whole; others are forgotten."""
        path = self._folder / NAME
        part = path.with_name(f"{NAME}.part")
        part.write_text(json.dumps(self._now, sort_keys=True))
        os.replace(part, path)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._folder))


def seal(folder: Path) -> None:
    """Seal every file of a folder."""
    seals = Seals(folder)
    for path in folder.iterdir():
        if path.name != NAME:
            seals.put(path)
    seals.save()


def whole(folder: Path, names: Iterable[str]) -> bool:
    """Whether the files with these names are as they were sealed."""
    seals = Seals(folder)
    return all(seals.whole(folder / name) for name in names)


def _load(path: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _look(path: Path) -> list[object]:
    with path.open("rb") as file:
        told = os.fstat(file.fileno())
        file.seek(max(0, told.st_size - _END))
        end = hashlib.sha256(file.read()).hexdigest()[:16]
    return [told.st_size, told.st_mtime_ns, end]
