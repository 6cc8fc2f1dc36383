"""CBOR: one encoding a value, everything else refused with its offset."""

from binascii import unhexlify

from protocol import cbor
from tests.shared.expect import Random, from_json, raises, vectors


def _random_value(random, depth):
    choice = random.below(7 if depth < cbor.MAX_DEPTH else 6)
    if choice == 0:
        return random.below(1 << 31) >> random.below(31)
    if choice == 1:
        return -1 - (random.below(1 << 31) << random.below(33))
    if choice == 2:
        return random.bytes(random.below(40))
    if choice == 3:
        return "".join([chr(32 + random.below(0x3000)) for _ in range(random.below(10))])
    if choice == 4:
        return bool(random.below(2))
    if choice == 5:
        return None
    return [_random_value(random, depth + 1) for _ in range(random.below(5))]


def test_every_good_vector_encodes_and_decodes():
    for row in vectors("cbor")["good"]:
        value = from_json(row["value"])
        data = unhexlify(row["cbor"])
        assert cbor.dumps(value) == data, row
        back = cbor.loads(data)
        assert back == value and type(back) is type(value), row


def test_every_bad_vector_is_refused_with_its_offset():
    for row in vectors("cbor")["bad"]:
        error = raises(cbor.CborError, cbor.loads, unhexlify(row["cbor"]))
        assert str(error).startswith("offset "), row


def test_bytes_cut_anywhere_are_refused():
    data = cbor.dumps([1, "text", b"bytes", [None, True, 1 << 40], -5])
    assert cbor.loads(data) == [1, "text", b"bytes", [None, True, 1 << 40], -5]
    for length in range(len(data)):
        raises(cbor.CborError, cbor.loads, data[:length])


def test_random_values_survive_the_round_trip():
    random = Random(1)
    for _ in range(300):
        value = _random_value(random, 0)
        assert cbor.loads(cbor.dumps(value)) == value


def test_what_decodes_encodes_to_the_same_bytes():
    random = Random(2)
    accepted = 0
    for _ in range(3000):
        data = bytes([random.below(0xA0)]) + random.bytes(random.below(6))
        try:
            value = cbor.loads(data)
        except cbor.CborError:
            continue
        accepted += 1
        assert cbor.dumps(value) == data
    assert accepted > 50


def test_an_error_names_the_offset_of_the_fault():
    assert "offset 3: " in str(raises(cbor.CborError, cbor.loads, b"\x83\x01\x02\xf7"))
    assert "offset 2: invalid UTF-8" in str(raises(cbor.CborError, cbor.loads, b"\x62a\xff"))
    assert "offset 1: 1 bytes after" in str(raises(cbor.CborError, cbor.loads, b"\x00\x00"))


def test_a_huge_declared_length_is_refused_before_it_is_allocated():
    error = raises(cbor.CborError, cbor.loads, b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff")
    assert "left" in str(error)


def test_input_beyond_the_limit_is_refused():
    data = b"\x59\x0f\xfd" + bytes(4093)
    assert len(cbor.loads(data)) == 4093
    assert "4097" in str(raises(cbor.CborError, cbor.loads, b"\x59\x0f\xfe" + bytes(4094)))


def test_encoding_keeps_the_limits_of_decoding():
    assert cbor.dumps([[[[]]]])
    for value in (
        [[[[[]]]]],
        [0] * 257,
        bytes(4097),
        1 << 64,
        -(1 << 63) - 1,
        1.5,
        {},
        (1,),
        "\ud800",
    ):
        raises(cbor.CborError, cbor.dumps, value)


def test_a_view_encodes_as_bytes():
    assert cbor.dumps(memoryview(b"abc")) == cbor.dumps(bytearray(b"abc")) == b"\x43abc"
