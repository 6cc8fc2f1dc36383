"""Labelled worlds: three legs with every kind of break in them, and the truth beside them.

What is true is known because it was put there: nothing here reads the rules.
"""
