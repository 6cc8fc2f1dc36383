"""What the cutter's program meets on a Pico: a PIO, pins and an ADC, as far as it uses them; so
that it runs here, and its counting can be watched edge by edge."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MAIN = Path(__file__).parent / "cutter" / "main.py"
END = b"end"  # a line that is no command


def lines(port: int) -> Iterator[str]:
    """What arrives at a port's file, line by line, until END."""
    rest = b""
    while True:
        rest += os.read(port, 100)
        *whole, rest = rest.split(b"\n")
        for line in whole:
            if line == END:
                return
            yield line.decode()


Instruction = tuple[str, tuple[Any, ...]]


class Program:
    """A PIO program as it was written: instructions, and where its labels are."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.instructions: list[Instruction] = []
        self.labels: dict[str, int] = {}
        names = {name: self._noted(name) for name in ("pull", "mov", "wait", "jmp", "set", "irq")}
        names["label"] = self._label
        # As the assembler of MicroPython does: the names are those of the function's globals.
        words = {word: word for word in ("x", "y", "osr", "pin", "pins", "x_dec", "y_dec")}
        types.FunctionType(function.__code__, {**names, **words})()

    def _noted(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.instructions.append((name, arguments))

    def _label(self, name: str) -> None:
        self.labels[name] = len(self.instructions)


class StateMachine:
    """Runs a program an instruction a step, a microsecond each (RP2040 datasheet, 3.4)."""

    def __init__(self, pico: Pico, program: Program) -> None:
        self._pico = pico
        self._program = program
        self._fifo: list[int] = []
        self._registers = {"x": 0, "y": 0, "osr": 0}
        self._at = 0
        self._active = False
        self._handler: Callable[[Any], None] = lambda machine: None
        pico.gate = 1  # set_init

    def irq(self, handler: Callable[[Any], None]) -> None:
        self._handler = handler

    def put(self, value: int) -> None:
        self._fifo.append(value)

    def active(self, on: int) -> None:
        self._active = bool(on)

    def step(self) -> None:
        if not self._active:
            return
        name, arguments = self._program.instructions[self._at]
        if not self._waits(name, arguments):
            self._at += 1
            self._carry_out(name, arguments)

    def _waits(self, name: str, arguments: tuple[Any, ...]) -> bool:
        if name == "wait":
            return bool(self._pico.trace != arguments[0])
        return name == "pull" and not self._fifo

    def _carry_out(self, name: str, arguments: tuple[Any, ...]) -> None:
        registers = self._registers
        if name == "pull":
            registers["osr"] = self._fifo.pop(0)
        elif name == "mov":
            registers[arguments[0]] = registers[arguments[1]]
        elif name == "jmp":
            condition = arguments[0] if len(arguments) == 2 else ""
            taken = not condition or registers[condition[0]] != 0
            if condition:
                registers[condition[0]] = (registers[condition[0]] - 1) & 0xFFFFFFFF
            if taken:
                self._at = self._program.labels[arguments[-1]]
        elif name == "set":
            self._pico.gate = arguments[1]
        elif name == "irq":
            self._handler(self)


class Pico:
    """The pins around the program."""

    def __init__(self) -> None:
        self.trace = 0
        self.gate = 0
        self.rail = 65535 // 2
        self.machine: StateMachine | None = None

    def run(self, microseconds: int) -> None:
        for _ in range(microseconds):
            if self.machine:
                self.machine.step()

    def pulse(self) -> None:
        """A flash operation, as the trace pin tells it."""
        self.trace = 1
        self.run(20)
        self.trace = 0
        self.run(20)


@contextmanager
def cutter(say: Callable[[str], None]) -> Iterator[tuple[Any, Pico]]:
    """The program's Cutter, on a Pico."""
    pico = Pico()

    class Pin:
        IN, OUT, PULL_DOWN = 0, 1, 2

        def __init__(self, number: int, mode: int = -1, pull: int = -1, value: int | None = None):
            if mode == Pin.OUT and value is not None:
                pico.gate = value

    class Adc:
        def __init__(self, pin: Pin) -> None: ...

        def read_u16(self) -> int:
            return pico.rail

    class Pio:
        OUT_HIGH = 3

        def __init__(self, number: int) -> None: ...

        def remove_program(self) -> None:
            pico.machine = None

    def state_machine(number: int, program: Program, **settings: object) -> StateMachine:
        assert settings["freq"] == 1_000_000
        pico.machine = StateMachine(pico, program)
        return pico.machine

    def asm_pio(**settings: object) -> Callable[[Callable[[], None]], Program]:
        assert settings == {"set_init": Pio.OUT_HIGH}
        return Program

    machine: Any = types.ModuleType("machine")
    machine.Pin, machine.ADC = Pin, Adc
    rp2: Any = types.ModuleType("rp2")
    rp2.PIO, rp2.asm_pio, rp2.StateMachine = Pio, asm_pio, state_machine
    kept = {name: sys.modules.get(name) for name in ("machine", "rp2")}
    sys.modules.update({"machine": machine, "rp2": rp2})
    try:
        spec = importlib.util.spec_from_file_location("cutter_main", _MAIN)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module.Cutter(say), pico
    finally:
        for name, module_before in kept.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before
