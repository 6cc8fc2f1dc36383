"""The records of a PACKED message: each behind its length, without a CBOR head of its own.

One byte with the length, or 255 and two such bytes for a record longer than 254; a damaged record
is a 0. A terminal writes the message where its frame is made, since a piece of 2 KB is more than
its heap can be relied on to have.
"""

from protocol import cbor, seal

# Records in one message, and bytes of one sealed record (a journal payload).
MAX_RECORDS = 64
MAX_SEALED = 460

_LONG = 255
_HEAD = b"\x83"  # an array of three: type, first record, bytes


def pack_into(out: memoryview, at: int, items: list) -> int:
    """Write records, None for a damaged one, from ``at`` on; returns where they end."""
    for item in items:
        length = 0 if item is None else len(item)
        if length < _LONG:
            out[at] = length
            at += 1
        else:
            out[at] = _LONG
            out[at + 1 : at + 3] = length.to_bytes(2, "big")
            at += 3
        if item is not None:
            out[at : at + length] = item
            at += length
    return at


def pack(items: list) -> bytes:
    """The records as one byte string."""
    out = bytearray(_size(items))
    pack_into(memoryview(out), 0, items)
    return bytes(out)


def message_into(out: memoryview, kind: int, first: int, items: list) -> int:
    """Write [kind, first, the packed records]; returns its length."""
    head = bytearray(_HEAD)
    head.extend(cbor.dumps(kind))
    head.extend(cbor.dumps(first))
    cbor.put_head(head, cbor.BYTES, _size(items))
    out[: len(head)] = head
    return pack_into(out, len(head), items)


def unpack(packed: bytes) -> list:
    """The records that pack() took; ValueError for what it never makes."""
    items: list[bytes | None] = []
    at = 0
    while at < len(packed):
        length = packed[at]
        at += 1
        if length == _LONG:
            length = int.from_bytes(packed[at : at + 2], "big")
            at += 2
            if length < _LONG:
                raise ValueError("a long record of %d bytes" % length)
        if length and not seal.SEAL_LENGTH < length <= min(MAX_SEALED, len(packed) - at):
            raise ValueError("a record of %d bytes" % length)
        items.append(packed[at : at + length] if length else None)
        at += length
    if len(items) > MAX_RECORDS:
        raise ValueError("%d records, at most %d" % (len(items), MAX_RECORDS))
    return items


def _size(items: list) -> int:
    size = 0
    for item in items:
        length = 0 if item is None else len(item)
        size += length + (1 if length < _LONG else 3)
    return size
