"""What a pack shows of a terminal's journal: the records of its transactions, and no others.

A seal covers a record and the seal before it, so each record is given with that seal: it can be
checked alone, and nobody has to see what stands between two of them.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from companion.evidence import slip
from companion.evidence.dossier import Item, Journal, Record, Row, number, text
from companion.store import records, terminals
from companion.store.chain import Chain
from protocol import record, seal

_Key = tuple[int, int]

# Of a restart, a refused peer or another key: they say what happened while a transaction was open.
_MEANWHILE = (record.BOOT, record.NOTE, record.REKEYED)
# They hold key blocks. The seal of one is given with the record behind it all the same.
_WITHHELD = (record.SIGNED_IN, record.CHECKPOINT)
# Shown on each side of what is missing from a journal.
_AROUND = 3


class _Spans:
    """Ranges of record numbers, both ends included."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(ranges):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._firsts, seq) - 1
        return at >= 0 and seq <= self._lasts[at]


class _Wanted:
    """What to show of one journal."""

    def __init__(self, items: Iterable[Item]) -> None:
        own: dict[_Key, list[tuple[int, int]]] = {}
        gaps = []
        # What the transactions go back to.
        self._originals: set[_Key] = set()
        for item in items:
            if item.terminal is not None:
                row = item.terminal
                own.setdefault(_key(row, ""), []).append(_span(row))
                self._originals.add(_key(row, "of_"))
            if item.gap is not None:
                first, last = _span(item.gap)
                gaps.append((first - _AROUND, last + _AROUND))
        self._originals.discard((0, 0))
        self._own = {key: _Spans(ranges) for key, ranges in own.items()}
        self._open = _Spans(one for ranges in own.values() for one in ranges)
        self._gaps = _Spans(gaps)

    def takes(self, seq: int, content: Row) -> bool:
        """Whether a record is shown."""
        kind = content["kind"]
        if kind in _WITHHELD:
            return False
        if seq in self._gaps or (kind in _MEANWHILE and seq in self._open):
            return True
        key = _key(content, "")
        if key in self._own and seq in self._own[key]:
            return True
        return key in self._originals and kind in (record.ARMED, record.OUTCOME)


def of(connection: Connection, items: Iterable[Item]) -> Iterator[Journal]:
    """The journals of the terminals that the items name, by device id."""
    by_device: dict[str, list[Item]] = {}
    for item in items:
        device = text(item.terminal, "device_id") or text(item.gap, "device_id")
        by_device.setdefault(device, []).append(item)
    for device in sorted(by_device):
        terminal = terminals.find(connection, device)
        # Another maker's export has no device of ours, and no journal.
        if terminal is not None:
            yield _journal(connection, terminal, _Wanted(by_device[device]))


def _key(row: Row, prefix: str) -> _Key:
    """Batch and STAN."""
    return number(row, f"{prefix}batch"), number(row, f"{prefix}stan")


def _span(row: Row) -> tuple[int, int]:
    return number(row, "first_seq"), number(row, "last_seq")


def _journal(connection: Connection, terminal: terminals.Terminal, wanted: _Wanted) -> Journal:
    shown = []
    keys = terminals.seal_keys(connection, terminal)
    chain = Chain(keys, terminal.device_id)
    seals: dict[int, bytes] = {0: seal.first(keys[0], terminal.device_id)}
    generation = 0
    newest_seq, newest, digest = 0, b"", hashlib.sha256()
    for item in records.scan(connection, terminal.device_id):
        holds = chain.holds(item.seq, item.payload)
        newest_seq, newest = item.seq, records.seal_of(item.payload)
        digest.update(item.seq.to_bytes(8, "big") + item.payload)
        content = item.content
        if content is not None and wanted.takes(item.seq, content):
            stands_on = item.seq - 1 if chain.stands_on is None else chain.stands_on
            before = seals.get(stands_on)
            if not records.has_clear_pan(content):
                shown.append(
                    Record(
                        terminal.device_id,
                        item.seq,
                        before,
                        None if before is None else stands_on,
                        item.payload,
                        content,
                        holds,
                        generation,
                        item.received_at,
                    )
                )
        if content is not None and content["kind"] == record.REKEYED and holds is not False:
            generation = number(content, "generation") or generation
        # The chain looks back over a run of bad records, which is seldom long.
        seals[item.seq] = newest
        seals.pop(item.seq - 64, None)
    settings = json.loads(terminal.config)
    return Journal(
        terminal.device_id,
        terminal.terminal_no,
        terminal.merchant_name,
        int(settings.get("language", slip.ENGLISH)),
        int(settings.get("utc_offset_min", slip.HOST_MIN)),
        tuple(shown),
        newest_seq,
        newest,
        digest.hexdigest(),
    )
