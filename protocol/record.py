"""Journal record kinds: what the terminal writes down, field by field.

A record is a dict in memory and a CBOR array on flash: ``[kind, field, field, ...]`` in the order
of ``KINDS``. An array, because dict order is arbitrary on MicroPython and the seal covers the
bytes. Amounts are integer minor units. ``wall`` is unix seconds, 0 while the clock is not set.

Nothing here may hold a clear PAN, track data, a PIN or a CVV: ``pan`` is masked (first six, last
four), ``token`` is a keyed hash, ``card`` is ciphertext under a key that the vault erases.
"""

from protocol import cbor

BOOT = 1
SIGNED_IN = 2
ARMED = 3
OUTCOME = 4
REVERSAL = 5
REVERSAL_END = 6
LATE = 7
RECEIPT = 8
CHECKPOINT = 9
NOTE = 10
BATCH = 11
QUERY = 12
ADOPTED = 13
PENDING = 14
REKEYED = 15
VERDICT = 16

# A record and its 8-byte seal are one journal payload (MAX_PAYLOAD in firmware/terminal/slot.py).
# Up to 108 bytes they fit one slot, one program of the flash: every record of a clean sale does,
# and a CHECKPOINT without cases.
MAX_RECORD = 452

# OUTCOME.result
APPROVED = 1
DECLINED = 2
NEEDS_RECON = 3

# REVERSAL_END.result
REV_OK = 1
REV_ABSENT = 2
REV_SUSPENDED = 3

# ARMED.txn and QUERY.txn
SALE = 1
VOID = 2
REFUND = 3
PREAUTH = 4
PREAUTH_CANCEL = 5
COMPLETION = 6
COMPLETION_NOTICE = 7
COMPLETION_VOID = 8
BALANCE = 9

# BATCH.phase; 0 is a batch that trades.
OPEN = 0
CLOSING = 1
TOTALS_SENT = 2
BALANCED = 3
UNBALANCED = 4
UPLOADING = 5
END_SENT = 6
CLOSED = 7
UNSETTLED = 8

# NOTE.code: the host has stopped this terminal; detail is its F39.
STOPPED = "STOPPED"
# NOTE.code: a peer of the sync server was kept out; detail says where it is and why.
REFUSED = "REFUSED"

# VERDICT.result: how the companion says that a case ended.
SQUARED = 1
REFUND_DUE = 2  # to the customer
WRITTEN_OFF = 3
REJECTED = 4
MAX_VERDICTS = 8  # in one push

_U8 = ("uint", 0xFF)
_U16 = ("uint", 0xFFFF)
_U32 = ("uint", 0xFFFFFFFF)
_AMOUNT = ("uint", 999999999999)  # F4 is n12
_STAN = ("uint", 999999)  # F11 is n6
_BATCH = ("uint", 999999)  # F60.2 is n6
_DATE = ("uint", 9999)  # F13 is n4

# Fields that several kinds have: one object on a board's heap.
_WALL = ("wall", _U32)
_OF_STAN = ("stan", _STAN)
_OF_BATCH = ("batch", _BATCH)
_OF_AMOUNT = ("amount_minor", _AMOUNT)
_OF_TXN = ("txn", _U8)
_OF_RESULT = ("result", _U8)
_OF_HOST = ("host", _U8)
_OF_CODE = ("code", ("text", 2))
_OF_RRN = ("rrn", ("text", 12))

