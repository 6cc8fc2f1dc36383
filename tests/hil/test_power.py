"""Every switch, against something that plays the device's side on a real socket or pty; and the
proof that a rail falls, against switches that lie."""

from __future__ import annotations

import json
import os
import stat
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.hil.power import PowerError, prove
from tests.hil.power.opening import open_power
from tests.hil.power.ppk2 import Ppk2
from tests.hil.power.relay import ModbusRelay, UsbRelay, crc
from tests.hil.power.uhubctl import Uhubctl
from tests.hil.tape import Tape

# -- over HTTP ----------------------------------------------------------------------------------


@contextmanager
def web(answer: Callable[[str], object]) -> Iterator[tuple[str, list[str]]]:
    """A device's web server: its address, and the paths that were asked for."""
    asked: list[str] = []

    class Device(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            said = answer(self.path)
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Not to stderr."""

    server = HTTPServer(("127.0.0.1", 0), Device)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_shelly_of_the_first_generation() -> None:
    with web(lambda path: {"ison": "turn=on" in path}) as (address, asked):
        power = open_power(f"shelly1:{address}")
        power.on()
        power.off()
        assert power.read() is None
    assert asked == ["/relay/0?turn=on", "/relay/0?turn=off"]


def test_shelly_of_the_second_generation_is_asked_what_it_did() -> None:
    output: list[bool] = []

    def answer(path: str) -> object:
        if "Set" not in path:
            return {"id": 1, "output": output[-1]}
        output.append("on=true" in path)
        return {"was_on": False}

    with web(answer) as (address, asked):
        power = open_power(f"shelly:{address},1")
        power.on()
        power.off()
    assert asked[0::2] == ["/rpc/Switch.Set?id=1&on=true", "/rpc/Switch.Set?id=1&on=false"]


def test_tasmota() -> None:
    def answer(path: str) -> object:
        return {"POWER": path.rpartition("%20")[2].upper()}

    with web(answer) as (address, asked):
        power = open_power(f"tasmota:{address}")
        power.on()
        power.off()
    assert asked == ["/cm?cmnd=Power1%20on", "/cm?cmnd=Power1%20off"]


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("tasmota", {"POWER": "ON"}, "was told False"),
        ("shelly1", b"<html>", "does not answer with JSON"),
        ("shelly", {"code": 404}, "answers"),
        ("tasmota", [], "answers"),
    ],
)
def test_a_switch_that_does_not_say_that_it_switched_is_an_error(
    kind: str, answer: object, words: str
) -> None:
    with web(lambda path: answer) as (address, _):
        power = open_power(f"{kind}:{address}")
        with pytest.raises(PowerError, match=words):
            power.off()


def test_a_switch_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PowerError, match="Connection refused"):
        open_power("tasmota:127.0.0.1:1").on()


# -- over serial lines --------------------------------------------------------------------------


_END = b"\xee\xee\xee"  # not of any protocol here


@contextmanager
def line(device: Callable[[bytes], bytes]) -> Iterator[tuple[str, bytearray]]:
    """A serial port whose other end answers what was written to it, and what that was."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    heard = bytearray()

    def serve() -> None:
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:
                return
            heard.extend(data.removesuffix(_END))
            if data.endswith(_END):
                return
            os.write(ours, device(data))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(theirs), heard
    finally:
        os.write(theirs, _END)
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_usb_relay() -> None:
    with line(lambda data: b"") as (port, heard):
        power = UsbRelay(port, 2)
        power.on()
        power.off()
        power.close()
    assert heard == bytes.fromhex("A00201A3 A00200A2")


def test_modbus_relay() -> None:
    with line(lambda data: data) as (port, heard):
        power = ModbusRelay(port)
        power.on()
        power.off()
        power.close()
    # The CRCs are those that the makers of such boards print.
    assert heard == bytes.fromhex("01050000FF008C3A 010500000000CDCA")


def test_modbus_crc_of_the_standard_check_string() -> None:
    assert crc(b"123456789") == 0x4B37


def test_a_relay_that_answers_otherwise_is_an_error() -> None:
    with line(lambda data: b"\x01\x85\x02\xc3\x51\x00\x00\x00") as (port, _):
        power = ModbusRelay(port)
        with pytest.raises(PowerError, match="was answered by 01 85"):
            power.on()
        power.close()


def test_ppk2_switches_and_sees_the_current() -> None:
    state = {"on": False}

    def device(data: bytes) -> bytes:
        answer = b""
        if b"\x0c\x01" in data:
            state["on"] = True
        if b"\x0c\x00" in data:
            state["on"] = False
        if b"\x06" in data:
            level = 3 if state["on"] else 0
            answer = (level << 14 | 0x123).to_bytes(4, "little") * 256
        return answer

    with line(device) as (port, heard):
        power = Ppk2(port, 3700)
        power.on()
        assert power.read() is True
        power.off()
        assert power.read() is False
        power.close()
    assert heard.startswith(bytes.fromhex("1102 0D0E74 0C01"))


def test_ppk2_without_samples_is_an_error() -> None:
    with line(lambda data: b"") as (port, _):
        power = Ppk2(port)
        with pytest.raises(PowerError, match="gives no samples"):
            power.read()
        power.close()


@pytest.mark.parametrize("words", ["relay:/dev/nothing", "modbus:/dev/nothing", "ppk2:/dev/no"])
def test_a_port_that_is_not_there_is_an_error(words: str) -> None:
    with pytest.raises(PowerError, match="/dev/no"):
        open_power(words)


@pytest.mark.parametrize("words", ["", "uhubctl", "hammer:1", "relay:/dev/ttyUSB0,x"])
def test_words_that_are_no_switch_are_told_what_there_is(words: str) -> None:
    with pytest.raises(PowerError, match=r"uhubctl:1-1\.2"):
        open_power(words)


# -- uhubctl ------------------------------------------------------------------------------------


def _hub(folder: Path, prints: str, status: int = 0) -> str:
    """A program that stands for uhubctl and keeps its arguments."""
    program = folder / "uhubctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{prints}\nexit {status}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_uhubctl(tmp_path: Path) -> None:
    says = "echo 'Current status for hub 1-1'; echo '  Port 2: 0503 power highspeed'\n"
    says += 'echo "New status for hub 1-1"; test $6 = on && echo "  Port 2: 0100 power"'
    says += ' || echo "  Port 2: 0000 off"'
    power = Uhubctl("1-1.2", _hub(tmp_path, says))
    power.on()
    power.off()
    assert (tmp_path / "asked").read_text().split("\n")[:2] == [
        "-l 1-1 -p 2 -a on",
        "-l 1-1 -p 2 -a off",
    ]


def test_a_hub_that_stays_on_is_an_error(tmp_path: Path) -> None:
    power = Uhubctl("1-1.2", _hub(tmp_path, "echo '  Port 2: 0503 power'"))
    with pytest.raises(PowerError, match="was told off, says power"):
        power.off()


def test_uhubctl_that_finds_no_hub_is_an_error(tmp_path: Path) -> None:
    failing = _hub(tmp_path, "echo 'No compatible devices detected at location 1-1!' >&2", 1)
    with pytest.raises(PowerError, match="No compatible devices"):
        Uhubctl("1-1.2", failing).on()
    with pytest.raises(PowerError, match="is not installed"):
        Uhubctl("1-1.2", str(tmp_path / "missing")).on()
    with pytest.raises(PowerError, match=r"not HUB\.PORT"):
        Uhubctl("1-1")


# -- the proof ----------------------------------------------------------------------------------


class Lamp:
    """A terminal and its switch, as honest as they are made."""

    def __init__(self, *, cuts: bool = True, sees: bool | None = None, cause: str = "PWRON"):
        self.tape = Tape()
        self.tape.power(True)
        self._cuts, self._sees, self._cause = cuts, sees, cause
        self._there = True

    def on(self) -> None:
        if not self._there or not self._cuts:
            self.tape.add({"boot": self._cause})
        self._there = True

    def off(self) -> None:
        self._there = not self._cuts

    def read(self) -> bool | None:
        return self._there if self._sees is None else self._sees

    def close(self) -> None: ...

    def probe(self) -> None:
        if self._there:
            self.tape.add({"screen": ["CNY 0.01"]})


def test_a_rail_that_falls_is_believed() -> None:
    lamp = Lamp()
    assert "no power behind the switch" in prove(lamp, lamp.tape, lamp.probe)


def test_a_switch_that_does_not_cut_is_not() -> None:
    lamp = Lamp(cuts=False, sees=False)
    with pytest.raises(PowerError, match="the terminal still says"):
        prove(lamp, lamp.tape, lamp.probe)


def test_a_rail_that_is_seen_to_stay_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hil.power._FALL_S", 0.1)
    lamp = Lamp(sees=True)
    with pytest.raises(PowerError, match="there is still power"):
        prove(lamp, lamp.tape, lamp.probe)


def test_a_terminal_that_was_only_reset_is_not() -> None:
    lamp = Lamp(cause="HARD")
    with pytest.raises(PowerError, match="reset cause is HARD"):
        prove(lamp, lamp.tape, lamp.probe)


def test_a_terminal_that_never_answers_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hil.power._BOOT_S", 0.1)
    lamp = Lamp()
    with pytest.raises(PowerError, match="does not answer"):
        prove(lamp, lamp.tape, lambda: None)
