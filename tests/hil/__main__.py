"""Cut the power of a terminal during card transactions, and see what it remembers.

python -m tests.hil run --cycles 10000 --seed 1
python -m tests.hil run --board esp32_devkitc --port /dev/ttyUSB0 --power uhubctl:1-1.2 --wipe
python -m tests.hil replay --seed 1 3/17
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from protocol.config import ConfigError
from tests.hil import campaign, page, plan, result
from tests.hil.bench import Bench, BenchError
from tests.hil.campaign import Log
from tests.hil.power import PowerError
from tests.hil.shift import Line, Shift
from tests.hil.tape import Silence
from tests.hil.virtual import VirtualRig

BOARDS = Path(__file__).resolve().parents[2] / "boards"
VIRTUAL = "virtual"


class Unfit(Exception):
    """What was asked for cannot be; the message says why."""


def _run(options: argparse.Namespace) -> int:
    _check(options)
    started = time.monotonic()
    log = Log(options.out, board=options.board, seed=options.seed, cycles=options.cycles)
    done = 0

    def tell(line: Line) -> None:
        nonlocal done
        done += line["line"] == "cycle"
        for failure in line["failures"]:
            where = f"{line['shift']}/{line.get('cycle', 0)}"
            print(f"  {where} {failure['code']}: {failure['text']}", flush=True)
        if line["line"] == "cycle" and done % options.every == 0:
            print(f"  {done} cycles, {time.monotonic() - started:.0f} s", flush=True)

    problem = ""
    try:
        if options.port:
            _on_the_bench(options, log, tell)
        else:
            campaign.run(log, options.seed, options.cycles, options.workers, options.laps, tell)
    except (PowerError, BenchError, ConfigError, Silence) as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "stopped"
    finally:
        log.close()
    counted = result.count(log.lines, time.monotonic() - started)
    if counted.cycles:  # however it ended: what was measured was measured
        result.write(options.out, log.lines, counted, page.render(counted))
        print(counted.words())
        print(f"{counted.cycles} cycles in {counted.seconds:.0f} s; {options.out / 'report.html'}")
    if problem:
        print(f"hil: {problem}", file=sys.stderr)
        return 2
    return 1 if counted.failures or not counted.cuts else 0


def _check(options: argparse.Namespace) -> None:
    """A result names the board that it was measured on."""
    boards = sorted(file.parent.name for file in BOARDS.glob("*/board.json"))
    if options.board not in (VIRTUAL, *boards):
        raise Unfit(f"{options.board!r} is no board; they are {', '.join(boards)}")
    if (options.board == VIRTUAL) != (not options.port):
        raise Unfit("a real board needs both its name and its port (BOARD= and PORT=)")
    if options.port and not options.wipe:
        raise Unfit(
            "the campaign erases the terminal's journal and configuration first: say so (WIPE=1)"
        )
    if options.port and not options.address:
        raise Unfit("the terminal has to reach this machine: by which address? (ADDRESS=)")


def _on_the_bench(options: argparse.Namespace, log: Log, tell: Callable[[Line], None]) -> None:
    """The same campaign on a real board: one shift, as long as it takes."""
    bench = Bench(options.port, options.power, options.cutter)
    rig = bench.rig()

    def add(line: Line) -> None:
        log.add(line)
        tell(line)

    try:
        rig.power.on()
        rig.dut.close()
        bench.prepare()
        rig.power.off()
        time.sleep(options.settle)
        bench.must_be_silent()
        directory = options.out / f"{options.board}-{options.seed}-{int(time.time())}"
        directory.mkdir(parents=True)
        limits = bench.limits(options.settle, options.laps)
        Shift(
            rig,
            directory,
            options.seed,
            1,
            plan.draw(options.seed, 1, options.cycles, limits),
            limits,
            add,
            options.address,
            options.response_ms,
            wifi_ssid=options.wifi_ssid,
            wifi_password=options.wifi_password,
        ).run()
    finally:
        rig.close()


def _replay(options: argparse.Namespace) -> int:
    """The cycles of a shift up to one, and what came of that."""
    shift, cycle = options.cycle
    told: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="pz-") as scratch:
        rig = VirtualRig(Path(scratch) / "board")
        try:
            limits = plan.Limits()
            planned = plan.draw(options.seed, shift, cycle, limits)
            arguments = (options.seed, shift, planned, limits, told.append)
            Shift(rig, Path(scratch), *arguments).run()
        finally:
            rig.close()
    for line in told:
        if line.get("cycle") == cycle or line["failures"]:
            print(json.dumps(line, indent=2, ensure_ascii=False))
    failures = [failure for line in told for failure in line["failures"]]
    for failure in failures:
        print(f"{failure['code']}: {failure['text']}")
    return 1 if failures else 0


def _place(text: str) -> tuple[int, int]:
    shift, slash, cycle = text.partition("/")
    if not slash or not shift.isdecimal() or not cycle.isdecimal() or "0" in (shift, cycle):
        raise argparse.ArgumentTypeError(f"{text!r} is not SHIFT/CYCLE, such as 3/17")
    return int(shift), int(cycle)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing failed; 1: something did, or no power was cut; 2: the rig is not fit, or was
    stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.hil", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="a campaign on virtual boards")
    run.add_argument("--board", default=VIRTUAL, help="a folder of boards/")
    run.add_argument(
        "--cycles", type=int, default=10_000, help="card transactions with a cut each"
    )
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--workers", type=int, default=4, help="virtual boards at a time")
    run.add_argument("--laps", type=int, default=plan.Limits.laps, help="erases of a sector")
    run.add_argument("--every", type=int, default=500, help="cycles between two lines")
    run.add_argument("--port", help="serial port of a real board: it is the terminal then")
    run.add_argument("--power", default="", help="its switch, such as uhubctl:1-1.2")
    run.add_argument("--cutter", default="", help="serial port of the cutter (tests/hil/cutter)")
    run.add_argument("--address", default="", help="this machine, for the terminal")
    run.add_argument("--wifi-ssid", default="")
    run.add_argument("--wifi-password", default=os.environ.get("WIFI_PASSWORD", ""))
    run.add_argument("--response-ms", type=int, default=10_000, help="for an answer by Wi-Fi")
    run.add_argument("--settle", type=float, default=2.0, help="seconds until the rail is down")
    run.add_argument("--wipe", action="store_true", help="erase the terminal on that board")
    run.add_argument("--out", type=Path, default=Path("build/hil"), help="where the result goes")
    run.set_defaults(act=_run)
    replay = commands.add_parser("replay", help="one cycle again, from the start of its shift")
    replay.add_argument("--seed", type=int, default=1)
    replay.add_argument("cycle", type=_place, metavar="SHIFT/CYCLE", help="as a campaign names it")
    replay.set_defaults(act=_replay)
    options = parser.parse_args(arguments)
    try:
        act: int = options.act(options)
    except Unfit as error:
        print(f"hil: {error}", file=sys.stderr)
        return 2
    return act


if __name__ == "__main__":
    sys.exit(main())
