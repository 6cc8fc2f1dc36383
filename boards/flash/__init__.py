"""MicroPython and the firmware onto a board: built offline, checked, and written in an order that
never touches a journal."""
