"""One sync of one terminal into the store: the link and the store put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion import history, link
from companion.pushing import Pushing
from companion.store import Store, fill, records
from companion.store.sink import RecordSink
from protocol import messages, record

_PUSHES = {
    messages.PUSH_CONFIG: "the new configuration",
    messages.PUSH_TIME: "the time",
    messages.PUSH_VERDICTS: "how cases ended",
    messages.PUSH_IDENTITY: "its certificate",
}


@dataclass(frozen=True)
class Synced:
    """What a sync did; ``broken_seals`` and ``replaced`` are those of RecordSink."""

    done: link.SyncResult
    broken_seals: list[int]
    replaced: list[int]
    # Whom the terminal has kept out, as its new records tell.
    refusals: list[str]

    def as_json(self) -> dict[str, Any]:
        """For --json: one flat object."""
        return {
            **self.done.__dict__,
            "broken_seals": self.broken_seals,
            "replaced": self.replaced,
            "refusals": self.refusals,
        }

    def as_text(self) -> list[str]:
        """For a person: what came, what was given, and then the warnings."""
        done = self.done
        came = f"{done.records} new records, {done.bytes} bytes"
        lines = [
            f"{done.device_id} (firmware {done.firmware}): "
            f"{came if done.records or done.gaps else 'nothing new'}, next is {done.next_seq}"
        ]
        for kind in done.pushed:
            lines.append(f"given to the terminal: {_PUSHES[kind]}")
        return lines + self.warnings()

    def warnings(self) -> list[str]:
        """A line for each thing that is not as it should be."""
        lines = []
        if self.done.gaps:
            lines.append(
                f"damaged or gone at the terminal: {self.done.gaps}; see companion journal verify"
            )
        if self.replaced:
            lines.append(
                f"record {self.replaced[0]}, which a flash image had, was lost at the terminal's "
                "restart and is another one now"
            )
        if self.broken_seals:
            first = ", ".join(str(seq) for seq in self.broken_seals[:5])
            more = " ..." if len(self.broken_seals) > 5 else ""
            lines.append(
                f"the seal does not match at record {first}{more}; see companion journal verify"
            )
        for kind, why_not in self.done.refused:
            lines.append(f"the terminal does not take {_PUSHES[kind]}: {why_not}")
        lines.extend(f"the terminal refused a peer at {refusal}" for refusal in self.refusals)
        return lines


def sync_terminal(
    store: Store,
    transport: link.Transport,
    progress: Callable[[int, int], None] | None = None,
    pushes: link.Pushes | None = None,
    timeout: float = link.DEFAULT_TIMEOUT,
    set_clock: bool = True,
) -> Synced:
    """Sync the terminal at the other end; ``progress(done, total)`` counts records, ``pushes`` is
    what to give it, None for what waits for it in the store and, if ``set_clock``, the time. The
    terminal may take ``timeout`` seconds for one answer.

    Raises LinkError, StoreError. What was stored before stays, and the next sync goes on there.
    A terminal whose journal is another one than that in the store is a finding in the store.
    """
    pushing = Pushing(store, time.time if set_clock else None)
    given = pushing if pushes is None else pushes
    with RecordSink(store) as sink:
        new_keys: dict[str, bytes] = {}

        def keys(device_id: str) -> bytes:
            terminal = sink.begin(device_id)
            if terminal is None:
                raise link.UnknownTerminal(device_id)
            pushing.meet(device_id)
            return new_keys.get(device_id, terminal.sync_key)

        def one() -> link.SyncResult:
            return link.sync(
                transport, keys, sink, progress, timeout, given, answered=pushing.answered
            )

        try:
            try:
                done = one()
            except link.LinkError as error:
                if error.code != messages.BAD_AUTH:
                    raise
                # Its answer to a rotation may have been lost.
                new_keys = pushing.unconfirmed()
                if not new_keys:
                    raise
                transport.reopen()
                done = one()
                pushing.confirm()
        except link.OtherHistory as error:
            finding = history.keep(store, transport, keys, error, timeout)
            raise link.LinkError(
                f"{error}; kept as a finding at record {finding.first_seq}, see companion journal "
                "verify",
                error.code,
            ) from None
    with store.write() as connection:
        fill.keep(connection, done.device_id, fill.Fill(done.room, done.slots))
        new = done.next_seq - done.records - done.gaps
        refusals = records.notes(connection, done.device_id, record.REFUSED, new)
    return Synced(done, sink.broken_seals, sink.replaced, refusals)
