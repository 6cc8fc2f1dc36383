"""The cutter: a Raspberry Pi Pico (RP2040, MicroPython) that takes a terminal's power at an exact
moment. Copy it to the Pico as main.py. Not tried on hardware.

GP2 is the terminal's trace pin, high while it programs or erases its flash. GP3 is the gate of
the MOSFET in the terminal's feed, high for power. GP26 (ADC0) is the terminal's rail behind two
equal resistors. The grounds are connected; the trace pin has 1 kOhm in series, so that it does
not feed a terminal without power.

A line in, a line out, over USB:
  on | off                 ok
  rail                     rail MILLIVOLTS
  arm rising|falling N US  ok; the power goes US microseconds behind the N-th such edge from now,
                           or from the next "on" while there is none
  disarm                   ok; with power, unless it was cut
and "cut" by itself when it has gone. The counting and the cut are the PIO's: no interpreter and no
interrupt is between an edge and the gate.
"""

import select
import sys

import machine
import rp2

TRACE = 2
GATE = 3
RAIL = 26

# RP2040 datasheet, 4.9: 12 bits of a reference that is the Pico's 3.3 V; read_u16 scales to 16.
_REFERENCE_MV = 3300
_FULL_SCALE = 65535
_DIVIDER = 2
_HZ = 1_000_000  # an instruction, and a step of the delay, is a microsecond


@rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH)
def rising():
    """X edges more than one, then Y + 1 microseconds, then the gate (RP2040 datasheet, 3.4)."""
    pull()
    mov(x, osr)
    pull()
    mov(y, osr)
    label("edge")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(x_dec, "edge")
    label("delay")
    jmp(y_dec, "delay")
    set(pins, 0)
    irq(0)
    label("end")
    jmp("end")


@rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH)
def falling():
    """The same for the other edge."""
    pull()
    mov(x, osr)
    pull()
    mov(y, osr)
    label("edge")
    wait(1, pin, 0)
    wait(0, pin, 0)
    jmp(x_dec, "edge")
    label("delay")
    jmp(y_dec, "delay")
    set(pins, 0)
    irq(0)
    label("end")
    jmp("end")


class Cutter:
    def __init__(self, say):
        self._say = say
        self._trace = machine.Pin(TRACE, machine.Pin.IN, machine.Pin.PULL_DOWN)
        self._rail = machine.ADC(machine.Pin(RAIL))
        self._machine = None
        self._armed = None  # program, count, delay: what waits for the power
        self._was_cut = False
        self._on = True
        self._gate()

    def command(self, line: str) -> str:
        """Carry out one line; the answer."""
        words = line.split()
        if words == ["on"]:
            self._stop()
            self._on = True
            self._begin()
            return "ok"
        if words == ["off"]:
            self._stop()
            self._armed = None
            self._on = False
            self._gate()
            return "ok"
        if words == ["rail"]:
            return "rail %d" % (self._rail.read_u16() * _REFERENCE_MV * _DIVIDER // _FULL_SCALE)
        if words == ["disarm"]:
            self._stop()
            self._armed = None
            self._gate()
            return "ok"
        if len(words) == 4 and words[0] == "arm" and words[1] in ("rising", "falling"):
            count, delay = int(words[2]), int(words[3])
            if 1 <= count <= 100000 and 0 <= delay <= 10_000_000:
                self._stop()
                self._armed = (rising if words[1] == "rising" else falling, count, delay)
                self._begin()
                return "ok"
        return "error: " + line[:40]

    def _begin(self):
        """Give power, and count from now on when something is armed."""
        if not self._on or self._armed is None:
            self._gate()
            return
        program, count, delay = self._armed
        self._armed = None
        self._was_cut = False
        gate = machine.Pin(GATE)
        # This raises the gate: counting begins with the power.
        self._machine = rp2.StateMachine(
            0, program, freq=_HZ, in_base=machine.Pin(TRACE), set_base=gate
        )
        self._machine.irq(self._cut)
        self._machine.put(count - 1)
        self._machine.put(delay)
        self._machine.active(1)

    def _cut(self, _machine):
        self._was_cut = True
        self._say("cut")

    def _stop(self):
        """End the counting; when it had come to the cut there is no power from here on."""
        if self._machine is None:
            return
        self._machine.active(0)
        self._machine = None
        rp2.PIO(0).remove_program()
        if self._was_cut:
            self._on = False

    def _gate(self):
        machine.Pin(GATE, machine.Pin.OUT, value=int(self._on))


def main():
    """Serve for ever."""
    say = print
    cutter = Cutter(say)
    there = select.poll()
    there.register(sys.stdin, select.POLLIN)
    while True:
        there.poll()
        line = sys.stdin.readline()
        if line.strip():
            try:
                say(cutter.command(line))
            except ValueError:
                say("error: " + line[:40].strip())


if __name__ == "__main__":
    main()
