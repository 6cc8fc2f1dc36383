"""The cutter's program counts edges and cuts where it should, and the rig's end understands it."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hil.pico import Pico, cutter
from tests.hil.plan import EXACT, Cut, Phase
from tests.hil.power import PowerError
from tests.hil.rp2040 import Rp2040
from tests.hil.tape import Tape


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_power_goes_at_the_rising_edge_that_was_asked_for(count: int) -> None:
    said: list[str] = []
    with cutter(said.append) as (program, pico):
        assert program.command(f"arm rising {count} 0") == "ok"
        pico.run(10)
        for _ in range(count - 1):
            pico.pulse()
        assert pico.gate == 1 and said == []
        pico.trace = 1
        pico.run(4)
        assert pico.gate == 0
        pico.run(2)
        assert said == ["cut"]


def test_the_power_goes_at_the_falling_edge() -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command("arm falling 1 0")
        pico.run(10)
        pico.trace = 1
        pico.run(500)
        assert pico.gate == 1
        pico.trace = 0
        pico.run(5)
        assert pico.gate == 0


@pytest.mark.parametrize("delay", [0, 1, 300])
def test_the_delay_is_in_microseconds(delay: int) -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command(f"arm rising 1 {delay}")
        pico.run(10)
        pico.trace = 1
        took = 0
        while pico.gate:
            pico.run(1)
            took += 1
        # wait, jmp, the delay and one more, set
        assert took == delay + 4


def test_a_cut_lasts_until_the_power_is_switched_on() -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command("arm rising 1 0")
        pico.run(10)
        pico.pulse()
        assert program.command("disarm") == "ok"
        assert pico.gate == 0
        assert program.command("on") == "ok"
        assert pico.gate == 1
        pico.pulse()
        assert pico.gate == 1


def test_disarming_leaves_the_power_on() -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command("arm rising 2 0")
        pico.run(10)
        pico.pulse()
        program.command("disarm")
        pico.pulse()
        assert pico.gate == 1


@pytest.mark.parametrize(
    "line", ["", "fire", "arm", "arm up 1 0", "arm rising 0 0", "arm rising 1 -1", "on off"]
)
def test_what_is_no_command_is_refused(line: str) -> None:
    with cutter(lambda text: None) as (program, _):
        assert program.command(line).startswith("error")


@contextmanager
def connected(tape: Tape) -> Iterator[tuple[Rp2040, Pico]]:
    """The rig's end at one end of a pty, the program at the other."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def say(text: str) -> None:
        os.write(ours, text.encode() + b"\r\n")

    with cutter(say) as (program, pico):

        def serve() -> None:
            rest = b""
            while True:
                rest += os.read(ours, 100)
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    if line == b"end":
                        return
                    say(program.command(line.decode()))

        thread = threading.Thread(target=serve)
        thread.start()
        link = Rp2040(os.ttyname(theirs), tape)
        try:
            yield link, pico
        finally:
            link.close()
            os.write(theirs, b"end\n")
            thread.join()
            os.close(ours)
            os.close(theirs)


def test_the_rig_switches_sees_and_cuts_by_it() -> None:
    tape = Tape()
    tape.power(True)
    with connected(tape) as (link, pico):
        link.on()
        assert pico.gate == 1
        assert link.millivolts() == pytest.approx(3300, abs=2)
        pico.rail = 100
        assert link.read() is False
        pico.rail = 60000
        assert link.read() is True
        link.arm(Cut(EXACT, 2, "torn", 350))
        pico.run(10)
        pico.pulse()
        assert link.fired() == ""
        pico.trace = 1
        pico.run(400)
        assert pico.gate == 0
        with tape._news:
            assert tape._news.wait_for(lambda: not tape.powered, 10)
        assert link.fired() == "program torn: rising edge 2 + 350 us"
        link.disarm()
        link.off()
        assert pico.gate == 0


@pytest.mark.parametrize("phase", ["before", "torn", "after"])
def test_before_and_after_are_the_two_edges_of_an_operation(phase: Phase) -> None:
    with connected(Tape()) as (link, pico):
        link.arm(Cut(EXACT, 1, phase, 100))
        pico.run(10)
        pico.trace = 1
        pico.run(50)
        assert pico.gate == (phase != "before")
        pico.run(100)
        assert pico.gate == (phase == "after")
        pico.trace = 0
        pico.run(50)
        assert pico.gate == 0


def test_a_cutter_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hil.rp2040._ANSWER_S", 0.1)
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    link = Rp2040(os.ttyname(theirs), Tape())
    try:
        with pytest.raises(PowerError, match="does not answer 'on'"):
            link.on()
    finally:
        link.close()
        os.close(ours)
        os.close(theirs)


def test_a_cutter_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PowerError, match="/dev/nothing"):
        Rp2040("/dev/nothing", Tape())
