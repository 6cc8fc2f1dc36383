"""A receipt printer that speaks ESC/POS on a UART. Nothing here waits.

Lines are queued and go out in pieces, each when the UART has sent the one before: at 9600 baud a
slip takes half a second, and the loop that talks to the host must not stand still for it. Commands
are those of Epson's ESC/POS reference that 58 mm printers have too; what a printer without them
does is said where it matters.
"""

from drivers import ticks

_INITIALIZE = b"\x1b@"  # ESC @
_CHINESE = b"\x1c&"  # FS &: bytes from 0xA1 on are pairs of GB 18030
_NO_CHINESE = b"\x1c."  # FS .
_FEED = b"\x1bd\x04"  # ESC d 4: the slip's last line is past the tear bar
_CUT = b"\x1dV\x42\x00"  # GS V 66 0: feed to the cutter, cut
_ASK_PAPER = b"\x10\x04\x04"  # DLE EOT 4: answered at once, also when the printer is off-line
# GS v 0: a picture of 24 bytes by 12 rows, both ways twice as large. In its bytes a printer may
# find DLE EOT by chance: then it only says once more how its paper is.
_PICTURE = b"\x1dv0\x03\x18\x00\x0c\x00"
_DOTS = 192  # half of what 58 mm paper has
_ROWS = 12

# The answer to DLE EOT: bits 1 and 4 are set, 0 and 7 are not; of n = 4, 5 and 6 are "no paper".
_FIXED = 0x93
_FIXED_VALUE = 0x12
_PAPER_END = 0x60

_PIECE = 96  # goes into an ESP32's transmit FIFO of 128 bytes at once, so the write returns
_MOST = 120  # lines in the queue: some six slips that wait for paper
_END_MS = 300  # nothing more for so long: the slip is complete
_ASK_MS = 1000
_ANSWER_MS = 500
_SILENT = 3  # questions without an answer


class EscPos:
    """``line`` takes text for the paper, ``poll`` does the work and is called every 10 ms or so.

    ``encoding`` is "gb18030" for a printer with Chinese characters; "picture" for one without: a
    line that has Chinese in it is printed as dots, from the screens' font; or "ascii": what is not
    ASCII is left out, or becomes "?" where nothing else is in the line. A printer whose answers
    never come prints blindly, also where ``answers`` says that none can (only TX is wired); one
    that has answered and is silent, or is out of paper, is not sent anything until it is well, and
    the lines wait.
    """

    def __init__(
        self,
        uart,
        encoding: str = "gb18030",
        cut: bool = False,
        now_ms=ticks.now_ms,
        font=None,
        answers: bool = True,
    ) -> None:
        if encoding not in ("gb18030", "picture", "ascii"):
            raise ValueError("printer: no encoding %r" % encoding)
        self._uart = uart
        self._encoding = encoding
        self._font = font
        if encoding == "picture" and font is None:
            from drivers import text

            self._font = text.open_font()
        self._end = _FEED + _CUT if cut else _FEED
        self._now_ms = now_ms
        self._queue: list = []  # lines; None: a slip ends here
        self._out = b""  # what is left of the one on its way
        self._begun = False  # a slip is on the paper, or on its way
        self._last = 0
        self._asked = 0
        self._unanswered = 0
        self._answers = False  # it has answered before
        self._any = uart.any if answers else None
        self.fault = ""

    def line(self, text: str) -> None:
        """Queue a line; without room for it, it is lost: whoever prints a slip looks first."""
        if self.room() <= 0:
            return
        now = self._now_ms()
        waits = bool(self._queue or self._begun)
        if waits and ticks.since(now, self._last) >= _END_MS:
            self._queue.append(None)  # that was another slip, which has waited for paper
        self._queue.append(text)
        self._last = now

    def room(self) -> int:
        """So many lines more can wait."""
        return _MOST - len(self._queue)

    def printing(self) -> bool:
        """Whether lines are queued, or not yet out of the UART."""
        return bool(self._queue or self._out) or not self._uart.txdone()

    def poll(self) -> None:
        """Ask for paper, take the answer, send a piece."""
        now = self._now_ms()
        self._listen(now)
        if not self._uart.txdone():
            return
        asks = self._answers or self._unanswered < _SILENT
        if self._out:
            self._send_piece()
        elif asks and ticks.since(now, self._asked) >= _ASK_MS:
            self._ask(now)
        elif self.fault:
            return
        elif self._queue and not self._begun:
            self._begin()
        elif self._queue:
            text = self._queue.pop(0)
            if text is None:
                self._finish()
            else:
                self._out = self._encoded(text)
                self._send_piece()
        elif self._begun and ticks.since(now, self._last) >= _END_MS:
            self._finish()

    def _begin(self) -> None:
        self._begun = True
        self._unanswered = min(self._unanswered, _SILENT - 1)  # ask once more
        chinese = self._encoding == "gb18030"
        self._uart.write(_INITIALIZE + (_CHINESE if chinese else _NO_CHINESE))

    def _finish(self) -> None:
        self._begun = False
        self._uart.write(self._end)

    def _send_piece(self) -> None:
        # All of a line before the next question, which would break a character or a picture.
        self._uart.write(self._out[:_PIECE])
        self._out = self._out[_PIECE:]

    def _ask(self, now: int) -> None:
        self._asked = now
        if self._unanswered < _SILENT:
            self._unanswered += 1
        elif self._answers:
            self.fault = "printer does not answer"
        self._uart.write(_ASK_PAPER)

    def _listen(self, now: int) -> None:
        while self._any and self._any():
            for byte in self._uart.read(16) or b"":
                # On a line to nowhere each 16th byte of noise looks like an answer: one counts for
                # each question, the first of all when it comes at once.
                soon = self._answers or ticks.since(now, self._asked) < _ANSWER_MS
                if not (self._unanswered and soon) or byte & _FIXED != _FIXED_VALUE:
                    continue
                self._answers = True
                self._unanswered = 0
                self.fault = "no paper" if byte & _PAPER_END else ""

    def _encoded(self, text: str) -> bytes:
        """The bytes of a line, its end included."""
        if self._encoding == "gb18030":
            from drivers import gb2312

            return gb2312.encode(text) + b"\n"
        kept = bytes([byte for byte in text.encode() if 0x20 <= byte <= 0x7E]).strip()
        if self._encoding == "picture" and max(text + " ") > "~":
            return self._picture(text)
        return (kept or b"?" * len(text)) + b"\n"

    def _picture(self, line: str) -> bytes:
        from drivers import text

        rows = bytearray(_DOTS // 8 * _ROWS)
        for x, column in enumerate(text.dots(self._font, line, True, _DOTS)):
            for y in range(_ROWS):
                if column >> y & 1:
                    rows[_DOTS // 8 * y + (x >> 3)] |= 0x80 >> (x & 7)
        return _PICTURE + rows
