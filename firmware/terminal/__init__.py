"""The terminal application."""

FIRMWARE = "0.1.0"
# An image for an update is known by it (update.py).
MARK = "pingzhang firmware 0.1.0"
