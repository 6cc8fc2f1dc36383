"""A full journal as a day of trading leaves it, written with the firmware's own ledger."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "firmware"))

from protocol import record
from terminal.journal import Journal
from terminal.ledger import Ledger
from tests.journal.nor import SECTOR, Nor

_WALL = 1_790_000_000


def fill(flash: Path, seal_key: bytes, device_id: str, most: int = 1 << 30, seed: int = 1) -> int:
    """Append sales to the formatted journal in ``flash`` until it takes no more, or has ``most``
    records; returns how many there are then. Every sale is three records, now and then there is a
    checkpoint."""
    data = bytearray(flash.read_bytes())
    nor = Nor(len(data) // SECTOR, data)
    journal = Journal(nor)
    journal.mount()
    ledger = Ledger(journal, seal_key, device_id)
    rng = random.Random(seed)
    stan = 0
    while ledger.room() > 12 and ledger.next_seq <= most:
        stan += 1
        for rec in _sale(rng, stan):
            ledger.append(rec)
        if stan % 40 == 0:
            ledger.append(_checkpoint(stan))
        while ledger.idle():
            pass
    flash.write_bytes(bytes(nor.data))
    return int(ledger.next_seq) - 1


def payloads(flash: Path) -> list[bytes]:
    """The sealed records in a flash image, none of them damaged."""
    data = bytearray(flash.read_bytes())
    journal = Journal(Nor(len(data) // SECTOR, data))
    journal.mount()
    found: list[bytes] = [payload for _, payload in journal.scan(1)]
    return found


def _sale(rng: random.Random, stan: int) -> list[dict[str, object]]:
    of: dict[str, object] = {"wall": _WALL + 60 * stan, "stan": stan, "batch": 7}
    amount = rng.randrange(100, 200_000)
    armed = {
        "kind": record.ARMED,
        **of,
        "txn": record.SALE,
        "amount_minor": amount,
        "displayed_minor": amount,
        "entry": "051",
        "pan": "622200******1234",
        "token": rng.randbytes(8),
        "card": rng.randbytes(16),
        "card_key": 1,
        "orig_batch": 0,
        "orig_stan": 0,
        "orig_date": "",
        "orig_rrn": "",
        "orig_auth": "",
        "chip": b"",
        "host": 0,
    }
    outcome = {
        "kind": record.OUTCOME,
        **of,
        "result": record.APPROVED,
        "code": "00",
        "rrn": f"{stan:012d}",
        "auth": f"{stan:06d}",
        "host_time": "1122093000",
        "amount_minor": amount,
    }
    return [armed, outcome, {"kind": record.RECEIPT, **of, "copy": 1}]


def _checkpoint(stan: int) -> dict[str, object]:
    return {
        "kind": record.CHECKPOINT,
        "wall": _WALL + 60 * stan,
        "boot": 1,
        "stan": stan,
        "batch": 7,
        "key_block": bytes(40),
        "suspended": [],
        "recon": [],
        "phase": record.OPEN,
        "first": 1,
        "debit_count": stan,
        "debit_minor": 100 * stan,
        "credit_count": 0,
        "credit_minor": 0,
        "host_date": 1122,
    }
