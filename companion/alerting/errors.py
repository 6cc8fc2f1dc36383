"""Errors of alerts; each message is one line, and none has a receiver's address in full."""

from companion.errors import CompanionError


class AlertError(CompanionError):
    """A rule or a receiver that cannot be."""
