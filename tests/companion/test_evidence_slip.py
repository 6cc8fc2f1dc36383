"""The reprinted slip is the one that the firmware prints, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from companion.evidence import slip
from companion.evidence.dossier import Record
from companion.store.records import decoded
from protocol import record
from terminal import receipt, screens  # type: ignore[import-not-found, unused-ignore]
from tests.companion.sealed import Device

TXNS = (
    record.SALE,
    record.VOID,
    record.REFUND,
    record.PREAUTH,
    record.PREAUTH_CANCEL,
    record.COMPLETION,
    record.COMPLETION_NOTICE,
    record.COMPLETION_VOID,
)
NAMES = (
    "TEST SHOP",
    "上海市浦东新区堃喆海鲜酒家有限责任公司第一分店陆家嘴环球金融中心店",
    "A & <b>",
)
_ENDS = {
    record.REV_OK: "REVERSED, NOT DONE",
    record.REV_ABSENT: "THE HOST KNOWS NOTHING OF IT",
    record.REV_SUSPENDED: "NOT CONFIRMED: OPEN CASE",
}
LANGUAGES = (slip.ENGLISH, slip.CHINESE)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    screens.use(screens.ENGLISH)


def taken(device: Device) -> list[Record]:
    """Every record of a device, as a pack has them."""
    found = []
    for seq, payload in enumerate(device.payloads, 1):
        assert payload is not None
        content: Mapping[str, object] = decoded(payload) or {}
        found.append(Record(device.device_id, seq, b"", 0, payload, content, True, 0, ""))
    return found


def shop(
    device: Device, name: str, language: int = slip.ENGLISH, offset: int = slip.HOST_MIN
) -> slip.Shop:
    device.config.update(merchant_name=name, language=language, utc_offset_min=offset)
    screens.use(language)
    numbers = (str(device.config["merchant_no"]), str(device.config["terminal_no"]))
    return slip.Shop(name, *numbers, language, offset)


def marked(lines: list[str], language: int = slip.ENGLISH) -> list[str]:
    """The terminal's lines with the mark where it marks a duplicate itself."""
    assert len(lines) > 4 and screens.say("*** DUPLICATE ***") not in lines
    return [*lines[:3], slip.MARKS[language], *lines[3:]]


@pytest.mark.parametrize("txn", TXNS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approval_is_reprinted_as_the_terminal_prints_it(
    txn: int, name: str, language: int
) -> None:
    for of in (0, 5):
        for part in (0, 300):
            device = Device()
            device.armed(7, 123456, txn=txn, of=of)
            device.outcome(7, 123456 - part)
            records = taken(device)
            lines = slip.reprint(shop(device, name, language), records)
            armed, outcome = (dict(one.content) for one in records)
            printed = receipt.approved(device.config, armed, outcome)
            assert lines == [*marked(printed, language), "pz-test-1 RECORDS 1-2"]


@pytest.mark.parametrize("offset", [480, 540, -210, 0, 840, -720])
@pytest.mark.parametrize(
    ("host_time", "wall"),
    [
        ("1122093000", 1795311000),
        ("1231233000", 1798731000),
        ("0101003000", 0),
        ("0229120000", 0),
        ("0229235959", 1835452799),
        ("0301000000", 1835452800),
        ("0301000000", 0),
        ("1332093000", 0),
        ("", 0),
    ],
)
def test_the_time_on_it_is_that_of_the_terminals_zone(
    offset: int, host_time: str, wall: int
) -> None:
    device = Device()
    device.armed(7, 100)
    device.outcome(7, 100)
    armed, outcome = taken(device)
    content = {**outcome.content, "host_time": host_time, "wall": wall}
    lines = slip.reprint(
        shop(device, "TEST SHOP", offset=offset), [armed, replace(outcome, content=content)]
    )
    printed = receipt.approved(device.config, dict(armed.content), content)
    assert lines[:-1] == marked(printed)


@pytest.mark.parametrize("txn", TXNS)
@pytest.mark.parametrize("result", _ENDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reversal_is_reprinted_as_the_terminal_prints_it(
    txn: int, result: int, language: int
) -> None:
    device = Device()
    device.armed(7, 4200, txn=txn)
    device.reversal(7)
    device.reversal_end(7, result)
    records = taken(device)
    lines = slip.reprint(shop(device, "TEST SHOP", language), records)
    printed = receipt.reversal(device.config, dict(records[0].content), _ENDS[result])
    assert lines == [*marked(printed, language), "pz-test-1 RECORDS 1-3"]


@pytest.mark.parametrize("end", ["declined", "recon", "pending"])
def test_what_printed_no_slip_is_given_none(end: str) -> None:
    device = Device()
    device.sale(7, 4200, end)
    assert slip.reprint(shop(device, "TEST SHOP"), taken(device)) == []
    assert slip.reprint(shop(device, "TEST SHOP"), []) == []


def test_an_approval_without_the_record_that_armed_it_gives_none() -> None:
    device = Device()
    device.sale(7, 4200, "approved")
    assert slip.reprint(shop(device, "TEST SHOP"), taken(device)[1:]) == []
