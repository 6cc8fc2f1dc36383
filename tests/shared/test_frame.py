"""Frames: COBS, CRC-32 and a decoder that noise cannot hurt."""

from binascii import unhexlify

from protocol import frame
from tests.shared.expect import Random, vectors


def _decoder(limit=frame.MAX_TO_COMPANION):
    return frame.Decoder(limit)


def test_every_vector_encodes_and_decodes():
    for row in vectors("frame")["frames"]:
        payload = unhexlify(row["payload"])
        data = unhexlify(row["frame"])
        assert frame.encode(payload) == data
        decoder = _decoder()
        assert decoder.feed(data) == [payload]
        assert decoder.bad == 0


def test_a_frame_has_zeros_only_at_its_edges():
    random = Random(3)
    for _ in range(50):
        payload = bytes([random.below(3) for _ in range(1 + random.below(600))])
        data = frame.encode(payload)
        assert data[0] == 0 and data[-1] == 0
        assert data.find(b"\0", 1) == len(data) - 1
        assert _decoder().feed(data) == [payload]


def test_frames_survive_any_split_of_the_stream():
    random = Random(4)
    payloads = [random.bytes(1 + random.below(300)) for _ in range(40)]
    stream = b"".join([frame.encode(payload) for payload in payloads])
    decoder = _decoder()
    got = []
    at = 0
    while at < len(stream):
        step = 1 + random.below(70)
        got.extend(decoder.feed(stream[at : at + step]))
        at += step
    assert got == payloads
    assert decoder.bad == 0


def test_byte_by_byte_is_the_same_as_at_once():
    stream = frame.encode(b"one") + frame.encode(bytes(100)) + frame.encode(b"\x01" * 254)
    decoder = _decoder()
    got = []
    for i in range(len(stream)):
        got.extend(decoder.feed(stream[i : i + 1]))
    assert got == [b"one", bytes(100), b"\x01" * 254]


def test_noise_before_a_frame_is_cut_off():
    decoder = _decoder()
    assert decoder.feed(b"Traceback: boom\r\n>>> " + frame.encode(b"hello")) == [b"hello"]
    assert decoder.bad == 1
    assert decoder.last_error


def test_every_single_bit_error_is_caught_and_the_next_frame_arrives():
    first = frame.encode(b"record one\x00\x01")
    second = frame.encode(b"record two")
    for bit in range(8, (len(first) - 1) * 8):
        damaged = bytearray(first)
        damaged[bit >> 3] ^= 1 << (bit & 7)
        decoder = _decoder()
        assert decoder.feed(bytes(damaged) + second) == [b"record two"], bit
        assert decoder.bad > 0


def test_a_frame_cut_at_any_byte_costs_only_itself():
    first = frame.encode(b"record one")
    second = frame.encode(b"record two")
    for length in range(len(first) - 1):
        assert _decoder().feed(first[:length] + second) == [b"record two"]


def test_a_lost_byte_anywhere_costs_only_that_frame():
    first = frame.encode(b"record one")
    second = frame.encode(b"record two")
    for at in range(1, len(first) - 1):
        got = _decoder().feed(first[:at] + first[at + 1 :] + second)
        assert got == [b"record two"]


def test_the_largest_payload_fits_and_one_more_byte_does_not():
    for limit in (frame.MAX_TO_TERMINAL, frame.MAX_TO_COMPANION):
        decoder = _decoder(limit)
        assert decoder.feed(frame.encode(b"\xff" * limit)) == [b"\xff" * limit]
        assert decoder.feed(frame.encode(b"\xff" * (limit + 1))) == []
        assert decoder.feed(frame.encode(bytes(limit + 1))) == []
        assert decoder.bad == 2
        assert decoder.last_error
        assert decoder.feed(frame.encode(b"after")) == [b"after"]


def test_the_largest_frame_towards_the_terminal_fits_its_receive_ring():
    assert len(frame.encode(b"\xff" * frame.MAX_TO_TERMINAL)) <= 259


def test_endless_noise_keeps_the_decoder_at_its_size():
    decoder = _decoder(100)
    size = len(decoder._buffer)
    for _ in range(200):
        assert decoder.feed(b"\x55" * 999) == []
    assert len(decoder._buffer) == size
    assert decoder.feed(b"\0") == []
    assert decoder.bad == 1
    assert "longer than 100" in decoder.last_error
    assert decoder.feed(frame.encode(b"after")) == [b"after"]


def test_random_noise_never_yields_a_payload():
    random = Random(5)
    decoder = _decoder()
    for _ in range(100):
        assert decoder.feed(random.bytes(200)) == []
    decoder.reset()
    assert decoder.feed(frame.encode(b"after")) == [b"after"]


def test_empty_frames_are_no_errors():
    decoder = _decoder()
    assert decoder.feed(bytes(50)) == []
    assert decoder.bad == 0


def test_a_run_beyond_the_end_leaves_the_decoder_whole():
    decoder = _decoder(100)
    assert decoder.feed(b"\0\x05ab\0") == []
    assert decoder.feed(b"\0\x03a\xffb\0") == []
    assert decoder.bad == 2
    assert decoder.feed(frame.encode(b"\xee" * 100)) == [b"\xee" * 100]


def test_an_encoder_makes_one_frame_after_the_other_in_the_same_memory():
    random = Random(6)
    encoder = frame.Encoder(700)
    for length in (700, 1, 254, 20, 699, 250, 255):
        for payload in (random.bytes(length), bytes(length), b"\xff" * length):
            encoder.payload[:length] = payload
            made = bytes(encoder.encode(length))
            assert made == frame.encode(payload)
            assert _decoder().feed(made) == [payload]
