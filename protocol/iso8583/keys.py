"""The working keys in F62 of a sign-in answer, under the terminal master key (TMK).

Key block 003 (F60.3 of the sign-in), 40 bytes: the PIN key, 16 bytes under the TMK, and its key
check value, 4 bytes; the MAC key, 8 bytes under the TMK and 8 zero bytes, and its key check value.
"""

from protocol.iso8583.des import Des
from protocol.iso8583.mac import kcv

BLOCK_LENGTH = 40


class KeyBlockError(ValueError):
    """A key block that can't be used; the message says which key and why, never a key."""


def unwrap_key_block(
    tmk: bytes, block: bytes, lengths: tuple[int, ...] = (8, 16)
) -> tuple[bytes, bytes]:
    """Decrypt key block 003; returns (PIN key of 16 bytes, MAC key of 8 bytes).

    A host that fills the second half of the MAC key instead of zeros gets a MAC key of 16 bytes.
    ``lengths`` are those the MAC algorithm takes (``Profile.mac_key_lengths``). Raises
    KeyBlockError for a wrong length, or when a key does not give its key check value, which is
    what a wrong TMK looks like.
    """
    if len(block) != BLOCK_LENGTH:
        raise KeyBlockError(f"key block is {len(block)} bytes, not {BLOCK_LENGTH}")
    master = Des(tmk)
    mac_length = 8 if block[28:36] == bytes(8) else 16
    pin_key = master.decrypt(block[:16])
    mac_key = master.decrypt(block[20 : 20 + mac_length])
    if kcv(pin_key) != block[16:20]:
        raise KeyBlockError("PIN key: key check value differs")
    if kcv(mac_key) != block[36:40]:
        raise KeyBlockError("MAC key: key check value differs")
    if mac_length not in lengths:
        raise KeyBlockError(f"MAC key: the algorithm takes no key of {mac_length} bytes")
    return pin_key, mac_key
