"""protocol/README.md is the specification: it must say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from protocol import config, frame, messages, record

README = (Path(__file__).parent.parent / "protocol" / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Cells of every table row below a heading, up to the next one."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]


def test_every_record_kind_stands_there_with_its_fields_in_order() -> None:
    found = {row[0]: (row[1], re.findall(r"`(\w+)`", row[2])) for row in rows("Records")}
    for kind, (name, fields) in record.KINDS.items():
        assert found[str(kind)] == (name, [field for field, _ in fields])


def test_every_field_of_the_configuration_stands_there_in_order() -> None:
    names = [row[0].strip("`") for row in rows("Configuration") if row[0].startswith("`")]
    assert names == [row[0] for row in config.FIELDS]


def test_every_message_stands_there_with_its_number_and_its_fields() -> None:
    found = {row[0]: row for row in rows("Sessions") if row[0].isdigit()}
    every = {**messages.TO_TERMINAL, **messages.TO_COMPANION}
    assert sorted(found) == sorted(str(kind) for kind in every)
    for kind, (name, rules) in every.items():
        row = found[str(kind)]
        assert row[1] == name
        fields = re.sub(r"\([^)]*\)", "", row[2])
        assert len([field for field in fields.split(",") if field.strip()]) == len(rules), name


def test_every_error_code_stands_there() -> None:
    names = {row[0] for row in rows("Sessions")}
    for code in (
        messages.BUSY,
        messages.BAD_VERSION,
        messages.BAD_AUTH,
        messages.NO_SESSION,
        messages.BAD_PROTOCOL,
        messages.BAD_RANGE,
        messages.NOT_PROVISIONED,
        messages.ALREADY_PROVISIONED,
        messages.BAD_CONFIG,
        messages.FAULT,
        messages.BAD_HISTORY,
        messages.REFUSED,
    ):
        assert code in names


def test_the_limits_stand_there() -> None:
    for limit in (
        frame.MAX_TO_TERMINAL,
        frame.MAX_TO_COMPANION,
        record.MAX_RECORD,
        config.MAX_CONFIG,
        messages.MAX_CHUNK,
        messages.MAX_PUSH,
        messages.BASE_BAUD,
        messages.MAX_RECORDS,
        messages.MAX_SEALED,
    ):
        assert re.search(rf"\b{limit}\b", README), limit
