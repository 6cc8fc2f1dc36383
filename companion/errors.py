"""The one kind of error that the command line shows as a line and not as a traceback."""


class CompanionError(Exception):
    """Something expected went wrong; the message is one line that says what and where."""
