"""A buzzer that beeps without anybody waiting for it."""

from drivers import ticks

_ON_MS = 60
_OFF_MS = 80
_MOST = 5  # nobody counts further
_HALF = 32768  # a square wave is the loudest


class Buzzer:
    """An active buzzer, or the transistor before one: ``pin`` an output, low for silence."""

    def __init__(self, pin, now_ms=ticks.now_ms) -> None:
        self._pin = pin
        self._now_ms = now_ms
        self._left = 0  # on and off, each one
        self._since: int | None = None  # the last change

    def beep(self, n: int) -> None:
        """Beep ``n`` times, at most 5, from the next ``poll`` on; again from the start if it still
        does."""
        self._left = 2 * min(max(n, 0), _MOST)
        self._sound(False)

    def poll(self) -> None:
        """To be called every 10 ms or so."""
        if not self._left:
            return
        now = self._now_ms()
        sounding = self._left % 2
        if not sounding:
            # About to sound, when the silence before it has been long enough.
            if self._since is not None and ticks.since(now, self._since) < _OFF_MS:
                return
            self._sound(True)
        elif ticks.since(now, self._since or 0) < _ON_MS:
            return
        else:
            self._sound(False)
        self._since = now
        self._left -= 1
        if not self._left:
            self._since = None

    def _sound(self, on: bool) -> None:
        self._pin.value(1 if on else 0)


class Tone(Buzzer):
    """A piezo without a driver of its own: ``pwm`` a machine.PWM at its frequency (2.7 kHz for
    most), duty 0."""

    def _sound(self, on: bool) -> None:
        self._pin.duty_u16(_HALF if on else 0)
