"""Each row of the decision table in terminal/recovery.py is reached, and does what it says."""

from __future__ import annotations

import re

import pytest

from terminal import recovery
from terminal.journal import Journal
from tests.journal import tears
from tests.journal.nor import SECTOR, Nor, PowerCut
from tests.journal.world import Terminal

SECTORS = 6


def sold(appends: int, kept: int = 20) -> Terminal:
    terminal = Terminal(Nor(SECTORS))
    terminal.format()
    terminal.boot()
    terminal.work(appends, kept)
    return terminal


def rows(flash: Nor) -> list[str]:
    """What a mount of a copy says."""
    return list(Journal(flash.copy()).mount()["rows"])


def alarm(terminal: Terminal) -> str:
    """What a mount of a copy calls out for."""
    return str(Journal(terminal.nor.copy()).mount()["alarm"])


def cut_while(terminal: Terminal, how: tears.Tear, erase: int = 0) -> Nor:
    """Cut the power in the next program, or in the n-th operation of idle time."""
    terminal.nor.cut_at = terminal.nor.changes + (erase or 1)
    terminal.nor.cut_as = how
    try:
        if erase:
            terminal.release(1)
            terminal.idle()
        else:
            terminal.append()
    except PowerCut:
        return terminal.nor.copy()
    raise AssertionError("the power was not cut")


def wipe(flash: Nor, sector: int, size: int = SECTOR) -> Nor:
    flash.data[sector * SECTOR : sector * SECTOR + size] = bytes(size)
    return flash


def test_too_small() -> None:
    journal = Journal(Nor(3))
    report = journal.mount()
    assert report["rows"] == ["TOO_SMALL"] and report["read_only"]


def test_unreadable() -> None:
    terminal = sold(40)
    terminal.nor.fail_at, terminal.nor.fail_for_good = 20, True
    terminal.nor.start_counting()
    report = Journal(terminal.nor).mount()
    assert report["rows"] == ["UNREADABLE"] and report["read_only"]
    assert terminal.nor.changes == 0
    assert (report["first_seq"], report["next_seq"]) == (0, 0)


def test_unformatted() -> None:
    flash = Nor(SECTORS)
    report = Journal(flash).mount()
    assert report["rows"] == ["UNFORMATTED"] and report["read_only"]
    assert flash.changes == 0


def test_foreign() -> None:
    flash = wipe(Nor(SECTORS), 3)
    report = Journal(flash).mount()
    assert report["rows"] == ["FOREIGN"] and report["read_only"]
    assert flash.changes == 0


def test_empty() -> None:
    flash = Nor(SECTORS)
    journal = Journal(flash)
    journal.format()
    report = journal.mount()
    assert report["rows"] == ["EMPTY"] and not report["alarm"]
    assert (journal.first_seq, journal.next_seq, journal.released) == (1, 1, 1)


def test_clean() -> None:
    assert rows(sold(40).nor) == ["CLEAN"]


def test_torn_tail() -> None:
    terminal = sold(40)
    flash = cut_while(terminal, tears.prefix)
    assert rows(flash) == ["TORN_TAIL"]
    after = Terminal(flash, terminal.oracle)
    after.boot()
    assert after.journal.next_seq == 41


@pytest.mark.parametrize("written", [1, 2, 3])
def test_unfinished_record(written: int) -> None:
    terminal = sold(40)
    terminal.nor.cut_at = terminal.nor.changes + written + 1
    with pytest.raises(PowerCut):
        terminal.append(460)
    assert rows(terminal.nor) == ["UNFINISHED_RECORD", "CLEAN"]
    after = Terminal(terminal.nor.copy(), terminal.oracle)
    after.boot()
    assert after.journal.next_seq == 41
    after.append(300)
    after.boot()
    assert after.journal.read(41) == after.oracle.truth[41]


