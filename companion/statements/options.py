"""What the one who imports a file says of it, where the file itself does not."""

from __future__ import annotations

from dataclasses import dataclass

# The channel of cards that terminals take; every acquirer's file of them, unless told otherwise.
CARD = "card"


@dataclass(frozen=True)
class Options:
    """Kept with the file: without them it could not be read again."""

    # The text of a mapping file, "" when a known layout is expected.
    mapping: str = ""
    # Instead of the layout's own.
    channel: str = ""
    # The merchant or account, for files that do not name it.
    party: str = ""
