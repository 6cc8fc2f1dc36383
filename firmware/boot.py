"""Almost empty: a mistake here locks the board, as safe mode is only looked at in main.py."""

import gc

# Compiling the modules leaves garbage between the bytecode that stays. Collected often, the heap
# of an ESP32 holds the program with room to spare; collected only when full, it is in pieces.
gc.threshold(16384)
