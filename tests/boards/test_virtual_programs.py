"""The two programs a person starts: the board and its panel, on a terminal of 80 columns."""

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from boards.virtual.board import TIMEOUT, BoardError, VirtualBoard
from boards.virtual.panel import draw
from tests.boards.conftest import Boot


def refused(*arguments: object) -> str:
    """What a program says that ends with an error at once."""
    done = subprocess.run(
        [sys.executable, "-m", *[str(item) for item in arguments]],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return done.stderr


class Panel:
    """The panel program on a pty of its own."""

    def __init__(self, port: int) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "boards.virtual.panel", "--port", str(port)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def output(self) -> str:
        """All of it, to the end of the program."""
        shown = b""
        while True:
            try:
                shown += os.read(self.master, 4096)
            except OSError:  # EIO: the program and its pty are gone
                os.close(self.master)
                self.process.wait(30)
                return shown.decode()


def test_a_board_on_the_flash_of_a_running_one_is_refused(board: VirtualBoard) -> None:
    with pytest.raises(BoardError, match="another board runs there"):
        VirtualBoard(board.directory)
    said = refused("boards.virtual.run", "--dir", board.directory, "--keep")
    assert said == f"virtual board: {board.directory}: another board runs there\n"
    board.close()
    VirtualBoard(board.directory, flash={"journal": 16 * 1024}).close()


def test_a_panel_port_in_use_is_one_line_and_the_board_can_start_later(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("boards.virtual.run", "--dir", tmp_path, "--panel-port", port)
    assert said == f"virtual board: panel port {port}: Address already in use\n"
    VirtualBoard(tmp_path).close()


@pytest.mark.parametrize(
    "arguments",
    [("run", "--dir", "x", "--panel-port", "99999"), ("panel", "--port", "-1")],
    ids=["board", "panel"],
)
def test_a_port_that_is_none_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    program, *options = arguments
    assert "invalid tcp_port value" in refused(f"boards.virtual.{program}", *options)
    assert not Path("x").exists()


def test_the_panel_fits_into_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    draw({"screen": ["x" * 21] * 8}, sys.stdout)
    lines = capsys.readouterr().out.replace("\x1b[K", "").split("\r\n")
    assert len(lines) == 12
    assert all(len(line) <= 80 for line in lines[1:])
    draw({"screen": ["请输入金额", "￥0.01"]}, sys.stdout)
    lines = capsys.readouterr().out.replace("\x1b[K", "").split("\r\n")
    assert lines[1:4] == [f"|请输入金额{' ' * 11}|", f"|￥0.01{' ' * 15}|", f"|{' ' * 21}|"]


def test_a_panel_says_so_when_its_board_goes_off(boot: Boot) -> None:
    board = boot("")
    panel = Panel(board.panel_port)
    while b"leave" not in os.read(panel.master, 4096):
        pass
    board.close()
    assert f"panel: 127.0.0.1:{board.panel_port}: the board is off" in panel.output()
    assert panel.process.returncode == 1


def test_a_panel_on_the_port_of_something_else_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        panel = Panel(other.getsockname()[1])
        peer, _ = other.accept()
        with peer:
            peer.sendall(b"220 mail.example ESMTP\r\n")
            shown = panel.output()
    assert "what answers there is no virtual board" in shown
    assert "Traceback" not in shown
