"""The bridge to MicroPython: the same flash as in this process, exact cuts, no process left."""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terminal.journal import Journal, JournalFault
from tests.journal import device, nor
from tests.journal.device import Device, DeviceHung, RemoteJournal
from tests.journal.nor import Nor, PowerCut

RIVALS = ("littlefs", "json", "files")

_ORPHAN = """\
import os, signal
from tests.journal.device import RemoteJournal
from tests.journal.nor import Nor
journal = RemoteJournal(Nor(6), {design!r})
journal.format()
print(journal._device._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def payload(seq: int) -> bytes:
    return b"%08d" % seq + random.Random(seq).randbytes(seq % 100 + 1)


def trade(journal: Any, appends: int) -> None:
    """Appends on a fresh mount, with releases and idle time in between."""
    for _ in range(appends):
        seq = journal.append(payload(journal.next_seq))
        if seq % 10 == 0:
            journal.release(max(1, seq - 20))
            while journal.idle():
                pass


def workload(flash: Nor, make: Callable[[Nor], Any]) -> Any:
    """Two lives of a terminal; returns the journal of the second, or of the one that failed."""
    journal = make(flash)
    journal.format()
    journal.mount()
    trade(journal, 80)
    journal = make(flash)
    journal.mount()
    trade(journal, 60)
    return journal


def test_the_journal_on_micropython_leaves_the_same_bytes_as_here() -> None:
    here, there = Nor(5), Nor(5)
    local = workload(here, Journal)
    with workload(there, RemoteJournal) as remote:
        assert there.data == here.data
        assert there.operations == here.operations
        assert list(remote.scan(1)) == list(local.scan(1))
        assert remote.room() == local.room()
        assert remote.read(130) == payload(130)


@pytest.mark.parametrize("cut_at", range(1, 170, 24))
def test_a_cut_leaves_what_the_model_left_and_the_next_start_finds_the_same(cut_at: int) -> None:
    flashes = [Nor(5), Nor(5)]
    for flash, make in zip(flashes, (Journal, RemoteJournal), strict=True):
        flash.cut_at, flash.cut_as, flash.cut_weak = cut_at, nor.bits, True
        with pytest.raises(PowerCut):
            workload(flash, make)
    here, there = flashes
    assert there.data == here.data
    local = Journal(here)
    with RemoteJournal(there) as remote:
        assert remote.mount() == local.mount()
        assert there.data == here.data
        assert list(remote.scan(1)) == list(local.scan(1))


def test_an_error_of_the_flash_reaches_the_device() -> None:
    flashes = [Nor(5), Nor(5)]
    journals = [make(flash) for make, flash in zip((Journal, RemoteJournal), flashes, strict=True)]
    errors = []
    for flash, journal in zip(flashes, journals, strict=True):
        journal.format()
        journal.mount()
        trade(journal, 5)
        flash.fail_at, flash.fail_for_good = flash.operations + 3, True
        with pytest.raises(JournalFault) as error:
            trade(journal, 5)
        assert journal.read_only and journal.alarm == "APPEND_FAILED"
        # How an OSError reads is each interpreter's own.
        errors.append(str(error.value).split(": OSError")[0])
    journals[1].close()
    assert errors[0] == errors[1]
    assert flashes[0].data == flashes[1].data


def test_nothing_can_be_appended_while_the_power_is_off() -> None:
    flash = Nor(5)
    with RemoteJournal(flash) as journal:
        journal.format()
        journal.mount()
        flash.cut_at = flash.changes + 1
        with pytest.raises(PowerCut):
            journal.append(b"x")
        with pytest.raises(JournalFault, match="NOT_MOUNTED"):
            journal.append(b"x")


@pytest.mark.parametrize("design", RIVALS)
def test_a_rival_keeps_its_records_through_a_restart(design: str) -> None:
    with RemoteJournal(Nor(24), design) as journal:
        journal.format()
        journal.mount()
        trade(journal, 60)
        report = journal.mount()
        assert not report["read_only"] and report["next_seq"] == 61
        assert 1 < report["first_seq"] <= 40
        found = list(journal.scan(1))
        assert found == [(seq, payload(seq)) for seq in range(report["first_seq"], 61)]
        assert journal.append(b"more") == 61


def test_with_a_mirror_the_flash_is_used_in_the_same_way() -> None:
    used = []
    for mirror in (False, True):
        flash = Nor(24)
        with RemoteJournal(flash, "littlefs", "512wk", mirror) as journal:
            journal.format()
            journal.mount()
            copies = 2 * mirror  # made at each power-on
            trade(journal, 40)
        reads = (flash.operations - copies * 24, flash.read_bytes - copies * len(flash.data))
        used.append((bytes(flash.data), flash.programs, flash.erases, reads))
    assert used[0] == used[1]


def test_a_littlefs_that_does_not_mount_is_reported_and_never_formatted() -> None:
    flash = Nor(24)
    with RemoteJournal(flash, "littlefs") as journal:
        journal.format()
        journal.mount()
        trade(journal, 5)
        flash.data[: 2 * nor.SECTOR] = bytes(2 * nor.SECTOR)
        flash.start_counting()
        report = journal.mount()
        assert report["read_only"] and report["alarm"] == "MOUNT_FAILED"
        assert flash.changes == 0
        with pytest.raises(JournalFault, match="MOUNT_FAILED"):
            journal.append(b"x")


def test_a_device_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PATIENCE", 0.1)
    program = tmp_path / "hang.py"
    program.write_text("while True:\n    pass\n")
    hung = Device(Nor(4), str(program))
    with pytest.raises(DeviceHung):
        hung.call(b"")


def gone(pid: int) -> bool:
    """Whether a process has ended, after waiting for that."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


def test_no_process_is_left_behind() -> None:
    flash = Nor(6)
    journal = RemoteJournal(flash)
    pids = []
    for _ in range(3):
        journal.mount()
        assert journal._device is not None
        pids.append(journal._device._process.pid)
    del journal
    assert len(set(pids)) == 3 and all(gone(pid) for pid in pids)


@pytest.mark.parametrize("design", ["journal", "littlefs"])
def test_the_device_ends_when_this_side_is_killed(design: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _ORPHAN.format(design=design)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((".", "firmware"))},
        cwd=Path(__file__).resolve().parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.stdout, run.stderr
    assert gone(int(run.stdout))
