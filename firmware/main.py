"""Start the terminal, unless the safe-mode button is held: then the REPL has the board."""

from micropython import kbd_intr

try:
    # First of all, and why so: see boot.py. The REPL has its own Ctrl-C.
    kbd_intr(-1)
    for _ in range(1):
        pass
except KeyboardInterrupt:
    pass

import board

if not board.safe_mode():
    from terminal import start

    start.run(board)
