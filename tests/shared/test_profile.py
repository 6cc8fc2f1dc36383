"""The UnionPay profile as the engine sees it, and what a damaged profile says."""

import json

from protocol.iso8583 import profile
from tests.shared.expect import raises

PATH = __file__[: -len("tests/shared/test_profile.py")] + (
    "protocol/iso8583/profiles/unionpay_pos.json"
)

# The F39 table of the card protocol, written down a second time.
REQUEST = {
    "approve": "00",
    "unknown": "09 68",
    "partial": "10",
    "decline": "12 25 40 13 14 51 55 58 90 91 92 79 95 01 ZZ",
    "decline_sign_in": "22 77 99 A0",
    "decline_alarm": "30",
    "block": "64",
    "needs_recon": "94",
    "decline_reconcile": "96 98",
    "stop": "97",
}
REVERSAL = {
    "done": "00",
    "received": "94",
    "absent": "25 40",
    "absent_high": "12",
    "absent_case": "22",
    "retry": "09 68 96 98",
    "back_off": "90 91 92",
    "sign_in_retry": "99 A0",
    "sign_in_retry_once": "77",
    "escalate": "13 14 51 55 58",
    "suspend": "30 64 97",
    "keep": "10 79 95 01 ZZ",
}
SETTLEMENT = {
    "done": "00 94",
    "done_if_repeated": "22",
    "resend": "09 68 90 91 92 05 ZZ",
    "upload": "79 95",
    "sign_in": "77",
    "abort_sign_in": "99 A0",
    "stop": "30 97",
}


def _json() -> dict:
    with open(PATH) as file:
        return json.load(file)


def _error(change: object) -> str:
    """The error of the profile after ``change`` has been at its parsed form."""
    value = _json()
    change(value)
    return str(raises(profile.ProfileError, profile.load, json.dumps(value)))


def test_the_profile_stays_small_enough_to_parse_on_the_board():
    with open(PATH, "rb") as file:
        assert len(file.read()) <= 6 * 1024


def test_codes_lead_to_the_actions_of_the_table():
    loaded = profile.load_file(PATH)
    for column, expected in (
        ("request", REQUEST),
        ("reversal", REVERSAL),
        ("settlement", SETTLEMENT),
    ):
        assert set(expected) == set(profile.ACTIONS[column])
        for action, codes in expected.items():
            for code in codes.split():
                assert loaded.action(column, code) == action, (column, code)


def test_an_answer_without_a_code_is_never_taken_as_final():
    loaded = profile.load_file(PATH)
    assert loaded.action("request", "") == "unknown"
    assert loaded.action("reversal", "") == "keep"
    assert loaded.action("settlement", "") == "resend"


def test_only_a_sale_may_be_reversed_and_sign_in_carries_no_mac():
    loaded = profile.load_file(PATH)
    assert [n for n in sorted(loaded.transactions) if loaded.transaction(n).reversible] == ["sale"]
    assert not loaded.transaction("sign_in").mac
    assert loaded.transaction("sale").mac and loaded.transaction("reversal").mac
    raises(profile.ProfileError, loaded.transaction, "refund")


def test_limits_reasons_and_requirements_are_read():
    loaded = profile.load_file(PATH)
    assert (loaded.name, loaded.mac_algorithm) == ("unionpay_pos", "cup-ecb")
    assert (loaded.response_ms, loaded.reversal_tries, loaded.reversal_wait_ms) == (
        60000,
        3,
        60000,
    )
    assert loaded.reasons["no_response"] == "98" and loaded.reasons["bad_mac"] == "A0"
    assert loaded.mac_required_on == ("00", "10")
    assert loaded.requirement(0) == "none" and loaded.requirement(3) == "sign_in"


def test_bytes_and_text_load_alike():
    with open(PATH, "rb") as file:
        data = file.read()
    assert profile.load(data).table == profile.load(data.decode()).table


def test_what_is_not_json_or_too_long_is_refused():
    assert "not JSON" in str(raises(profile.ProfileError, profile.load, "{"))
    assert "not JSON" in str(raises(profile.ProfileError, profile.load, b"\xff\xfe"))
    assert "8193" in str(raises(profile.ProfileError, profile.load, " " * 8193))
    assert "not an object" in str(raises(profile.ProfileError, profile.load, "[]"))
    raises(OSError, profile.load_file, PATH + ".none")


def test_every_missing_top_level_key_is_named():
    for key in sorted(_json()):
        assert _error(lambda value, key=key: value.pop(key)) == key + " is missing"


def test_errors_name_the_path_of_the_key():
    for expected, change in (
        ("format is 2", lambda v: v.update({"format": 2})),
        ("colour is not a known key", lambda v: v.update({"colour": 1})),
        ("framing.max_message", lambda v: v["framing"].update({"max_message": 5000})),
        ("header.default is not 12", lambda v: v["header"].update({"default": "61310000000A"})),
        ("mac.algorithm", lambda v: v["mac"].update({"algorithm": "crc"})),
        ("reversal.reasons.bad_mac is missing", lambda v: v["reversal"]["reasons"].pop("bad_mac")),
        ("fields.4.length", lambda v: v["fields"]["4"].update({"length": "12"})),
        ("fields.4.length is 0", lambda v: v["fields"]["4"].update({"length": 0})),
        ("fields.4.kind", lambda v: v["fields"]["4"].update({"kind": "x"})),
        ("fields.4 needs exactly one", lambda v: v["fields"]["4"].update({"ll": 12})),
        ("fields.2.ll is 100", lambda v: v["fields"]["2"].update({"ll": 100})),
        ("fields.4.min is for", lambda v: v["fields"]["4"].update({"min": 1})),
        ("fields.65", lambda v: v["fields"].update({"65": {"name": "x", "kind": "n", "ll": 1}})),
        ("fields.60.parts", lambda v: v["fields"]["60"]["parts"].append(["x", -1])),
        ("fields.64", lambda v: v["fields"]["64"].update({"length": 4})),
        ("transactions.sale.mti", lambda v: v["transactions"]["sale"].update({"mti": "20"})),
        ("field 7 is not", lambda v: v["transactions"]["sale"]["required"].append(7)),
        ("answers.0200 is missing", lambda v: v["answers"].pop("0200")),
        ("answers.0200.equal: colour", lambda v: v["answers"]["0200"]["equal"].append("colour")),
        ("f39.request.pay", lambda v: v["f39"]["request"].update({"pay": ["00"]})),
        ("code 00 has two", lambda v: v["f39"]["request"]["decline"].append("00")),
        ("no action for missing", lambda v: v["f39"]["reversal"].update({"keep": ["other"]})),
    ):
        assert expected in _error(change), (expected, _error(change))


def test_a_reversal_that_carries_a_track_or_a_pin_is_refused():
    for number in (35, 52):
        error = _error(lambda v, n=number: v["transactions"]["reversal"]["optional"].append(n))
        assert f"field {number} is never part of a reversal" in error


def test_a_value_of_the_wrong_shape_anywhere_gives_a_profile_error():
    for junk in (None, True, -1, [[]], {"2": None}):
        for key in sorted(_json()):
            error = _error(lambda value, key=key, junk=junk: value.update({key: junk}))
            assert error.startswith(key), error
