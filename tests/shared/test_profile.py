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
        assert len(file.read()) <= 9 * 1024


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


# transaction, MTI, F3, F25, F60.1, F60.3, unanswered: the matrix of the card protocol once more.
MATRIX = """
sign_in 0800 - - 00 003 none
sale 0200 000000 00 22 000 reverse
void 0200 200000 00 23 000 reverse
refund 0220 200000 00 25 000 recon
preauth 0100 030000 06 10 000 reverse
preauth_cancel 0100 200000 06 11 000 reverse
completion 0200 000000 06 20 000 reverse
completion_notice 0220 - 06 24 000 resend
completion_void 0200 200000 06 21 000 reverse
balance 0200 310000 00 01 000 none
reversal 0400 - - - 000 none
settlement 0500 - - 00 201 resend
batch_upload 0320 - - 00 201 resend
batch_end 0320 - - 00 202 resend
"""


def test_the_transactions_are_those_of_the_matrix():
    loaded = profile.load_file(PATH)
    rows = [line.split() for line in MATRIX.strip().split("\n")]
    assert sorted(loaded.transactions) == sorted([row[0] for row in rows])
    for name, mti, processing, condition, message_type, network, unanswered in rows:
        found = loaded.transaction(name)
        constants = dict(loaded.defaults)
        constants.update(found.constants)
        assert (found.mti, found.repeat_mti, found.unanswered) == (mti, mti, unanswered), name
        assert found.reversible == (unanswered == "reverse")
        assert found.mac == (name != "sign_in")
        assert constants.get("processing", "-") == processing, name
        assert constants.get("condition", "-") == condition, name
        assert constants.get("message_type", "-") == message_type, name
        assert constants["network"] == network, name
    assert [n for n in loaded.transactions if loaded.transaction(n).reverses] == ["reversal"]
    raises(profile.ProfileError, loaded.transaction, "offline_sale")


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
    assert loaded.mac_key_lengths == (8, 16) and loaded.key_block == "003"
    assert loaded.reversal_same_day and loaded.partial == "reverse"
    assert loaded.backup_after == 2
    assert (loaded.preauth_percent, loaded.preauth_days) == (115, 30)
    assert loaded.requirement(0) == "none" and loaded.requirement(3) == "sign_in"


def test_bytes_and_text_load_alike():
    with open(PATH, "rb") as file:
        data = file.read()
    assert profile.load(data).table == profile.load(data.decode()).table


def test_what_is_not_json_or_too_long_is_refused():
    assert "not JSON" in str(raises(profile.ProfileError, profile.load, "{"))
    assert "not JSON" in str(raises(profile.ProfileError, profile.load, b"\xff\xfe"))
    assert "12289" in str(raises(profile.ProfileError, profile.load, " " * 12289))
    assert "not an object" in str(raises(profile.ProfileError, profile.load, "[]"))
    raises(OSError, profile.load_file, PATH + ".none")


def test_a_profile_without_backup_after_keeps_to_a_silent_host():
    value = _json()
    del value["backup_after"]
    assert profile.load(json.dumps(value)).backup_after == 0


def test_every_missing_top_level_key_is_named():
    for key in sorted(_json()):
        if key not in ("header", "backup_after"):
            error = _error(lambda value, key=key: value.pop(key))
            assert error == f"line 1: {key} is missing"


REPEAT = {"repeat_mti": "0401"}


def test_errors_name_the_path_of_the_key():
    for expected, change in (
        ("format is 1", lambda v: v.update({"format": 1})),
        ("colour is not a known key", lambda v: v.update({"colour": 1})),
        ("framing.max_message", lambda v: v["framing"].update({"max_message": 5000})),
        ("header.default is not 12", lambda v: v["header"].update({"default": "61310000000A"})),
        ("mac.algorithm", lambda v: v["mac"].update({"algorithm": "crc"})),
        (
            "mac.key_block is not one of 001, 003, 004",
            lambda v: v["mac"].update({"key_block": "2"}),
        ),
        ("preauth.percent is 99", lambda v: v["preauth"].update({"percent": 99})),
        ("preauth.days", lambda v: v["preauth"].update({"days": 0})),
        ("backup_after is 100", lambda v: v.update({"backup_after": 100})),
        ("partial is not one of", lambda v: v.update({"partial": "maybe"})),
        ("reversal.same_day", lambda v: v["reversal"].update({"same_day": 1})),
        ("reversal.reasons.bad_mac is missing", lambda v: v["reversal"]["reasons"].pop("bad_mac")),
        ("fields.4.length", lambda v: v["fields"]["4"].update({"length": "12"})),
        ("fields.4.length is 0", lambda v: v["fields"]["4"].update({"length": 0})),
        ("fields.4.kind", lambda v: v["fields"]["4"].update({"kind": "x"})),
        ("fields.4 needs exactly one", lambda v: v["fields"]["4"].update({"ll": 12})),
        ("fields.2.ll is 100", lambda v: v["fields"]["2"].update({"ll": 100})),
        ("fields.4.min is for", lambda v: v["fields"]["4"].update({"min": 1})),
        (
            "fields.65 is not a field number",
            lambda v: v["fields"].update({"65": {"name": "x", "kind": "n", "ll": 1}}),
        ),
        ("fields.60.parts", lambda v: v["fields"]["60"]["parts"].append(["x", -1])),
        ("fields.64", lambda v: v["fields"]["64"].update({"length": 4})),
        ("transactions.sale.mti", lambda v: v["transactions"]["sale"].update({"mti": "20"})),
        (
            "transactions.sale.required has field 7",
            lambda v: v["transactions"]["sale"]["required"].append(7),
        ),
        ("answers.0200 is missing", lambda v: v["answers"].pop("0200")),
        ("unanswered is not one", lambda v: v["transactions"]["sale"].update({"unanswered": ""})),
        ("answers.0401 is missing", lambda v: v["transactions"]["reversal"].update(REPEAT)),
        ("repeat_mti is for", lambda v: v["transactions"]["sale"].update(REPEAT)),
        (
            "answers.0200.equal has colour",
            lambda v: v["answers"]["0200"]["equal"].append("colour"),
        ),
        ("f39.request.pay", lambda v: v["f39"]["request"].update({"pay": ["00"]})),
        ("f39.request gives code 00 two", lambda v: v["f39"]["request"]["decline"].append("00")),
        (
            "f39.reversal has no action for missing",
            lambda v: v["f39"]["reversal"].update({"keep": ["other"]}),
        ),
    ):
        assert expected in _error(change), (expected, _error(change))


