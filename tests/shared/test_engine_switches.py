"""What a profile switches: the engine does as the acquirer's data says."""

from protocol import record
from protocol.iso8583.des import Des
from protocol.iso8583.mac import kcv
from tests.shared.bench import CONFIG, Bench, key_block


def _block(*working_keys: bytes) -> bytes:
    """F62 of a sign-in answer, the keys one behind the other."""
    tmk = Des(CONFIG["tmk"])
    return b"".join([tmk.encrypt(key) + kcv(key) for key in working_keys])


def test_a_refusal_needs_a_mac_where_the_profile_requires_one_with_its_code():
    bench = Bench()
    bench.profile.mac_required_on = ("00", "10", "51")
    bench.signed_in()  # ends with a 51 that has no MAC
    assert bench.kinds()[-2:] == ["NOTE", "REVERSAL"]
    assert bench.records[-1]["reason"] == "A0"

    bench = Bench().signed_in()
    bench.profile.mac_required_on = ("00", "10", "51")
    bench.swipe(500)
    bench.connect()
    bench.reply("51")
    assert bench.records[-1]["result"] == record.DECLINED


def test_a_reversal_says_the_reasons_that_its_profile_has_for_them():
    bench = Bench().signed_in()
    bench.profile.reasons = {"no_response": "68", "terminal_failed": "22", "bad_mac": "96"}
    bench.swipe(500)
    bench.connect()
    bench.give("timer", "answer", bench.timers["answer"])
    bench.connect()
    assert (bench.request.mti, bench.request.text(39)) == ("0400", "68")
    assert bench.records[-1]["reason"] == "98"  # the journal's own word


def test_a_sign_in_brings_the_keys_in_the_form_that_the_profile_has():
    pin, mac_key, track = b"\x11" * 16, b"\x22" * 16, b"\x33" * 16
    for form, block in (
        ("001", _block(pin[:8], mac_key[:8])),
        ("003", _block(pin, mac_key)),
        ("004", _block(pin, mac_key, track)),
    ):
        bench = Bench()
        bench.profile.key_block = form
        bench.mac_key = mac_key[:8] if form == "001" else mac_key
        bench.give("start", "PWRON", "test", "")
        bench.swipe(500)
        bench.connect()
        bench.reply(f62=block)
        bench.connect()
        bench.reply("00")
        bench.restart()
        bench.give("start", "PWRON", "test", "")
        bench.approved(600)  # under the keys that the journal kept
        assert bench.kinds().count("SIGNED_IN") == 1, form
        ends = [rec["result"] for rec in bench.records if rec["kind"] == record.OUTCOME]
        assert ends == [record.APPROVED, record.APPROVED], form


def test_keys_in_another_form_or_for_another_algorithm_are_refused_at_the_sign_in():
    for form, lengths, block in (
        ("003", (8, 16), _block(b"\x11" * 8, b"\x22" * 8)),
        ("001", (8, 16), key_block()),
        ("003", (16,), key_block()),
    ):
        bench = Bench()
        bench.profile.key_block = form
        bench.profile.mac_key_lengths = lengths
        bench.give("start", "PWRON", "test", "")
        bench.swipe(500)
        bench.connect()
        bench.reply(f62=block)
        assert "SIGNED_IN" not in bench.kinds(), form
        assert bench.screen() == "refused"
