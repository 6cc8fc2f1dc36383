"""Fault campaigns on the journal, to be started from the repository's root."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def firmware(text: str) -> Path:
    if not (Path(text) / "terminal" / "journal.py").is_file():
        raise argparse.ArgumentTypeError(f"no terminal/journal.py in {text!r}")
    return Path(text).resolve()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.journal.campaign", description=__doc__)
    target = argparse.ArgumentParser(add_help=False)
    target.add_argument("--target", choices=("journal", "littlefs"), default="journal")
    target.add_argument(
        "--firmware",
        type=firmware,
        default=ROOT / "firmware",
        metavar="DIR",
        help="where the journal is taken from (default: firmware)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", parents=[target], help="run a campaign")
    run.add_argument("--faults", type=positive, help="how many (default: 100000; littlefs 2000)")
    run.add_argument("--seed", type=positive, default=1)
    run.add_argument("--workers", type=positive, default=os.cpu_count() or 1)
    run.add_argument("--report", type=Path, default=ROOT / "build" / "campaign", metavar="DIR")
    run.add_argument("--json", action="store_true", help="print the report as JSON")
    run.add_argument("--first-failure", action="store_true", help="stop at the first failure")
    run.add_argument("--against", choices=("littlefs",), help="run the same cases on that one too")
    replay = commands.add_parser("replay", parents=[target], help="run cases again, told in full")
    replay.add_argument("ids", nargs="+", metavar="ID")
    return parser


def main(argv: list[str]) -> int:
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["run", *argv]
    args = arguments().parse_args(argv)
    sys.path.insert(0, str(args.firmware))
    # Only now: they import the journal.
    from tests.journal.campaign import command, replay

    if args.command == "replay":
        return replay.replay(args.ids, args.target)
    return command.run(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