def test_a_reversal_that_carries_a_track_or_a_pin_is_refused():
    for number in (35, 52):
        error = _error(lambda v, n=number: v["transactions"]["reversal"]["optional"].append(n))
        assert f"transactions.reversal has field {number}, never part of a reversal" in error


def test_only_a_request_that_moves_money_may_be_reversed():
    for name in sorted(_json()["transactions"]):
        if name in ("void", "preauth", "preauth_cancel", "completion", "completion_void", "sale"):
            continue
        error = _error(
            lambda v, name=name: v["transactions"][name].update({"unanswered": "reverse"})
        )
        assert f"transactions.{name}.unanswered is for a 0100 or 0200" in error
    error = _error(lambda v: v["transactions"]["refund"].update({"unanswered": "none"}))
    assert "transactions.refund.unanswered leaves a movement of money open" in error


def _text() -> str:
    with open(PATH) as file:
        return file.read()


def _line_of_error(old: str, new: str) -> tuple:
    """(line where ``old`` was replaced by ``new``, the error)."""
    text = _text()
    at = text.index(old)
    changed = text[:at] + new + text[at + len(old) :]
    error = raises(profile.ProfileError, profile.load, changed)
    return text[:at].count("\n") + 1, error


def test_an_error_names_the_line_of_the_key():
    for old, new, path in (
        ('"name": "unionpay_pos"', '"name": 1', "name"),
        ('"key_block": "003"', '"key_block": "002"', "mac.key_block"),
        ('"same_day": true', '"same_day": 1', "reversal.same_day"),
        ('"bad_mac": "A0"', '"bad_mac": "A"', "reversal.reasons.bad_mac"),
        ('"length": 3, "align"', '"length": 0, "align"', "fields.23.length"),
        ('["original_mode", 2]', '["original_mode", 0]', "fields.61.parts"),
        ('"message_type": "23"', '"message_type": 23', "transactions.void.set.message_type"),
        ('"stop": ["30", "97"]', '"halt": ["30", "97"]', "f39.settlement.halt"),
    ):
        line, error = _line_of_error(old, new)
        # The parts of F61 stand two lines below the key whose value they are.
        assert error.path == path and line - error.line in (0, 2), error
        assert (line != error.line) == (path == "fields.61.parts")
        assert str(error).startswith(f"line {error.line}: {path} ")


def test_a_missing_key_names_the_line_of_the_object_around_it():
    line, error = _line_of_error('"mti": "0220", "mac": true, ', '"mac": true, ')
    assert (error.path, error.line) == ("transactions.refund.mti", line - 1)


def test_quotes_and_escapes_in_texts_do_not_shift_the_line():
    text = _text().replace('"network": "000"', '"network": "{\\"}:[,\\\\"', 1)
    assert profile.load(text).defaults["network"] == '{"}:[,\\'
    text = text.replace('"partial": "reverse"', '"partial": "x"')
    error = raises(profile.ProfileError, profile.load, text)
    assert error.line == _text()[: _text().index('"partial"')].count("\n") + 1


def test_a_syntax_error_names_its_line():
    line, error = _line_of_error('"same_day": true', '"same_day": tru')
    assert error.line == line and "not JSON" in str(error)
    line, error = _line_of_error('"kind": "z"', '"kind": z')
    assert error.line == line and "not JSON" in str(error)
    assert "not JSON" in str(raises(profile.ProfileError, profile.load, _text()[:-3]))


def test_an_error_is_short_and_plain_whatever_the_text_holds():
    for old, new in (
        ('"partial"', '"part\\ud800\u202e"'),
        ('"equal": [11', '"equal": ["' + "9" * 5000 + '"'),
    ):
        assert old in _text()
        error = str(raises(profile.ProfileError, profile.load, _text().replace(old, new)))
        assert len(error) <= 200, error
        for char in error:
            assert " " <= char <= "~", error
    # A key that is no UTF-8 text stands before the line that is looked for.
    data = b'{"\xed\xa0\x80": 1}'
    raises(profile.ProfileError, profile.load, data)


def test_texts_are_printable_ascii():
    for name in ("\ud800", "\n", "\u5e73", "\x7f"):
        error = _error(lambda value, name=name: value.update({"name": name}))
        assert error == "line 1: name is not printable ASCII", error


def test_a_file_names_the_line_too():
    path = PATH[: -len("unionpay_pos.json")] + "../place.py"
    error = raises(profile.ProfileError, profile.load_file, path)
    assert error.line == 1 and "not JSON" in str(error)


def test_a_value_of_the_wrong_shape_anywhere_gives_a_profile_error():
    for junk in (None, True, -1, [[]], {"2": None}):
        for key in sorted(_json()):
            if key == "header" and junk is None:
                continue
            error = _error(lambda value, key=key, junk=junk: value.update({key: junk}))
            assert error.startswith("line 1: " + key), error
