"""The configuration a terminal is provisioned with."""

from binascii import unhexlify

from protocol import cbor, config, record
from tests.shared.expect import from_json, raises, vectors


def _sample():
    return from_json(vectors("record")["config"]["fields"])


def _largest(kind, high):
    if kind == "uint":
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
        wrong = [None, True, 1.0 if kind == "uint" else 5]
        wrong.append(high + 1 if kind == "uint" else _largest(kind, high + 1))
        if low:
            wrong.append(low - 1 if kind == "uint" else _largest(kind, low - 1))
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
    older = config.decode(cbor.dumps(values[:-6]))
    assert (older["duplicate_s"], older["confirm_minor"], older["stan_start"]) == (0, 0, 0)
    for missing in (3, 6):
        older = config.decode(cbor.dumps(values[:-missing]))
        assert (older["backup_host"], older["backup_port"], older["pendings"]) == ("", 0, [])
    for missing in (1, 2, 4, 5, 7):
        raises(config.ConfigError, config.decode, cbor.dumps(values[:-missing]))
    sample = _sample()
    del sample["duplicate_s"]
    assert config.decode(config.encode(sample))["duplicate_s"] == 0
