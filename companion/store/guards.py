"""Triggers that keep rows from being changed or removed by SQL."""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

# Of an adjustment: it may be decided, once, and nothing else of it changes.
DECIDING = (
    "OLD.approved IS NULL AND NEW.approved IS NOT NULL AND NEW.id = OLD.id "
    "AND NEW.case_id = OLD.case_id AND NEW.closes = OLD.closes "
    "AND NEW.amount_minor = OLD.amount_minor AND NEW.text = OLD.text "
    "AND NEW.maker = OLD.maker AND NEW.made_at = OLD.made_at"
)


def statements(table: str, changing: str = "") -> list[str]:
    """The triggers of a table whose rows stay as they were added; with ``changing``, a row may be
    changed as long as that SQL condition on its OLD and NEW values holds."""
    unless = f" WHEN NOT ({changing})" if changing else ""
    return [
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table}{unless} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: what was written stays'); END",
        f"CREATE TRIGGER {table}_remain BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: what was written remains'); END",
    ]


def guard(table: Table, changing: str = "") -> None:
    """Create them with the table."""
    for statement in statements(table.name, changing):
        trigger = DDL(statement)  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", trigger)
