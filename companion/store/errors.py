"""Errors of the store; each message is one line that says what and where."""

from companion.errors import CompanionError


class StoreError(CompanionError):
    """The store cannot do what was asked: missing, damaged, foreign, or in conflict with it."""


class StoreBusy(StoreError):
    """Another process holds the lock that this one needs."""
