"""Apply a unified diff exactly: the lines of a hunk stand once in the file, wherever that is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class PatchError(ValueError):
    """A patch is no patch, or does not apply any more; the message names it and the place."""


class Hunk(NamedTuple):
    file: str
    old: list[str]
    new: list[str]


def split(text: str, name: str) -> tuple[list[str], list[Hunk]]:
    """The lines before the diff, and its hunks."""
    head: list[str] = []
    hunks: list[Hunk] = []
    file = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("--- a/"):
            file = line[len("--- a/") :]
        elif not file:
            head.append(line)
        elif line.startswith("@@ "):
            hunks.append(Hunk(file, [], []))
        elif line != f"+++ b/{file}":
            line = line or " "
            if not hunks or line[0] not in " -+":
                raise PatchError(f"{name}, line {number}: {line!r} belongs to no hunk")
            if line[0] != "+":
                hunks[-1].old.append(line[1:])
            if line[0] != "-":
                hunks[-1].new.append(line[1:])
    if not hunks:
        raise PatchError(f"{name}: no hunk")
    return head, hunks


def apply(hunks: list[Hunk], folder: Path, name: str) -> None:
    """Change the files in the folder."""
    for file, old, new in hunks:
        path = folder / file
        lines = path.read_text(encoding="utf-8").splitlines()
        places = [n for n in range(len(lines)) if lines[n : n + len(old)] == old]
        if len(places) != 1:
            raise PatchError(
                f"{name}: {file} has {len(places)} places, not 1, for the hunk with"
                f" {next(line for line in old if line)!r}"
            )
        lines[places[0] : places[0] + len(old)] = new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
