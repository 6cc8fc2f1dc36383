"""The codec, requests and matching, on golden messages and on damaged ones."""

from protocol.iso8583 import codec, messages, wire
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.profile import load_file
from tests.shared.expect import Random, raises, vectors

PROFILE = load_file(
    __file__[: -len("tests/shared/test_iso8583.py")]
    + "protocol/iso8583/profiles/unionpay_pos.json"
)
GOLDEN = vectors("iso8583")
TPDU = bytes.fromhex(GOLDEN["tpdu"])
MAC_KEY = bytes.fromhex(GOLDEN["mac_key"])


def _bytes(row: dict) -> bytes:
    return bytes.fromhex("".join([piece for _, piece in row["wire"]]))


def _fields(row: dict) -> dict:
    fields = {}
    for number, value in row["fields"].items():
        binary = PROFILE.table[int(number)][0] == "b"
        fields[int(number)] = bytes.fromhex(value) if binary else value
    return fields


def _row(name: str) -> dict:
    for row in GOLDEN["messages"]:
        if row["name"] == name:
            return row
    raise AssertionError(name)


def _decoded(name: str) -> codec.Message:
    return codec.decode(PROFILE, _bytes(_row(name)))


def _encode(fields: dict, mti: str = "0200") -> bytes:
    return codec.encode(PROFILE, mti, fields, TPDU)


def test_golden_messages_decode_to_their_fields():
    assert len(GOLDEN["messages"]) == 7
    for row in GOLDEN["messages"]:
        message = codec.decode(PROFILE, _bytes(row))
        assert message.fields == _fields(row), row["name"]
        assert message.mti == row["mti"]
        assert message.tpdu == TPDU
        assert message.requirement == row["requirement"]
        assert message.header == row["wire"][1][1]


def test_golden_fields_encode_to_their_bytes():
    for row in GOLDEN["messages"]:
        fields = _fields(row)
        fields.pop(64, None)
        key = MAC_KEY if row["mac"] else None
        data = codec.encode(PROFILE, row["mti"], fields, TPDU, key, row["requirement"])
        assert data == _bytes(row), row["name"]


def test_requests_are_built_from_named_values():
    built = [row for row in GOLDEN["messages"] if "build" in row]
    assert [row["name"] for row in built] == ["sign_in", "sale", "reversal"]
    for row in built:
        fields = _fields(row)
        fields.pop(64, None)
        build = row["build"]
        made = messages.build(PROFILE, build["transaction"], build["values"])
        assert made == (row["mti"], fields), row["name"]


def test_golden_macs_verify_and_any_changed_bit_breaks_them():
    assert not codec.verify_mac(PROFILE, _decoded("sign_in"), MAC_KEY)
    for name in ("sale", "sale_answer", "reversal", "reversal_answer"):
        message = _decoded(name)
        assert codec.verify_mac(PROFILE, message, MAC_KEY)
        assert not codec.verify_mac(PROFILE, message, bytes(8))
        raw = bytearray(_bytes(_row(name)))
        for at in (11, 22, len(raw) - 20, len(raw) - 1):
            raw[at] ^= 1
            forged = codec.Message(bytes(raw), message.header, 0, message.mti)
            forged.fields = dict(message.fields)
            forged.fields[64] = bytes(raw[-8:])
            assert not codec.verify_mac(PROFILE, forged, MAC_KEY), (name, at)
            raw[at] ^= 1


def test_mac_data_runs_from_the_mti_to_the_field_before_64():
    row = _row("sale")
    pieces = [bytes.fromhex(piece) for _, piece in row["wire"]]
    assert _decoded("sale").mac_data == b"".join(pieces[2:-1])
    pieces = [bytes.fromhex(piece) for _, piece in _row("sign_in")["wire"]]
    assert _decoded("sign_in").mac_data == b"".join(pieces[2:])


def test_bad_messages_give_one_error_with_field_and_offset():
    for row in GOLDEN["bad"]:
        error = raises(Iso8583Error, codec.decode, PROFILE, bytes.fromhex(row["bytes"]))
        assert str(error) == row["error"], row["why"]
        assert f"at byte {error.offset}:" in str(error)


def test_a_message_longer_than_the_limit_is_refused_both_ways():
    error = raises(Iso8583Error, codec.decode, PROFILE, bytes(1025))
    assert "1025 bytes, more than 1024" in str(error)
    long = {59: "x" * 600, 62: bytes(512)}
    assert "more than 1024" in str(raises(Iso8583Error, _encode, long))


def test_every_cut_of_a_message_is_refused():
    for name in ("sign_in_answer", "sale", "chip_sale_fields"):
        data = _bytes(_row(name))
        for length in range(len(data)):
            raises(Iso8583Error, codec.decode, PROFILE, data[:length])