# kind -> (name, ((field, (type, limit)), ...)); the order is the order on flash.
KINDS = {
    BOOT: (
        "BOOT",
        (
            _WALL,
            ("boot", _U32),
            ("cause", ("text", 16)),
            ("firmware", ("text", 16)),
        ),
    ),
    SIGNED_IN: (
        "SIGNED_IN",
        (
            _WALL,
            _OF_STAN,
            _OF_BATCH,
            ("key_block", ("bytes", 48)),
            ("host_time", ("text", 10)),
        ),
    ),
    ARMED: (
        "ARMED",
        (
            _WALL,
            _OF_TXN,
            _OF_STAN,
            _OF_BATCH,
            _OF_AMOUNT,
            ("displayed_minor", _AMOUNT),
            ("entry", ("text", 3)),
            ("pan", ("text", 19)),
            ("token", ("bytes", 8)),
            ("card", ("bytes", 16)),
            ("card_key", _U16),
            ("orig_batch", _BATCH),
            ("orig_stan", _STAN),
            ("orig_date", ("text", 4)),
            ("orig_rrn", ("text", 12)),
            ("orig_auth", ("text", 6)),
            ("chip", ("bytes", 255)),
            _OF_HOST,
        ),
    ),
    OUTCOME: (
        "OUTCOME",
        (
            _WALL,
            _OF_STAN,
            _OF_BATCH,
            _OF_RESULT,
            _OF_CODE,
            _OF_RRN,
            ("auth", ("text", 6)),
            ("host_time", ("text", 10)),
            _OF_AMOUNT,
        ),
    ),
    REVERSAL: (
        "REVERSAL",
        (
            _WALL,
            _OF_STAN,
            _OF_BATCH,
            ("reason", ("text", 2)),
            ("attempt", _U8),
        ),
    ),
    REVERSAL_END: (
        "REVERSAL_END",
        (
            _WALL,
            _OF_STAN,
            _OF_BATCH,
            _OF_RESULT,
            _OF_CODE,
            _OF_RRN,
            ("attempts", _U8),
        ),
    ),
    LATE: (
        "LATE",
        (
            _WALL,
            _OF_STAN,
            _OF_BATCH,
            ("mti", ("text", 4)),
            _OF_CODE,
            _OF_AMOUNT,
        ),
    ),
    RECEIPT: (
        "RECEIPT",
        (_WALL, _OF_STAN, _OF_BATCH, ("copy", _U8)),
    ),
    CHECKPOINT: (
        "CHECKPOINT",
        (
            _WALL,
            ("boot", _U32),
            _OF_STAN,
            _OF_BATCH,
            ("key_block", ("bytes", 48)),
            ("suspended", ("seqs", 6)),
            ("recon", ("seqs", 6)),
            ("phase", _U8),
            ("first", _U32),
            ("debit_count", _U16),
            ("debit_minor", _AMOUNT),
            ("credit_count", _U16),
            ("credit_minor", _AMOUNT),
            ("host_date", _DATE),
        ),
    ),
    NOTE: ("NOTE", (_WALL, ("code", ("text", 16)), ("detail", ("text", 48)))),
    BATCH: (
        "BATCH",
        (
            _WALL,
            _OF_BATCH,
            ("phase", _U8),
            _OF_STAN,
            ("debit_count", _U16),
            ("debit_minor", _AMOUNT),
            ("credit_count", _U16),
            ("credit_minor", _AMOUNT),
            ("cursor", _U32),
            _OF_CODE,
        ),
    ),
    QUERY: ("QUERY", (_WALL, _OF_TXN, _OF_STAN)),
    ADOPTED: (
        "ADOPTED",
        (_WALL, _OF_STAN, _OF_BATCH, ("device", ("text", 16))),
    ),
    PENDING: (
        "PENDING",
        (
            _WALL,
            ("device", ("text", 16)),
            ("seq", _U32),
            _OF_TXN,
            _OF_STAN,
            _OF_BATCH,
            _OF_AMOUNT,
            ("entry", ("text", 3)),
            ("pan", ("text", 19)),
            ("token", ("bytes", 8)),
            ("orig_batch", _BATCH),
            ("orig_stan", _STAN),
            ("orig_date", ("text", 4)),
            ("orig_rrn", ("text", 12)),
            ("orig_auth", ("text", 6)),
            _OF_HOST,
        ),
    ),
    REKEYED: ("REKEYED", (_WALL, ("generation", _U16))),
    VERDICT: (
        "VERDICT",
        (
            _WALL,
            _OF_BATCH,
            _OF_STAN,
            _OF_RESULT,
            ("text", ("text", 40)),
        ),
    ),
}

