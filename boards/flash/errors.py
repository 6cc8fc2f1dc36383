"""Why nothing was built or written."""

from __future__ import annotations


class Refused(Exception):
    """Something is not as it must be; one sentence that says what and where, for a person.

    Raised before anything is written to a board.
    """


class Interrupted(Exception):
    """A command failed after writing had begun; the message says what to do next."""
