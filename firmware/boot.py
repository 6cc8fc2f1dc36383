"""Almost empty: a mistake here locks the board, as safe mode is only looked at in main.py."""

import gc

from micropython import kbd_intr

try:
    # A companion may be talking already, and a frame may hold the byte that is Ctrl-C: it would
    # end this script, and no main.py would run. main.py starts with Ctrl-C on again.
    kbd_intr(-1)
    for _ in range(1):
        pass  # one that came before is raised at a jump, and there is none above
except KeyboardInterrupt:
    pass

# Compiling the modules leaves garbage between the bytecode that stays. Collected often, the heap
# of an ESP32 holds the program with room to spare; collected only when full, it is in pieces.
gc.threshold(16384)
