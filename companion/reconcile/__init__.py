"""Reconciliation: facts from the originals, one definition of the rules, the equation."""
