"""esp32 of a board with the data partitions of the firmware, small."""

from nor import Nor

_BLOCKS = {"journal": 16, "vault": 6, "log": 4}


class Partition(Nor):
    TYPE_APP, TYPE_DATA = 0, 1
    _all: dict = {}

    def __init__(self, label):
        super().__init__(_BLOCKS[label])
        self.label = label

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None):
        if type != Partition.TYPE_DATA or label not in _BLOCKS:
            return []
        if label not in Partition._all:
            Partition._all[label] = Partition(label)
        return [Partition._all[label]]
