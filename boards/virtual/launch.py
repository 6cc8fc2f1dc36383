"""Run as a script: turns this process into the board's chip. Standard library only, no site.

The wheel ships MicroPython as a CPython extension, so a short start in CPython is needed anyway;
it picks the REPL and puts a safe Ctrl-C in place.
Arguments: folder of the wheel, device folder, root folder, ROMFS image (none there: no such
partition), heap size, "raw" or "friendly".
"""

import ctypes
import fcntl
import importlib
import mmap
import os
import signal
import sys
import termios

# Exit statuses of a chip that came to its end in order, by the REPL it was in. An interpreter
# that calls exit() on its own never gets to use them.
ENDED_IN_FRIENDLY_REPL = 42
ENDED_IN_RAW_REPL = 43

_BOOT = """\
__import__("sys").path[:] = [{device!r}]
import _start
_start.mount({device!r}, {root!r}, {rom!r})
_exit = False
try:
    for _name in _start.scripts({main!r}):
        _code = _start.compiled(_name)
        _start.script_starts()
        exec(_code)
        _start.script_ends()
except SystemExit:
    _exit = True
finally:
    _start.finish(_exit)
"""


_mapped: list[mmap.mmap] = []  # for as long as the process lives


def _address(mapped: mmap.mmap) -> int:
    _mapped.append(mapped)
    return ctypes.addressof(ctypes.c_char.from_buffer(mapped))


# What the supervisor sends for Ctrl-C. The unix port's own handler, for SIGINT, jumps out of
# whatever runs, even with the heap's lock held, and the interpreter hangs.
CTRL_C = signal.SIGUSR1


def _install_ctrl_c(library: ctypes.CDLL) -> None:
    """As the interrupt of a real port does: the VM raises KeyboardInterrupt where it is safe."""
    libc = ctypes.CDLL(None)
    handler = ctypes.cast(library.mp_sched_keyboard_interrupt, ctypes.c_void_p)
    libc.signal(ctypes.c_int(CTRL_C), handler)
    libc.siginterrupt(ctypes.c_int(CTRL_C), 1)  # blocked reads and sleeps end at once


def _map(rom: str) -> tuple[int, int]:
    """(address, size) of the image in memory: flash that a chip sees in its address space. It is
    private: the chip's own writes are gone with its power, as those to mapped flash never are."""
    if not os.path.exists(rom):
        return 0, 0
    with open(rom, "rb") as file:
        flash = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE)
    return _address(flash), len(flash)


def main(wheel: str, device: str, root: str, rom: str, heap: str, repl: str) -> int:
    # As a controlling terminal, the pty takes the chip with it when the supervisor dies.
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.path.insert(0, wheel)
    micropython_run = importlib.import_module("micropython_run")
    library = ctypes.CDLL(micropython_run.__file__)
    mode = ctypes.c_int.in_dll(library, "pyexec_mode_kind")
    mode.value = int(repl == "raw")
    _install_ctrl_c(library)
    # Read by device/_link.py.
    os.environ["BOARD_BUSY"] = str(_address(mmap.mmap(int(os.environ["BOARD_BUSY"]), 1)))
    boot = _BOOT.format(device=device, root=root, rom=_map(rom), main=repl == "friendly")
    arguments = ["micropython", "-X", "heapsize=" + heap, "-i", "-c", boot]
    micropython_run.run_main(arguments)
    return ENDED_IN_RAW_REPL if mode.value else ENDED_IN_FRIENDLY_REPL


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
