"""The two equations: customer debit against the merchant's books, the acquirer's debt against
the bank. Amounts are minor units; each term is summed on its own, so that they check each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Equation:
    """Customer debit = merchant books + open breaks + what is awaited.

    Awaited is what the acquirer's statement will tell that is not here yet.
    """

    host_captured_minor: int
    terminal_approved_minor: int
    open_breaks_minor: int
    awaited_minor: int = 0

    @property
    def holds(self) -> bool:
        """Whether the two sides are equal."""
        books = self.terminal_approved_minor + self.open_breaks_minor + self.awaited_minor
        return self.host_captured_minor == books

    def as_dict(self) -> dict[str, object]:
        """For JSON: the amounts and whether they fit."""
        return {**asdict(self), "holds": self.holds}


@dataclass(frozen=True)
class Debt:
    """What the acquirer owed = what the bank credited + open breaks + what is not due yet."""

    owed_minor: int
    credited_minor: int
    open_breaks_minor: int
    awaited_minor: int

    @property
    def holds(self) -> bool:
        """Whether the two sides are equal."""
        paid = self.credited_minor + self.open_breaks_minor + self.awaited_minor
        return self.owed_minor == paid

    def as_dict(self) -> dict[str, object]:
        """For JSON: the amounts and whether they fit."""
        return {**asdict(self), "holds": self.holds}
