"""The errors of cases."""

from __future__ import annotations

from companion.errors import CompanionError


class CaseError(CompanionError):
    """Something that may not be done with a case; the message says with which, and why."""