def test_seeded_mutations_decode_or_give_an_iso8583_error():
    random = Random(8583)
    originals = [_bytes(row) for row in GOLDEN["messages"]]
    refused = 0
    for _ in range(2000):
        data = bytearray(originals[random.below(len(originals))])
        for _ in range(1 + random.below(4)):
            at = random.below(len(data))
            how = random.below(3)
            if how == 0:
                data[at] = random.below(256)
            elif how == 1:
                data[at] ^= 1 << random.below(8)
            else:
                data = data[:at] + random.bytes(random.below(3)) + data[at + random.below(3) :]
        try:
            message = codec.decode(PROFILE, bytes(data))
        except Iso8583Error:
            refused += 1
            continue
        # What is accepted is what we would send: no two readings of one message.
        again = codec.encode(
            PROFILE, message.mti, message.fields, message.tpdu, None, message.requirement
        )
        assert again[11:] == bytes(data[11:])
    assert 200 < refused < 2000


def test_values_that_break_the_profile_are_refused_before_sending():
    for fields, expected in (
        ({5: "1"}, "field 5: not defined"),
        ({1: "1"}, "field 1: not defined"),
        ({65: "1"}, "field 65: not defined"),
        ({0: "1"}, "not defined"),
        ({4: "1234"}, "field 4: length 4 is not 12"),
        ({4: "00000000123x"}, "field 4: not decimal digits"),
        ({4: "00000000123²"}, "field 4: not decimal digits"),
        ({2: ""}, "field 2: length 0 is not 1 to 19"),
        ({2: "1" * 20}, "field 2: length 20"),
        ({11: 1}, "field 11: kind n takes text"),
        ({52: "12345678"}, "field 52: kind b takes bytes"),
        ({52: bytes(7)}, "field 52: length 7 is not 8"),
        ({35: "62D1D2"}, "field 35: not decimal digits"),
        ({35: "62D1=2"}, "field 35: not decimal digits"),
        ({38: "12-456"}, "field 38: not letters and digits"),
        ({41: "1000\n001"}, "field 41: not printable ASCII"),
        ({41: "商户"}, "field 41: not printable ASCII"),
        ({41: "123456789"}, "field 41: length 9 is not 8"),
        ({41: ""}, "field 41: length 0 is not 8"),
    ):
        assert expected in str(raises(Iso8583Error, _encode, fields)), expected
    raises(Iso8583Error, codec.encode, PROFILE, "02", {}, TPDU)
    raises(Iso8583Error, codec.encode, PROFILE, "02x0", {}, TPDU)
    raises(Iso8583Error, codec.encode, PROFILE, "0200", {}, TPDU[:4])
    raises(Iso8583Error, codec.encode, PROFILE, "0200", {}, bytes(5))
    raises(Iso8583Error, codec.encode, PROFILE, "0200", {64: bytes(8)}, TPDU, MAC_KEY)


def test_no_error_shows_a_card_number():
    pan = "6222000000000000005"
    for fields in ({2: pan + "0"}, {2: pan[:-1] + "x"}, {35: pan + "DD"}):
        assert "6222" not in str(raises(Iso8583Error, _encode, fields))


def test_short_text_is_padded_with_spaces():
    message = codec.decode(PROFILE, _encode({41: "T1", 42: "M1"}))
    assert message.text(41) == "T1      "
    assert message.text(42) == "M1" + 13 * " "


def test_a_track_separator_of_a_magnetic_reader_goes_out_as_d():
    assert _encode({35: "62220005=2512"}) == _encode({35: "62220005D2512"})


def test_text_and_blob_of_an_absent_field_are_empty():
    message = _decoded("sign_in")
    assert (message.text(39), message.blob(62)) == ("", b"")
    assert len(_decoded("sign_in_answer").blob(62)) == 40


def _sale_values() -> dict:
    return dict(_row("sale")["build"]["values"])


def test_a_missing_value_is_named():
    for name in ("amount_minor", "stan", "terminal_no", "entry"):
        values = _sale_values()
        values.pop(name)
        error = str(raises(Iso8583Error, messages.build, PROFILE, "sale", values))
        assert name + " is missing" in error
    values = _sale_values()
    values.pop("batch")
    assert "batch" in str(raises(Iso8583Error, messages.build, PROFILE, "sale", values))


def test_an_amount_or_stan_that_does_not_fit_is_refused():
    for name, value in (("amount_minor", 10**12), ("amount_minor", -1), ("stan", 1000000)):
        values = _sale_values()
        values[name] = value
        error = str(raises(Iso8583Error, messages.build, PROFILE, "sale", values))
        assert name + " does not fit" in error


