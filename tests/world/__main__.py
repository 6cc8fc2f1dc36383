"""The whole terminal in virtual time against a hostile world; from the repository's root."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_EVERY = 5.0  # seconds between two lines of progress
_SHRUNK = 5  # failing cases that are cut down
_ID = re.compile(r"\d{1,9}\.\d{1,9}")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not SEED.CASE, as in 1.42")
    return text


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument(
        "--firmware",
        type=Path,
        default=ROOT / "firmware",
        metavar="DIR",
        help="where the terminal is taken from (default: firmware)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a campaign")
    run.add_argument("--transactions", type=_positive, default=10_000)
    run.add_argument("--seed", type=_positive, default=1)
    run.add_argument("--workers", type=_positive, default=os.cpu_count() or 1)
    run.add_argument("--report", type=Path, default=ROOT / "build" / "world", metavar="DIR")
    run.add_argument("--json", action="store_true", help="print the report as JSON")
    replay = commands.add_parser("replay", help="run cases again, told in full")
    replay.add_argument("ids", nargs="+", type=_id, metavar="ID")
    replay.add_argument("--shrink", action="store_true", help="only the steps that matter")
    return parser


def main(argv: list[str]) -> int:
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help", "--firmware")):
        argv = ["run", *argv]
    args = _arguments().parse_args(argv)
    sys.path.insert(0, str(args.firmware.resolve()))
    return _replay(args) if args.command == "replay" else _run(args)


def _run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from tests.world import report
    from tests.world.campaign import Result, campaign
    from tests.world.shrink import shrink

    last = -_EVERY
    told_of = 0

    def progress(result: Result, cases: int) -> None:
        nonlocal last, told_of
        for failure in result.tally.failed[told_of:]:
            print(f"{failure.id} {failure.kind}: {failure.text}", file=sys.stderr, flush=True)
        told_of = len(result.tally.failed)
        now = time.monotonic()
        if now - last < _EVERY and result.tally.cases < cases:
            return
        last = now
        rate = result.tally.cases / max(result.seconds, 0.001)
        print(
            f"{result.tally.cases:,} of {cases:,} cases, {result.transactions:,} transactions,"
            f" {result.faults:,} faults, {result.tally.violations:,} violations,"
            f" {result.transactions / max(result.seconds, 0.001):,.0f}/s,"
            f" {(cases - result.tally.cases) / rate:,.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    result = campaign(args.seed, args.transactions, args.workers, progress)
    traces = {failure.id: shrink(failure.id) for failure in result.tally.failed[:_SHRUNK]}
    told = report.as_json(result, args.seed, args.transactions, args.workers, traces)
    report.write(told, args.report)
    if args.json:
        print(json.dumps(told, indent=1))
    else:
        report.show(told, Console(highlight=False))
        print(f"report: {args.report / 'world.json'}")
    missed = report.missed(told)
    if missed and args.transactions >= report.ENOUGH and not result.interrupted:
        print(f"never reached: {', '.join(missed)}", file=sys.stderr)
        return 1
    if result.tally.violations:
        return 1
    return 130 if result.interrupted else 0


def _replay(args: argparse.Namespace) -> int:
    from tests.world.case import run, steps_of
    from tests.world.shrink import shrink

    broken = False
    for case in args.ids:
        story: list[str] = []
        outcome = run(case, shrink(case) if args.shrink else steps_of(case), story)
        print(f"case {case}")
        for line in story:
            print(f"  {line}")
        if outcome.violation:
            broken = True
            print(f"BROKEN {outcome.violation.kind}: {outcome.violation}")
        else:
            print("no promise was broken")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
