"""main.py of a terminal on a rig. The firmware's own says why it begins so."""

from micropython import kbd_intr

try:
    kbd_intr(-1)
    for _ in range(1):
        pass
except KeyboardInterrupt:
    pass

import board

if not board.safe_mode():
    import rig

    rig.run()
