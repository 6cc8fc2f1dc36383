"""What a board's file system holds after install, and that main.py finds it there."""

from pathlib import Path

from boards.virtual.board import VirtualBoard
from boards.virtual.install import REPOSITORY, install


def test_install_copies_the_firmware_flat_and_only_what_the_device_needs(tmp_path: Path) -> None:
    install(tmp_path)
    there = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert {"boot.py", "main.py", "protocol/frame.py", "terminal/engine.py"} <= there
    assert "protocol/iso8583/profiles/unionpay_pos.json" in there
    for file in there:
        assert file.endswith(".py") or file.startswith("protocol/iso8583/profiles/"), file
    assert (tmp_path / "main.py").read_bytes() == (
        REPOSITORY / "firmware" / "main.py"
    ).read_bytes()


def test_a_second_install_removes_what_the_firmware_no_longer_has(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "terminal" / "gone.py").write_text("")
    (tmp_path / "mine.txt").write_text("stays")
    install(tmp_path)
    assert not (tmp_path / "terminal" / "gone.py").exists()
    assert (tmp_path / "mine.txt").exists()


def test_the_device_sees_its_own_root_and_not_the_hosts(board: VirtualBoard) -> None:
    board.install()
    (board.fs / "main.py").write_text(
        "import os\nfrom protocol import frame\n"
        "print(sorted(os.listdir('/')), frame.__file__)\n"
        "try:\n    os.stat('/etc')\nexcept OSError:\n    print('NO ETC')\n"
    )
    board.power_on()
    tail = board.wait_serial("NO ETC")
    assert "'boot.py', 'main.py', 'protocol', 'terminal'" in tail
    assert "protocol/frame.py" in tail
