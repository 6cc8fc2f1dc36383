"""Alerts: what somebody has to be told of at once, who is told, and what he was told already."""
