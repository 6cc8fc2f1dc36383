"""The working keys in F62 of a sign-in answer, under the terminal master key (TMK).

Key block 003 (F60.3 of the sign-in), 40 bytes: the PIN key, 16 bytes under the TMK, and its key
check value, 4 bytes; the MAC key, 8 bytes under the TMK and 8 zero bytes, and its key check value.
001 has keys of 8 bytes, 24 in all. 004 is 003 and a track key, which this terminal has no use for:
its 20 bytes are left out by ``kept`` and never looked at.
"""

from protocol.iso8583.des import Des
from protocol.iso8583.mac import kcv

BLOCK_LENGTH = 40
_KCV = 4


class KeyBlockError(ValueError):
    """A key block that can't be used; the message says which key and why, never a key."""


def kept(block: bytes, form: str) -> bytes:
    """What to store of F62: all but a track key."""
    return block[:BLOCK_LENGTH] if form == "004" and len(block) == 60 else block


def unwrap_key_block(
    tmk: bytes, block: bytes, lengths: tuple[int, ...] = (8, 16), form: str = "003"
) -> tuple[bytes, bytes]:
    """Decrypt what ``kept`` left of a key block; returns (PIN key, MAC key).

    A host that fills the second half of the MAC key instead of zeros gets a MAC key of 16 bytes.
    ``lengths`` are those the MAC algorithm takes (``Profile.mac_key_lengths``). Raises
    KeyBlockError for a wrong length, or when a key does not give its key check value, which is
    what a wrong TMK looks like.
    """
    size = 24 if form == "001" else BLOCK_LENGTH
    if len(block) != size:
        raise KeyBlockError(f"key block is {len(block)} bytes, not {size}")
    master = Des(tmk)
    half = size // 2
    pin_check = half - _KCV
    mac_check = size - _KCV
    mac_end = half + 8 if block[half + 8 : mac_check] == bytes(8) else mac_check
    pin_key = master.decrypt(block[:pin_check])
    mac_key = master.decrypt(block[half:mac_end])
    mac_length = len(mac_key)
    if kcv(pin_key) != block[pin_check:half]:
        raise KeyBlockError("PIN key: key check value differs")
    if kcv(mac_key) != block[mac_check:]:
        raise KeyBlockError("MAC key: key check value differs")
    if mac_length not in lengths:
        raise KeyBlockError(f"MAC key: the algorithm takes no key of {mac_length} bytes")
    return pin_key, mac_key
