"""How small may the heap be? Sales, a reversal and a sync on ever smaller boards.

    make heap

Prints the smallest heap, in units of 1024 words, on which the firmware provisions, sells, reverses
and sells on while it syncs: as a ROMFS image, which must do with an ESP32's, and as source that
the board compiles. It runs on 64 bits, where pointers take twice the room and bytes do not, so the
figure is an estimate for an ESP32 and was not tried on one.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from boards.virtual.board import BoardError
from boards.virtual.shop import Shop, card

_BOARD = 160
_LARGEST = 260
_SMALLEST = 40
_STEP = 5


def works(kilowords: int, source: bool) -> bool:
    """Whether the whole run passes on a heap of this size."""
    faults = [{"mti": "0200", "amount_minor": 555, "do": "drop_answer"}]
    with tempfile.TemporaryDirectory(prefix="pz-") as folder, contextlib.ExitStack() as stack:
        try:
            shop = stack.enter_context(
                Shop(Path(folder), faults, heap=f"{kilowords}wk", source=source)
            )
            shop.provision()
            approved = [shop.sell(100 + number, card(number)) for number in range(20)]
            reversed_one = shop.sell(555, card(3))
            sync = subprocess.Popen(
                [
                    *(sys.executable, "-m", "companion", "sync", "--json"),
                    *("--port", f"tls://127.0.0.1:{shop.sync_port}", "--store", str(shop.store)),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while sync.poll() is None:
                approved.append(shop.sell(200 + len(approved), card(1)))
        except (BoardError, RuntimeError, subprocess.TimeoutExpired):
            return False
    return set(approved) == {"APPROVED"} and reversed_one == "NOT CHARGED" and not sync.returncode


def smallest(source: bool) -> int:
    """Walk down to the first heap that is too small; k words, 0 for none."""
    enough = 0
    for kilowords in range(_LARGEST if source else _BOARD, _SMALLEST - 1, -_STEP):
        good = works(kilowords, source)
        print(f"{kilowords:4} k words: {'works' if good else 'too small'}", flush=True)
        if not good:
            break
        enough = kilowords
    return enough


def main() -> int:
    """Both kinds of installation."""
    print("in ROMFS:")
    enough = smallest(source=False)
    print(f"smallest heap that works: {enough} k words of {_BOARD}")
    print("as source:")
    print(f"smallest heap that works: {smallest(source=True)} k words")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
