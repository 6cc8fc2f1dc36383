"""What terminals have sold lately, folded from the end of their journals as the store has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from companion.reconcile.fold import Items, fold
from companion.store import records
from companion.store.terminals import FIRST_SEQ, Terminal

# No rule looks further back than this.
LONGEST_S = 72 * 3600
# How many records at a time are looked at for where to begin, and how many at most are folded.
_STEP = 500
_MOST = 100_000


@dataclass(frozen=True)
class Sold:
    """One transaction; ``at`` is the terminal's clock, or when its record came if that was not
    set (``clock`` False). ``of`` are batch and STAN of what it goes back to."""

    merchant_no: str
    terminal_no: str
    device_id: str
    batch: str
    stan: str
    txn: str
    status: str
    amount_minor: int
    token: str
    at: int
    clock: bool
    of: tuple[str, str] | None

    @property
    def key(self) -> str:
        """What a row key of a break begins with."""
        return f"{self.merchant_no}|{self.terminal_no}|{self.batch}|{self.stan}"


def sold(connection: Connection, terminal: Terminal, since: int) -> list[Sold]:
    """Its transactions from an instant on, without those that began before its records here."""
    items: Items = []
    received: dict[int, str] = {}
    for item in records.scan(connection, terminal.device_id, _begin(connection, terminal, since)):
        items.append((item.seq, item.content))
        received[item.seq] = item.received_at
    made = []
    for one in fold(items):
        at = one.wall or int(datetime.fromisoformat(received[one.first_seq]).timestamp())
        if one.txn and at >= since:
            made.append(
                Sold(
                    terminal.merchant_no,
                    terminal.terminal_no,
                    terminal.device_id,
                    one.batch,
                    one.stan,
                    one.txn,
                    one.status,
                    one.amount_minor or 0,
                    one.token,
                    at,
                    bool(one.wall),
                    one.of,
                )
            )
    return made


def _begin(connection: Connection, terminal: Terminal, since: int) -> int:
    """The number of a record from before the instant, looked for from the end."""
    last = terminal.next_seq
    seq = last
    while seq > FIRST_SEQ and last - seq < _MOST:
        seq = max(FIRST_SEQ, seq - _STEP)
        payload = records.payload_of(connection, terminal.device_id, seq)
        content = records.decoded(payload) if payload else None
        wall = content.get("wall") if content else None
        if isinstance(wall, int) and 0 < wall < since:
            break
    return seq
