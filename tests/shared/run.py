"""Run the tests of one shared test module under MicroPython.

    micropython tests/shared/run.py test_cbor

Prints ``PASS name`` or ``FAIL name`` (the traceback follows) for each test; exits 1 on a failure.
Run from the repository root with MICROPYPATH=.:firmware:.frozen
"""

import gc
import sys


def run(name: str) -> int:
    module = getattr(__import__("tests.shared." + name).shared, name)
    failures = 0
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, test)()
        except Exception as error:
            failures += 1
            print("FAIL", test)
            sys.print_exception(error)
        else:
            print("PASS", test)
    return 1 if failures else 0


if __name__ == "__main__":
    gc.threshold(16384)  # as boot.py does on a board, and why: see there
    sys.exit(run(sys.argv[1]))
