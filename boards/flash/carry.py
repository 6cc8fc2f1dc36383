"""Runs the commands of a plan, or shows them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from boards.flash import look, plan
from boards.flash.build import Build
from boards.flash.errors import Interrupted, Refused
from boards.flash.plan import Step

# esptool flash-id: "Detected flash size: 4MB".
_SIZE = re.compile(r"[Ff]lash size: *(\d+)([KM])B")
_AGAIN_S = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    passed: bool
    output: str


@dataclass(frozen=True)
class Flashing:
    """One board on one port. ``provision``: arguments for companion provision, None for none.
    ``hands``: somebody is there to press a key in the self-test."""

    build: Build
    port: str
    provision: tuple[str, ...] | None
    hands: bool
    say: Say

    def show(self) -> None:
        """Every command that there would be, in both cases; nothing is run."""
        folder = self.build.folder / "board"
        self._show("first, what is on the board:", plan.look_first(self.build, self.port, folder))
        for update, title in ((False, "a board that is new:"), (True, "a board that has it:")):
            self._show(title, self._steps(update, folder))

    def _show(self, title: str, steps: Iterable[Step]) -> None:
        self.say(f"\n# {title}")
        for step in steps:
            self.say(f"# {step.why}\n{step.shown()}")

    def _steps(self, update: bool, folder: Path) -> list[Step]:
        further = plan.look_further(self.build, self.port, folder, update)
        if update:
            return [further, *plan.update(self.build, self.port, self.hands)]
        return [further, *plan.new(self.build, self.port, self.provision, self.hands)]

    def run(self) -> bool:
        """Look, decide, write, test; whether the self-test passed. Refused before anything is
        written; Interrupted after."""
        folder = self.build.folder / "board"
        folder.mkdir(parents=True, exist_ok=True)
        size, sector = plan.look_first(self.build, self.port, folder)
        output = self._do(size, show=False).output
        try:
            update = self._look(output, sector, folder)
        except Refused:
            self._do(plan.leave(self.build, self.port), show=False)
            raise
        steps = self._steps(update, folder)[1:]
        try:
            for step in steps:
                done = self._do(step)
        except Refused as error:
            raise Interrupted(str(error)) from None
        return done.passed

    def _look(self, output: str, sector: Step, folder: Path) -> bool:
        build = self.build
        look.check_size(build, _bytes(output))
        self._do(sector, show=False)
        rows = look.rows_of(folder / "partitions.bin")
        update = look.is_update(build, rows)
        further = plan.look_further(build, self.port, folder, update)
        self._do(further, show=False)
        place = Path(further.command[-1])
        if update:
            version = look.check_version(build, place) or "none that can be read"
            self.say(f"update in place: firmware {version} -> {build.program.version}")
        else:
            look.check_no_journal(build, place)
            self.say("a new board: all of its flash is erased")
        return update

    def _do(self, step: Step, show: bool = True) -> Done:
        """Run one command. Refused when it fails and may not."""
        self.say(f"# {step.why}\n{step.shown()}")
        until = time.monotonic() + step.patience
        while True:
            done = _run(step)
            if done.passed:
                if show:
                    self.say(done.output.rstrip())
                return done
            if time.monotonic() >= until:
                break
            time.sleep(_AGAIN_S)
        if step.may_fail:
            self.say(done.output.rstrip())
            return done
        hint = f"; {step.hint}" if step.hint else ""
        raise Refused(f"{step.shown()}\n{done.output.rstrip()}\nfailed: {step.why}{hint}")


def _run(step: Step) -> Done:
    process = subprocess.Popen(
        [sys.executable, "-m", *step.command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process:
        try:
            output, _ = process.communicate(timeout=step.limit)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            return Done(False, f"{output}\nno end within {step.limit:g} s")
    return Done(process.returncode == 0, output)


def _bytes(output: str) -> int:
    found = _SIZE.search(output)
    if found is None:
        raise Refused("esptool does not say how large the flash is")
    return int(found[1]) << (20 if found[2] == "M" else 10)
