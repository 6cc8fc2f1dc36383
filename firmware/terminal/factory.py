"""Factory reset: the terminal forgets its merchant, its keys and its journal.

A terminal sells exactly when its vault has a configuration. So the reset begins by storing a mark
in the configuration's place, which the cell does wholly or not at all: a cut before leaves a
terminal as it was, a cut later one that sells nothing, and its next start goes on here. The mark
is erased last, when nothing else is left: no start takes the journal for a provisioned one's.
"""

from terminal.cell import Cell
from terminal.vault import RESETTING

_SETTINGS, _KEYS, _IDENTITY = 0, 2, 4  # first sectors, as in vault.py


def refusal(known, ledger) -> str:
    """Why not, for the operator; "" when everything is settled and the companion has all of it.
    ``known`` is the fold over ``ledger``."""
    if known.open or known.suspended:
        return "Unfinished or a case"
    if known.closing or known.first or known.debit_count or known.credit_count:
        return "Settle the batch"
    if known.last and not known.last.printed:
        return "Slip not printed"
    unsynced = ledger.next_seq - known.handed
    return "%d not synced" % unsynced if unsynced > 0 else ""


def begin(vault) -> None:
    """From here on the terminal sells nothing, and its next start is the reset. Raises CellFault:
    then nothing has changed."""
    settings = Cell(vault, _SETTINGS)
    settings.store(RESETTING)
    settings.forget()


def finish(vault, journal) -> None:
    """What a start does that finds the mark; both are partitions. Raises CellFault or OSError: the
    next start tries again."""
    settings = Cell(vault, _SETTINGS)
    if settings.load() != RESETTING:
        raise ValueError("no factory reset was begun")
    settings.forget()
    for first in (_KEYS, _IDENTITY):
        if first < vault.ioctl(4, 0):
            Cell(vault, first).clear()
    for sector in range(journal.ioctl(4, 0)):
        if journal.ioctl(6, sector):
            raise OSError(5)
    settings.clear()
