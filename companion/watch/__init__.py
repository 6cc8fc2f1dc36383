"""Syncs terminals as they appear: who is there, when it is whose turn, and the loop."""
