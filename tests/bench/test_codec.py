"""The codec's bar, on few rounds. It is measured at twice pyiso8583: room for a busy machine."""

from __future__ import annotations

import pytest

from tests.bench import codec


def test_the_codec_is_at_least_as_fast_as_pyiso8583() -> None:
    rows = codec.measure(5)
    assert [row.what for row in rows] == ["decode", "encode"]
    for row in rows:
        assert row.ratio >= codec.BAR, row


def test_a_missed_bar_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "BAR", 1000.0)
    assert codec.main(["--rounds", "1"]) == 1
