"""The front panel of a board with hardware: display, keys, card reader, printer, buzzer.

The same surface as the virtual board's: ``show``, ``print_line``, ``beep``, ``event``. Every part
but the display may be missing. The parts are polled by whoever awaits ``event``.
"""

import asyncio

from drivers import ticks

_TICK_MS = 10
_MAX_EVENTS = 16
# A card that lies badly is missed now and then; it is gone when it was missed so often.
_MISSES = 3
_LINES = 8
_COLUMNS = 21
_ANY = 1000
# In English, and where the screen is in Chinese.
_TEST_PAN = "999999***"  # on slips; five columns are free behind it
_TEST_CARD = "TEST CARD/测试卡"
_NO_PAPER = "NO PAPER/打印机缺纸"
_NO_PRINTER = "PRINTER OFF/打印机无应答"


class Panel:
    def __init__(
        self, display, keys=None, reader=None, printer=None, buzzer=None, now_ms=ticks.now_ms
    ) -> None:
        self._display = display
        self._keys = keys
        self._reader = reader
        self._printer = printer
        self._buzzer = buzzer
        self._now_ms = now_ms
        self._events: list = []
        self._lines: list = []
        self._noticed = ""
        self._test_card = False
        self._read_at = 0
        self._card: dict | None = None
        self._misses = 0
        self._prints = False

    def show(self, lines: list) -> None:
        """Replace the whole screen: up to 8 lines of 21 half-width columns."""
        self._lines = lines
        self._noticed = self._notice()
        self._display.show(_with_notice(lines, self._noticed))

    def print_line(self, text: str) -> None:
        """Up to 32 half columns of paper."""
        if self._printer:
            self._printer.line(text + " TEST" if _TEST_PAN in text else text)
            self._prints = True

    def paper_room(self) -> int:
        """So many lines the printer takes now; without one they are as good as printed."""
        return self._printer.room() if self._printer else _ANY

    def printing(self) -> bool:
        """Whether lines given to the printer have not left for it yet."""
        return bool(self._printer) and self._printer.printing()

    def want_card(self, amount_minor: int | None) -> None:
        """Tell a reader that waits to be told: a card is to be read for this amount, 0 for none;
        None: no card any more."""
        want = getattr(self._reader, "want", None)
        if want:
            want(amount_minor)

    def tell_reader(self, how: str, code: str, icc: bytes) -> None:
        """What became of the card, for a reader with the cardholder's display or a chip:
        "approved", "declined", "refused" when there is no approval for any other reason, "chip"
        when the issuer approves and the chip is to say whether it does. ``code`` is F39, ``icc``
        the issuer's F55."""
        say = getattr(self._reader, "say", None)
        if say:
            say(how, code, icc)

    def beep(self, n: int) -> None:
        if self._buzzer:
            self._buzzer.beep(n)

    def faults(self) -> list:
        """What is wrong with the parts, in words; [] when nothing is."""
        parts = (self._keys, self._reader, self._printer)
        return [part.fault for part in parts if part and part.fault]

    async def event(self) -> dict:
        """The next {"key": ...}, {"card": {...}}, {"chip": accepted}, or {"printed": True} when
        all that was given to the printer has left for it."""
        while True:
            event = self.poll()
            if event:
                return event
            await asyncio.sleep_ms(_TICK_MS)

    def poll(self) -> dict | None:
        """Look at every part once; the oldest event, if there is one."""
        if self._keys:
            for name in self._keys.poll():
                self._pressed(name)
        if self._reader:
            self._read()
        if self._printer:
            self._print()
        if self._buzzer:
            self._buzzer.poll()
        if self._notice() != self._noticed:
            self._show_again()
        return self._events.pop(0) if self._events else None

    def _show_again(self) -> None:
        try:
            self.show(self._lines)
        except OSError:
            pass  # who shows the next screen is told; a notice is not worth the program

    def _pressed(self, name: str) -> None:
        # A card that lies on the reader counts again after a key: ENTER may have asked for it.
        self._card = None
        self._test_card = False
        self._post({"key": name})

    def _read(self) -> None:
        now = self._now_ms()
        if ticks.since(now, self._read_at) < self._reader.every_ms:
            return
        self._read_at = now
        card = self._reader.poll()
        if card is None:
            self._misses += 1
            if self._misses >= _MISSES:
                self._card = None
        else:
            self._misses = 0
            if card != self._card:
                self._card = card
                self._test_card = "test" in card
                self._post({"card": card})
        verdict = getattr(self._reader, "verdict", None)
        if verdict:
            accepted = verdict()
            if accepted is not None:
                self._post({"chip": accepted})

    def _print(self) -> None:
        self._printer.poll()
        if self._prints and not self._printer.printing():
            self._prints = not self._post({"printed": True})

    def _post(self, event: dict) -> bool:
        # A person repeats what is lost; nothing here may grow without bound.
        if len(self._events) >= _MAX_EVENTS:
            return False
        self._events.append(event)
        return True

    def _notice(self) -> str:
        """What the screen says besides: a test card counts until the next key."""
        if self._printer and self._printer.fault:
            return _NO_PAPER if "paper" in self._printer.fault else _NO_PRINTER
        return _TEST_CARD if self._test_card else ""


def _with_notice(lines: list, notice: str) -> list:
    """In the first empty line, or behind the title, or below: never in place of anything."""
    if not notice:
        return lines
    english, _, chinese = notice.partition("/")
    notice = chinese if _columns("".join(lines)) > len("".join(lines)) else english
    lines = list(lines)
    if "" in lines:
        lines[lines.index("")] = notice
    elif lines and _columns(lines[0]) + 1 + _columns(notice) <= _COLUMNS:
        lines[0] += " " + notice
    elif len(lines) < _LINES:
        lines.append(notice)
    return lines


def _columns(text: str) -> int:
    """Half columns: a Chinese character takes two."""
    return len(text) + sum([byte >= 0xC0 for byte in text.encode()])
