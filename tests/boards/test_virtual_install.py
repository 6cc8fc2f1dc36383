"""What a board holds after install, and that main.py finds it there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from boards import bundle, firmware
from boards.virtual.board import VirtualBoard
from boards.virtual.shop import Shop
from tests.boards.test_virtual_power import held
from tests.hil.virtual import VirtualRig
from tests.test_package import device_files


def _files(root: Path) -> set[str]:
    return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}


def test_as_source_the_firmware_lies_flat_in_the_file_system(tmp_path: Path) -> None:
    root = tmp_path / "fs"
    root.mkdir()
    firmware.install(root, tmp_path / "rom", source=True)
    assert _files(root) == set(device_files())
    assert not (tmp_path / "rom").exists()


def test_in_romfs_only_the_start_is_left_in_the_file_system(tmp_path: Path) -> None:
    root = tmp_path / "fs"
    root.mkdir()
    firmware.install(root, tmp_path / "rom")
    assert _files(root) == {"boot.py", "main.py"}


def test_the_image_is_the_same_every_time() -> None:
    assert firmware.image() == firmware.image()


def test_a_second_install_removes_what_the_firmware_no_longer_has(tmp_path: Path) -> None:
    root = tmp_path / "fs"
    (root / "terminal").mkdir(parents=True)
    (root / "terminal" / "gone.py").write_text("")
    (root / "mine.txt").write_text("stays")
    firmware.install(root, tmp_path / "rom", source=True)
    assert not (root / "terminal" / "gone.py").exists()
    firmware.install(root, tmp_path / "rom")
    assert _files(root) == {"boot.py", "main.py", "mine.txt"}


_WALK = """
import os
def walk(folder):
    for name, kind, *_ in os.ilistdir(folder):
        if kind == 0x4000:
            walk(folder + "/" + name)
        else:
            print("HAS", (folder + "/" + name)[5:])
walk("/rom")
print("ALL")
"""


def test_the_device_mounts_the_image_with_every_module_in_it(board: VirtualBoard) -> None:
    board.install()
    (board.fs / "main.py").write_text(_WALK)
    board.power_on()
    shown = board.wait_serial("ALL")
    there = {line[4:] for line in shown.splitlines() if line.startswith("HAS ")}
    elsewhere = {name.replace(".", "/") + ".py" for name in bundle.ELSEWHERE}
    wanted = {name.replace(".py", ".mpy") for name in set(device_files()) - elsewhere}
    wanted -= {"boot.mpy", "main.mpy", "drivers/__init__.mpy", "protocol/__init__.mpy"}
    assert there == wanted | {f"{bundle.NAME}.mpy"}


@pytest.mark.parametrize(
    ("source", "place"), [(True, "protocol/frame.py"), (False, "/rom/protocol/frame.mpy")]
)
def test_the_device_sees_its_own_root_and_not_the_hosts(
    board: VirtualBoard, source: bool, place: str
) -> None:
    board.install(source)
    (board.fs / "main.py").write_text(
        "import os\nfrom protocol import frame\n"
        "print(sorted(os.listdir('/')), frame.__file__)\n"
        "try:\n    os.stat('/etc')\nexcept OSError:\n    print('NO ETC')\n"
    )
    board.power_on()
    tail = board.wait_serial("NO ETC")
    assert "'boot.py'" in tail and "'main.py'" in tail
    assert place in tail


def test_a_board_whose_romfs_partition_is_empty_starts(board: VirtualBoard) -> None:
    board.rom.write_bytes(b"")
    (board.fs / "main.py").write_text("import os\nprint(os.listdir('/'), 'END')\n")
    board.power_on()
    assert "rom" not in board.wait_serial("END")


@pytest.mark.parametrize("made", [Shop, VirtualRig])
def test_a_firmware_that_cannot_be_built_leaves_nothing_running(
    made: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def image() -> bytes:
        raise SystemExit("terminal/app.py: invalid syntax")

    monkeypatch.setattr(firmware, "image", image)
    before = held()
    with pytest.raises(SystemExit):
        made(tmp_path)
    assert held() == before
