"""ISO/IEC 14443-3 type A, as far as to a card's UID: wake, resolve, select, halt.

Pure: ``air(data, bits)`` sends whole bytes, of the last one ``bits`` (0 for all), and gives what a
card answered, b"" for silence or noise. It raises Collision when several answered differently.
"""

_WUPA = b"\x52"  # like REQA, but a halted card answers as well: one that lies there stays seen
_SHORT = 7  # bits of a REQA or WUPA frame
_ATQA_LENGTH = 2
_LEVELS = b"\x93\x95\x97"  # SEL of the three cascade levels
_ANTICOLLISION = 0x20  # NVB: SEL and NVB only, no bit of the UID is known
_SELECT = 0x70  # NVB: all of it is
_CASCADE_TAG = 0x88
_UID_GOES_ON = 0x04  # in SAK
_HLTA = b"\x50\x00"


class Collision(Exception):
    """More than one card answers. EMV contactless takes none of them then, and so do we: nobody
    can say which one the customer meant."""


def crc_a(data: bytes) -> bytes:
    """CRC_A of ISO/IEC 14443-3, annex B: preset 6363, low byte first."""
    crc = 0x6363
    for byte in data:
        byte ^= crc & 0xFF
        byte ^= byte << 4 & 0xFF
        crc = crc >> 8 ^ byte << 8 ^ byte << 3 ^ byte >> 4
    return bytes([crc & 0xFF, crc >> 8 & 0xFF])


def uid(air) -> bytes:
    """The UID, 4, 7 or 10 bytes, of the one card in the field; b"" when there is none, or it did
    not answer as it should. The card is halted. Raises Collision."""
    if len(air(_WUPA, _SHORT)) != _ATQA_LENGTH:
        return b""
    found = b""
    for level in _LEVELS:
        part = air(bytes([level, _ANTICOLLISION]), 0)
        if len(part) != 5 or part[0] ^ part[1] ^ part[2] ^ part[3] ^ part[4]:
            return b""
        select = bytes([level, _SELECT]) + part
        sak = air(select + crc_a(select), 0)
        if len(sak) != 3 or crc_a(sak[:1]) != sak[1:]:
            return b""
        goes_on = bool(sak[0] & _UID_GOES_ON)
        if goes_on != (part[0] == _CASCADE_TAG):
            return b""
        if not goes_on:
            air(_HLTA + crc_a(_HLTA), 0)  # silence is the answer
            return found + part[:4]
        found += part[1:4]
    return b""


def is_random(found: bytes) -> bool:
    """Whether the UID is another one at the next tap, as phones and some bank cards have them."""
    return len(found) == 4 and found[0] == 0x08
