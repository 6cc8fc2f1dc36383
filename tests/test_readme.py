"""The README names every command there is, and no command that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from companion.cli.main import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def test_every_companion_command_stands_in_the_readme() -> None:
    for path in commands(main):
        # A group of many has a README of its own in its folder.
        named = (f"`companion {' '.join(path)}`", f"`companion {path[0]}`")
        assert any(name in README for name in named), path


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)\b", README)) - {"such"}
    assert named and named <= targets


def test_every_file_that_a_readme_links_to_exists() -> None:
    for readme in ROOT.rglob("README.md"):
        if readme.relative_to(ROOT).parts[0] in (".venv", "typings", "build"):
            continue
        for target in re.findall(r"\]\(([^)#:]+)\)", readme.read_text()):
            assert (readme.parent / target).exists(), f"{readme}: {target}"
