"""Images that no power cut leaves: sectors lost or in the wrong place, rotten bits, garbage.

What may be missing afterwards is found by a parser of its own, that shares nothing with the
firmware's.
"""

from __future__ import annotations

import itertools
import random
import struct

from terminal.journal import JournalFault, JournalFull
from tests.journal.campaign.cuts import WORKLOADS
from tests.journal.campaign.family import Family, known
from tests.journal.nor import SECTOR
from tests.journal.world import MOUNT_LIMIT, SLOTS, Terminal, demand

DAMAGED = ("HEAD_LOST", "SECTOR_LOST")
SLOT = 128


def records_at(image: bytes | bytearray, start: int, end: int) -> set[int]:
    """The numbers of the records with a slot, or a part of one, in these bytes."""
    found = set()
    for slot in range(start // SLOT, (end + SLOT - 1) // SLOT):
        kind, seq = image[slot * SLOT + 4], struct.unpack_from("<I", image, slot * SLOT + 8)[0]
        if slot % (SECTOR // SLOT) and kind in (ord("R"), ord("C")):
            found.add(seq)
    return found


def passed_over(terminal: Terminal, damaged: set[int]) -> tuple[frozenset[int], int]:
    """The numbers that may read None, and how many of them may be new ones.

    When the newest records may be among those lost, numbers that may have been in use are passed
    over: at most a ring full.
    """
    following = terminal.oracle.next_seq
    gap = SLOTS * (terminal.nor.sectors + 1)
    return frozenset(damaged).union(range(following, following + gap)), gap


class SectorDamage(Family):
    name = "sector"
    words = (
        "At every operation of two workloads: every single sector blanked, zeroed, noise, without"
        " header, without slots, or as it was a lap ago; every two of them swapped or zeroed;"
        " every one replaced by a copy of another. It costs only what was in them"
    )
    ids = "<workload>/<operation>/<damage>/<sector>[/<other sector>]"
    write_once = False
    exhaustive = True
    share = 3
    workloads = 2
    singles = ("blanked", "zeroed", "noise", "headless", "slotless", "stale")
    doubles = ("swapped", "zeroed")

    def _damages(self, sectors: int) -> list[str]:
        return [
            *(f"{what}/{s}" for what in self.singles for s in range(sectors)),
            *(
                f"{what}/{a}/{b}"
                for what in self.doubles
                for a, b in itertools.combinations(range(sectors), 2)
            ),
            *(f"copied/{a}/{b}" for a, b in itertools.permutations(range(sectors), 2)),
        ]

    def size(self) -> int:
        return sum(
            len(self.workload(n)) * len(self._damages(self.workload(n).sectors))
            for n in range(self.workloads)
        )

    def case(self, index: int) -> str:
        number = 0
        while True:
            workload = self.workload(number)
            damages = self._damages(workload.sectors)
            if index < len(workload) * len(damages):
                break
            index -= len(workload) * len(damages)
            number += 1
        moment, damage = divmod(index, len(damages))
        return f"{workload.name}/{moment}/{damages[damage]}"

    def run(self, case: str) -> int:
        workload, moment, what, *names = case.split("/")
        seed = f"{self.name}/{case}"
        terminal, _ = self.after(workload, moment, seed)
        data = terminal.nor.data
        old = bytes(data)
        changed = self._content(seed, what, names, old, workload, int(moment))
        for sector, content in changed:
            data[sector * SECTOR : (sector + 1) * SECTOR] = content
            self.tell(f"sector {sector} is {what}")
        if data == old:
            return 0
        if len(changed) == 2 and not self._proved(old, [sector for sector, _ in changed]):
            # Then the numbers in them may be given out again; see README.md.
            oracle = terminal.oracle
            lost = set()
            for sector, _ in changed:
                lost |= records_at(old, sector * SECTOR, (sector + 1) * SECTOR)
            oracle.next_seq = max(records_at(old, 0, len(old)) - lost, default=0) + 1
            oracle.pending = None
        damaged = set()
        for at in range(0, len(old), SLOT):
            if data[at : at + SLOT] != old[at : at + SLOT]:
                damaged |= records_at(old, at, at + SLOT)
        survive(terminal, damaged)
        return 1

    @staticmethod
    def _proved(image: bytes, lost: list[int]) -> bool:
        """Whether a header of a later sector is left that proves that the lost ones were used.

        The journal promises that for any one sector, not for two.
        """
        epochs = {
            at // SECTOR: struct.unpack_from("<I", image, at)[0]
            for at in range(0, len(image), SECTOR)
            if image[at + 24 : at + 28] == b"PZJ1"
        }
        used = [s for s in lost if records_at(image, s * SECTOR, (s + 1) * SECTOR)]
        if not used:
            return True
        last = max(epochs.get(sector, 0) for sector in used)
        return any(epoch > last for s, epoch in epochs.items() if s not in lost)

    def _content(
        self, seed: str, what: str, names: list[str], old: bytes, workload: str, moment: int
    ) -> list[tuple[int, bytes]]:
        sectors = [known(int(name), range(len(old) // SECTOR)) for name in names]
        were = [old[s * SECTOR : (s + 1) * SECTOR] for s in sectors]
        if what == "swapped":
            return [(sectors[0], were[1]), (sectors[1], were[0])]
        if what == "copied":
            return [(sectors[1], were[0])]
        if what == "stale":
            return [(s, self.trace(workload).before_erase(moment, s)) for s in sectors]
        noise = random.Random(seed).randbytes(SECTOR)
        new = {
            "blanked": (b"\xff" * SECTOR, 0),
            "zeroed": (bytes(SECTOR), 0),
            "noise": (noise, 0),
            "headless": (noise[:SLOT], 0),
            "slotless": (noise[SLOT:], SLOT),
        }
        content, at = new[known(what, new)]
        return [
            (s, was[:at] + content + was[at + len(content) :])
            for s, was in zip(sectors, were, strict=True)
        ]


class BitRot(Family):
    name = "rot"
    words = (
        "Any single bit flips at rest, at any operation of a workload; only the record it was in"
        " may read as damaged. The newest is left out: damaged, it looks like one in flight"
    )
    ids = "<workload>/<operation>/<byte>.<bit>"
    write_once = False
    exhaustive = False
    share = 2

    def case(self, index: int) -> str:
        rng = self.rng(index)
        workload = self.workload(rng.randrange(WORKLOADS))
        at = rng.randrange(workload.sectors) * SECTOR
        at += rng.randrange(32) if rng.random() < 0.2 else rng.randrange(SECTOR)
        return f"{workload.name}/{rng.randrange(len(workload))}/{at}.{rng.randrange(8)}"

    def run(self, case: str) -> int:
        workload, moment, place = case.split("/")
        at, bit = (int(part) for part in place.split("."))
        terminal, _ = self.after(workload, moment, f"{self.name}/{case}")
        data = terminal.nor.data
        known(at, range(len(data)))
        damaged = records_at(data, at, at + 1)
        if newest_in(terminal, damaged):
            # Another bit, the same one in every run: the first after it that does not belong.
            while newest_in(terminal, records_at(data, at, at + 1)):
                at = (at + SLOT) % len(data)
            damaged = records_at(data, at, at + 1)
        data[at] ^= 1 << bit
        self.tell(f"bit {bit} of byte {at % SECTOR} of sector {at // SECTOR} FLIPS")
        survive(terminal, damaged)
        return 1


class Image(Family):
    name = "image"
    words = (
        "Images at random: noise, noise under good headers, slots taken from anywhere, sectors of"
        " several moments or of another terminal; a mount ends, nothing that was never written is"
        " served, and what is appended afterwards is kept"
    )
    ids = "<seed>.<number>"
    write_once = False
    exhaustive = False
    share = 2
    kinds = ("noise", "slots", "shuffled", "moments", "foreign", "bits")

    def case(self, index: int) -> str:
        return f"{self.seed}.{index}"

    def run(self, case: str) -> int:
        seed = f"{self.name}/{case}"
        rng = random.Random(seed)
        workload = self.trace(f"{case.partition('.')[0]}.{rng.randrange(WORKLOADS)}")
        terminal, _ = self.after(workload.name, rng.randrange(len(workload)), seed)
        kind = rng.choice(self.kinds)
        self.tell(f"the image is made of {kind}")
        self._spoil(terminal, kind, rng)
        written = workload.payloads()
        if kind == "foreign":
            for number in range(WORKLOADS):
                other = self.trace(f"{case.partition('.')[0]}.{number}").payloads()
                for seq, payloads in other.items():
                    written.setdefault(seq, set()).update(payloads)
        self._check(terminal, written, kind)
        return 1

    def _spoil(self, terminal: Terminal, kind: str, rng: random.Random) -> None:
        data = terminal.nor.data
        sectors = terminal.nor.sectors
        if kind == "noise":
            data[:] = rng.randbytes(len(data))
        elif kind == "bits":
            for _ in range(rng.choice((2, 20, 200, 2000))):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind in ("slots", "shuffled"):
            old = bytes(data)
            share = rng.random()
            for at in range(0, len(data), SLOT):
                if at % SECTOR and rng.random() < share:
                    other = rng.randrange(len(data) // SLOT) * SLOT
                    moved = old[other : other + SLOT]
                    data[at : at + SLOT] = moved if kind == "shuffled" else rng.randbytes(SLOT)
        else:
            for sector in range(sectors):
                number = rng.randrange(WORKLOADS) if kind == "foreign" else None
                image = self._other(terminal, number, rng)
                at = rng.randrange(len(image) // SECTOR) if kind == "foreign" else sector
                data[sector * SECTOR : (sector + 1) * SECTOR] = image[
                    at * SECTOR : (at + 1) * SECTOR
                ]

    def _other(self, terminal: Terminal, number: int | None, rng: random.Random) -> bytearray:
        if number is None:
            number = terminal.nor.sectors - 4
        workload = self.workload(number)
        return workload.moment(rng.randrange(len(workload)), "").nor.data

    def _check(self, terminal: Terminal, written: dict[int, set[bytes]], kind: str) -> None:
        report = terminal.mount()
        journal, nor = terminal.journal, terminal.nor
        kept = self._served(terminal, written)
        # Where good slots of a sector have changed places, or a sector is of another terminal,
        # numbers go backwards in the log, and nothing else is promised.
        if report["read_only"] or kind in ("shuffled", "foreign"):
            return
        appended = {}
        nor.limit = nor.operations + MOUNT_LIMIT * nor.sectors * 4
        try:
            for _ in range(4):
                payload = terminal.payload()
                appended[journal.append(payload)] = payload
            journal.release(min(journal.next_seq, journal.first_seq + 5))
            while journal.idle():
                pass
        except (JournalFull, JournalFault):
            pass
        nor.limit = 0
        again = terminal.mount()
        # Bits flipped by the hundred may spoil the four slots that a restart tries.
        spoilt = kind == "bits" and again["alarm"] == "CANNOT_AFFIRM"
        demand(
            not again["read_only"] or spoilt, "stopped", f"it was writable, now {again['alarm']}"
        )
        for seq, payload in {**kept, **appended}.items():
            if seq >= terminal.journal.first_seq and seq >= terminal.journal.released:
                seen = terminal.journal.read(seq)
                demand(seen == payload, "lost", f"record {seq} reads {seen!r} after a restart")
        demand(
            all(seq < terminal.journal.next_seq for seq in appended), "number", "numbers went back"
        )

    def _served(self, terminal: Terminal, written: dict[int, set[bytes]]) -> dict[int, bytes]:
        journal, nor = terminal.journal, terminal.nor
        numbers = journal.next_seq - journal.first_seq + 1
        # A number that is nowhere costs a search through all the slots.
        nor.limit = nor.operations + numbers * 3 * SLOTS * nor.sectors
        kept = {}
        for seq, payload in journal.scan(1):
            if payload is not None:
                demand(payload in written.get(seq, ()), "invented", f"record {seq}: {payload!r}")
                kept[seq] = payload
        nor.limit = 0
        return kept


def newest_in(terminal: Terminal, numbers: set[int]) -> bool:
    """Whether the newest record, or the one in flight, is among these."""
    return bool(numbers & {terminal.oracle.next_seq - 1, terminal.oracle.next_seq})


def survive(terminal: Terminal, damaged: set[int]) -> None:
    """Two restarts, work, one more: only what was damaged may be missing, now and later."""
    missing, gap = passed_over(terminal, damaged)
    terminal.boot(missing, gap=gap, alarms=DAMAGED)
    rows = terminal.rows
    following = terminal.oracle.next_seq
    terminal.boot(missing, gap=gap, alarms=DAMAGED)
    demand(
        terminal.oracle.next_seq == following,
        "number",
        f"numbers are passed over at each restart: {rows}, {terminal.rows}",
    )
    for _ in range(3):
        try:
            terminal.append()
        except JournalFull:
            terminal.release_below(terminal.oracle.next_seq)
            terminal.idle()
            terminal.append()
    terminal.idle()
    terminal.boot(missing, gap=gap, alarms=DAMAGED)
