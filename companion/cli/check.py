"""`companion check`: what a reconciliation finds, held against what is known to be true."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import FINE, FOUND, console, json_option, print_json, table
from companion.inject import found, score, truth
from companion.inject.world import FACTS
from companion.rules import engines, hashing


@click.command()
@click.option(
    "--truth",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="What `companion inject` has written.",
)
@click.option(
    "--store",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take the open breaks of this store; else the rules run over the facts beside FILE.",
)
@click.option(
    "--engine",
    default="duckdb",
    show_default=True,
    metavar="NAME",
    help=f"Run the rules on {engines.NAMES}.",
)
@json_option
@click.pass_context
def check(
    context: click.Context, path: Path, directory: Path | None, engine: str, as_json: bool
) -> None:
    """Precision and recall of each break code. A break counts when its key and all its figures
    are right.

    Exits with 1 when a code is below its bar: 1.0, and 0.99 for what was matched by amount and
    time only.

    \b
    Example:
      companion inject --rows 10000 --out world
      companion check --truth world/truth.csv
    """
    known = truth.read(path)
    if directory is not None:
        seen = found.in_store(directory)
    else:
        seen = found.in_facts(path.parent / FACTS, engine)
    report = score.score(known, seen)
    hashes = {
        "truth_hash": hashing.break_set_hash(known),
        "break_set_hash": hashing.break_set_hash(seen),
    }
    if as_json:
        print_json(
            {
                "codes": [
                    {**one.__dict__, "precision": one.precision, "recall": one.recall}
                    for one in report.scores
                ],
                "wrong": report.wrong,
                **hashes,
                "kept": report.kept,
            }
        )
    else:
        _show(report)
        console().print("\n".join(f"{name} {value}" for name, value in hashes.items()))
    context.exit(FINE if report.kept else FOUND)


def _show(report: score.Report) -> None:
    numbers = ("true", "found", "right", "precision", "recall")
    shown = table("Found", ("code", *numbers, ""), right=numbers)
    for one in report.scores:
        counts = (one.true, one.found, one.right)
        shares = (one.precision, one.recall)
        shown.add_row(
            one.code,
            *(f"{count:,}" for count in counts),
            *(f"{share:.4f}" for share in shares),
            "kept" if one.kept else "MISSED",
        )
    console().print(shown)
    for line in score.shown(report):
        console().print(line, markup=False)
