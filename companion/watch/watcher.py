"""The loop: looks who is there, syncs whoever is due, and tells what happened."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from companion.errors import CompanionError
from companion.opening import open_terminal
from companion.store import Store, StoreBusy
from companion.store.store import utc_now
from companion.syncing import Synced, sync_terminal
from companion.watch.agenda import Agenda
from companion.watch.interruptible import Interrupted, Interruptible
from companion.watch.places import Places

LOOK_S = 1.0
# How long the syncs under way may take to let go of their terminals when the watch ends.
_LAST_WORDS_S = 3.0


@dataclass(frozen=True)
class Event:
    """Something happened at a port; ``text`` says it to a person, ``fields`` to a program."""

    name: str
    port: str
    text: str
    fields: dict[str, Any]


@dataclass
class Row:
    """A place that is there, for a live view. ``due_at`` is a time.monotonic(), None while its
    sync runs; ``progress`` counts records of that sync. ``trouble``: why the last one failed;
    ``warning``: what was last found not to be as it should be."""

    port: str
    device_id: str = ""
    progress: tuple[int, int] = (0, 0)
    records: int = 0
    synced_at: str = ""
    warning: str = ""
    trouble: str = ""
    due_at: float | None = None


@dataclass(frozen=True)
class _Failure:
    code: str
    reason: str


class Watcher:
    """``every_s``: seconds from a good sync of a place to its next. ``tell`` gets each event and
    ``show`` the rows after each turn of the loop, both in the thread of `run`. ``set_clock`` is
    that of sync_terminal."""

    def __init__(
        self,
        store: Store,
        places: Places,
        every_s: float,
        tell: Callable[[Event], None],
        show: Callable[[list[Row]], None] = lambda rows: None,
        set_clock: bool = True,
    ) -> None:
        self._store = store
        self._places = places
        self._agenda = Agenda(every_s)
        self._tell = tell
        self._show = show
        self._set_clock = set_clock
        self._rows: dict[str, Row] = {}
        self._syncs: dict[str, threading.Thread] = {}
        self._ended = threading.Event()
        # The syncs' ends, and None to look up. A signal handler may put into a SimpleQueue.
        self._inbox: queue.SimpleQueue[tuple[str, Synced | _Failure | Exception] | None]
        self._inbox = queue.SimpleQueue()

    def stop(self) -> None:
        """End `run`; from any thread or a signal handler."""
        self._ended.set()
        self._inbox.put(None)

    def run(self) -> None:
        """Watch until `stop`. What fails at one place is told and tried again; StoreError when the
        store itself cannot be read."""
        look_at = time.monotonic()
        try:
            while not self._ended.is_set():
                now = time.monotonic()
                if now >= look_at:
                    self._look(now)
                    look_at = now + LOOK_S
                self._start(now)
                self._show(list(self._rows.values()))
                self._wait(min(look_at, self._agenda.next_at() or look_at))
        finally:
            self._ended.set()
            self._let_go()

    def _look(self, now: float) -> None:
        """See who came and who went."""
        on_a_cable = {
            row.device_id
            for row in self._rows.values()
            if "://" not in row.port and row.synced_at and not row.trouble
        }
        there = self._places.find(now, on_a_cable)
        came, went = self._agenda.update(there, now)
        for port in came:
            self._rows[port] = Row(port, there[port])
            self._tell(Event("appeared", port, "is there", {"device_id": there[port]}))
        for port in went:
            del self._rows[port]
            self._tell(Event("vanished", port, "is gone", {}))

    def _start(self, now: float) -> None:
        for port in self._agenda.start(now):
            row = self._rows[port]
            row.due_at, row.progress = None, (0, 0)
            thread = threading.Thread(target=self._sync, args=(row,), name=port, daemon=True)
            self._syncs[port] = thread
            thread.start()

    def _sync(self, row: Row) -> None:
        """One sync, in a thread of its own; its end goes to the inbox, whatever it is."""

        def progress(done: int, total: int) -> None:
            row.progress = done, total

        end: Synced | _Failure | Exception
        try:
            with closing(open_terminal(self._store, row.port)) as transport:
                careful = Interruptible(transport, self._ended)
                end = sync_terminal(self._store, careful, progress, set_clock=self._set_clock)
        except Interrupted:
            return
        except StoreBusy as error:
            end = _Failure("BUSY", str(error))
        except (CompanionError, OSError) as error:
            reason = str(error).removeprefix(f"{row.port}: ")
            end = _Failure(getattr(error, "code", "STORE"), reason)
        except Exception as error:
            end = error
        self._inbox.put((row.port, end))

    def _wait(self, until: float) -> None:
        """Until then, or until a sync has ended."""
        try:
            note = self._inbox.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return
        if note is not None:
            self._take(*note)

    def _take(self, port: str, end: Synced | _Failure | Exception) -> None:
        if isinstance(end, Exception):
            raise end
        self._syncs.pop(port).join()
        now = time.monotonic()
        wait_s = self._agenda.ended(port, isinstance(end, Synced), now)
        row = self._rows.get(port) or Row(port)  # it may have gone meanwhile
        row.due_at = now + wait_s
        if isinstance(end, Synced):
            row.device_id, row.trouble, row.synced_at = end.done.device_id, "", utc_now()
            row.records += end.done.records
            row.warning = "; ".join(end.warnings()) or row.warning
            fields = {**end.as_json(), "again_s": wait_s}
            self._tell(Event("synced", port, "; ".join(end.as_text()), fields))
        else:
            row.trouble = end.reason
            fields = {"code": end.code, "reason": end.reason, "again_s": wait_s}
            self._tell(Event("failed", port, end.reason, fields))

    def _let_go(self) -> None:
        deadline = time.monotonic() + _LAST_WORDS_S
        for thread in self._syncs.values():
            thread.join(max(0.0, deadline - time.monotonic()))
