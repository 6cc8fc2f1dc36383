"""`companion inject`: a labelled world with every kind of break, to test and to train."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import console, json_option, print_json, table
from companion.inject import papers, practice, size, world


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(size.FEWEST, size.MOST),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Transactions on each side of the main day; the other days have fewer.",
)
@click.option(
    "--papers",
    "with_papers",
    is_flag=True,
    help="A small world instead, of cards alone: its files in DIR/papers, and DIR/shop, a store "
    "that is set up for them.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another world for each.")
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where it goes; made when it is not there.",
)
@json_option
def inject(rows: int, with_papers: bool, seed: int, directory: Path, as_json: bool) -> None:
    """Make a world: facts of terminals, acquirer, payouts and bank in DIR/facts, and what is
    wrong in them in DIR/truth.csv.

    Eight days of trade around the National Day holiday of 2026, with rows that come a day or a
    file late. The cards are synthetic and masked. The same numbers give the same world.

    \b
    Example:
      companion inject --rows 10000 --seed 7 --out world
      companion check --truth world/truth.csv
      companion inject --papers --seed 5 --out world
    """
    out = console()
    with out.status("") as status:
        made = world.make(
            directory,
            None if with_papers else rows,
            seed,
            lambda what: status.update(f"making {what}"),
        )
        if with_papers:
            papers.write(directory / world.FACTS, directory / papers.PAPERS)
            practice.set_up(directory / practice.SHOP, directory / papers.PAPERS)
    if as_json:
        print_json(made.__dict__)
        return
    shown = table(f"{directory}", ("what", "rows"), right=("rows",))
    for leg, count in made.rows.items():
        shown.add_row(leg, f"{count:,}")
    shown.add_section()
    for code, count in made.breaks.items():
        shown.add_row(code, f"{count:,}")
    out.print(shown)
    out.print(f"break-set hash {made.break_set_hash}")
