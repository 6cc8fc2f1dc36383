"""A new image is started only when it is whole, ours, newer, and for this chip."""

import hashlib

from protocol import cbor
from terminal import FIRMWARE, update

BLOCK = 4096
NEWER = "9.0.0"


class Slot:
    """A partition of NOR flash in memory."""

    def __init__(self, blocks: int = 8, data: bytes = b"") -> None:
        self.data = bytearray(data + b"\x55" * (blocks * BLOCK - len(data)))
        self.boots = 0
        self.fail_at = -1
        self.writes = 0

    def ioctl(self, command: int, argument: int) -> int:
        if command == 6:
            self.data[argument * BLOCK : (argument + 1) * BLOCK] = b"\xff" * BLOCK
        return len(self.data) // BLOCK

    def writeblocks(self, block: int, data, offset: int) -> None:
        if self.writes == self.fail_at:
            raise OSError(5)
        self.writes += 1
        start = block * BLOCK + offset
        assert offset + len(data) <= BLOCK
        for i in range(len(data)):
            self.data[start + i] &= data[i]

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        start = block * BLOCK + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def set_boot(self) -> None:
        self.boots += 1


def image(version: str = NEWER, chip: int = 0, size: int = 10000, at: int = 5000) -> bytes:
    """Not an image of ESP-IDF, but with its first bytes, and our mark."""
    data = bytearray(bytes(range(256)) * (size // 256 + 1))[:size]
    data[:14] = b"\xe9\x02\x02\x20" + bytes(8) + bytes((chip, 0))
    mark = ("pingzhang firmware " + version).encode() + b"\0"
    if version:
        data[at : at + len(mark)] = mark
    return bytes(data)


def begin(data: bytes) -> bytes:
    return cbor.dumps([update.BEGIN, len(data), hashlib.sha256(data).digest()])


def piece(data: bytes, offset: int, size: int = 1536) -> bytes:
    return cbor.dumps([update.DATA, offset, data[offset : offset + size]])


def end() -> bytes:
    return cbor.dumps([update.END])


def brought(data: bytes, size: int = 1536) -> tuple:
    """(Update, slot, the answer to its end) after all of an image."""
    slot = Slot()
    new = update.Update(slot, Slot(1, image("")[:BLOCK]))
    assert new.take(begin(data)) == ""
    for offset in range(0, len(data), size):
        assert new.take(piece(data, offset, size)) == ""
    return new, slot, new.take(end())


def test_a_whole_newer_image_is_started():
    data = image()
    new, slot, answer = brought(data)
    assert answer == ""
    assert (new.version, slot.boots) == (NEWER, 1)
    assert bytes(slot.data[: len(data)]) == data


def test_pieces_of_any_size():
    data = image()
    for size in (999, 1900, 4000):
        _, slot, answer = brought(data, size)
        assert (answer, bytes(slot.data[: len(data)])) == ("", data)


def test_the_mark_is_found_across_the_seam_of_two_blocks():
    for at in range(BLOCK - 40, BLOCK + 2):
        new, _, answer = brought(image(at=at))
        assert (answer, new.version) == ("", NEWER), at
    # At the very end there is no byte behind it.
    data = image()[:-24] + b"pingzhang firmware 9.0.0"
    assert brought(data[:4090] + bytes(30) + data[4120:])[0].version == NEWER


def test_an_older_image_or_the_same_or_none_of_ours_is_not_started():
    for version in ("0.0.1", FIRMWARE, ""):
        new, slot, answer = brought(image(version))
        assert "not newer than " + FIRMWARE in answer
        assert (new.version, slot.boots) == ("", 0)


def test_an_image_for_another_chip_is_not_started():
    _, slot, answer = brought(image(chip=9))
    assert (answer, slot.boots) == ("an image for another chip", 0)


def test_what_is_not_what_was_announced_is_not_started():
    data = image()
    slot = Slot()
    new = update.Update(slot, slot)
    new.take(begin(data))
    for offset in range(0, len(data), 1536):
        bad = bytearray(data)
        bad[7777] ^= 1
        assert new.take(piece(bytes(bad), offset)) == ""
    assert new.take(end()) == "what is in the flash is not what was sent"
    assert slot.boots == 0
    assert new.take(piece(data, 1536)) == "at 0"  # it begins anew


def test_a_byte_that_the_flash_did_not_take_is_noticed():
    data = image()
    slot = Slot()
    new = update.Update(slot, slot)
    new.take(begin(data))
    for offset in range(0, len(data), 1536):
        new.take(piece(data, offset))
    slot.data[3000] &= 0
    assert new.take(end()) == "what is in the flash is not what was sent"


def test_a_piece_out_of_order_is_told_where_to_go_on():
    data = image()
    new = update.Update(Slot(), Slot())
    assert new.take(begin(data)) == ""
    assert new.take(piece(data, 1536)) == "at 0"
    assert new.take(piece(data, 0)) == ""
    assert new.take(piece(data, 0)) == "at 1536"
    assert new.take(end()) == "at 1536"
    # Another session begins with the same image: it goes on; with another one it does not.
    assert new.take(begin(data)) == ""
    assert new.take(piece(data, 0)) == "at 1536"
    assert new.take(begin(image("9.0.1"))) == ""
    assert new.take(piece(data, 1536)) == "at 0"


def test_after_a_write_that_fails_the_same_bytes_come_again():
    data = image()
    for fail_at in range(8):
        slot = Slot()
        new = update.Update(slot, Slot(1, image("")[:BLOCK]))
        new.take(begin(data))
        slot.fail_at = fail_at
        at = 0
        while at < len(data):
            try:
                answer = new.take(piece(data, at))
            except OSError:
                slot.fail_at = -1
                continue
            at = int(answer[3:]) if answer else at + 1536
        assert new.take(end()) == ""
        assert bytes(slot.data[: len(data)]) == data


def test_sizes_and_messages_are_bounded():
    new = update.Update(Slot(), Slot())
    digest = bytes(32)
    for bad in (
        [],
        [7],
        [update.BEGIN, 0, digest],
        [update.BEGIN, 8 * BLOCK + 1, digest],
        [update.BEGIN, 10000, b"short"],
        [update.BEGIN, True, digest],
        [update.BEGIN, 10000],
        [update.DATA, 0, b"early"],
        [update.DATA, -1, b"x"],
        [update.DATA, "0", b"x"],
        [update.END],
        [update.END, 1],
        5,
    ):
        assert new.take(cbor.dumps(bad)) != "", bad
    data = image()
    assert new.take(begin(data)) == ""
    assert "beyond its size" in new.take(cbor.dumps([update.DATA, 0, b""]))
    for offset in range(0, 9000, 1000):
        assert new.take(piece(data, offset, 1000)) == ""
    assert "beyond its size" in new.take(cbor.dumps([update.DATA, 9000, bytes(1001)]))
    assert new.take(cbor.dumps([update.DATA, 9000, bytes(1000)])) == ""
