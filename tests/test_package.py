"""What `mpremote mip install` puts on a board is what the firmware needs, no more and no less."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent


def device_files() -> dict[str, str]:
    """Every file of the firmware: its place on the board and its place in the repository."""
    files = {}
    for source in (ROOT / "protocol").rglob("*"):
        if source.suffix == ".py" or source.parent.name == "profiles":
            files[str(source.relative_to(ROOT))] = str(source.relative_to(ROOT))
    for source in (ROOT / "firmware").rglob("*.py"):
        if source.name == "manifest.py":
            continue  # for builders of images, not for a board
        files[str(source.relative_to(ROOT / "firmware"))] = str(source.relative_to(ROOT))
    files["fonts/terminal.font"] = "firmware/fonts/terminal.font"
    files["drivers/gb2312.bin"] = "firmware/drivers/gb2312.bin"
    return files


def test_package_json_lists_every_device_file() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    assert dict(package["urls"]) == device_files()


def test_the_manifest_freezes_every_device_module() -> None:
    frozen: set[str] = set()
    base = ROOT / "firmware"

    def package(name: str, base_path: str = ".") -> None:
        folder = (base / base_path / name).resolve()
        frozen.update(f"{name}/{file.relative_to(folder)}" for file in folder.rglob("*.py"))

    def module(name: str) -> None:
        assert (base / name).exists()
        frozen.add(name)

    names = {"metadata": lambda **_: None, "package": package, "module": module}
    exec((base / "manifest.py").read_text(), names)
    assert frozen == {name for name in device_files() if name.endswith(".py")}


def test_versions_agree() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    version = package["version"]
    terminal = (ROOT / "firmware/terminal/__init__.py").read_text()
    assert f'FIRMWARE = "{version}"' in terminal
    assert f'MARK = "pingzhang firmware {version}"' in terminal
    assert f'version="{version}"' in (ROOT / "firmware/manifest.py").read_text()
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
