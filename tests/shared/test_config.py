"""The configuration a terminal is provisioned with."""

from binascii import unhexlify

from protocol import cbor, config, record
from tests.shared.expect import from_json, raises, vectors

_NUMBERS = ("uint", "int")


def _sample():
    return from_json(vectors("record")["config"]["fields"])


def _largest(kind, high):
    if kind in _NUMBERS:
        return high
    if kind == "items":
        rec = {"kind": record.PENDING}
        for field, (kind, most) in record.KINDS[record.PENDING][1]:
            rec[field] = _largest(kind, most)
        return [record.encode(rec)] * high
    return bytes(high) if kind == "bytes" else "x" * high


def _encoded(sample):
    return cbor.dumps([config.VERSION] + [sample[row[0]] for row in config.FIELDS])


def test_the_vector_encodes_and_decodes():
    data = unhexlify(vectors("record")["config"]["cbor"])
    assert config.encode(_sample()) == data
    assert config.decode(data) == _sample()


def test_the_largest_configuration_is_within_the_limit():
    largest = {}
    for field, kind, _, high in config.FIELDS:
        largest[field] = _largest(kind, high)
    data = config.encode(largest)
    assert len(data) <= config.MAX_CONFIG
    assert config.decode(data) == largest


def test_a_pending_is_a_pending_record_of_at_most_its_size():
    (good,) = _sample()["pendings"]
    query = record.encode({"kind": record.QUERY, "wall": 0, "txn": 0, "stan": 1})
    for item in (b"", query, good[:-1], good + b"\x00", bytes(config.MAX_PENDING + 1), "x", 1):
        sample = _sample()
        sample["pendings"] = [good, item]
        assert "pendings" in str(raises(config.ConfigError, config.encode, sample)), item


def test_every_field_is_checked_both_ways():
    for field, kind, low, high in config.FIELDS:
        number = kind in _NUMBERS
        wrong = [None, True, 1.0 if number else 5]
        wrong.append(high + 1 if number else _largest(kind, high + 1))
        if low:
            wrong.append(low - 1 if number else _largest(kind, low - 1))
        for value in wrong:
            sample = _sample()
            sample[field] = value
            assert field in str(raises(config.ConfigError, config.encode, sample)), value
            if not isinstance(value, float):
                error = raises(config.ConfigError, config.decode, _encoded(sample))
                assert field in str(error), value


def test_a_missing_or_unknown_field_is_named():
    sample = _sample()
    del sample["host"]
    assert "host is missing" in str(raises(config.ConfigError, config.encode, sample))
    sample = _sample()
    sample["hots"] = "x"
    assert "unknown field hots" in str(raises(config.ConfigError, config.encode, sample))


def test_a_master_key_of_a_length_that_des_does_not_have_is_refused():
    for length in (9, 12, 15):
        sample = _sample()
        sample["tmk"] = bytes(length)
        assert "tmk" in str(raises(config.ConfigError, config.encode, sample))
        assert "tmk" in str(raises(config.ConfigError, config.decode, _encoded(sample)))


def test_an_old_seal_key_is_whole_or_not_there():
    for length in (1, 16, 31):
        sample = _sample()
        sample["old_seal_key"] = bytes(length)
        assert "old_seal_key" in str(raises(config.ConfigError, config.encode, sample))
        assert "old_seal_key" in str(raises(config.ConfigError, config.decode, _encoded(sample)))


def test_a_new_seal_key_begins_a_generation_and_the_same_one_again_does_not():
    before = config.encode(_sample())
    old, new = _sample()["seal_key"], bytes(32)
    once = config.merged(before, cbor.dumps([["seal_key", new], ["sync_key", new]]))
    changed = config.decode(once)
    assert (changed["seal_generation"], changed["old_seal_key"]) == (2, old)
    assert (changed["seal_key"], changed["sync_key"]) == (new, new)
    assert config.merged(once, cbor.dumps([["seal_key", new]])) == once
    for name in ("seal_generation", "old_seal_key"):
        error = raises(config.ConfigError, config.merged, once, cbor.dumps([[name, b""]]))
        assert name in str(error)


def test_a_change_of_no_field_is_refused_in_few_words():
    changes = cbor.dumps([["x" * 1900, 0]])
    error = raises(config.ConfigError, config.merged, config.encode(_sample()), changes)
    assert len(str(error)) < 60


def test_another_version_or_shape_is_refused():
    values = cbor.loads(config.encode(_sample()))
    newer = list(values)
    newer[0] = config.VERSION + 1
    longer = list(values)
    longer.append(0)
    for other in (newer, longer, values[:-1], [], 1, None):
        raises(config.ConfigError, config.decode, cbor.dumps(other))
    raises(config.ConfigError, config.decode, bytes(config.MAX_CONFIG + 1))


def test_bytes_cut_anywhere_are_refused():
    data = config.encode(_sample())
    for length in range(len(data)):
        raises(ValueError, config.decode, data[:length])


def test_terminal_and_merchant_numbers_are_printable_ascii():
    # They go into F41 and F42, which are ans: what cannot be sent must not be provisioned.
    for field, value in (
        ("terminal_no", "100\u00e9\u00e90"),
        ("merchant_no", "10411007011\x00012"),
    ):
        settings = _sample()
        assert len(value.encode()) == len(settings[field])
        settings[field] = value
        error = raises(config.ConfigError, config.encode, settings)
        assert field in str(error)


def test_a_configuration_from_before_the_last_fields_has_them_empty():
    values = cbor.loads(config.encode(_sample()))
    older = config.decode(cbor.dumps(values[:-10]))
    assert (older["duplicate_s"], older["confirm_minor"], older["stan_start"]) == (0, 0, 0)
    for missing in (7, 10):
        older = config.decode(cbor.dumps(values[:-missing]))
        assert (older["backup_host"], older["backup_port"], older["pendings"]) == ("", 0, [])
    older = config.decode(cbor.dumps(values[:-4]))
    assert (older["seal_generation"], older["old_seal_key"]) == (0, b"")
    for missing in (2, 4, 7, 10):
        older = config.decode(cbor.dumps(values[:-missing]))
        # English, and the time that every terminal went by before.
        assert (older["language"], older["utc_offset_min"]) == (0, 480)
    for missing in (1, 3, 5, 6, 8, 9, 11):
        raises(config.ConfigError, config.decode, cbor.dumps(values[:-missing]))
    sample = _sample()
    del sample["duplicate_s"]
    assert config.decode(config.encode(sample))["duplicate_s"] == 0
