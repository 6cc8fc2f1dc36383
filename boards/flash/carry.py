"""Runs the commands of a plan, or shows them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from boards.flash import look, plan, table
from boards.flash.build import Build
from boards.flash.errors import Interrupted, Refused
from boards.flash.plan import Step

# esptool flash-id: "Detected flash size: 4MB".
_SIZE = re.compile(r"[Ff]lash size: *(\d+)([KM])B")
_AGAIN_S = 1.0
# What the commands say is to be seen while they work.
_ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Flashing:
    """One board on one port. ``provision``: arguments for companion provision, None for none.
    ``hands``: somebody is there to press a key in the self-test."""

    build: Build
    port: str
    provision: tuple[str, ...] | None
    hands: bool
    say: Say

    @property
    def _folder(self) -> Path:
        return self.build.folder / "board"

    def show(self) -> None:
        """Every command that there would be, in both cases; nothing is run."""
        self._show("first, what is on the board:", self._looks())
        self._show(
            "a board that is new, or was not finished (nothing in vault and journal):",
            [self._look("journal"), *self._steps(False)],
        )
        slots = table.ota_data(self.build.rows)
        labels = ("romfs", "vault", *([slots.label] if slots else []))
        looks = [self._look(label) for label in labels]
        self._show("a board that has it:", [*looks, *self._steps(True)])

    def _show(self, title: str, steps: Iterable[Step]) -> None:
        self.say(f"\n# {title}")
        for step in steps:
            self.say(f"# {step.why}\n{step.shown()}")

    def _looks(self) -> list[Step]:
        return plan.look_first(self.build, self.port, self._folder)

    def _look(self, label: str) -> Step:
        row = table.labelled(self.build.rows, label)
        return plan.look_into(self.build, self.port, self._folder, row)

    def _steps(self, update: bool) -> list[Step]:
        if update:
            return plan.update(self.build, self.port, self.hands)
        return plan.new(self.build, self.port, self.provision, self.hands)

    def run(self) -> bool:
        """Look, decide, write, test; whether the self-test passed. Refused before anything is
        written; Interrupted after."""
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise Refused(f"{self._folder}: {error.strerror}") from None
        size, sector = self._looks()
        output = self._do(size)[1]
        try:
            look.check_size(self.build, _bytes(output))
            self._do(sector)
            update = self._is_update(self._folder / "partitions.bin")
        except Refused:
            self._do(plan.leave(self.build, self.port))
            raise
        passed = False
        try:
            for step in self._steps(update):
                passed, _ = self._do(step)
        except Refused as error:
            raise Interrupted(str(error)) from None
        except KeyboardInterrupt:
            raise Interrupted("stopped by hand") from None
        return passed

    def _is_update(self, sector: Path) -> bool:
        """Whether to leave what is on the board, and bring it new code. A board without a
        configuration and without a record holds nothing: an earlier run was cut off, perhaps in
        the making of the file system, so all of it is made again."""
        build = self.build
        if not look.is_ours(build, look.rows_of(sector)):
            look.check_no_records(build, self._read("journal"))
            self.say("a new board: all of its flash is erased")
            return False
        head = self._read("romfs")
        version = look.check_version(build, head)
        if not look.has_configuration(self._read("vault")):
            if not look.has_records(self._read("journal")):
                self.say("a board that was not finished: all of its flash is erased")
                return False
            self.say("its vault is empty, its journal is not: it stays as it is")
        look.check_board(build, head)
        slots = table.ota_data(build.rows)
        slot = look.updated_slot(build, self._read(slots.label)) if slots else None
        if slot:
            version = look.check_slot(build, self._read(slot.label))
        said = version or "none that can be read"
        self.say(f"update in place: firmware {said} -> {build.program.version}")
        return True

    def _read(self, label: str) -> Path:
        step = self._look(label)
        self._do(step)
        return Path(step.command[-1])

    def _do(self, step: Step) -> tuple[bool, str]:
        """Run one command: whether it did what it should, and what it said. Refused when it fails
        and may not."""
        self.say(f"# {step.why}\n{step.shown()}")
        until = time.monotonic() + step.patience
        live = step.told and not step.patience
        waiting = False
        while True:
            passed, output = _run(step, self.say if live else None)
            if passed or time.monotonic() >= until:
                break
            if not waiting:
                hint = f"; {step.hint}" if step.hint else ""
                self.say(f"not yet ({_last(output)}), trying again{hint}")
                waiting = True
            time.sleep(_AGAIN_S)
        if not live and (step.told if passed else step.may_fail):
            self.say(output)
        if passed or step.may_fail:
            return passed, output
        said = "" if live else f"\n{output}"
        hint = f"; {step.hint}" if step.hint else ""
        raise Refused(f"{step.shown()}{said}\nfailed: {step.why}{hint}")


def _run(step: Step, say: Say | None) -> tuple[bool, str]:
    """``say`` gets each line as it comes."""
    process = subprocess.Popen(
        [sys.executable, "-m", *step.command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_ENVIRONMENT,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    guard = threading.Timer(step.limit, end)
    guard.start()
    lines = []
    try:
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if say:
                    say(lines[-1])
    finally:
        guard.cancel()
    if late.is_set():
        lines.append(f"no end within {step.limit:g} s")
        if say:
            say(lines[-1])
    return process.returncode == 0, "\n".join(lines)


def _last(output: str) -> str:
    return next((line for line in reversed(output.splitlines()) if line), "silence")


def _bytes(output: str) -> int:
    found = _SIZE.search(output)
    if found is None:
        raise Refused("esptool does not say how large the flash is")
    return int(found[1]) << (20 if found[2] == "M" else 10)
