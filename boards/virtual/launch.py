"""Run as a script: starts chips. Standard library only, no site.

The wheel ships MicroPython as a CPython extension, so a start of CPython is needed anyway; it
picks the REPL and puts a safe Ctrl-C in place. A start takes longer than all that the board does
until it sells, so a server has it behind it, with the wheel loaded and never run: each chip is a
copy of that. Where that cannot be, each chip has a start of its own.
Arguments: folder of the wheel, and the server's socket; or a job and its descriptors.
"""

import ctypes
import fcntl
import importlib
import json
import mmap
import os
import platform
import signal
import socket
import sys
import termios
from typing import Any

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
    if not os.path.exists(rom) or not os.path.getsize(rom):
        return 0, 0
    with open(rom, "rb") as file:
        flash = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE)
    return _address(flash), len(flash)


# Job, from boards/virtual/starter.py: "device" and "root" folders, "rom" image (none there: no
# such partition), "heap", "repl" ("raw" or "friendly"), "environment", and for what the chip
# gets besides its terminal, the environment's names of its "descriptors".
Job = dict[str, Any]
MAX_JOB = 65536
MAX_DESCRIPTORS = 16

_CLONE_PARENT = 0x8000  # linux/sched.h
_SYS_CLONE = 56  # on x86_64, which all Linux wheels are for
AS_COPIES = sys.platform == "linux" and platform.machine() == "x86_64"
"""Whether chips are copies of a server."""


def load(wheel: str) -> tuple[Any, ctypes.CDLL]:
    """The interpreter, as a module and as a library."""
    sys.path.insert(0, wheel)
    module = importlib.import_module("micropython_run")
    return module, ctypes.CDLL(module.__file__)


def run(loaded: tuple[Any, ctypes.CDLL], job: Job, descriptors: list[int]) -> int:
    """This process becomes the chip; returns its exit status."""
    os.setsid()
    # As a controlling terminal, the pty takes the chip with it when the supervisor dies.
    fcntl.ioctl(descriptors[0], termios.TIOCSCTTY, 0)
    for standard in range(3):
        os.dup2(descriptors[0], standard)
    os.close(descriptors[0])
    os.chdir(job["root"])
    os.environ.clear()  # without HOME, or the REPL would keep a history file there
    os.environ.update(job["environment"])
    os.environ.update(zip(job["descriptors"], map(str, descriptors[1:]), strict=True))
    module, library = loaded
    mode = ctypes.c_int.in_dll(library, "pyexec_mode_kind")
    mode.value = int(job["repl"] == "raw")
    _install_ctrl_c(library)
    # Read by device/_link.py.
    os.environ["BOARD_SHARED"] = str(_address(mmap.mmap(int(os.environ["BOARD_SHARED"]), 0)))
    rom = _map(job["rom"])
    main = job["repl"] == "friendly"
    boot = _BOOT.format(device=job["device"], root=job["root"], rom=rom, main=main)
    module.run_main(["micropython", "-X", "heapsize=" + job["heap"], "-i", "-c", boot])
    return ENDED_IN_RAW_REPL if mode.value else ENDED_IN_FRIENDLY_REPL


def serve(control: socket.socket, loaded: tuple[Any, ctypes.CDLL]) -> None:
    """Make a chip for each job until the owner is gone; answers with its process id or -errno."""
    # Called with the GIL held: the copy has no other thread that could give it.
    system = ctypes.PyDLL(None, use_errno=True)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, MAX_JOB, MAX_DESCRIPTORS)
        if not data:
            return
        # A child of the owner, not of this process: the owner stops, kills and reaps it.
        made = system.syscall(_SYS_CLONE, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
        if made == 0:
            control.close()
            _exit_as(loaded, json.loads(data), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(str(made if made > 0 else -ctypes.get_errno()).encode())


def _exit_as(loaded: tuple[Any, ctypes.CDLL], job: Job, descriptors: list[int]) -> None:
    status = 1
    try:
        status = run(loaded, job, descriptors)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


if __name__ == "__main__":
    interpreter = load(sys.argv[1])
    if len(sys.argv) == 3:
        serve(socket.socket(fileno=int(sys.argv[2])), interpreter)
    else:
        _exit_as(interpreter, json.loads(sys.argv[2]), list(map(int, sys.argv[3:])))
