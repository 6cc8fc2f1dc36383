"""An update into the second slot: started when whole, undone when it does not come up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from boards import firmware
from boards.virtual import slots
from boards.virtual.board import FLASH, HEAP, VirtualBoard
from boards.virtual.flash import SECTOR, NorFlash
from boards.virtual.shop import WAIT
from terminal import FIRMWARE
from tests.flash import stockimage

SLOT = 768 * 1024
BETTER, WORSE = "0.8.0", "0.9.0"
PROFILE = b"unionpay_pos.json"


def image(version: str, romfs: bytes) -> bytes:
    """What MicroPython with this firmware frozen into it stands for here."""
    rom = romfs.replace(FIRMWARE.encode(), version.encode())
    return stockimage.image(0, [rom + bytes(-len(rom) % 4)])


class Terminal:
    """A provisioned terminal with two slots, and its companion."""

    def __init__(self, board: VirtualBoard, folder: Path) -> None:
        self.board = board
        self.store = folder / "store"
        self.folder = folder

    def companion(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "companion", *words, "--store", str(self.store)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def update(self, data: bytes, code: int = 0) -> str:
        file = self.folder / "update.bin"
        file.write_bytes(data)
        return self.companion("update", "--port", self.board.pty, str(file), code=code)

    def firmware(self) -> str:
        synced = json.loads(self.companion("sync", "--port", self.board.pty, "--json"))
        assert synced["broken_seals"] == [] and synced["gaps"] == 0
        return str(synced["firmware"])

    def restarted(self) -> None:
        """The restart that follows an update, when it was quiet, has come to its first screen."""
        self.board.press("CLEAR")  # does nothing there: what is shown from now on counts
        self.board.wait_screen("Enter amount")

    def entries(self) -> list[tuple[int, int]]:
        ota = self.board.flash["otadata"]
        return sorted(slots._entries(ota).values())


@pytest.fixture
def romfs() -> bytes:
    return firmware.image()


@pytest.fixture
def terminal(tmp_path: Path, romfs: bytes) -> Iterator[Terminal]:
    yield from running(tmp_path, romfs)


def running(tmp_path: Path, romfs: bytes, heap: str = HEAP) -> Iterator[Terminal]:
    """A terminal with two slots, this in the first one."""
    sizes = {**FLASH, "otadata": 2 * SECTOR, "ota_0": SLOT, "ota_1": SLOT}
    with VirtualBoard(tmp_path / "board", flash=sizes, heap=heap) as board:
        board.install()
        first = image(FIRMWARE, romfs)
        board.flash["ota_0"].load(first.ljust(SLOT, b"\xff"))
        board.power_on()
        board.wait_screen("NOT PROVISIONED")
        made = Terminal(board, tmp_path)
        made.companion("provision", "--port", board.pty, "--sync-port", "0")
        board.wait_screen("Enter amount")
        yield made


@pytest.mark.thorough
def test_a_good_image_runs_and_stays_and_a_bad_one_is_undone(
    terminal: Terminal, romfs: bytes
) -> None:
    board = terminal.board
    assert terminal.firmware() == FIRMWARE
    assert terminal.entries() == []
    assert "starts it when nobody" in terminal.update(image(BETTER, romfs))
    terminal.restarted()
    assert terminal.firmware() == BETTER
    assert terminal.entries() == [(2, slots.VALID)]
    board.power_cycle()
    board.wait_screen("Enter amount")
    assert terminal.firmware() == BETTER
    # It starts, and crashes when it looks for its profile: a reset, and the bootloader goes back.
    worse = image(WORSE, romfs.replace(PROFILE, b"unionpay_pox.json"))
    terminal.update(worse)
    terminal.restarted()
    assert terminal.firmware() == BETTER
    assert terminal.entries() == [(2, slots.VALID), (3, slots.ABORTED)]
    noted = terminal.companion("journal", "list")
    assert "UPDATED" in noted and BETTER in noted and WORSE in noted
    told = terminal.companion("update", "--port", board.pty, str(terminal.folder / "no"), code=2)
    assert "does not exist" in told


@pytest.mark.thorough
def test_an_image_that_does_not_even_begin_is_undone_by_the_next_start(
    terminal: Terminal, romfs: bytes
) -> None:
    board = terminal.board
    worse = image(WORSE, romfs.replace(b"start.mpy", b"stark.mpy"))
    board.clear_serial_tail()
    terminal.update(worse)
    board.wait_serial("ImportError")  # the REPL has it now
    board.power_cycle()
    board.wait_screen("Enter amount")
    assert terminal.firmware() == FIRMWARE


@pytest.mark.thorough
def test_a_power_cut_on_the_way_leaves_the_old_one_and_the_next_try_goes_through(
    terminal: Terminal, romfs: bytes
) -> None:
    board = terminal.board
    better = image(BETTER, romfs)
    board.cut_at_program(60, "torn", partition="ota_1", seed=4)
    terminal.update(better, code=2)
    board.wait_cut()
    board.power_on()
    board.wait_screen("Enter amount")
    assert terminal.firmware() == FIRMWARE
    terminal.update(better)
    terminal.restarted()
    assert terminal.firmware() == BETTER


@pytest.mark.thorough
def test_what_is_no_update_is_refused(terminal: Terminal, romfs: bytes) -> None:
    assert f"not newer than {FIRMWARE}" in terminal.update(image(FIRMWARE, romfs), code=2)
    other = bytearray(image(BETTER, romfs))
    other[12] = 9
    assert "another chip" in terminal.update(bytes(other), code=2)
    assert "no application image" in terminal.update(b"\xe9" + bytes(100), code=2)
    assert terminal.firmware() == FIRMWARE
    assert terminal.entries() == []


@pytest.fixture(scope="module")
def publisher() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def careful(tmp_path: Path, publisher: rsa.RSAPrivateKey) -> Iterator[Terminal]:
    """A terminal whose firmware names its publisher, as README.md of boards/flash says."""
    place = "terminal/signature.py"
    source = (firmware.REPOSITORY / "firmware" / place).read_text()
    named = f'PUBLISHER = "{publisher.public_key().public_numbers().n:0512X}"'
    text = source.replace('PUBLISHER = ""', named).encode()
    yield from running(
        tmp_path, firmware.romfs(firmware.contents() | firmware._bytecode({place: text}))
    )


@pytest.mark.thorough
def test_a_firmware_with_a_publisher_starts_only_what_he_signed(
    careful: Terminal, romfs: bytes, publisher: rsa.RSAPrivateKey
) -> None:
    better = image(BETTER, romfs)
    assert "not signed by the publisher" in careful.update(better, code=2)
    signed = careful.folder / "update.bin.sig"
    stranger = rsa.generate_private_key(65537, 2048)
    signed.write_bytes(stranger.sign(better, padding.PKCS1v15(), SHA256()))
    assert "not signed by the publisher" in careful.update(better, code=2)
    assert careful.entries() == []
    assert careful.firmware() == FIRMWARE
    signed.write_bytes(publisher.sign(better, padding.PKCS1v15(), SHA256()))
    assert "starts it when nobody" in careful.update(better)
    careful.restarted()
    assert careful.firmware() == BETTER


@pytest.fixture
def roomy(tmp_path: Path, romfs: bytes) -> Iterator[Terminal]:
    yield from running(tmp_path, romfs, heap="2000wk")


@pytest.mark.thorough
def test_an_image_that_the_files_of_the_board_would_hide_is_refused(
    roomy: Terminal, romfs: bytes
) -> None:
    board = roomy.board
    board.power_off()
    for place, data in firmware.contents().items():
        (board.fs / place).parent.mkdir(parents=True, exist_ok=True)
        (board.fs / place).write_bytes(data)
    board.power_on()
    board.wait_screen("Enter amount")
    assert "its modules are files" in roomy.update(image(BETTER, romfs), code=2)
    assert roomy.entries() == []


@pytest.mark.thorough
def test_a_board_with_one_slot_says_so(tmp_path: Path, romfs: bytes) -> None:
    with VirtualBoard(tmp_path / "board") as board:
        board.install()
        board.power_on()
        board.wait_screen("NOT PROVISIONED")
        made = Terminal(board, tmp_path)
        made.companion("provision", "--port", board.pty, "--sync-port", "0")
        board.wait_screen("Enter amount")
        assert "no second slot" in made.update(image(BETTER, romfs), code=2)


def test_the_bootloader_takes_the_newest_that_was_not_given_up(tmp_path: Path) -> None:
    flash = {"otadata": NorFlash(tmp_path / "otadata", 2 * SECTOR)}
    ota = flash["otadata"]

    def starts(*entries: bytes) -> list[str]:
        ota.load(b"".join(entry.ljust(SECTOR, b"\xff") for entry in entries))
        return [slots.choose(flash) for _ in range(2)]

    nothing = b"\xff" * 32
    assert slots.choose({}) == ""
    assert starts(nothing, nothing) == ["ota_0", "ota_0"]
    assert starts(slots.entry(2, slots.VALID), nothing) == ["ota_1", "ota_1"]
    # On trial once, then given up.
    assert starts(slots.entry(2, slots.NEW), nothing) == ["ota_1", "ota_0"]
    assert starts(slots.entry(2, slots.NEW), slots.entry(1, slots.VALID)) == ["ota_1", "ota_0"]
    assert starts(slots.entry(2, slots.ABORTED), slots.entry(1, slots.VALID)) == ["ota_0", "ota_0"]
    # A torn entry is none.
    torn = slots.entry(2, slots.NEW)[:20] + b"\xff" * 12
    assert starts(torn, slots.entry(1, slots.VALID)) == ["ota_0", "ota_0"]
    ota.close()
