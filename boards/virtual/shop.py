"""A shop on one machine: a virtual terminal, the acquirer host and the companion.

All three are the real programs: the firmware under MicroPython, the host and the companion as
processes with sockets and files of their own. The demo and the end-to-end tests drive it as a
cashier would, from the front panel, and cut the power where they want it cut.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards.virtual.board import FLASH, HEAP, TIMEOUT, VirtualBoard
from boards.virtual.cuts import Phase
from boards.virtual.flash import FlashCounts
from boards.virtual.serialport import Line

MERCHANT_NO = "104110070110001"
TERMINAL_NO = "10000001"
MERCHANT_NAME = "Corner shop"
BUSINESS_DATE = "2026-11-20"
OPENING = f"{BUSINESS_DATE}T09:00:00+08:00"
DIALECT = "unionpay_pos"

# First lines of the screens that end a sale; "UNFINISHED SALE" is still under way.
ENDS = ("APPROVED", "DECLINED", "NOT CHARGED", "OPEN CASE", "NO CONNECTION", "NOT POSSIBLE")
WAIT = TIMEOUT

Event = dict[str, Any]


def held_port() -> socket.socket:
    """A loopback TCP port that nobody gets but who asks for its number with SO_REUSEADDR, as
    MicroPython does; until it is closed."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def card(number: int) -> dict[str, str]:
    """A synthetic card: prefix 999999 is assigned to nobody, the check digit is right."""
    body = f"999999{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return {"pan": f"{body}{-total % 10}", "expiry": "3012", "entry": "021"}


class Host:
    """`companion host` as a process, with what it says as it runs."""

    def __init__(
        self,
        directory: Path,
        faults: list[Event],
        port: int = 0,
        start: str = OPENING,
        dialect: str = DIALECT,
    ) -> None:
        script = directory / "faults.jsonl"
        script.write_text("".join(json.dumps(fault) + "\n" for fault in faults))
        self.ledger = directory / "host.sqlite"
        self.events: list[Event] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "companion", "host"),
                *("--listen", f"127.0.0.1:{port}", "--ledger", str(self.ledger)),
                *("--faults", str(script), "--clock", start),
                *("--dialect", dialect, "--json"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="host events")
        self._reader.start()
        self.port = int(self.wait(lambda event: event["event"] == "listening")["port"])

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self.events.append({"event": "ended"})
            self._news.notify_all()

    def wait(self, wanted: Callable[[Event], bool], since: int = 0) -> Event:
        """The first event from number ``since`` on that is wanted."""
        with self._news:
            seen = since
            while True:
                for event in self.events[seen:]:
                    seen += 1
                    if wanted(event):
                        return event
                    if event["event"] == "ended":
                        raise RuntimeError("the host ended")
                if not self._news.wait(WAIT):
                    raise TimeoutError(f"host: not within {WAIT} s; last: {self.events[-3:]}")

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(WAIT)
        self._reader.join(WAIT)
        if self._process.stdout:
            self._process.stdout.close()


@dataclass(frozen=True)
class Cut:
    """Where the power goes during a sale.

    ``program`` counts the journal programs of the sale itself: 1 is ARMED, 2 the outcome, 3 the
    receipt's record; ``phase`` is before, torn or after it. ``printed`` counts slip lines.
    ``held`` cuts when the host has taken a message of this MTI and sits on its answer.
    """

    window: str
    program: int = 0
    phase: Phase = "before"
    printed: int = 0
    held: str = ""


