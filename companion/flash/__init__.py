"""The journal in a raw flash image, read without the terminal and without the firmware's code.

A parser of its own, written from the format in firmware/terminal/JOURNAL.md: it and the firmware
check each other. It changes nothing, needs no key, and trusts no number before it is checked.
"""

from companion.flash.image import FlashError, Image, load
from companion.flash.journal import Damage, Gap, Reading, Record, read

__all__ = ["Damage", "FlashError", "Gap", "Image", "Reading", "Record", "load", "read"]
