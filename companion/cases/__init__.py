"""Cases: breaks that one cause explains, followed until somebody or something has squared them."""

from companion.cases.errors import CaseError
from companion.cases.update import Changes, update

__all__ = ["CaseError", "Changes", "update"]