# Of a record that a newer terminal writes.
_MAX_KIND = 0xFFFF
# How many of its last fields a record of an older terminal may lack: it has them empty.
_ADDED = {ARMED: (1, 7), CHECKPOINT: (1, 8)}
_EMPTY = {"uint": 0, "text": "", "bytes": b"", "seqs": []}


class RecordError(ValueError):
    """A record that breaks its schema; the message names the kind, the field and the rule."""


def kind_name(kind: int) -> str:
    """The name of a record kind, ``KIND_n`` for one this version does not know."""
    entry = KINDS.get(kind)
    return entry[0] if entry else "KIND_%d" % kind


def _check(name: str, field: str, value: object, rule: tuple[str, int]) -> object:
    kind, limit = rule
    where = name + "." + field
    if kind == "uint":
        if not isinstance(value, int) or isinstance(value, bool):
            raise RecordError(where + " is not an integer")
        if value < 0 or value > limit:
            raise RecordError("%s is %d, not in 0..%d" % (where, value, limit))
    elif kind == "text":
        if not isinstance(value, str):
            raise RecordError(where + " is not text")
        if len(value.encode()) > limit:
            raise RecordError("%s is longer than %d bytes" % (where, limit))
    elif kind == "bytes":
        if not isinstance(value, bytes):
            raise RecordError(where + " is not bytes")
        if len(value) > limit:
            raise RecordError("%s is longer than %d bytes" % (where, limit))
    elif kind == "seqs":
        if not isinstance(value, list) or len(value) > limit:
            raise RecordError("%s is not a list of at most %d numbers" % (where, limit))
        for item in value:
            _check(name, field, item, _U32)
    return value


def encode(record: dict) -> bytes:
    """Encode a record dict (with ``kind`` and every field of that kind) to its flash bytes.

    Raises RecordError when a field is missing, unknown, of the wrong type or out of bounds.
    """
    kind = record.get("kind")
    if kind not in KINDS:
        raise RecordError("unknown record kind %r" % (kind,))
    name, fields = KINDS[kind]
    if len(record) != len(fields) + 1:
        known = [field for field, _ in fields]
        for key in record:
            if key != "kind" and key not in known:
                raise RecordError("%s has no field %s" % (name, key))
    values = [kind]
    for field, rule in fields:
        if field not in record:
            raise RecordError("%s.%s is missing" % (name, field))
        values.append(_check(name, field, record[field], rule))
    data = cbor.dumps(values)
    if len(data) > MAX_RECORD:
        raise RecordError("%s is %d bytes, more than %d" % (name, len(data), MAX_RECORD))
    return data


def decode(data: bytes) -> dict:
    """Decode flash bytes to a record dict.

    A kind this version does not know comes back as ``{"kind": n, "fields": [...]}``, so that an
    older reader keeps and shows what a newer terminal wrote. Raises RecordError for anything that
    breaks the schema of a known kind, cbor.CborError for bytes that are not our CBOR.
    """
    if len(data) > MAX_RECORD:
        raise RecordError("record is %d bytes, more than %d" % (len(data), MAX_RECORD))
    values = cbor.loads(data)
    if not isinstance(values, list) or not values or type(values[0]) is not int:
        raise RecordError("record is not an array that starts with its kind")
    kind = values[0]
    if not 0 <= kind <= _MAX_KIND:
        raise RecordError("kind is %d, not in 0..%d" % (kind, _MAX_KIND))
    if kind not in KINDS:
        return {"kind": kind, "fields": values[1:]}
    name, fields = KINDS[kind]
    if len(fields) + 1 - len(values) in _ADDED.get(kind, ()):
        for _, rule in fields[len(values) - 1 :]:
            values.append(_EMPTY[rule[0]])
    if len(values) != len(fields) + 1:
        raise RecordError("%s has %d fields, not %d" % (name, len(values) - 1, len(fields)))
    record: dict[str, object] = {"kind": kind}
    for i in range(len(fields)):
        field, rule = fields[i]
        record[field] = _check(name, field, values[i + 1], rule)
    return record
