"""The host's codec against bytes packed by hand from the dialect's rules."""

from __future__ import annotations

import pytest

from companion.acquirer import wire
from tests.companion.acquirer_client import PREFIX, TRACK2, Fields, Till, bcd, ll, lll, pack

SALE = Till(batch="000007", mac_key=bytes(range(8)))


def test_hand_packed_sale_decodes_to_its_fields() -> None:
    message = wire.decode(SALE.sale_request(123456, stan=42))
    assert message.mti == "0200"
    assert message.amount_minor == 123456
    assert (message.stan, message.batch, message.message_type) == ("000042", "000007", "22")
    assert message.get(22) == "021"
    assert message.get(35) == TRACK2
    assert message.terminal_no == "10000001"
    assert message.merchant_no == "104110070110001"


def test_mac_data_is_mti_to_the_field_before_64() -> None:
    data = SALE.sale_request(1, stan=1)
    assert wire.decode(data).mac_data == data[11:-8]


def test_answer_encodes_to_the_bytes_the_dialect_asks_for() -> None:
    fields = {11: "000042", 22: "071", 23: "001", 32: "12345678901", 39: "00", 60: "22000007000"}
    prefix = bytes.fromhex("6000010000603100310000")
    expected = (
        "6000010000603100310000"  # TPDU and header
        "0210" + "0020060102000010"  # bits 11, 22, 23, 32, 39, 60
        "000042"
        "0710"  # n3, left-aligned
        "0001"  # n3, right-aligned
        "11123456789010"  # LLVAR of 11 digits, padded on the right
        "3030"
        "0011220000070000"  # LLLVAR of 11 digits, padded on the right
    )
    assert wire.encode("0210", fields, prefix).hex() == expected


def test_answer_swaps_the_addresses_and_sets_the_processing_requirement() -> None:
    request = bytes.fromhex("6000030012613109310000")
    assert wire.answer_prefix(request, 0).hex() == "6000120003613100310000"
    assert wire.answer_prefix(request, 3).hex() == "6000120003613103310000"


def sale_with(number: int, value: bytes) -> bytes:
    fields: Fields = SALE.sale_fields(100, stan=1)
    return pack("0200", fields | {number: value}, SALE.mac_key)


BROKEN = {
    "field 17 .* not in the dialect": sale_with(17, b"\x03\x02"),
    "field 4 is not digits": sale_with(4, b"\x00\x00\x00\x00\x1a\x00"),
    "field 2: Field data is 20 .* larger than maximum 19": sale_with(2, ll("6" * 20)),
    "field 2: .* invalid BCD": sale_with(2, b"\x1a" + bytes(8)),
    "field 60: Field data is 18 .* larger than maximum 17": sale_with(60, lll("2" * 18)),
    "field 35 is not digits": sale_with(35, ll("6222001234560005")),
    "field 41 is not printable": sale_with(41, b"1000\x00" + b"001"),
    "field 49: .* invalid data": sale_with(49, b"\xff56"),
    "header has a digit": b"\x60\x00\x01\x00\x00\xaa" + SALE.sale_request(1, stan=1)[6:],
    "MTI has a digit": PREFIX + b"\x0f\x00" + SALE.sale_request(1, stan=1)[13:],
    "TPDU starts with 61": b"\x61" + SALE.sale_request(1, stan=1)[1:],
    "Extra data": SALE.sale_request(1, stan=1) + b"\x00",
    "field 64: Field data is 7": SALE.sale_request(1, stan=1)[:-1],
    "length 20 is not in": bytes(20),
    "length 1025 is not in": b"\x60" + bytes(1024),
    "field 1 .* not in the dialect": PREFIX + bcd("0200") + b"\x80" + bytes(7),
}


@pytest.mark.parametrize("error", BROKEN)
def test_broken_message_is_refused_with_the_field_named(error: str) -> None:
    with pytest.raises(wire.MessageError, match=error):
        wire.decode(BROKEN[error])


def test_no_error_quotes_what_a_field_held() -> None:
    for data in BROKEN.values():
        with pytest.raises(wire.MessageError) as caught:
            wire.decode(data)
        assert "622200" not in str(caught.value)


def test_every_prefix_of_a_sale_is_refused() -> None:
    whole = SALE.sale_request(100, stan=1)
    for length in range(len(whole)):
        with pytest.raises(wire.MessageError):
            wire.decode(whole[:length])
