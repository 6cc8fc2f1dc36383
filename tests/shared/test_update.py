"""A new image, piece by piece: what is taken, what is refused, and what is never started."""

import hashlib

from protocol import cbor
from terminal import FIRMWARE, MARK, signature, update
from tests.shared.expect import raises, vectors

BLOCK = 4096
HEAD = b"\xe9" + bytes(11) + b"\x09\x00"
NEWER = MARK.replace(FIRMWARE, "9.8.7").encode()


class Slot:
    """Flash that only clears bits, as a partition gives it."""

    def __init__(self, blocks: int = 8, data: bytes = b"") -> None:
        self.data = bytearray(data + b"\xff" * (blocks * BLOCK - len(data)))
        self.started = False
        self.fails_at = -1

    def ioctl(self, number: int, block: int) -> int:
        if number == 4:
            return len(self.data) // BLOCK
        assert number == 6
        self.data[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        return 0

    def writeblocks(self, block: int, data: bytes, offset: int) -> None:
        at = block * BLOCK + offset
        if at <= self.fails_at < at + len(data):
            raise OSError(5)
        for i in range(len(data)):
            self.data[at + i] &= data[i]

    def readblocks(self, block: int, data: bytearray, offset: int = 0) -> None:
        at = block * BLOCK + offset
        data[:] = self.data[at : at + len(data)]

    def set_boot(self) -> None:
        self.started = True


def image(text: bytes = NEWER, size: int = 3 * BLOCK + 100, at: int = 500) -> bytes:
    data = bytearray(size)
    data[: len(HEAD)] = HEAD
    data[at : at + len(text)] = text
    return bytes(data)


def fresh() -> tuple:
    slot = Slot()
    return update.Update(slot, Slot(1, HEAD)), slot


def bring(taker, data: bytes, piece: int = 1000, start: int = 0) -> str:
    why = taker.take(cbor.dumps([0, len(data), hashlib.sha256(data).digest()]))
    for at in range(start, len(data), piece):
        why = why or taker.take(cbor.dumps([1, at, data[at : at + piece]]))
    return why


def end(taker, *signed: bytes) -> str:
    message: list = [2]
    message.extend(signed)
    return taker.take(cbor.dumps(message))


def test_a_whole_image_is_written_and_started():
    for piece in (1000, 1536, BLOCK, 2 * BLOCK - 96):
        taker, slot = fresh()
        data = image()
        assert bring(taker, data, min(piece, 3000)) == ""
        assert not slot.started
        assert end(taker) == ""
        assert slot.started and taker.version == "9.8.7"
        assert bytes(slot.data[: len(data)]) == data


def test_the_version_is_found_wherever_it_lies():
    for at in range(BLOCK - len(NEWER) - 14, BLOCK + 3, 1):
        taker, _ = fresh()
        assert bring(taker, image(at=at), 3000) == ""
        assert end(taker) == "", at
        assert taker.version == "9.8.7"
    taker, _ = fresh()
    data = image()[: 3 * BLOCK] + NEWER  # its very last bytes
    assert bring(taker, bytes(HEAD + bytes(BLOCK)) + data[2 * BLOCK :], 3000) == ""
    assert end(taker) == ""


def test_what_comes_out_of_order_is_told_where_to_go_on():
    taker, slot = fresh()
    data = image()
    assert taker.take(cbor.dumps([1, 0, b"before it began"])) == "beyond its size of 0"
    assert end(taker) == "at 0"
    digest = hashlib.sha256(data).digest()
    assert taker.take(cbor.dumps([0, len(data), digest])) == ""
    assert taker.take(cbor.dumps([1, 0, data[:1000]])) == ""
    assert taker.take(cbor.dumps([1, 0, data[:1000]])) == "at 1000"
    assert taker.take(cbor.dumps([1, 2000, data[2000:3000]])) == "at 1000"
    assert end(taker) == "at 1000"
    assert taker.take(cbor.dumps([0, len(data), digest])) == ""  # the same one goes on
    assert bring(taker, data, start=1000) == ""
    assert end(taker) == "" and slot.started


def test_a_fault_of_the_flash_is_made_good_by_the_same_bytes():
    taker, slot = fresh()
    data = image()
    slot.fails_at = BLOCK + 10
    raises(OSError, bring, taker, data)
    slot.fails_at = -1
    why = taker.take(cbor.dumps([1, 0, data[:10]]))
    assert why[:3] == "at "
    assert bring(taker, data, start=int(why[3:])) == ""
    assert end(taker) == ""


def test_what_is_no_image_for_this_terminal_is_never_started():
    other = HEAD[:12] + b"\x05\x00"
    for data, why in (
        (image(MARK.encode()), "not newer than " + FIRMWARE),
        (image(b"nothing of ours"), "not newer than " + FIRMWARE),
        (other + image()[len(other) :], "another chip"),
        (b"\xea" + image()[1:], "another chip"),
    ):
        taker, slot = fresh()
        assert bring(taker, data) == ""
        assert why in end(taker), why
        assert not slot.started and not taker.version


def test_flash_that_does_not_hold_what_was_sent_is_noticed():
    taker, slot = fresh()
    data = image()
    assert bring(taker, data) == ""
    slot.data[2 * BLOCK] ^= 0x40
    assert end(taker) == "what is in the flash is not what was sent"
    assert not slot.started
    assert bring(taker, data) == ""
    assert end(taker) == "" and slot.started


def test_sizes_and_schemas_out_of_bounds():
    taker, _ = fresh()
    digest = bytes(32)
    for size in (0, BLOCK - 1, 8 * BLOCK + 1, -1):
        assert "do not fit" in taker.take(cbor.dumps([0, size, digest]))
    assert "do not fit" in taker.take(cbor.dumps([0, BLOCK, digest[1:]]))
    assert taker.take(cbor.dumps([0, BLOCK, digest])) == ""
    assert taker.take(cbor.dumps([1, 0, b""])) == "beyond its size of 4096"
    assert taker.take(cbor.dumps([1, 0, bytes(4000)])) == ""
    assert taker.take(cbor.dumps([1, 4000, bytes(97)])) == "beyond its size of 4096"
    for message in ([], 2, [3], [0], [0, 1], [1, b"", 0], [2, 1], [2, b"", b""], [0, True, b""]):
        assert taker.take(cbor.dumps(message))[:3] == "not", message
    raises(cbor.CborError, taker.take, b"\xff")


def test_a_firmware_with_a_publisher_takes_only_what_he_signed():
    key = vectors("signature")["keys"][0]
    good = bytes.fromhex(key["signatures"][0]["signature"])
    signature.PUBLISHER = key["modulus"]
    try:
        taker, slot = fresh()
        assert bring(taker, image()) == ""
        for signed in ((), (b"",), (bytes(256),), (good[1:],)):
            assert end(taker, *signed) == "not signed by the publisher of the firmware that runs"
        assert not slot.started and not taker.version
        assert end(taker, good) == ""  # it is there already
        assert slot.started
        taker, slot = fresh()
        assert bring(taker, image(size=3 * BLOCK + 104)) == ""
        assert "not signed" in end(taker, good)
        assert not slot.started
    finally:
        signature.PUBLISHER = ""


def test_modules_in_the_file_system_would_go_on_running():
    taker = update.Update(Slot(), Slot(1, HEAD), True)
    assert "modules are files" in bring(taker, image())
    assert update._in_files()  # this one is


def test_a_signature_that_nobody_asks_for_does_no_harm():
    taker, slot = fresh()
    assert bring(taker, image()) == ""
    assert end(taker, bytes(256)) == ""
    assert slot.started
