"""Statements from outside: layouts that are recognised, never guessed, and checked first."""

from companion.statements.statement import HostRow, Statement, StatementError

__all__ = ["HostRow", "Statement", "StatementError"]
