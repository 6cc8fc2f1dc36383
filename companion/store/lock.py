"""Advisory locks between processes: one sync a terminal, one writer of the facts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from companion.store.errors import StoreBusy


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`; raises StoreBusy(`busy`) when another has it.

    The kernel drops the lock when the process ends, however it ends, so a killed sync never has
    to be cleaned up after. The file itself stays: removing it would let two processes lock two
    different files of the same name.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(busy) from None
        yield
    finally:
        os.close(handle)
