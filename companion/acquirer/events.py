"""What the host says as it runs: one line an event on standard output."""

from __future__ import annotations

import json
from collections.abc import Callable

from companion.acquirer.records import mask
from companion.acquirer.wire import Message

Value = str | int | bool | None
Event = dict[str, Value]
Listener = Callable[[Event], None]


def about(event: str, request: Message, **more: Value) -> Event:
    """An event with what identifies its request; of the card, the masked number only."""
    return {
        "event": event,
        "mti": request.mti,
        "terminal": request.terminal_no,
        "batch": request.batch,
        "stan": request.stan,
        "amount_minor": request.amount_minor,
        "card": mask(request.pan),
        **more,
    }


def as_json(event: Event) -> str:
    return json.dumps(event)


_COLUMNS = (("mti", 4), ("terminal", 8), ("batch", 6), ("stan", 6))


def as_text(event: Event) -> str:
    """A table-like line: event, MTI, terminal, batch, STAN, amount in units, the rest."""
    rest = {key: value for key, value in event.items() if value not in (None, "")}
    line = f"{rest.pop('event'):<16}"
    if "mti" in rest:
        for key, width in _COLUMNS:
            line += f" {rest.pop(key, '')!s:<{width}}"
        amount = rest.pop("amount_minor", None)
        shown = f"{amount // 100}.{amount % 100:02d}" if isinstance(amount, int) else ""
        line += f" {shown:>12}"
    return (line + "".join(f" {key}={value}" for key, value in rest.items())).rstrip()
