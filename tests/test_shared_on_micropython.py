"""Every shared test once more under the real MicroPython, with the heap an ESP32 gives."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
INTERPRETER = Path(sys.executable).parent / "micropython"
HEAP = "160wk"
_OUTCOME = re.compile(r"^(PASS|FAIL) (test_\w+)$", re.M)


def shared_tests() -> list[tuple[str, str]]:
    """(module, test) of each test function in tests/shared."""
    found = []
    for path in sorted((ROOT / "tests" / "shared").glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append((path.stem, node.name))
    return found


@functools.cache
def results(module: str) -> tuple[dict[str, str], str]:
    """Outcome of each test of a module, and all that the run printed."""
    run = subprocess.run(
        [str(INTERPRETER), "-X", f"heapsize={HEAP}", "tests/shared/run.py", module],
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": ".:firmware:.frozen"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = run.stdout + run.stderr
    return {test: outcome for outcome, test in _OUTCOME.findall(output)}, output


@pytest.mark.parametrize(("module", "test"), shared_tests())
def test_on_micropython(module: str, test: str) -> None:
    outcomes, output = results(module)
    assert outcomes.get(test) == "PASS", output
