"""Modules that are needed once, or seldom: they leave the heap again.

A terminal reads a dialect once and mounts its journal once, and the code for it, with the names
and texts in it, is as large as what it leaves behind.
"""

import sys


class Once:
    """What is imported in it for the first time is unloaded at its end:

        with Once():
            from protocol.iso8583 import profile
            dialect = profile.load_file(path)

    Nothing in it may await, and nothing that stays may be of a class defined there.
    """

    def __enter__(self) -> None:
        self._before = set(sys.modules)

    def __exit__(self, *_: object) -> None:
        for name in list(sys.modules):
            if name not in self._before:
                forget(name)


def forget(name: str) -> None:
    """Unload a module, if it is there."""
    if name in sys.modules:
        del sys.modules[name]
        package, _, last = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], last):
            delattr(sys.modules[package], last)
