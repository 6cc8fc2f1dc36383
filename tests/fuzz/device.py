"""Run cases of one target under MicroPython: a line with number and CRC-32 of each outcome.

    micropython tests/fuzz/device.py NAME SEED COUNT

Run from the repository root with MICROPYPATH=.:firmware:.frozen. A case that is neither read nor
refused ends the run with its traceback.
"""

import gc
import sys
from binascii import crc32

from tests.fuzz.catalogue import build


def run(name: str, seed: int, count: int) -> None:
    target = build(name)
    for number in range(count):
        gc.collect()
        print(number, crc32(target.outcome(target.case(seed, number))) & 0xFFFFFFFF)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
