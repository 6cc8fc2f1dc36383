"""Journal records: their bytes on flash, and what the schema refuses."""

from binascii import unhexlify

from protocol import cbor, record
from tests.shared.expect import from_json, raises, vectors


def _rows():
    return vectors("record")["records"]


def _sample(kind):
    for row in _rows():
        if row["name"] == record.kind_name(kind):
            return from_json(row["record"])
    raise AssertionError(f"no vector for kind {kind}")


def _largest(rule):
    kind, limit = rule
    if kind == "uint":
        return limit
    if kind == "text":
        return "x" * limit
    if kind == "bytes":
        return bytes(limit)
    return [0xFFFFFFFF] * limit


def test_every_kind_has_a_vector_that_encodes_and_decodes():
    names = []
    for row in _rows():
        rec = from_json(row["record"])
        data = unhexlify(row["cbor"])
        assert record.encode(rec) == data, row["name"]
        assert record.decode(data) == rec, row["name"]
        names.append(row["name"])
    assert sorted(names) == sorted([entry[0] for entry in record.KINDS.values()])


def test_the_largest_record_of_every_kind_fits_its_slot():
    for kind, entry in record.KINDS.items():
        rec = {"kind": kind}
        for field, rule in entry[1]:
            rec[field] = _largest(rule)
        assert record.decode(record.encode(rec)) == rec


def test_a_missing_or_unknown_field_is_named():
    rec = _sample(record.ARMED)
    del rec["stan"]
    assert "ARMED.stan is missing" in str(raises(record.RecordError, record.encode, rec))
    rec = _sample(record.ARMED)
    rec["cvv"] = "123"
    assert "cvv" in str(raises(record.RecordError, record.encode, rec))


def test_a_value_beyond_its_limit_is_named():
    for field, value in (
        ("amount_minor", 1000000000000),
        ("amount_minor", -1),
        ("amount_minor", "1234"),
        ("amount_minor", True),
        ("stan", 1000000),
        ("entry", "0511"),
        ("pan", b"622200"),
        ("token", bytes(9)),
        ("card", "text"),
        ("wall", 0x100000000),
    ):
        rec = _sample(record.ARMED)
        rec[field] = value
        error = raises(record.RecordError, record.encode, rec)
        assert "ARMED." + field in str(error), value


def test_decoding_applies_the_same_limits_as_encoding():
    rec = _sample(record.RECEIPT)
    values = [record.RECEIPT, rec["wall"], rec["stan"], rec["batch"], 256]
    error = raises(record.RecordError, record.decode, cbor.dumps(values))
    assert "RECEIPT.copy" in str(error)
    error = raises(record.RecordError, record.decode, cbor.dumps(values[:-1]))
    assert "3 fields, not 4" in str(error)


def test_text_is_limited_in_bytes_not_characters():
    rec = _sample(record.NOTE)
    rec["detail"] = "\u5e73" * 16
    assert record.decode(record.encode(rec)) == rec
    rec["detail"] = "\u5e73" * 17
    raises(record.RecordError, record.encode, rec)


def test_the_suspended_list_is_bounded():
    rec = _sample(record.CHECKPOINT)
    rec["suspended"] = list(range(7))
    raises(record.RecordError, record.encode, rec)
    rec["suspended"] = ["1"]
    raises(record.RecordError, record.encode, rec)


def test_a_kind_is_a_small_number():
    assert record.decode(cbor.dumps([0xFFFF]))["kind"] == 0xFFFF
    # A store's database cannot hold them all, and would end every sync of this terminal.
    for kind in (-1, 0x10000, 1 << 63, True, "1", None):
        raises(record.RecordError, record.decode, cbor.dumps([kind, 1]))


def test_a_kind_of_a_newer_terminal_is_kept():
    data = cbor.dumps([200, 1, "new"])
    assert record.decode(data) == {"kind": 200, "fields": [1, "new"]}
    assert record.kind_name(200) == "KIND_200"
    raises(record.RecordError, record.encode, {"kind": 200, "fields": [1]})


def test_what_is_no_record_is_refused():
    for value in (1, [], ["ARMED"], None, b"", [None]):
        raises(record.RecordError, record.decode, cbor.dumps(value))
    raises(cbor.CborError, record.decode, b"\xff")
    raises(record.RecordError, record.decode, bytes(record.MAX_RECORD + 1))


def test_a_kind_that_is_true_is_no_boot_record():
    raises(record.RecordError, record.decode, cbor.dumps([True, 0, 0, "", ""]))


def test_a_record_from_before_its_last_fields_has_them_empty():
    for kind, added in (
        (record.ARMED, 1),
        (record.ARMED, 7),
        (record.CHECKPOINT, 1),
        (record.CHECKPOINT, 8),
    ):
        rec = _sample(kind)
        values = cbor.loads(record.encode(rec))
        older = record.decode(cbor.dumps(values[:-added]))
        for field, _ in record.KINDS[kind][1][-added:]:
            assert older.pop(field) in (0, "", b"", []), field
            rec.pop(field)
        assert older == rec
        raises(record.RecordError, record.decode, cbor.dumps(values[:-2]))


def test_a_checkpoint_without_cases_fits_one_slot():
    rec = {"kind": record.CHECKPOINT}
    for field, rule in record.KINDS[record.CHECKPOINT][1]:
        rec[field] = [] if rule[0] == "seqs" else _largest(rule)
    assert len(record.encode(rec)) == 108


def test_every_record_of_a_clean_sale_fits_one_slot():
    rec = _sample(record.ARMED)
    for field, rule in record.KINDS[record.ARMED][1]:
        rec[field] = _largest(rule)
    for field in ("orig_batch", "orig_stan"):
        rec[field] = 0
    for field in ("orig_date", "orig_rrn", "orig_auth"):
        rec[field] = ""
    rec["chip"] = b""
    assert len(record.encode(rec)) <= 108
    for kind in (record.OUTCOME, record.RECEIPT):
        rec = {"kind": kind}
        for field, rule in record.KINDS[kind][1]:
            rec[field] = _largest(rule)
        assert len(record.encode(rec)) <= 108
