"""A slice of the fuzzing; what it runs on both interpreters; and that it can find something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from companion.flash import journal as flash_journal
from companion.statements import columns, mapping
from companion.store import intake
from drivers import pn532, testcard
from protocol import cbor, config, frame, messages, record, seal
from protocol.iso8583 import codec, place, wire
from terminal import exchange
from tests.fuzz import campaign
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import run_cases, shares
from tests.fuzz.catalogue import SHARED, SHARES, build
from tests.fuzz.target import Target
from tests.shared.expect import Random

ROOT = Path(__file__).resolve().parents[2]
INTERPRETER = Path(sys.executable).parent / "micropython"
# More than a board has: the companion's end is here too, and stores 8192 missing records at once.
HEAP = "640wk"
SLICE = {
    "flash image": 100,
    "journal": 30,
    "profile": 300,
    "mapping": 400,
    "terminal session": 500,
    "companion session": 500,
}


@pytest.mark.parametrize("name", SHARES)
def test_changed_inputs_are_read_or_refused_at_a_bounded_cost(name: str) -> None:
    target = build(name)
    count = SLICE.get(name, 1500)
    target.outcome(target.case(1, 0))
    result = run_cases(target, 1, 0, count, sample=max(10, count // 25))
    assert result.failures == []
    # Both ways are gone: what is always refused at the door tests little.
    assert (result.read > 0) and (result.refused > 0) == bool(target.refusals)
    assert result.measured >= 3 and 0 < result.memory < 1 and 0 < result.steps < 1


@pytest.mark.parametrize("name", SHARED)
def test_micropython_reads_and_refuses_the_same(name: str) -> None:
    count = 200
    run = subprocess.run(
        [INTERPRETER, "-X", f"heapsize={HEAP}", "tests/fuzz/device.py", name, "2", str(count)],
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": ".:firmware:.frozen"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-200:] + run.stderr
    target = build(name)
    here = [f"{number} {crc32(target.outcome(target.case(2, number)))}" for number in range(count)]
    assert run.stdout.splitlines() == here


# One mistake for each target, of the kind that it is there to find.
_Patch = tuple[Any, str, Callable[[Any], Any]]
PLANTED: dict[str, _Patch] = {
    "frame": (frame, "_RUN", lambda good: 253),
    "cbor": (cbor._Reader, "number", lambda good: _any_length),
    "message": (messages, "_version", lambda good: lambda name, message: message[1]),
    "record": (record, "_check", lambda good: lambda *rule: (len(rule[2]), rule[2])[1]),
    "config": (config, "_check", lambda good: lambda *rule: rule[-1]),
    "push": (config, "check", lambda good: lambda field, value: None),
    "terminal session": (seal, "equal", lambda good: lambda a, b: True),
    "companion session": (seal, "equal", lambda good: lambda a, b: True),
    "unionpay_pos": (codec, "_check_text", lambda good: lambda *what: None),
    "iso8583_1987": (codec, "_digits", lambda good: lambda value, number: b""),
    "answer": (exchange, "_batch", lambda good: lambda profile, message: int(message.text(60))),
    "wire": (wire.Unwrapper, "_size", lambda good: lambda self: 2),
    "card reader": (testcard, "PREFIX", lambda good: ""),
    "reader chip": (pn532, "target", lambda good: lambda found: found[6:]),
    "flash image": (flash_journal, "_joined", lambda good: lambda slots: b"x" * 500),
    "journal": (intake, "seal_of", lambda good: lambda payload: bytes(8)),
    "statement": (columns, "shown", lambda good: repr),
    "mapping": (mapping, "_check_value", lambda good: lambda *what: None),
    "profile": (place, "line_of", lambda good: lambda lines, path: len(path.encode())),
}


def _any_length(self: Any, info: int, start: int) -> int:
    if info < 24:
        return info
    return int.from_bytes(self.take(1 << (info - 24), start), "big") if info < 28 else 0


@pytest.mark.parametrize("name", SHARES)
def test_a_planted_mistake_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = build(name)
    where, what, make = PLANTED[name]
    monkeypatch.setattr(where, what, make(getattr(where, what)))
    result = run_cases(target, 1, 0, SLICE.get(name, 3000), sample=1 << 30)
    assert result.failed > 0


class Costly(Target):
    """Takes what a test tells it to take."""

    name = "costly"
    memory = (1000, 10)
    steps = (100, 1)

    def __init__(self, read: Callable[[bytes], object]) -> None:
        self.work = read

    def make(self, dice: Random) -> bytes:
        return dice.bytes(100)

    def read(self, data: bytes) -> object:
        return self.work(data)

    def check(self, data: bytes, found: Any) -> bytes:
        return b""


def _endless(data: bytes) -> None:
    while True:
        pass


def _slow(data: bytes) -> None:
    for _ in data:
        len(data)


def _refuse_at_length(data: bytes) -> None:
    raise ValueError("no" * 1000)


@pytest.mark.parametrize(
    ("work", "problem"),
    [
        (len, ""),
        (lambda data: bytes(1800), ""),
        (lambda data: bytes(2100), r"TooMuch: 2\d\d\d bytes of memory .* at most 2000"),
        (_slow, r"TooMuch: \d+ lines run .* at most 200"),
        (lambda data: bytes(int.from_bytes(data, "big")), "OverflowError"),
        (_endless, "Hang: no end after 0.2 s"),
        (_refuse_at_length, "a refusal of 2000 characters"),
        (lambda data: {}[data], "KeyError"),
    ],
)
def test_a_case_that_costs_too_much_or_raises_another_error_fails(
    work: Callable[[bytes], object], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "HANG_S", 0.2)
    result = run_cases(Costly(work), 1, 0, 1, sample=1)
    found = [failure.problem for failure in result.failures]
    assert len(found) == (problem != "")
    assert all(re.search(problem, text) for text in found), found


def test_the_cases_are_shared_out_to_the_last_one() -> None:
    for cases in (40, 999, 10_000_000):
        for names in (list(SHARES), ["cbor"], ["cbor", "wire"]):
            assert sum(shares(cases, names).values()) == cases


def test_the_command_counts_and_a_failure_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seed", "3", "--report", str(tmp_path), "--target", "cbor"]
    assert main([*options, "--cases", "3000", "--workers", "2"]) == 0
    assert "3000 inputs, 0 failed" in capsys.readouterr().out
    monkeypatch.setattr(cbor._Reader, "number", _any_length)  # the workers are forked with it
    assert main([*options, "--cases", "3000", "--workers", "1"]) == 1
    again = re.search(r"again: .* --seed 3 --case (\d+)\n", capsys.readouterr().out)
    assert again is not None
    kept = tmp_path / f"cbor-3-{again[1]}.bin"
    assert kept.read_bytes() == build("cbor").case(3, int(again[1]))
    with pytest.raises(AssertionError, match="two encodings"):
        main([*options, "--case", again[1]])
