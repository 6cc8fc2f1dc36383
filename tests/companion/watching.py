"""`companion watch` as a process, with the events that it tells."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.companion.terminal_rig import ROOT, WAIT

Event = dict[str, Any]


class Watching:
    """Ended with Ctrl-C when the context ends; `code` is its exit code then."""

    def __init__(self, store: Path, *arguments: object) -> None:
        command = (sys.executable, "-m", "companion", "watch", "--json", "--store", store)
        self.events: list[Event] = []
        self.code: int | None = None
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [str(word) for word in (*command, *arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Watching:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> str:
        """Ctrl-C; returns what was on stderr."""
        if self.code is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self.code = self._process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._reader.join(WAIT)
            assert self._process.stdout and self._process.stderr
            self._process.stdout.close()
        with self._process.stderr:
            return self._process.stderr.read()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._note(json.loads(line))
        self._note({"event": "ended"})

    def _note(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait(self, wanted: Callable[[Event], bool], since: int = 0) -> int:
        """Wait for an event from number ``since`` on; returns its number."""
        seen = since
        with self._news:
            while True:
                for number in range(seen, len(self.events)):
                    if wanted(self.events[number]):
                        return number
                    assert self.events[number]["event"] != "ended", self._why()
                seen = len(self.events)
                assert self._news.wait(WAIT), f"not within {WAIT} s; last: {self.events[-5:]}"

    def _why(self) -> str:
        assert self._process.stderr
        return f"the watch ended; events {self.events[-5:]}; it said {self._process.stderr.read()}"

    def wait_for(self, name: str, port: str, since: int = 0) -> Event:
        """The event of this name at this port."""
        number = self.wait(
            lambda event: (event["event"], event.get("port")) == (name, port), since
        )
        return self.events[number]
