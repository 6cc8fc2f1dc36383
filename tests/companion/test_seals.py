"""A file is used again only as it was left."""

from __future__ import annotations

import os
from pathlib import Path

from companion.facts import seals
from companion.facts.seals import Seals

_DATA = bytes(range(256)) * 64


def _sealed(folder: Path) -> Path:
    path = folder / "a.parquet"
    path.write_bytes(_DATA)
    # Long ago, so that no change falls into the same tick of the clock.
    os.utime(path, ns=(10**18, 10**18))
    seals.seal(folder)
    return path


def test_a_file_is_whole_only_to_its_last_byte(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    assert seals.whole(tmp_path, ["a.parquet"])
    for end in (0, 1, len(_DATA) // 2, len(_DATA) - 1):
        path.write_bytes(_DATA[:end])
        os.utime(path, ns=(10**18, 10**18))
        assert not seals.whole(tmp_path, ["a.parquet"]), end
    path.unlink()
    assert not seals.whole(tmp_path, ["a.parquet"])


def test_a_change_in_the_middle_is_seen_by_its_time(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    path.write_bytes(_DATA[:5000] + b"\x00" + _DATA[5001:])
    assert path.stat().st_size == len(_DATA)
    assert not seals.whole(tmp_path, ["a.parquet"])


def test_another_end_is_seen_though_somebody_put_the_time_back(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    path.write_bytes(_DATA[:-9] + b"\x00" + _DATA[-8:])
    os.utime(path, ns=(10**18, 10**18))
    assert not seals.whole(tmp_path, ["a.parquet"])


def test_what_has_no_seal_is_not_whole_and_a_broken_list_is_none(tmp_path: Path) -> None:
    _sealed(tmp_path)
    (tmp_path / "b.parquet").write_bytes(_DATA)
    assert not seals.whole(tmp_path, ["a.parquet", "b.parquet"])
    for text in ("", "[]", "{", '{"a.parquet": 7}'):
        (tmp_path / seals.NAME).write_text(text)
        assert not seals.whole(tmp_path, ["a.parquet"])


def test_seals_of_files_that_nobody_asked_for_are_forgotten(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    Seals(tmp_path).save()
    assert not seals.whole(tmp_path, [path.name])
