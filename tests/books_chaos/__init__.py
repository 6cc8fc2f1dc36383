"""Companions killed while they import, reconcile and work on cases (`make chaos-books`)."""
