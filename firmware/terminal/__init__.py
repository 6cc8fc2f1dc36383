"""The terminal application."""

FIRMWARE = "0.1.0"
