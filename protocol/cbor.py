"""Small, bounded, deterministic CBOR (RFC 8949): int, bytes, str, bool, None and list.

One value has exactly one encoding (section 4.2.1: shortest integers, definite lengths), because
seals are computed over the bytes. There are no maps: dict order is arbitrary on MicroPython.
"""

MAX_DATA = 4096
MAX_ITEMS = 256
MAX_DEPTH = 4

_UINT = 0
_NEGATIVE = 1
BYTES = 2
_TEXT = 3
_ARRAY = 4


class CborError(ValueError):
    """Bytes that are not our CBOR, or a value it cannot hold; says which and at what offset."""


def put_head(out: bytearray, major: int, number: int) -> None:
    """Append the head of a value of this major type: an integer, or a length."""
    major <<= 5
    if number < 24:
        out.append(major | number)
    elif number < 0x100:
        out.append(major | 24)
        out.append(number)
    elif number < 0x10000:
        out.append(major | 25)
        out.extend(number.to_bytes(2, "big"))
    elif number < 0x100000000:
        out.append(major | 26)
        out.extend(number.to_bytes(4, "big"))
    else:
        out.append(major | 27)
        out.extend(number.to_bytes(8, "big"))


def _put_int(out: bytearray, value: int) -> None:
    if value < -0x8000000000000000 or value > 0xFFFFFFFFFFFFFFFF:
        raise CborError("an integer outside -2^63..2^64-1")
    if value < 0:
        put_head(out, _NEGATIVE, -1 - value)
    else:
        put_head(out, _UINT, value)


def _put_text(out: bytearray, value: str) -> None:
    # "surrogatepass": MicroPython lets a lone surrogate through, CPython must to refuse it alike.
    data = value.encode("utf-8", "surrogatepass")
    _check_utf8(data, 0)
    put_head(out, _TEXT, len(data))
    out.extend(data)


def _put_list(out: bytearray, value: list, depth: int) -> None:
    if depth == MAX_DEPTH:
        raise CborError("arrays nested deeper than %d" % MAX_DEPTH)
    if len(value) > MAX_ITEMS:
        raise CborError("an array of %d items, more than %d" % (len(value), MAX_ITEMS))
    put_head(out, _ARRAY, len(value))
    for item in value:
        _put(out, item, depth + 1)


def _put(out: bytearray, value: object, depth: int) -> None:
    # bool first: on CPython it is an int as well.
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _put_int(out, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        put_head(out, BYTES, len(value))
        out.extend(value)
    elif isinstance(value, str):
        _put_text(out, value)
    elif isinstance(value, list):
        _put_list(out, value, depth)
    else:
        raise CborError("cannot encode %s" % type(value).__name__)
    if len(out) > MAX_DATA:
        raise CborError("more than %d bytes" % MAX_DATA)


def dumps(value: object) -> bytes:
    """Encode a value; raises CborError for a type, size or nesting that loads would refuse."""
    out = bytearray()
    _put(out, value, 0)
    return bytes(out)


def _fail(offset: int, what: str) -> None:
    raise CborError("offset %d: %s" % (offset, what))


# Lead byte ranges with the bounds of the second byte (Unicode, table 3-7). MicroPython's own
# check lets overlong forms and surrogates through, and both ends must refuse the same bytes.
_UTF8 = (
    (0xC2, 0xDF, 1, 0x80, 0xBF),
    (0xE0, 0xE0, 2, 0xA0, 0xBF),
    (0xE1, 0xEC, 2, 0x80, 0xBF),
    (0xED, 0xED, 2, 0x80, 0x9F),
    (0xEE, 0xEF, 2, 0x80, 0xBF),
    (0xF0, 0xF0, 3, 0x90, 0xBF),
    (0xF1, 0xF3, 3, 0x80, 0xBF),
    (0xF4, 0xF4, 3, 0x80, 0x8F),
)


def _sequence_length(data: bytes, at: int) -> int:
    """Length of the well-formed UTF-8 sequence at a non-ASCII byte, 0 when it is malformed."""
    lead = data[at]
    for first, last, tail, low, high in _UTF8:
        if first <= lead <= last:
            if at + tail >= len(data) or not low <= data[at + 1] <= high:
                return 0
            for i in range(at + 2, at + tail + 1):
                if data[i] & 0xC0 != 0x80:
                    return 0
            return tail + 1
    return 0


def _check_utf8(data: bytes, offset: int) -> None:
    at = 0
    while at < len(data):
        length = 1 if data[at] < 0x80 else _sequence_length(data, at)
        if not length:
            _fail(offset + at, "invalid UTF-8")
        at += length


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int, start: int) -> bytes:
        # Compared before the slice: a declared length allocates nothing until the bytes are there.
        if size > len(self.data) - self.at:
            _fail(start, "%d bytes declared, %d left" % (size, len(self.data) - self.at))
        part = self.data[self.at : self.at + size]
        self.at += size
        return part

    def number(self, info: int, start: int) -> int:
        if info < 24:
            return info
        if info > 27:
            _fail(start, "indefinite or reserved length")
        size = 1 << (info - 24)
        number = int.from_bytes(self.take(size, start), "big")
        if number < (24 if size == 1 else 1 << (4 * size)):
            _fail(start, "integer not in its shortest form")
        return number

    def value(self, depth: int) -> object:
        start = self.at
        lead = self.take(1, start)[0]
        major = lead >> 5
        if major > _ARRAY:
            return self.simple(lead, start)
        number = self.number(lead & 31, start)
        if major == _UINT:
            return number
        if major == _NEGATIVE:
            if number > 0x7FFFFFFFFFFFFFFF:
                _fail(start, "integer below -2^63")
            return -1 - number
        if major == _ARRAY:
            return self.array(number, start, depth)
        part = self.take(number, start)
        if major == BYTES:
            return part
        _check_utf8(part, self.at - number)
        return part.decode()

    def simple(self, lead: int, start: int) -> object:
        if lead == 0xF6:
            return None
        if lead not in (0xF4, 0xF5):
            _fail(start, "type 0x%02x is not used here" % lead)
        return lead == 0xF5

    def array(self, count: int, start: int, depth: int) -> list:
        if depth == MAX_DEPTH:
            _fail(start, "arrays nested deeper than %d" % MAX_DEPTH)
        if count > MAX_ITEMS:
            _fail(start, "array of %d items, more than %d" % (count, MAX_ITEMS))
        # An item has at least one byte.
        if count > len(self.data) - self.at:
            _fail(start, "%d items declared, %d bytes left" % (count, len(self.data) - self.at))
        items = []
        for _ in range(count):
            items.append(self.value(depth + 1))
        return items


def loads(data: bytes) -> object:
    """Decode exactly one value; raises CborError with the byte offset for anything else."""
    if len(data) > MAX_DATA:
        raise CborError("%d bytes, more than %d" % (len(data), MAX_DATA))
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        _fail(reader.at, "%d bytes after the value" % (len(data) - reader.at))
    return value
