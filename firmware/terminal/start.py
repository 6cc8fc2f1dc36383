"""The start of a terminal, and what becomes of one that ends in no way that was meant.

An exception that nobody expected is logged, and the board resets: no dead terminal stays on the
counter. A loop that hangs, or a fault below Python, ends in a reset too. But three such starts in
a row, none of which lasted a minute (watch.py), leave the board in safe mode, and its screen says
so: it must not start for ever.
"""

import asyncio
import gc
import io
import sys

import machine
from micropython import kbd_intr

from terminal import FIRMWARE, rtc, screens
from terminal.log import Log

MOST_CRASHES = 3
# How a board says that it was reset while it had power, by whatever. After a power cut or a soft
# reset nothing counts that was before.
_BY_ITSELF = ("HARD", "WDT", "OTHER")
_CTRL_C = 3
_TRACE = 10  # lines of a traceback that are kept, its last ones


def run(board) -> None:
    """Run the terminal; returns when the REPL is to have the board."""
    log = Log(_partition(board))
    cause = board.reset_cause()
    log.line("start: " + cause + ", firmware " + FIRMWARE)
    mode, crashes = rtc.load() if cause in _BY_ITSELF else (rtc.SELL, 0)
    if cause == "WDT":
        log.line("the watchdog bit: the loop hung")
    if mode == rtc.MAINTENANCE:
        rtc.keep(rtc.SELL, 0)
        _give_up(board, "escape")
    elif crashes >= MOST_CRASHES:
        rtc.keep(rtc.SELL, 0)  # whoever resets it tries again
        log.line("safe mode: %d starts in a row ended at once" % crashes)
        _give_up(board, "safe")
    else:
        # Asked for once is done once: the next start sells, whatever ends this one.
        rtc.keep(rtc.SELL, crashes + 1)
        _live(board, log, mode)


def _live(board, log: Log, mode: int) -> None:
    app = None
    try:
        app = _program(board, log, mode)
        asyncio.run(app.main())
        rtc.keep(rtc.SELL, 0)
        return
    except SystemExit:
        raise
    except BaseException as error:
        if app and app.leaving:
            return  # a Ctrl-C for the REPL came early
        app = None
        gc.collect()
        _tell(log, error)
    machine.reset()


def _program(board, log: Log, mode: int):
    if mode == rtc.TRAINING:
        from terminal.training import Training

        return Training(board, log)
    from terminal.app import App

    return App(board, log)


def _tell(log: Log, error: BaseException) -> None:
    try:
        text = io.StringIO()
        sys.print_exception(error, text)  # type: ignore[attr-defined]
        rows = text.getvalue().strip().split("\n")
        log.line("crash: " + type(error).__name__)
        for row in rows[1:][-_TRACE:]:
            log.line(row.strip())
    except MemoryError:
        log.line("crash: no memory left to say which")


def _give_up(board, screen: str) -> None:
    """The REPL gets the board, and no watchdog was started."""
    try:
        board.Panel().show(screens.lines(screen))
    except Exception:
        pass  # a panel that does not work must not keep the REPL out
    kbd_intr(_CTRL_C)


def _partition(board):
    try:
        return board.partition("log")
    except OSError:
        return None
