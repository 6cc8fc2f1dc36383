"""Files that a person hands to the companion or the firmware: images and profiles."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from copy import deepcopy
from pathlib import Path

from companion import flash
from protocol.iso8583 import profile
from protocol.iso8583.dialect import Profile, ProfileError
from tests.companion.flashed import Life, damaged, entry, header, slot
from tests.fuzz.mutation import damage
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random

SECTOR = 4096
_NUMBERS = (0, 1, 2, 4, 7, 31, 32, 255, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


class FlashImage(Target):
    """A raw flash image: the partition, or a whole flash with its table.

    Headers and slots are changed with checksums that are right again, or nothing would be reached
    behind them.
    """

    name = "flash image"
    refusals = (flash.FlashError,)
    memory = (1 << 20, 24)
    steps = (100000, 4)

    def __init__(self) -> None:
        self.seeds = [image for seed in range(6) for image in Life(seed).images()]

    def make(self, dice: Random) -> bytes:
        image = bytearray(pick(dice, self.seeds))
        for _ in range(dice.below(4)):
            self._rewrite(dice, image)
        if not dice.below(3):
            image = bytearray(damaged(bytes(image), random.Random(dice.below(1 << 30))))
        if not dice.below(4):
            image = bytearray(self._whole(dice, image))
        if not dice.below(6):
            del image[dice.below(len(image)) // SECTOR * SECTOR :]
        data = bytes(image)
        return damage(dice, data) if not dice.below(8) else data

    def _rewrite(self, dice: Random, image: bytearray) -> None:
        """One header or slot anew, with odd numbers and good checksums."""
        count = len(image) // SECTOR
        sector = dice.below(count)
        start = sector * SECTOR
        epoch = int.from_bytes(image[start : start + 4], "little")
        if not dice.below(3):
            if not dice.below(3):
                epoch = (epoch + dice.below(3) * count) & 0xFFFFFFFF
            elif not dice.below(3):
                epoch = 0xFFFFFFFF - (0xFFFFFFFF - sector) % count
            image[start : start + 32] = header(epoch, *(_near(dice, 40) for _ in range(4)))
            return
        at = start + (1 + dice.below(31)) * 128
        kind = (b"R", b"C", b"M", b"X")[dice.below(4)]
        content = dice.bytes(4) * dice.below(30)
        parts = dice.below(6)
        # pack refuses what does not fit, and a slot holds 116 bytes.
        data = slot(epoch, kind, _near(dice, 40), content[:116], dice.below(6), parts)
        image[at : at + 128] = data[:128]

    def _whole(self, dice: Random, journal: bytearray) -> bytes:
        size = (len(journal), 0, 0xFFFFF000, SECTOR)[dice.below(4) * (dice.below(2))]
        rows = [entry("nvs", 0x9000, 0x1000), entry("journal", 0xA000, size)]
        if not dice.below(4):
            rows.insert(dice.below(3), damage(dice, rows[1], rows[0])[:32].ljust(32, b"\xff"))
        table = b"".join(rows)
        if dice.below(3):
            table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
        return (b"\xff" * 0x8000 + table).ljust(0xA000, b"\xff") + journal

    def read(self, data: bytes) -> flash.Reading:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "flash.bin"
            path.write_bytes(data)
            return flash.read(flash.load(path).partition)

    def check(self, data: bytes, found: flash.Reading) -> bytes:
        reading = found
        numbers = [record.seq for record in reading.records]
        assert numbers == sorted(set(numbers)), "a record twice"
        assert all(len(record.payload) <= 460 for record in reading.records)
        # What is served and what is missing are together all there is, without an overlap.
        due = reading.first_seq
        spans = [(record.seq, record.seq) for record in reading.served]
        spans += [(gap.first_seq, gap.last_seq) for gap in reading.gaps]
        for first, last in sorted(spans):
            assert first == due <= last + 1, f"{first} follows {due - 1}"
            due = last + 1
        assert due == reading.next_seq, "the end is missing"
        assert all(len(gap.reason) < 1000 for gap in reading.gaps)
        return b"%d %d %d" % (reading.first_seq, reading.next_seq, len(numbers))


def _near(dice: Random, low: int) -> int:
    return _NUMBERS[dice.below(len(_NUMBERS))] if not dice.below(4) else dice.below(low)


class ProfileText(Target):
    """A profile's JSON, which a person edits by hand."""

    name = "profile"
    refusals = (ProfileError,)
    memory = (1 << 19, 64)
    steps = (20000, 20)
    _values: tuple[object, ...] = (
        0,
        -1,
        1.5,
        1 << 70,
        True,
        None,
        "",
        "x",
        "\ud800",
        "9" * 40,
        [],
        {},
        [[1]],
        ["é"],
    )

    def __init__(self) -> None:
        folder = Path(profile.__file__).parent / "profiles"
        self.seeds = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
        # Without most of what is long: parsing is what takes the time.
        self.seeds += [_short(seed) for seed in self.seeds] * 8

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if not dice.below(3):
            return damage(dice, data, pick(dice, self.seeds))
        tree = json.loads(data)
        node = tree
        for _ in range(dice.below(5)):
            if not isinstance(node, (dict, list)) or not node:
                break
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = keys[dice.below(len(keys))]
            if isinstance(node[key], (dict, list)) and dice.below(3):
                node = node[key]
                continue
            what = dice.below(4)
            if what == 0:
                del node[key]
            elif what == 1 and isinstance(node, dict):
                node[("x", "\ud800", "129", "é", "\u202e")[dice.below(5)]] = node[key]
            else:
                # A copy: a later step may change it, and a case depends on its number alone.
                node[key] = deepcopy(self._values[dice.below(len(self._values))])
        text = json.dumps(tree, ensure_ascii=bool(dice.below(2)))
        coding = "utf-16" if not dice.below(16) else "utf-8"
        return text.encode(coding, "surrogatepass")

    def read(self, data: bytes) -> Profile:
        return profile.load(data)

    def check(self, data: bytes, found: Profile) -> bytes:
        return found.name.encode()


def _short(data: bytes) -> bytes:
    tree = json.loads(data)
    tree["transactions"] = {"sign_in": tree["transactions"]["sign_in"]}
    tree["answers"] = {mti: tree["answers"][mti] for mti in ("0800",)}
    return json.dumps(tree).encode()