def test_stale_sector() -> None:
    terminal = sold(31 * SECTORS * 2)
    epochs = [
        int.from_bytes(terminal.nor.data[s * SECTOR : s * SECTOR + 4], "little")
        for s in range(SECTORS)
    ]
    oldest = epochs.index(min(epochs))
    old = bytes(terminal.nor.data[oldest * SECTOR : (oldest + 1) * SECTOR])
    terminal.work(31 * 3)
    # The lap before is still there, as in a sector that would not erase.
    terminal.nor.data[oldest * SECTOR : (oldest + 1) * SECTOR] = old
    assert "STALE_SECTOR" in rows(terminal.nor)


def test_header_lost() -> None:
    terminal = sold(100, kept=1000)
    for sector in range(3):
        flash = wipe(terminal.nor.copy(), sector, 32)
        after = Terminal(flash, terminal.oracle.copy())
        assert "HEADER_LOST" in after.boot()
        after.work(10, kept=60)
        after.boot()


def test_bad_sector() -> None:
    terminal = sold(20)
    terminal.nor.dead_sectors = {4: tears.before}
    terminal.nor.data[4 * SECTOR + 77] = 0
    terminal.work(110, kept=60)
    assert rows(terminal.nor) == ["CLEAN", "BAD_SECTOR"]
    assert alarm(terminal) == ""


def test_sector_lost() -> None:
    terminal = sold(100, kept=1000)
    flash = wipe(terminal.nor.copy(), 1)
    report = Journal(flash).mount()
    assert "SECTOR_LOST" in report["rows"] and report["alarm"] == "SECTOR_LOST"
    assert not report["read_only"]


def test_head_lost() -> None:
    terminal = sold(40, kept=1000)
    flash = wipe(terminal.nor.copy(), 1)
    journal = Journal(flash)
    report = journal.mount()
    assert report["alarm"] == "HEAD_LOST" and not report["read_only"]
    assert report["next_seq"] > 40
    assert journal.read(40) is None
    numbers = journal.next_seq
    assert Journal(flash).mount()["next_seq"] == numbers, "it passes over them once"


def test_full_at_boot() -> None:
    terminal = sold(0)
    while terminal.append_or_refuse():
        pass
    while terminal.boot(alarms=("FULL_AT_BOOT",)) != ["TORN_TAIL", "FULL_AT_BOOT"]:
        pass
    assert terminal.journal.alarm == "FULL_AT_BOOT"


def test_cannot_affirm() -> None:
    terminal = sold(40)
    for sector in range(SECTORS):
        for at in range(sector * SECTOR + 128, (sector + 1) * SECTOR, 16):
            terminal.nor.stuck_high[at] = 0xFF
    report = Journal(terminal.nor).mount()
    assert report["alarm"] == "CANNOT_AFFIRM" and report["read_only"]
    assert (report["first_seq"], report["next_seq"]) == (1, 41)


def test_torn_header_and_unfinished_erase() -> None:
    seen = set()
    for operation in range(1, 9):
        for how in (tears.prefix, tears.suffix, tears.bits, tears.most):
            terminal = sold(31 * 3 + 5)
            for _ in range(26):
                terminal.append()
            terminal.release(20)
            terminal.journal = Journal(terminal.nor)
            terminal.journal.mount()
            try:
                flash = cut_while(terminal, how, operation)
            except AssertionError:
                continue
            seen.update(rows(flash))
            after = Terminal(flash, terminal.oracle)
            after.boot()
            after.idle()
            assert after.journal.room() > 60
            assert after.boot() == ["CLEAN"]
    assert {"TORN_HEADER", "UNFINISHED_ERASE"} <= seen


def test_every_row_of_the_table_has_a_test() -> None:
    documented = set(re.findall(r"^    ([A-Z]+(?:_[A-Z]+)*) ", recovery.__doc__ or "", re.M))
    assert set(recovery.ALARMS) <= documented
    tests = " ".join(name for name in globals() if name.startswith("test_"))
    assert len(documented) == 17
    for row in documented:
        assert row.lower() in tests, f"no test for {row}"
