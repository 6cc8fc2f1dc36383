"""Every transaction of the UnionPay profile on golden bytes, and the switches of its dialects."""

import json

from protocol.iso8583 import codec, messages
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.dialect import Profile
from protocol.iso8583.profile import load_file, read
from tests.shared.expect import raises, row_of, vectors

PATH = (
    __file__[: -len("tests/shared/test_iso8583_transactions.py")]
    + "protocol/iso8583/profiles/unionpay_pos.json"
)
PROFILE = load_file(PATH)
GOLDEN = vectors("iso8583_transactions")
TPDU = bytes.fromhex(GOLDEN["tpdu"])
MAC_KEY = bytes.fromhex(GOLDEN["mac_key"])


def _row(name: str) -> dict:
    return row_of(GOLDEN, name)


def _bytes(row: dict) -> bytes:
    return bytes.fromhex("".join([piece for _, piece in row["wire"]]))


def _fields(row: dict) -> dict:
    """The fields without the MAC."""
    return {int(number): text for number, text in row["fields"].items() if number != "64"}


def _changed(change: object) -> Profile:
    """The profile after ``change`` has been at its parsed form."""
    with open(PATH) as file:
        value = json.load(file)
    change(value)
    return read(value)


def test_golden_transactions_decode_and_encode_to_their_bytes():
    assert len(GOLDEN["messages"]) == 17
    for row in GOLDEN["messages"]:
        message = codec.decode(PROFILE, _bytes(row))
        assert codec.verify_mac(PROFILE, message, MAC_KEY), row["name"]
        assert message.fields.pop(64) == bytes.fromhex(row["fields"]["64"])
        assert (message.mti, message.fields) == (row["mti"], _fields(row)), row["name"]
        assert codec.encode(PROFILE, row["mti"], _fields(row), TPDU, MAC_KEY) == _bytes(row)


def test_every_transaction_is_built_from_named_values():
    built = {"sign_in", "sale"}  # in test_iso8583.py
    for row in GOLDEN["messages"]:
        if "build" in row:
            name = row["build"]["transaction"]
            made = messages.build(PROFILE, name, row["build"]["values"])
            assert made == (row["mti"], _fields(row)), row["name"]
            built.add(name)
    assert built == set(PROFILE.transactions)


def test_golden_answers_match_their_requests_and_no_others():
    answers = [row for row in GOLDEN["messages"] if row["name"].endswith("_answer")]
    assert len(answers) == 5
    for row in answers:
        request = _row(row["name"][: -len("_answer")])
        answer = codec.decode(PROFILE, _bytes(row))
        assert messages.match(PROFILE, _fields(request), request["mti"], answer) is None
        for other in GOLDEN["messages"]:
            if other is not request:
                assert messages.match(PROFILE, _fields(other), other["mti"], answer)


def test_what_points_at_an_original_needs_it():
    for name, value, expected in (
        ("void", "rrn", "rrn is missing"),
        ("refund", "rrn", "rrn is missing"),
        ("preauth_cancel", "auth", "auth is missing"),
        ("completion", "auth", "auth is missing"),
        ("completion_notice", "auth", "auth is missing"),
        ("completion_void", "auth", "auth is missing"),
        ("settlement", "totals", "totals is missing"),
    ):
        values = dict(_row(name)["build"]["values"])
        values.pop(value)
        error = raises(Iso8583Error, messages.build, PROFILE, name, values)
        assert expected in str(error), name
    values = dict(_row("void")["build"]["values"])
    values.pop("original_batch")
    assert "original_batch" in str(raises(Iso8583Error, messages.build, PROFILE, "void", values))


def test_a_partial_approval_may_be_lower_where_the_profile_accepts_it():
    accepting = _changed(lambda v: v.update({"partial": "accept"}))
    request = _fields(_row("preauth"))
    answer = codec.decode(PROFILE, _bytes(_row("preauth_answer")))
    for code, amount, differs in (
        ("10", "000000049999", None),
        ("10", "000000000001", None),
        ("10", "000000050000", None),
        ("10", "000000000000", "amount_minor"),
        ("10", "000000050001", "amount_minor"),
        ("10", "", "amount_minor"),
        ("00", "000000049999", "amount_minor"),
    ):
        answer.fields[39] = code
        answer.fields[4] = amount
        assert messages.match(accepting, request, "0100", answer) == differs, (code, amount)
        expected = None if amount == request[4] else "amount_minor"
        assert messages.match(PROFILE, request, "0100", answer) == expected


def test_a_type_the_acquirer_does_not_reverse_is_refused():
    def disable(value: dict) -> None:
        value["transactions"]["void"]["unanswered"] = "recon"

    values = _row("void_reversal")["build"]["values"]
    assert messages.build(PROFILE, "reversal", values)[0] == "0400"
    error = raises(Iso8583Error, messages.build, _changed(disable), "reversal", values)
    assert "void may not be reversed" in str(error)


def test_a_profile_may_repeat_a_reversal_as_0401_or_send_it_as_an_advice():
    values = dict(_row("void_reversal")["build"]["values"])
    assert messages.build(PROFILE, "reversal", values)[0] == "0400"
    values["repeat"] = True
    assert messages.build(PROFILE, "reversal", values)[0] == "0400"

    def repeat(value: dict) -> None:
        value["transactions"]["reversal"]["repeat_mti"] = "0401"
        value["answers"]["0401"] = value["answers"]["0400"]

    repeating = _changed(repeat)
    mti, fields = messages.build(repeating, "reversal", values)
    assert (mti, fields) == ("0401", messages.build(PROFILE, "reversal", values)[1])
    answer = codec.Message(b"", "", 0, "0410")
    answer.fields = dict(fields)
    assert messages.match(repeating, fields, mti, answer) is None
    assert messages.match(PROFILE, fields, mti, answer) == "mti"