def test_a_reversal_carries_no_track_and_no_pin_even_when_given():
    values = dict(_row("reversal")["build"]["values"])
    values["track2"] = "6222D2512"
    values["pin_block"] = bytes(8)
    mti, fields = messages.build(PROFILE, "reversal", values)
    assert mti == "0400"
    assert 35 not in fields and 52 not in fields and 36 not in fields
    assert fields[39] == "98"


def test_what_may_not_be_reversed_is_refused():
    values = dict(_row("reversal")["build"]["values"])
    values["of"] = "sign_in"
    error = raises(Iso8583Error, messages.build, PROFILE, "reversal", values)
    assert "sign_in may not be reversed" in str(error)


def test_parts_join_and_split():
    text = _row("sale")["fields"]["60"]
    parts = messages.split(PROFILE, 60, text)
    assert parts["message_type"] == "22" and parts["batch"] == "000101"
    assert "partial_approval" not in parts
    assert messages.join(PROFILE, 60, parts) == text
    assert messages.split(PROFILE, 63, "01 hello") == {"operator": "01 ", "text": "hello"}
    assert messages.split(PROFILE, 63, "") == {}
    raises(Iso8583Error, messages.split, PROFILE, 60, "220001")
    raises(Iso8583Error, messages.split, PROFILE, 60, "0" * 18)
    raises(Iso8583Error, messages.join, PROFILE, 60, {"message_type": "22", "network": "000"})
    raises(Iso8583Error, messages.join, PROFILE, 60, {"message_type": "2"})


def test_golden_answers_match_their_requests():
    for name in ("sign_in", "sale", "reversal"):
        request = _row(name)
        answer = _decoded(name + "_answer")
        assert messages.match(PROFILE, _fields(request), request["mti"], answer) is None


def test_an_answer_that_differs_names_the_first_field():
    request = _row("sale")
    for number, value, expected in (
        (11, "000003", "stan"),
        (41, "10000002", "terminal_no"),
        (42, "104110070110002", "merchant_no"),
        (60, "2200010200060", "batch"),
        (3, "200000", "processing"),
        (4, "000000001235", "amount_minor"),
        (4, None, "amount_minor"),
        (60, None, "batch"),
    ):
        answer = _decoded("sale_answer")
        if value is None:
            answer.fields.pop(number)
        else:
            answer.fields[number] = value
        assert messages.match(PROFILE, _fields(request), "0200", answer) == expected
    for name in ("reversal_answer", "sale", "sign_in_answer"):
        assert messages.match(PROFILE, _fields(request), "0200", _decoded(name)) == "mti"
    assert messages.match(PROFILE, {}, "0999", _decoded("sale_answer")) == "mti"


def test_a_new_batch_number_in_a_sign_in_answer_is_no_difference():
    request = _row("sign_in")
    answer = _decoded("sign_in_answer")
    assert answer.text(60) != request["fields"]["60"]
    assert messages.match(PROFILE, _fields(request), "0800", answer) is None


def test_a_short_terminal_number_matches_its_padded_echo():
    sent = {11: "000001", 41: "T1", 42: "M1"}
    answer = codec.decode(PROFILE, _encode(dict(sent), "0810"))
    assert messages.match(PROFILE, sent, "0800", answer) is None
    assert messages.match(PROFILE, dict(answer.fields), "0800", answer) is None


def test_a_stream_cut_anywhere_gives_the_same_messages():
    whole = [_bytes(row) for row in GOLDEN["messages"]]
    stream = b"".join([wire.wrap(data) for data in whole])
    random = Random(3)
    for step in (1, 2, 3, 7, 0):
        unwrapper = wire.Unwrapper(PROFILE.max_message)
        found = []
        at = 0
        while at < len(stream):
            size = step or 1 + random.below(300)
            found.extend(unwrapper.feed(stream[at : at + size]))
            at += size
        assert found == whole


def test_a_length_out_of_bounds_ends_the_stream():
    good = wire.wrap(b"abc")
    for bad, length in ((b"\x00\x00", 0), (b"\x04\x01", 1025), (b"\xff\xff", 65535)):
        unwrapper = wire.Unwrapper(1024)
        assert unwrapper.feed(good + bad + good) == [b"abc"]
        assert f"length prefix is {length}" in str(raises(Iso8583Error, unwrapper.feed, good))
        raises(Iso8583Error, unwrapper.feed, good)
        raises(Iso8583Error, wire.Unwrapper(1024).feed, bad)
    assert wire.Unwrapper(1024).feed(wire.wrap(bytes(1024))) == [bytes(1024)]


def test_the_length_does_not_count_itself_and_an_empty_message_is_refused():
    assert wire.wrap(b"\x60" * 258)[:3] == b"\x01\x02\x60"
    raises(Iso8583Error, wire.wrap, b"")
