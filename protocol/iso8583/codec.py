"""Messages to bytes and back: TPDU, header, MTI, bitmap, fields, MAC.

Lengths, alignment and kinds come from the profile. Values are str for n, an, ans and z fields and
bytes for b fields. Errors name the field and the byte offset from the start of the TPDU, and never
a value: it may be a card number.
"""

from protocol.iso8583 import mac
from protocol.iso8583.dialect import Profile

TPDU_LENGTH = 5
_MTI_LENGTH = 2
_MAC_LENGTH = 8
_WRONG_MAC_FIELD = "the MAC is F128 when there is a field above 64"


class Iso8583Error(ValueError):
    """A message that breaks its profile.

    ``field`` is the field number, 0 for what comes before the fields; ``offset`` is the byte where
    it was seen, counted from the TPDU, -1 when there are no bytes yet.
    """

    def __init__(self, what: str, field: int = 0, offset: int = -1) -> None:
        where = f"field {field}" if field else "message"
        if offset >= 0:
            where += f" at byte {offset}"
        super().__init__(f"{where}: {what}")
        self.field = field
        self.offset = offset


class Message:
    """A decoded message: tpdu (5 bytes), header (12 digits or none), requirement, mti, fields."""

    def __init__(self, raw: bytes, header: str, requirement: int, mti: str) -> None:
        self.raw = raw
        self.header = header
        self.requirement = requirement
        self.mti = mti
        self.fields: dict[int, str | bytes] = {}

    @property
    def tpdu(self) -> bytes:
        return self.raw[:TPDU_LENGTH]

    @property
    def mac(self) -> bytes:
        """F64, or F128 in a message with a second bitmap; b"" when the message has none."""
        return self.blob(128) or self.blob(64)

    @property
    def mac_data(self) -> bytes:
        """What the MAC runs over: from the MTI to the field before it, or to the end."""
        start = TPDU_LENGTH + len(self.header) // 2
        return self.raw[start:-_MAC_LENGTH] if self.mac else self.raw[start:]

    def text(self, number: int) -> str:
        """The value of an n, an, ans or z field, "" when the message does not have it."""
        value = self.fields.get(number, "")
        return value if isinstance(value, str) else ""

    def blob(self, number: int) -> bytes:
        """The value of a b field, b"" when the message does not have it."""
        value = self.fields.get(number, b"")
        return value if isinstance(value, bytes) else b""


def encode(
    profile: Profile,
    mti: str,
    fields: dict[int, str | bytes],
    tpdu: bytes,
    mac_key: bytes | None = None,
    requirement: int = 0,
) -> bytes:
    """TPDU, header and message as bytes, without the length that wire.wrap puts in front.

    With ``mac_key`` the MAC is computed over everything from the MTI to it and put last: in F64,
    or in F128 when there is a field above 64. Text shorter than a fixed an or ans field is padded
    with spaces; all other lengths must fit.
    """
    if len(tpdu) != TPDU_LENGTH or tpdu[0] != profile.tpdu_id:
        raise Iso8583Error(f"TPDU is not 5 bytes that start with {profile.tpdu_id:02x}")
    if len(mti) != 4 or not 0 <= requirement <= 9:
        raise Iso8583Error("MTI has 4 digits, the processing requirement one")
    header = profile.header
    if header:
        at = profile.requirement_at
        header = f"{header[:at]}{requirement}{header[at + 1 :]}"
    table = profile.table
    last = len(table) - 1
    numbers = sorted(fields)
    mac_number = 128 if numbers and numbers[-1] > 64 else 64
    if mac_key is not None and mac_number in fields:
        raise Iso8583Error("is computed when there is a MAC key, not given", mac_number)
    if mac_number == 128 and 64 in fields:
        raise Iso8583Error(_WRONG_MAC_FIELD, 64)
    out = bytearray(tpdu)
    out.extend(_digits(header + mti, 0))
    bitmap_at = len(out)
    out.extend(bytes(mac_number >> 3))
    for number in numbers:
        entry = table[number] if 0 < number <= last else None
        if entry is None:
            raise Iso8583Error("not defined in the profile", number)
        _pack(out, number, entry, fields[number])
        number -= 1
        out[bitmap_at + (number >> 3)] |= 0x80 >> (number & 7)
    if mac_number == 128:
        out[bitmap_at] |= 0x80
    if mac_key is not None:
        out[bitmap_at + (mac_number >> 3) - 1] |= 1
        out.extend(_mac(profile, mac_key, bytes(out[profile.mti_at :]), mac_number))
    if len(out) > profile.max_message:
        raise Iso8583Error(f"{len(out)} bytes, more than {profile.max_message}")
    return bytes(out)


