"""How much of the heap does the terminal take, and how small may the heap be?

    make heap

Two figures, both on the virtual board. *Live*: what the application keeps of an ESP32's heap at
its peak, while it sells and a sync runs over TLS; counted for 32 bits as census.py says, without
what the bare board takes. *Smallest*: the smallest heap, in units of 1024 words, on which the
firmware provisions, sells, reverses and sells on while it syncs: as a ROMFS image, which must do
with an ESP32's, and as source that the board compiles. On 64 bits words take twice the room and
bytes do not, so that figure says less. Neither was tried on an ESP32.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from boards import boardfile, firmware
from boards.virtual.board import BoardError, VirtualBoard
from boards.virtual.shop import Shop, card
from tests.bench import census
from tests.bench.census import Census

LIVE_BAR = 110 * 1024
"""Bytes of the heap that the application may keep at its peak."""
DRIVERS_BAR = 18 * 1024
"""Bytes more that the drivers of a board may take."""
SMALLEST_BAR = 110
"""Units of 1024 words in which all must work."""
_BOARD = 160
_LARGEST = 260
_SMALLEST = 40
_STEP = 5
_EVERY_S = 0.02
_BOARDS = firmware.REPOSITORY / "boards"
_CHIP = firmware.REPOSITORY / "tests" / "boards" / "device"
_PLAYED = """\
import asyncio, sys
sys.path.insert(0, "/rom")
sys.path.insert(0, "/chip")
for name in ("machine", "esp32", "network"):
    sys.modules.pop(name, None)
import machine, esp32, network
asyncio.Event
"""


def bare(folder: Path) -> Census:
    """A board on which nothing runs: what it has built in, as modules of Python here."""
    with VirtualBoard(folder / "bare") as board:
        (board.fs / "main.py").write_text("import machine, esp32, network\nprint('UP')\n")
        board.power_on()
        board.wait_serial("UP")
        return census.take(census.chip(board.fs))


def drivers(folder: Path, name: str) -> int:
    """Bytes that a board's own board.py takes with its drivers, for 32 bits: screen, keys, reader
    and printer on a chip that is played (tests/boards/device)."""
    found = []
    for number, code in enumerate(("", "import board\np = board.Panel()\np.show(['CNY 1.00'])\n")):
        with VirtualBoard(folder / f"{name}-{number}") as board:
            program = firmware.contents() | firmware.with_drivers(_BOARDS / name / "board.py")
            board.rom.write_bytes(firmware.romfs(program))
            shutil.copytree(_CHIP, board.fs / "chip", ignore=shutil.ignore_patterns("__pycache__"))
            (board.fs / "main.py").write_text(_PLAYED + code + "print('UP')\n")
            board.power_on()
            board.wait_serial("UP")
            found.append(census.take(census.chip(board.fs)).live32)
    return found[1] - found[0]


@contextlib.contextmanager
def watched(shop: Shop) -> Iterator[list[Census]]:
    """Counts now and again while the body runs."""
    found: list[Census] = []
    process = census.chip(shop.board.fs)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY_S):
            found.append(census.take(process))

    watcher = threading.Thread(target=watch, name="census")
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def sync_while(shop: Shop, sell: Callable[[], str]) -> tuple[int, list[str]]:
    """A sync over TLS, and sales until it has ended: its exit code, and how they ended."""
    sync = subprocess.Popen(
        [
            *(sys.executable, "-m", "companion", "sync", "--json"),
            *("--port", f"tls://127.0.0.1:{shop.sync_port}", "--store", str(shop.store)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ends = []
    while sync.poll() is None:
        ends.append(sell())
    return sync.returncode, ends


def peak(shop: Shop) -> Census:
    """The fullest heap of a provisioned shop that sells, and sells on while it syncs."""
    shop.board.power_cycle()  # what provisioning needed is gone
    shop.board.wait_screen(lambda lines: bool(lines) and lines[-1] == "READY")
    with watched(shop) as found:
        ends = [shop.sell(100 + number, card(number)) for number in range(8)]
        code, more = sync_while(shop, lambda: shop.sell(300 + len(found), card(1)))
    if code or set(ends + more) != {"APPROVED"}:
        raise BoardError(f"sync: exit {code}; sales: {ends + more}")
    return max(found, key=lambda one: one.live32)


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
            code, more = sync_while(shop, lambda: shop.sell(220 + len(approved), card(1)))
        except (BoardError, RuntimeError, subprocess.TimeoutExpired):
            return False
    return set(approved + more) == {"APPROVED"} and reversed_one == "NOT CHARGED" and not code


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


def live() -> int:
    """Bytes that the application keeps at its peak, told."""
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        without = bare(Path(folder))
        with Shop(Path(folder)) as shop:
            shop.provision()
            most = peak(shop)
    kept = most.live32 - without.live32
    print(f"live at the peak, for 32 bits: {kept} bytes of {LIVE_BAR}")
    print(f"  as it is on 64 bits: {most.live - without.live}; the board itself: {without.live32}")
    for name in boardfile.names():
        with tempfile.TemporaryDirectory(prefix="pz-") as folder:
            print(f"  more for the drivers of {name}: {drivers(Path(folder), name)}")
    return kept


def main() -> int:
    """Both figures, and both kinds of installation."""
    kept = live()
    print("in ROMFS:")
    enough = smallest(source=False)
    print(f"smallest heap that works: {enough} k words of {_BOARD}")
    print("as source:")
    print(f"smallest heap that works: {smallest(source=True)} k words")
    return 0 if kept <= LIVE_BAR and 0 < enough <= SMALLEST_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
