"""The generic ISO 8583:1987 profile on golden bytes: no header, a second bitmap, X9.19."""

import json

from protocol.iso8583 import codec, messages
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.dialect import Profile
from protocol.iso8583.keys import unwrap_key_block
from protocol.iso8583.profile import load_file, read
from tests.shared.expect import raises, row_of, vectors

PATH = (
    __file__[: -len("tests/shared/test_iso8583_1987.py")]
    + "protocol/iso8583/profiles/iso8583_1987.json"
)
PROFILE = load_file(PATH)
GOLDEN = vectors("iso8583_1987")
TPDU = bytes.fromhex(GOLDEN["tpdu"])
MAC_KEY = bytes.fromhex(GOLDEN["mac_key"])


def _row(name: str) -> dict:
    return row_of(GOLDEN, name)


def _bytes(name: str) -> bytes:
    return bytes.fromhex("".join([piece for _, piece in _row(name)["wire"]]))


def _fields(name: str) -> dict:
    """The fields without the MAC."""
    fields = {}
    for key, text in _row(name)["fields"].items():
        if key not in ("64", "128"):
            fields[int(key)] = bytes.fromhex(text) if key == "62" else text
    return fields


def test_golden_messages_decode_and_encode_to_their_bytes():
    assert len(GOLDEN["messages"]) == 7
    for row in GOLDEN["messages"]:
        data = _bytes(row["name"])
        message = codec.decode(PROFILE, data)
        assert (message.mti, message.header, message.requirement) == (row["mti"], "", 0)
        assert codec.verify_mac(PROFILE, message, MAC_KEY) == row["mac"]
        assert message.fields.pop(64, None) is None or message.fields.get(90) is None
        message.fields.pop(128, None)
        assert message.fields == _fields(row["name"]), row["name"]
        key = MAC_KEY if row["mac"] else None
        assert codec.encode(PROFILE, row["mti"], message.fields, TPDU, key) == data


def test_requests_are_built_from_named_values():
    built = [row for row in GOLDEN["messages"] if "build" in row]
    assert [row["name"] for row in built] == ["sign_in", "sale", "reversal", "reversal_repeat"]
    for row in built:
        build = row["build"]
        made = messages.build(PROFILE, build["transaction"], build["values"])
        assert made == (row["mti"], _fields(row["name"])), row["name"]


def test_answers_match_and_both_reversals_have_the_same():
    for request, answer in (
        ("sign_in", "sign_in_answer"),
        ("sale", "sale_answer"),
        ("reversal", "reversal_answer"),
        ("reversal_repeat", "reversal_answer"),
    ):
        message = codec.decode(PROFILE, _bytes(answer))
        mti = _row(request)["mti"]
        assert messages.match(PROFILE, _fields(request), mti, message) is None, request
    assert messages.match(PROFILE, _fields("sale"), "0200", message) == "mti"


def test_a_reversal_of_each_reversible_type_names_its_mti_in_f90():
    values = dict(_row("reversal")["build"]["values"])
    for name, mti in (("sale", "0200"), ("preauth", "0100"), ("void", "0200")):
        values["of"] = name
        assert messages.build(PROFILE, "reversal", values)[1][90][:10] == mti + "000002"
    for name in ("refund", "completion_notice", "balance", "settlement"):
        values["of"] = name
        raises(Iso8583Error, messages.build, PROFILE, "reversal", values)


def _changed(algorithm: str) -> Profile:
    with open(PATH) as file:
        value = json.load(file)
    value["mac"]["algorithm"] = algorithm
    return read(value)


def test_each_mac_algorithm_seals_the_same_bytes_in_its_own_way():
    for algorithm, key, expected in (
        ("cup-ecb", MAC_KEY[:8], "3242313341333134"),
        ("cup-ecb", MAC_KEY, "3437433345433444"),
        ("x9.9", MAC_KEY[:8], "C54B83063E8434AD"),
        ("x9.19", MAC_KEY, "96B32304F9D4EF94"),
        ("aes-cmac", MAC_KEY, "9A09655FAAFEAD63"),
    ):
        profile = _changed(algorithm)
        data = codec.encode(profile, "0200", _fields("sale"), TPDU, key)
        assert data[:-8] == _bytes("sale")[:-8], algorithm
        assert data[-8:] == bytes.fromhex(expected), algorithm
        assert codec.verify_mac(profile, codec.decode(profile, data), key)


def test_a_key_the_algorithm_does_not_take_is_an_iso8583_error():
    fields = _fields("sale")
    error = raises(Iso8583Error, codec.encode, PROFILE, "0200", fields, TPDU, MAC_KEY[:8])
    assert "field 64: x9.19 takes no key of 8 bytes" in str(error)
    message = codec.decode(PROFILE, _bytes("sale_answer"))
    raises(Iso8583Error, codec.verify_mac, PROFILE, message, MAC_KEY[:8])


def test_the_sign_in_brings_a_mac_key_of_16_bytes():
    answer = codec.decode(PROFILE, _bytes("sign_in_answer"))
    tmk = bytes.fromhex(GOLDEN["tmk"])
    assert unwrap_key_block(tmk, answer.blob(62), PROFILE.mac_key_lengths)[1] == MAC_KEY


def test_a_second_bitmap_is_there_exactly_when_a_field_above_64_is():
    data = _bytes("reversal")
    assert data[7] & 0x80 and not _bytes("sale")[7] & 0x80
    message = codec.decode(PROFILE, data)
    assert message.mac == data[-8:] and message.mac_data == data[5:-8]
    empty = TPDU + bytes.fromhex("0800" + "8020000000000000" + "00" * 8 + "000001")
    assert "second bitmap without" in str(raises(Iso8583Error, codec.decode, PROFILE, empty))
    narrow_mac = data[:14] + bytes((data[14] | 1,)) + data[15:]
    assert "F128" in str(raises(Iso8583Error, codec.decode, PROFILE, narrow_mac))
    fields = _fields("reversal")
    fields[64] = bytes(8)
    assert "F128" in str(raises(Iso8583Error, codec.encode, PROFILE, "0420", fields, TPDU))
    for length in range(len(data)):
        raises(Iso8583Error, codec.decode, PROFILE, data[:length])
