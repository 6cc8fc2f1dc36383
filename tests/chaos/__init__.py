"""Syncs that are cut and companions that are killed, against the firmware's journal and server."""
