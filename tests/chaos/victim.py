"""Companions that are killed: run as a process of its own, which forks one for each line of stdin.

A line is {"store": DIR, "url": TERMINAL, "after": seconds or null}: sync that terminal into that
store, and be killed with SIGKILL after so long. Answers {"killed": bool, "seconds": how long,
"error": why the sync failed by itself, or ""}.
It has no threads, which is why the test process does not fork them itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from companion import link
from companion.store import Store
from companion.syncing import sync_terminal


def _sync(order: dict[str, Any]) -> None:
    with (
        Store.open(Path(order["store"])) as store,
        closing(link.open_transport(order["url"])) as transport,
    ):
        sync_terminal(store, transport)


def main() -> None:
    """Serve orders until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        begun = time.monotonic()
        get, put = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _sync(order)
            except BaseException as error:
                os.write(put, f"{type(error).__name__}: {error}".encode())
            finally:
                os._exit(0)
        os.close(put)
        if order["after"] is not None:
            time.sleep(order["after"])
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        with os.fdopen(get) as words:
            answer = {"killed": os.WIFSIGNALED(status), "error": words.read()}
        answer["seconds"] = time.monotonic() - begun
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
