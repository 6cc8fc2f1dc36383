"""What the C start-up of a board does before boot.py: mount, path, modules. See launch.py."""

import os
import sys

import uctypes
import vfs


def mount(device: str, files: str, rom: tuple):
    """Make ``files`` the root file system, and ``device`` the modules a board has built in.
    ``rom``: address and size of the ROMFS partition in memory, as mp_init() mounts it."""
    root = vfs.VfsPosix(files)
    built_in = vfs.VfsPosix(device)
    vfs.umount("/")
    vfs.mount(root, "/")
    vfs.mount(built_in, "/_virtual", readonly=True)
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib", "/_virtual"]
    address, size = rom
    if size:
        vfs.mount(vfs.VfsRom(uctypes.bytearray_at(address, size)), "/rom")
        sys.path.extend(["/rom", "/rom/lib"])


def scripts(main: bool) -> list:
    """Which files run, in order; main.py not after a reset from the raw REPL."""
    import _link
    import _micropython

    sys.modules["micropython"] = _micropython
    _link.call(_link.READY)
    there = os.listdir("/")
    return [name for name in ("boot.py", "main.py")[: 2 if main else 1] if name in there]


def compiled(name: str):
    with open(name) as file:
        return compile(file.read(), name, "exec")


def script_starts():
    """Ctrl-C is on while a script runs, as on a board; before, 0x03 is kept like other input."""
    import _link

    _link.tell(_link.SCRIPT)


def script_ends():
    import _link

    _link.call(_link.KBD_INTR, 0, 0)


def finish(soft_reset: bool):
    """The scripts are over: give Ctrl-C back to the REPL, or reset after a SystemExit."""
    import _link

    _link.call(_link.KBD_INTR, 0, 1)
    if soft_reset:
        _link.call(_link.SOFT_RESET)
