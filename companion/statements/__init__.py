"""Statements from outside: layouts that are recognised, never guessed, and checked first."""

from companion.statements.statement import Statement, StatementError

__all__ = ["Statement", "StatementError"]
