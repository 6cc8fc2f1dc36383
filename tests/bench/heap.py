"""How much of the heap does the terminal take on each board, and how small may the heap be?

    make heap

Both on the virtual board. *Live*, board by board: what the whole application, with the board's
own board.py and drivers, keeps of an ESP32's heap at its peak, while it sells and a sync runs over
TLS; counted for 32 bits as census.py says, without what the virtual board takes for itself.
*Smallest*: the smallest heap, in units of 1024 words, on which the firmware provisions, sells,
reverses and sells on while it syncs: as a ROMFS image, which must do with an ESP32's, and as
source that the board compiles. On 64 bits words take twice the room and bytes do not, so that
figure says less. Neither was tried on an ESP32.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards import boardfile, firmware
from boards.names import bound_names
from boards.virtual.board import BoardError, VirtualBoard
from boards.virtual.shop import MERCHANT_NAME, WAIT, Shop, card
from tests.bench import census
from tests.bench.census import Census

LIVE_BAR = 110 * 1024
"""Bytes of the heap that the application may keep at its peak."""
SMALLEST_BAR = 110
"""Units of 1024 words in which all must work."""
NAMES_BAR = 1260
"""Names for which an ESP32 needs no seventh table; census.name_tables."""
PATIENT_MS = 30_000
"""For the host's answer: a chip that is counted stands still meanwhile."""
_RESPONSE_MS = 2000
_BOARD = 160
_LARGEST = 260
_SMALLEST = 80
_STEP = 5
_PLAYED = Path(__file__).resolve().parent / "device" / "played.py"
_DEVICE = firmware.REPOSITORY / "boards" / "virtual" / "device"
_BARE = "import machine, esp32, network, played\nprint('UP')\n"
_CRASHED = "Program error"
_SELLING = "import played\nplayed.start()\n"


@dataclass(frozen=True)
class Peak:
    """Bytes, on an ESP32; ``tables`` are those of all names, and part of ``kept``."""

    kept: int
    tables: int
    names: int
    counts: int


def _equip(board: VirtualBoard, name: str, main: str) -> None:
    """Make it that board, with this main.py."""
    program = firmware.contents() | firmware.with_drivers(boardfile.BOARDS / name / "board.py")
    board.rom.write_bytes(firmware.romfs(program))
    shutil.copyfile(_PLAYED, board.fs / _PLAYED.name)
    (board.fs / "main.py").write_text(main)


def bare(folder: Path, name: str) -> tuple[Census, set[str]]:
    """A board on which nothing runs: what a chip has built in, as modules of Python here; and the
    names in them that an ESP32 has in ROM, or that the application has no use for."""
    with VirtualBoard(folder / f"bare-{name}") as board:
        _equip(board, name, _BARE)
        board.power_on()
        board.wait_serial("UP")
        chip = census.chip(board.fs)
        count, names = census.take(chip), census.names(chip)
    own = "\n".join(
        [*firmware.texts().values(), (boardfile.BOARDS / name / "board.py").read_text()]
    )
    return count, names - set(re.findall(r"\w+", own))


def _built_in() -> set[str]:
    """The names that a port's own modules have, as they are played here: their classes, methods
    and constants."""
    found: set[str] = set()
    for file in [*(_DEVICE / f"{name}.py" for name in ("machine", "esp32", "network")), _PLAYED]:
        body = ast.parse(file.read_text()).body
        classes = [
            node for node in body if isinstance(node, ast.ClassDef) and node.name != "Front"
        ]
        found.update(*(bound_names(node.body) for node in classes))
        if file != _PLAYED:
            found |= bound_names(body)
    return {name for name in found if not name.startswith("_")}


@contextlib.contextmanager
def watched(shop: Shop, every_s: float) -> Iterator[list[Census]]:
    """Counts now and again while the body runs, the first at once."""
    process = census.chip(shop.board.fs)
    found = [census.take(process)]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
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


