"""Canonical facts as Parquet beside the store: the only thing that the rules read."""
