"""Whose payout a bank booking is, by what the bank writes about it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def assign(rows: pa.Table, patterns: Sequence[tuple[str, str]]) -> pa.Table:
    """Bank rows with the channel of the first (channel, text) of `patterns` that is in a booking.

    The text is looked for in the booking's text and reference, whatever the case. A booking that
    none is in keeps the channel "".
    """
    said = pc.utf8_upper(pc.binary_join_element_wise(rows["text"], rows["ref"], "\n"))
    channel = rows["channel"]
    for name, text in patterns:
        if text.strip():
            found = pc.match_substring(said, text.strip().upper())
            unsaid = pc.equal(channel, "")
            channel = pc.if_else(pc.and_(unsaid, found), pa.scalar(name), channel)
    return rows.set_column(rows.schema.get_field_index("channel"), "channel", channel)