def peak(shop: Shop, name: str, sales: int, every_s: float) -> Peak:
    """The fullest heap of a shop, provisioned with ``PATIENT_MS``, that has this board: it makes
    so many sales, each to the end of its slip, and sells on while it syncs."""
    without, not_ours = bare(shop.directory, name)
    shop.board.power_off()
    _equip(shop.board, name, _SELLING)
    shop.board.power_on()  # what provisioning needed is gone
    shop.board.wait_screen(lambda lines: bool(lines) and lines[-1] == "READY", WAIT)

    def sell(number: int) -> str:
        paper = len(shop.board.printed)
        end = shop.sell(100 + number, card(number % 8))
        shop.board.wait_printed("", WAIT, paper)
        return end

    with watched(shop, every_s) as found:
        ends = [sell(number) for number in range(sales)]
        code, more = sync_while(shop, lambda: sell(len(found)))
    if code or set(ends + more) != {"APPROVED"}:
        raise BoardError(f"sync: exit {code}; sales: {ends + more}")
    names = len(census.names(census.chip(shop.board.fs)) - not_ours)
    most = max(count.live32 for count in found) - without.live32
    tables = census.name_tables(names)
    return Peak(most + tables, tables, names, len(found))


def _not_twice() -> Callable[[dict[str, Any]], bool]:
    """What a cut on the panel asks: once it has crashed, nobody waits on for a screen that cannot
    come any more."""
    begun: list[bool] = []

    def asks(output: dict[str, Any]) -> bool:
        screen = output.get("screen", ())
        if "NOT PROVISIONED" in screen:
            begun.append(True)
        if len(begun) > 1 or _CRASHED in screen:
            raise BoardError("the firmware crashed")
        return False

    return asks


def _provision(shop: Shop) -> None:
    """Not Shop's, which waits for the companion first, and that for an answer."""
    shop.board.wait_screen("NOT PROVISIONED", WAIT)
    process = shop.provisioning(_RESPONSE_MS)
    try:
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        process.communicate(timeout=WAIT)
    finally:
        process.kill()


def works(kilowords: int, source: bool) -> bool:
    """Whether the whole run passes on a heap of this size."""
    faults = [{"mti": "0200", "amount_minor": 555, "do": "drop_answer"}]
    with tempfile.TemporaryDirectory(prefix="pz-") as folder, contextlib.ExitStack() as stack:
        try:
            shop = stack.enter_context(
                Shop(Path(folder), faults, heap=f"{kilowords}wk", source=source)
            )
            shop.board.cut_on_panel(_not_twice())
            _provision(shop)
            approved = [shop.sell(100 + number, card(number)) for number in range(20)]
            reversed_one = shop.sell(555, card(3))
            code, more = sync_while(shop, lambda: shop.sell(220 + len(approved), card(1)))
        except (BoardError, RuntimeError, subprocess.TimeoutExpired):
            return False
    return set(approved + more) == {"APPROVED"} and reversed_one == "NOT CHARGED" and not code


def smallest(largest: int, works: Callable[[int], bool]) -> int:
    """The smallest heap of ``_STEP`` k words times a number that works, found by halves between
    ``_SMALLEST``, which does not, and ``largest``; 0 when that is too small."""
    if not works(largest):
        return 0
    low, high = _SMALLEST // _STEP, largest // _STEP
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle * _STEP):
            high = middle
        else:
            low = middle
    return high * _STEP


def _tried(source: bool) -> Callable[[int], bool]:
    def told(kilowords: int) -> bool:
        good = works(kilowords, source)
        print(f"{kilowords:4} k words: {'works' if good else 'too small'}", flush=True)
        return good

    return told


def live() -> int:
    """The most that the application keeps at its peak on any board, told."""
    found = []
    for name in boardfile.names():
        with tempfile.TemporaryDirectory(prefix="pz-") as folder, Shop(Path(folder)) as shop:
            shop.provision(PATIENT_MS)
            most = peak(shop, name, sales=12, every_s=0.002)
        print(
            f"{name}: {most.kept} bytes of {LIVE_BAR} at the peak, for 32 bits; "
            f"{most.tables} of them for {most.names} names; counted {most.counts} times",
            flush=True,
        )
        found.append(most.kept)
    return max(found)


def main() -> int:
    """Both figures, and both kinds of installation."""
    kept = live()
    print("in ROMFS:")
    enough = smallest(_BOARD, _tried(source=False))
    print(f"smallest heap that works: {enough} k words of {_BOARD}")
    print("as source:")
    print(f"smallest heap that works: {smallest(_LARGEST, _tried(source=True))} k words")
    return 0 if kept <= LIVE_BAR and 0 < enough <= SMALLEST_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
