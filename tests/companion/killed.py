"""Kills the companion for real, at a chosen step of a job: run as a process of its own.

Reads one JSON line a job: {"call": "import" | "reconcile" | "sync" | one of CASE_ACTS,
"store": DIR, "file": PATH, "at": n}. Each job runs in a fork that is killed with SIGKILL at its
n-th step, a step being an SQL statement, a commit, or a file opened, renamed or removed. Answers
{"killed": bool, "steps": n}. It forks before any engine has threads, which is why the test
process does not do it itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from companion.cases import listing
from companion.cases.acts import Desk
from companion.cases.listing import Filter
from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import Device

_FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir")


def a_device() -> Device:
    """The journal that every job of this file syncs."""
    device = Device()
    for stan in range(1, 25):
        device.sale(stan, 100 * stan, "declined" if stan % 5 == 0 else "approved")
    return device


# What a person does with the first case of a store, and who.
CASE_ACTS: dict[str, tuple[str, ...]] = {
    "note": ("WANG", "the customer called"),
    "send": ("WANG", "acquirer", "2026-03-20", "claim 12"),
    "write_off": ("WANG", "too small"),
    "reject": ("WANG", "too late"),
    "approve": ("LI",),
}


def on_a_case(store: Store, act: str) -> None:
    """Do one of CASE_ACTS, in a transaction of its own as the command does it."""
    name, *values = CASE_ACTS[act]
    with store.write() as connection:
        found = listing.listed(connection, Filter(code="REVERSAL_STUCK"))
        desk = Desk(connection, name, 20514, lambda channel, day, count: day + count)
        getattr(desk, act)(found[0].id, *values)


class _Killer:
    def __init__(self, at: int) -> None:
        self.at = at
        self.steps = 0

    def step(self, *_: object) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audited(self, name: str, _: tuple[Any, ...]) -> None:
        if name in _FILE_EVENTS:
            self.step()


def _job(order: dict[str, Any]) -> int:
    killer = _Killer(order["at"])
    event.listen(Engine, "before_cursor_execute", killer.step)
    event.listen(Engine, "commit", killer.step)
    sys.addaudithook(killer.audited)
    with Store.open(Path(order["store"]), create=True) as store:
        if order["call"] == "import":
            import_file(store, Path(order["file"]))
        elif order["call"] == "reconcile":
            reconcile(store)
        elif order["call"] in CASE_ACTS:
            on_a_case(store, order["call"])
        else:
            a_device().sync(store, frame=10)
    return killer.steps


def main() -> None:
    """Serve jobs until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        get, put = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(get)
            code = 1
            try:
                os.write(put, str(_job(order)).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(put)
        with os.fdopen(get) as answer:
            steps = answer.read()
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": killed, "steps": int(steps or 0)}), flush=True)


if __name__ == "__main__":
    main()