class Shop:
    """One terminal, one host, one companion store in ``directory``."""

    def __init__(
        self,
        directory: Path,
        faults: list[Event] | None = None,
        heap: str = HEAP,
        journal_bytes: int = FLASH["journal"],
        source: bool = False,
        start: str = OPENING,
        dialect: str = DIALECT,
        line: Line | None = None,
        reader: bool = False,
        watchdog_ms: int = 0,
    ) -> None:
        """``dialect`` is the host's, and the profile that the terminal is given."""
        self.directory = directory
        self.store = directory / "store"
        # Held, not listening: nobody else is given this number before the terminal listens there.
        self._port_holder = held_port()
        self.sync_port = int(self._port_holder.getsockname()[1])
        self.seen_last: list[str] = []  # what the panel showed when the power went
        self.dialect = dialect
        with ExitStack() as undo:  # a shop that cannot open leaves nothing running
            undo.callback(self._port_holder.close)
            self.host = Host(directory, faults or [], start=start, dialect=dialect)
            undo.callback(self.host.close)
            self.acquirer_port = self.host.port  # what the terminal is told
            self.board = VirtualBoard(
                directory / "board",
                heap=heap,
                flash={**FLASH, "journal": journal_bytes},
                line=line,
                reader=reader,
                watchdog_ms=watchdog_ms,
            )
            undo.callback(self.board.close)
            self.board.install(source)
            self.board.power_on()
            undo.pop_all()

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.board.close()
        self.host.close()
        self._port_holder.close()

    def companion(self, *arguments: str, code: int = 0) -> str:
        """Run a command on this shop's store as its user does; returns what it printed.

        A sync leaves the clock alone: the shop lives on its host's day, which is not today.
        """
        if arguments[0] == "sync":
            arguments = (*arguments, "--no-clock")
        return self._run(*arguments, "--store", str(self.store), code=code)

    def escape(self) -> None:
        """Give the serial port to the REPL."""
        self._run("escape", "--port", self.board.pty)

    def host_day(self, date: str = BUSINESS_DATE) -> Path:
        """The host's file of a day, as the acquirer would send it after the day."""
        out = self.directory / ("day.csv" if date == BUSINESS_DATE else f"day-{date}.csv")
        ledger = str(self.host.ledger)
        self._run("host-day", "--ledger", ledger, "--date", date, "--out", str(out))
        return out

    def _run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "companion", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "COLUMNS": "110"},
        )
        if done.returncode != code:
            raise RuntimeError(
                f"companion {' '.join(arguments)}: exit {done.returncode}, not {code}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout if code == 0 else done.stdout + done.stderr

    def provision(self, response_ms: int = 1000, reversal_wait_ms: int = 100, *more: str) -> None:
        """Give the fresh terminal its identity and wait until it is ready to sell. ``more`` are
        options of the command."""
        self.board.wait_screen("NOT PROVISIONED", WAIT)
        process = self.provisioning(response_ms, reversal_wait_ms, *more)
        said, _ = process.communicate(timeout=60)
        if process.returncode or "no certificate" in said:
            raise RuntimeError(f"companion provision: exit {process.returncode}\n{said}")
        self.board.wait_screen(MERCHANT_NAME, WAIT)

    def provisioning(
        self, response_ms: int = 1000, reversal_wait_ms: int = 100, *more: str
    ) -> subprocess.Popen[str]:
        """`companion provision` as a process, for those who want to disturb it."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "companion", "provision"),
                *("--port", self.board.pty, "--store", str(self.store)),
                *("--merchant-name", MERCHANT_NAME, "--profile", self.dialect),
                *("--merchant-no", MERCHANT_NO, "--terminal-no", TERMINAL_NO),
                *("--host", "127.0.0.1", "--host-port", str(self.acquirer_port)),
                *("--sync-port", str(self.sync_port), "--response-ms", str(response_ms)),
                *("--reversal-wait-ms", str(reversal_wait_ms), *more),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def key_in(self, amount_minor: int) -> None:
        """Type an amount and confirm it, up to the screen that asks for a card."""
        self.board.type(str(amount_minor))
        self.board.press("ENTER")
        self.board.wait_screen("CHARGE", WAIT)
        self.board.press("ENTER")
        self.board.wait_screen("Insert or tap card", WAIT)

    def sell(self, amount_minor: int, with_card: dict[str, str], cut: Cut | None = None) -> str:
        """One sale; returns the screen that ended it. With a cut: the screen after the restart."""
        self.key_in(amount_minor)
        since = len(self.host.events)
        if cut:
            self._arm(cut)
        self.board.insert_card(with_card)
        if not cut:
            return self.wait_end()
        if cut.held:
            self.host.wait(
                lambda event: event["event"] == "fault" and event["mti"] == cut.held, since
            )
            self.board.power_off()
        else:
            self.board.wait_cut(WAIT)
        self.seen_last = list(self.board.screen)
        return self.restart()

    def flash_of_a_sale(self, amount_minor: int, with_card: dict[str, str]) -> FlashCounts:
        """What one approved sale does to the journal's flash, from the card to the slip's end."""
        self.key_in(amount_minor)
        journal = self.board.flash["journal"]
        before = journal.counts
        self.board.insert_card(with_card)
        assert self.wait_end() == "APPROVED"
        # The terminal answers a key only when the sale's last record is stored.
        self.board.press("CLEAR")
        self.board.wait_screen(MERCHANT_NAME, WAIT)
        return journal.counts - before

    def _arm(self, cut: Cut) -> None:
        if cut.program:
            # Housekeeping may still program the journal while the card is awaited; from the
            # moment the terminal connects, every program is the sale's.
            armed: list[bool] = []

            def connecting(output: dict[str, Any]) -> bool:
                if not armed and "Connecting..." in output.get("screen", ()):
                    armed.append(True)
                    self.board.cut_at_program(cut.program, cut.phase, seed=cut.program)
                return False

            self.board.cut_on_panel(connecting)
        elif cut.printed:
            left = [cut.printed]

            def nth_line(output: dict[str, Any]) -> bool:
                left[0] -= "print" in output
                return left[0] == 0

            self.board.cut_on_panel(nth_line)

    def restart(self) -> str:
        """Power on, let the terminal finish what was open, reprint a slip that is owed."""
        self.board.power_on()
        screen = self.board.wait_screen(
            lambda lines: lines[0] == MERCHANT_NAME or is_end(lines), WAIT
        )
        if "Receipt not printed" in screen:
            self.board.press("ENTER")
            self.board.wait_screen(MERCHANT_NAME, WAIT)
        return screen[0]

    def wait_late_answers(self) -> None:
        """Wait until the host has sent every answer it delayed: a terminal records those too."""
        for number, event in enumerate(list(self.host.events)):
            if event.get("do") == "delay_answer":
                self.host.wait(_answer_to(event), number)

    def wait_end(self) -> str:
        """The first line of the screen that ends the sale under way."""
        return self.board.wait_screen(is_end, WAIT)[0]


def is_end(lines: list[str]) -> bool:
    """Whether a screen ends a sale."""
    return bool(lines) and lines[0].startswith(ENDS)


def _answer_to(request: Event) -> Callable[[Event], bool]:
    """Tells the event that ends a request: its answer left, or the terminal was gone."""

    def ends(event: Event) -> bool:
        # A reversal has the STAN of its original: the class of the MTI tells them apart.
        return (
            event["event"] in ("answer", "dropped")
            and event["stan"] == request["stan"]
            and event["mti"][:2] == request["mti"][:2]
        )

    return ends
