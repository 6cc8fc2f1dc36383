"""The micropython module with a kbd_intr that works as on a board.

The unix port's own would let Ctrl-C kill the interpreter; here the supervisor tells the serial
line whether 0x03 is a Ctrl-C or data.
"""

import _link
from micropython import *  # noqa: F403 (the built-in module that this one extends)


def kbd_intr(character: int):
    """-1: 0x03 is data like any other byte. 3: it is Ctrl-C again."""
    if character not in (-1, 3):
        raise ValueError("the virtual board's interrupt character is 3 or -1")
    _link.call(_link.KBD_INTR, 0, 1 if character == 3 else 0)
