"""What a terminal that has its key may put into the store: sealed records that say anything."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from companion.cli import recordview
from companion.store import Store, records, terminals
from companion.store.verify import Damage, verify
from protocol import seal
from tests.companion.sealed import Device
from tests.fuzz.decoders import records as golden
from tests.fuzz.mutation import bent
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random

_Found = tuple[int, list[records.Stored], list[Damage]]


class Journal(Target):
    """A sync into a new store: each record behind its length in two bytes, 0 for a damaged one."""

    name = "journal"
    refusals = ()
    memory = (4 << 20, 500)
    steps = (1 << 20, 500)

    def __init__(self) -> None:
        self.seeds = golden()
        device = Device()
        key = device.config["seal_key"]
        assert isinstance(key, bytes)
        self.key = key
        self.first = seal.first(key, device.device_id)

    def make(self, dice: Random) -> bytes:
        out = b""
        before = self.first
        for _ in range(1 + dice.below(8)):
            data = pick(dice, self.seeds)
            if dice.below(4):
                data = bent(dice, data, pick(dice, self.seeds))[:452] or b"\0"
            before = seal.seal(self.key, before, data) if dice.below(16) else dice.bytes(8)
            payload = data + before if dice.below(16) else b""
            out += len(payload).to_bytes(2, "big") + payload
        return out

    def read(self, data: bytes) -> _Found:
        device = Device()
        at = 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            device.payloads.append(data[at + 2 : end] or None)
            at = end
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(Path(folder) / "store", create=True) as store,
        ):
            device.offer(store)
            device.sync(store, frame=3)
            with store.read() as connection:
                terminal = terminals.find(connection, device.device_id)
                assert terminal is not None and terminal.next_seq == len(device.payloads) + 1
                stored = list(records.scan(connection, device.device_id))
                _, damages = verify(connection, terminal)
        given = [(seq, one) for seq, one in enumerate(device.payloads, 1) if one is not None]
        assert [(item.seq, item.payload) for item in stored] == given, "not what came"
        return len(device.payloads), stored, damages

    def check(self, data: bytes, found: _Found) -> bytes:
        count, stored, damages = found
        odd = [item for item in stored if item.content is None or item.seal_ok is False]
        assert bool(damages) == bool(odd or len(stored) < count), "damage and verdict differ"
        for item in stored:
            text = recordview.kind(item.content) + recordview.fields(item.content)
            assert text.isprintable(), "a word that acts on the screen"
            json.dumps(recordview.document(item.seq, item.content, item.payload))
        return f"{count} {len(odd)} {len(damages)}".encode()
