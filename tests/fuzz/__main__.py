"""Fuzz everything that reads bytes from outside; from the repository's root."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.campaign import Count

ROOT = Path(__file__).resolve().parents[2]
_EVERY = 10.0  # seconds between two lines of progress


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _arguments() -> argparse.ArgumentParser:
    from tests.fuzz.catalogue import SHARES

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=_positive, default=200_000)
    parser.add_argument("--seed", type=_positive, default=1)
    parser.add_argument("--workers", type=_positive, default=os.cpu_count() or 1)
    parser.add_argument("--target", choices=sorted(SHARES), action="append", help="only this one")
    parser.add_argument(
        "--case", type=int, metavar="N", help="case N of --target again, with its traceback"
    )
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "fuzz", metavar="DIR")
    return parser


def main(argv: list[str]) -> int:
    sys.path.insert(0, str(ROOT / "firmware"))
    parser = _arguments()
    args = parser.parse_args(argv)
    if args.case is not None:
        if len(args.target or ()) != 1:
            parser.error("--case needs one --target")
        return _replay(args.target[0], args.seed, args.case, args.report)
    return _run(args)


def _replay(name: str, seed: int, number: int, report: Path) -> int:
    from tests.fuzz.campaign import measure
    from tests.fuzz.catalogue import build

    target = build(name)
    data = target.case(seed, number)
    path = _keep(report, name, seed, number, data)
    print(f"{len(data)} bytes, in {path}")
    print(target.outcome(data).decode("latin-1")[:200])
    memory, steps = measure(target, data)
    print(f"memory {memory:.0%} and steps {steps:.0%} of what it may take")
    return 0


def _keep(report: Path, name: str, seed: int, number: int, data: bytes) -> Path:
    report.mkdir(parents=True, exist_ok=True)
    path = report / f"{name.replace(' ', '-')}-{seed}-{number}.bin"
    path.write_bytes(data)
    return path


def _run(args: argparse.Namespace) -> int:
    from tests.fuzz.campaign import run, shares
    from tests.fuzz.catalogue import SHARES, build

    begun = last = time.monotonic()
    done = 0

    def progress(count: Count) -> None:
        nonlocal done, last
        done += count.cases
        now = time.monotonic()
        if now - last > _EVERY:
            last = now
            print(f"{done} of {args.cases} cases, {done / (now - begun):.0f}/s", flush=True)

    names = args.target or list(SHARES)
    counts = run(args.seed, shares(args.cases, names), args.workers, progress)
    seconds = time.monotonic() - begun
    print(_table(counts, args.seed, seconds))
    failures = [failure for count in counts.values() for failure in count.failures]
    for failure in failures:
        data = build(failure.target).case(failure.seed, failure.number)
        path = _keep(args.report, failure.target, failure.seed, failure.number, data)
        print(f"{failure.target}: {failure.problem}\n  input: {path}")
        print(
            f"  again: python -m tests.fuzz --target '{failure.target}' "
            f"--seed {failure.seed} --case {failure.number}"
        )
    return 1 if failures else 0


def _table(counts: dict[str, Count], seed: int, seconds: float) -> str:
    lines = [
        f"{'target':<18}{'cases':>10}{'read':>10}{'refused':>10}{'failed':>8}"
        f"{'a second':>10}{'slowest ms':>12}{'measured':>10}{'memory':>8}{'steps':>7}"
    ]
    for count in counts.values():
        rate = count.cases / count.seconds if count.seconds else 0
        lines.append(
            f"{count.target:<18}{count.cases:>10}{count.read:>10}{count.refused:>10}"
            f"{count.failed:>8}{rate:>10.0f}{count.slowest_ms:>12.1f}{count.measured:>10}"
            f"{count.memory:>8.0%}{count.steps:>7.0%}"
        )
    total = sum(count.cases for count in counts.values())
    failed = sum(count.failed for count in counts.values())
    lines.append(
        f"seed {seed}: {total} inputs, {failed} failed, {seconds:.0f} s; memory and steps: the "
        "most that one input took of what its target may"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
