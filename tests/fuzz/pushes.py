"""What a companion pushes: changes of the configuration, and verdicts."""

from protocol import cbor, config, record
from terminal import cases
from tests.fuzz.decoders import configs
from tests.fuzz.mutation import bend, bent, encoded, leaf
from tests.fuzz.target import Target
from tests.shared.expect import Random

# Who the terminal is, and the key that only provisioning knows.
_KEPT = ("device_id", "terminal_no", "merchant_no", "tmk")


class Push(Target):
    """The data of a push, authentic or not: the first byte says of which kind."""

    name = "push"
    refusals = (ValueError,)
    memory = (32768, 80)
    steps = (20000, 80)

    def __init__(self) -> None:
        self.there = configs()[0]
        self.fields = sorted(config.decode(self.there).items())

    def make(self, dice: Random) -> bytes:
        kind = dice.below(2)
        value = self._verdicts(dice) if kind else self._changes(dice)
        data = encoded(value, b"")
        return bytes([kind]) + (bent(dice, data) if dice.below(2) else data)

    def _changes(self, dice: Random) -> list:
        changes: list = []
        for _ in range(1 + dice.below(3)):
            name, value = self.fields[dice.below(len(self.fields))]
            what = dice.below(4)
            changes.append([name, bend(dice, value) if what == 0 else value])
            if what == 1:
                changes[-1][1] = leaf(dice)
        return changes

    def _verdicts(self, dice: Random) -> list:
        rows: list = []
        for number in range(dice.below(record.MAX_VERDICTS + 2)):
            row = [7, number, 1 + dice.below(5), "by hand"]
            rows.append(bend(dice, row) if not dice.below(4) else row)
        return rows

    def read(self, data: bytes) -> object:
        if data[0] & 1:
            return cases.decode(data[1:])
        return config.merged(self.there, data[1:])

    def check(self, data: bytes, found) -> bytes:  # type: ignore[no-untyped-def]
        if isinstance(found, list):
            assert 0 < len(found) <= record.MAX_VERDICTS
            return cbor.dumps([list(row) for row in found])
        old = config.decode(self.there)
        new = config.decode(found)
        for name in _KEPT:
            assert new[name] == old[name], "another terminal"
        return bytes(found)
