"""The cutter's program counts edges and cuts where it should, and the rig's end understands it."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hil.bench import Bench
from tests.hil.pico import END, Pico, cutter, lines
from tests.hil.plan import EXACT, Cut, Phase
from tests.hil.power import PowerError
from tests.hil.rp2040 import InSeries, Rp2040
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


def test_what_is_armed_without_power_counts_from_the_next_on() -> None:
    """So a restart is cut."""
    with cutter(lambda text: None) as (program, pico):
        assert program.command("off") == "ok"
        assert program.command("arm rising 2 0") == "ok"
        pico.pulse()
        assert pico.gate == 0
        program.command("on")
        assert pico.gate == 1
        pico.run(10)
        pico.pulse()
        assert pico.gate == 1
        pico.pulse()
        assert pico.gate == 0


@pytest.mark.parametrize("before", ["off", "arm rising 1 0"])
def test_disarming_gives_no_power_that_was_not_there(before: str) -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command(before)
        pico.run(10)
        pico.pulse()
        assert pico.gate == 0
        for _ in range(2):
            assert program.command("disarm") == "ok"
            assert pico.gate == 0


def test_after_a_cut_there_is_power_and_no_cut_until_something_is_armed() -> None:
    with cutter(lambda text: None) as (program, pico):
        program.command("arm rising 1 0")
        pico.run(10)
        pico.pulse()
        program.command("on")
        pico.run(10)
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
            for line in lines(ours):
                say(program.command(line))

        thread = threading.Thread(target=serve)
        thread.start()
        link = Rp2040(os.ttyname(theirs), tape)
        try:
            yield link, pico
        finally:
            link.close()
            os.write(theirs, END + b"\n")
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
        assert link.fired() == "program torn at rising edge 2 + 350 us"
        link.disarm()
        link.off()
        assert pico.gate == 0


class Hub:
    """A switch that sees nothing."""

    def __init__(self) -> None:
        self.there = False

    def on(self) -> None:
        self.there = True

    def off(self) -> None:
        self.there = False

    def read(self) -> bool | None:
        return None

    def close(self) -> None: ...


def test_behind_a_switch_it_gives_power_again_after_its_cut_and_sees_the_rail() -> None:
    tape, hub = Tape(), Hub()
    tape.power(True)
    with connected(tape) as (link, pico):
        both = InSeries(hub, link)
        both.on()
        link.arm(Cut(EXACT, 1))
        pico.run(10)
        pico.pulse()
        assert (hub.there, pico.gate) == (True, 0)
        both.off()
        link.arm(Cut(EXACT, 1))  # in the restart
        assert (hub.there, pico.gate) == (False, 0)
        both.on()
        assert (hub.there, pico.gate) == (True, 1)
        pico.rail = 100
        assert both.read() is False
        pico.run(10)
        pico.pulse()
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


def test_a_switch_that_is_none_leaves_no_cutter_running() -> None:
    with connected(Tape()) as (link, _):
        before = threading.active_count()
        bench = Bench("/dev/nothing", "hammer:1", link.name)
        with pytest.raises(PowerError, match="is not a switch"):
            bench.rig()
        assert threading.active_count() == before
