"""What the companion keeps: records, original files, runs and breaks (see companion/README.md)."""

from companion.store.errors import StoreBusy, StoreError
from companion.store.store import Store

__all__ = ["Store", "StoreBusy", "StoreError"]