def decode(profile: Profile, data: bytes) -> Message:
    """Take apart what came between two length prefixes; raises Iso8583Error and nothing else."""
    size = len(data)
    if size > profile.max_message:
        raise Iso8583Error(f"{size} bytes, more than {profile.max_message}")
    bitmap_at = profile.mti_at + _MTI_LENGTH
    table = profile.table
    # A second bitmap where the profile has no field for it is an undefined field 1.
    wide = len(table) > 65 and size > bitmap_at and data[bitmap_at] >= 0x80
    offset = bitmap_at + (16 if wide else 8)
    if size < offset:
        raise Iso8583Error(f"{size} bytes end before the bitmap does", 0, size)
    if data[0] != profile.tpdu_id:
        raise Iso8583Error(f"TPDU does not start with {profile.tpdu_id:02x}", 0, 0)
    head = data[TPDU_LENGTH:bitmap_at].hex()
    if not head.isdigit():
        raise Iso8583Error("header and MTI are not BCD digits", 0, TPDU_LENGTH)
    requirement = int(head[profile.requirement_at]) if profile.header else 0
    message = Message(data, head[:-4], requirement, head[-4:])
    fields = message.fields
    bitmap = bytearray(data[bitmap_at:offset])
    if wide:
        bitmap[0] &= 0x7F
        if not any(bitmap[8:]):
            raise Iso8583Error("second bitmap without a field", 1, bitmap_at)
        if bitmap[7] & 1:
            raise Iso8583Error(_WRONG_MAC_FIELD, 64, bitmap_at)
    number = 0
    for byte in bitmap:
        number += 8
        bit = number - 7
        while byte:
            if byte & 0x80:
                entry = table[bit]
                if entry is None:
                    raise Iso8583Error("not defined in the profile", bit, offset)
                fields[bit], offset = _unpack(data, offset, bit, entry)
            byte = byte << 1 & 0xFF
            bit += 1
    if offset != size:
        raise Iso8583Error(f"{size - offset} bytes after the last field", 0, offset)
    return message


def verify_mac(profile: Profile, message: Message, key: bytes) -> bool:
    """True only when the message carries a MAC and it is that of the rest under ``key``."""
    found = message.mac
    return bool(found) and found == _mac(profile, key, message.mac_data, 64)


def _mac(profile: Profile, key: bytes, data: bytes, number: int) -> bytes:
    """Raises Iso8583Error for a key that the profile's algorithm does not take."""
    if len(key) not in profile.mac_key_lengths:
        raise Iso8583Error(f"{profile.mac_algorithm} takes no key of {len(key)} bytes", number)
    return mac.compute(profile.mac_algorithm, key, data)


def _digits(value: str, number: int) -> bytes:
    packed = None
    if value.isdigit():
        try:
            packed = bytes.fromhex(value)
        except ValueError:  # digits of another script
            packed = None
    if packed is None and value:
        raise Iso8583Error("not decimal digits", number)
    return packed or b""


def _pack(
    out: bytearray, number: int, entry: tuple[str, int, int, int, bool], value: str | bytes
) -> None:
    kind, prefix, low, high, right = entry
    if not isinstance(value, bytes if kind == "b" else str):
        raise Iso8583Error(f"kind {kind} takes {'bytes' if kind == 'b' else 'text'}", number)
    size = len(value)
    if not low <= size <= high and (prefix or kind not in ("an", "ans") or not 0 < size < high):
        raise Iso8583Error(f"length {size} is not {_span(low, high)}", number)
    if prefix:
        if prefix == 2:
            out.append(size // 100)
        out.append(size // 10 % 10 << 4 | size % 10)
    if isinstance(value, bytes):
        out.extend(value)
    elif kind == "n" or kind == "z":
        if size & 1:
            value = "0" + value if right else value + "0"
        if kind == "n":
            out.extend(_digits(value, number))
        else:
            # One separator is part of a track; magnetic readers write it as =.
            value = value.replace("=", "D", 1)
            _digits(value.replace("D", "0", 1), number)
            out.extend(bytes.fromhex(value))
    else:
        data = value.encode()
        _check_text(data, kind, number, -1)
        out.extend(data)
        if not prefix:
            out.extend(b" " * (high - size))


def _unpack(
    data: bytes, offset: int, number: int, entry: tuple[str, int, int, int, bool]
) -> tuple[str | bytes, int]:
    kind, prefix, low, high, right = entry
    start = offset + prefix
    size = high
    if prefix:
        if start > len(data):
            raise Iso8583Error("ends inside its length", number, offset)
        size = _length(data, offset, prefix, number)
        if not low <= size <= high:
            raise Iso8583Error(f"length {size} is not {_span(low, high)}", number, offset)
    packed = kind == "n" or kind == "z"
    end = start + (size + 1 >> 1 if packed else size)
    if end > len(data):
        raise Iso8583Error(f"needs {end - start} bytes, {len(data) - start} left", number, start)
    body = data[start:end]
    if kind == "b":
        return body, end
    if not packed:
        _check_text(body, kind, number, start)
        return body.decode(), end
    text = body.hex()
    # One separator is part of a track, written d on the way in and D everywhere else.
    if size and not (text.replace("d", "0", 1) if kind == "z" else text).isdigit():
        raise Iso8583Error("not BCD digits", number, start)
    if size & 1:
        if text[0 if right else -1] != "0":
            raise Iso8583Error("pad digit is not 0", number, start)
        text = text[1:] if right else text[:-1]
    return (text.upper() if kind == "z" else text), end


def _length(data: bytes, offset: int, prefix: int, number: int) -> int:
    last = data[offset + prefix - 1]
    hundreds = data[offset] if prefix == 2 else 0
    if hundreds > 9 or last > 0x99 or last & 15 > 9:
        raise Iso8583Error("length is not BCD digits", number, offset)
    return hundreds * 100 + (last >> 4) * 10 + (last & 15)


def _check_text(data: bytes, kind: str, number: int, offset: int) -> None:
    """an is letters, digits and the space that pads; ans is every printable ASCII character."""
    if data and (min(data) < 0x20 or max(data) > 0x7E):
        raise Iso8583Error("not printable ASCII", number, offset)
    if kind == "an" and not data.isdigit():
        for code in data:
            if code != 0x20 and not (bytes((code,)).isdigit() or bytes((code,)).isalpha()):
                raise Iso8583Error("not letters and digits", number, offset)


def _span(low: int, high: int) -> str:
    return str(high) if low == high else f"{low} to {high}"
