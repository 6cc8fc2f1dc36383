"""Copies the firmware into a board's file system, flat as it is on a device."""

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_FOLDERS = {"firmware/terminal": "terminal", "firmware/drivers": "drivers", "protocol": "protocol"}
_FILES = {"firmware/boot.py": "boot.py", "firmware/main.py": "main.py"}


def _goes_on_device(file: Path) -> bool:
    if "vectors" in file.parts or "__pycache__" in file.parts:
        return False
    return file.suffix == ".py" or (file.suffix == ".json" and "profiles" in file.parts)


def install(root: Path) -> None:
    """Replace the firmware in ``root``; other files there stay. What is not written yet is left
    out. boards/virtual/device needs no copy: it is mounted, like the modules built into a chip."""
    for source, target in _FOLDERS.items():
        shutil.rmtree(root / target, ignore_errors=True)
        for file in sorted((REPOSITORY / source).rglob("*")):
            if _goes_on_device(file.relative_to(REPOSITORY)):
                copy = root / target / file.relative_to(REPOSITORY / source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    for source, target in _FILES.items():
        if (REPOSITORY / source).exists():
            shutil.copyfile(REPOSITORY / source, root / target)
