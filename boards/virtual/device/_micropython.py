"""The micropython module with a kbd_intr that works as on a board.

The unix port's own would let Ctrl-C kill the interpreter; here the supervisor tells the serial
line whether 0x03 is a Ctrl-C or data.
"""

import _link
from micropython import *  # noqa: F403 (the built-in module that this one extends)

_TAKEN = {-1: 0, 3: 1}


def kbd_intr(character: int):
    """-1: 0x03 is data like any other byte. 3: it is Ctrl-C again."""
    # No jump before the call: a board's own does not raise a Ctrl-C before it has done its work.
    _link.call(_link.KBD_INTR, 0, _TAKEN[character])
