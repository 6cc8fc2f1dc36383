"""The terminal's codec and cryptography against the host's, in each dialect, MAC and key block."""

from __future__ import annotations

import random
from datetime import datetime, timezone

import pytest

from companion.acquirer import dialects, generic, keys, wire
from companion.acquirer.dialects import ISO8583_1987, NAMES, UNIONPAY_POS
from companion.acquirer.inprocess import InProcessHost, Sending
from companion.acquirer.terminals import TEST_TERMINAL
from protocol.iso8583 import codec, messages, settlement
from protocol.iso8583.keys import kept, unwrap_key_block
from tests.companion.acquirer_client import PAN, TRACK2
from tests.companion.terminal_codec import AMOUNT, SALE, TPDU, WHO, load_profile

SCHEMES = [
    (dialect, mac, block)
    for dialect in NAMES
    for mac, length in keys.MAC_KEY_BYTES.items()
    for block in keys.BLOCK_BYTES
    if block != keys.SINGLE or length == 8
]


class Pair:
    """A terminal's codec and a host in this process that are set up alike; signed in."""

    def __init__(self, name: str, mac: str | None = None, block: str = keys.DOUBLE) -> None:
        self.profile = load_profile(name, mac, block)
        dialect, policy = dialects.make(name, mac, block)
        self.host = InProcessHost(random.Random(1), policy=policy, dialect=dialect)
        self.stan = 0
        self.key: bytes | None = None
        self.sign_in()

    def sign_in(self) -> None:
        self.key = None
        signed = self.ask("sign_in", batch=0)
        assert signed.text(39) == "00"
        form, lengths = self.profile.key_block, self.profile.mac_key_lengths
        block = kept(signed.blob(62), form)
        self.key = unwrap_key_block(TEST_TERMINAL.tmk, block, lengths, form)[1]
        self.batch = messages.split(self.profile, 60, signed.text(60))["batch"]

    def ask(self, name: str, **values: object) -> codec.Message:
        """One request under the next STAN, or the one given, and the answer; they match."""
        self.stan += "stan" not in values
        known: dict[str, object] = {"stan": self.stan, **WHO, **values}
        mti, fields = messages.build(self.profile, name, known)
        (due,) = self.host.receive(codec.encode(self.profile, mti, fields, TPDU, self.key))
        assert isinstance(due, Sending)
        answer = codec.decode(self.profile, due.data[2:])
        assert messages.match(self.profile, fields, mti, answer) is None
        return answer

    def trade(self, name: str, **values: object) -> codec.Message:
        """The same for what has a card and belongs to the open batch."""
        return self.ask(name, **{**SALE, "track2": TRACK2, "batch": self.batch, **values})

    def done(self, name: str, **values: object) -> codec.Message:
        """A transaction that is answered 00 under a good MAC."""
        answer = self.trade(name, **values)
        assert answer.text(39) == "00", name
        assert self.verified(answer)
        return answer

    def verified(self, answer: codec.Message) -> bool:
        assert self.key is not None
        return codec.verify_mac(self.profile, answer, self.key)

    def of(self, answer: codec.Message) -> dict[str, object]:
        """What a request says to name an earlier one as its original."""
        return {
            "original_batch": self.batch,
            "original_stan": int(answer.text(11)),
            "original_date": "0302",
            "rrn": answer.text(37),
            "auth": answer.text(38),
        }


@pytest.mark.parametrize(("name", "mac", "block"), SCHEMES)
def test_terminal_and_host_agree_on_sign_in_sale_and_reversal(
    name: str, mac: str, block: str
) -> None:
    pair = Pair(name, mac, block)
    sale = pair.done("sale")
    assert pair.trade("sale", stan=2).text(39) == "94"
    key, pair.key = pair.key, bytes(len(pair.key or b""))
    refused = pair.trade("sale")
    assert (refused.text(39), refused.requirement) == {
        UNIONPAY_POS: ("A0", 3),
        ISO8583_1987: ("63", 0),
    }[name]
    pair.key = key
    reason = pair.profile.reasons["no_response"]
    pair.done("reversal", of="sale", reason=reason, stan=2)
    (row,) = pair.host.ledger.transactions()
    assert (row.rrn, row.auth) == (sale.text(37), sale.text(38))
    assert (row.stan, row.status) == ("000002", "REVERSED")


@pytest.mark.parametrize("name", NAMES)
def test_terminal_and_host_agree_on_every_other_transaction(name: str) -> None:
    pair = Pair(name)
    reason = pair.profile.reasons["no_response"]
    void = pair.done("void", **pair.of(pair.done("sale")))
    pair.done("reversal", of="void", reason=reason, stan=int(void.text(11)))
    sale = pair.done("sale")
    pair.done("preauth_cancel", **pair.of(pair.done("preauth")))
    pair.done("completion_notice", **pair.of(pair.done("preauth")))
    completion = pair.done("completion", **pair.of(pair.done("preauth")))
    pair.done("completion_void", **pair.of(completion))
    assert pair.done("balance").text(54)

    unbalanced = pair.done("settlement", totals=settlement.totals(0, 0, 0, 0))
    assert settlement.reply(unbalanced.text(48)) == settlement.UNBALANCED
    masked = PAN[:6] + "*" * 6 + PAN[-4:]
    pair.done("batch_upload", totals=settlement.details([(0, 2, masked, AMOUNT)]))
    pair.done("batch_end", totals=settlement.end_count(1))

    pair.host.set_time(datetime(2026, 3, 3, 9, tzinfo=timezone.utc))
    first = pair.batch
    pair.sign_in()
    assert int(pair.batch) == int(first) + 1
    pair.done("refund", **pair.of(sale))
    pair.done("sale")
    balanced = pair.done("settlement", totals=settlement.totals(AMOUNT, 1, AMOUNT, 1))
    assert settlement.reply(balanced.text(48)) == settlement.BALANCED
    assert pair.host.ledger.unbalanced() == []
    types = {row.type for row in pair.host.ledger.transactions()}
    assert len(types) == 8  # all of the matrix but the balance, which moves no money


def test_a_generic_host_has_codes_of_its_own() -> None:
    pair = Pair(ISO8583_1987)
    assert pair.trade("sale", batch="000009").text(39) == "63"
    held = pair.done("preauth")
    over = pair.trade("completion", **{**pair.of(held), "amount_minor": AMOUNT * 2})
    assert over.text(39) == "61"
    assert [row.f39 for row in pair.host.ledger.transactions()] == ["00", "61"]
    assert pair.ask("sign_in", batch=0, terminal_no="99999999").text(39) == "58"


def test_repeats_of_an_advice_undo_once_and_are_answered_as_the_advice() -> None:
    pair = Pair(ISO8583_1987)
    pair.done("sale")
    undo = {"of": "sale", "reason": "68", "stan": 2}
    for repeat in (False, True, True):
        answer = pair.done("reversal", **undo, repeat=repeat)
        # Under its second bitmap, with what it answers in F90 and its MAC in F128.
        assert (answer.mti, answer.text(90)[:10]) == ("0430", "0200000002")
        assert answer.blob(128) == answer.mac
    assert pair.trade("reversal", of="sale", reason="98", stan=2).text(39) == "30"
    (row,) = pair.host.ledger.transactions()
    assert (row.status, pair.host.ledger.unbalanced()) == ("REVERSED", [])


def test_an_advice_before_its_sale_leaves_a_tombstone() -> None:
    pair = Pair(ISO8583_1987)
    assert pair.trade("reversal", of="sale", reason="68", stan=7).text(39) == "25"
    assert pair.trade("sale", stan=7).text(39) == "12"


def test_an_advice_whose_field_90_names_another_stan_is_malformed() -> None:
    pair = Pair(ISO8583_1987)
    pair.done("sale")
    values = {**SALE, "of": "sale", "reason": "68", "stan": 2, "batch": pair.batch}
    mti, fields = messages.build(pair.profile, "reversal", {**WHO, **values})
    fields[90] = str(fields[90]).replace("0200000002", "0200000003")
    assert pair.key is not None
    (due,) = pair.host.receive(codec.encode(pair.profile, mti, fields, TPDU, pair.key))
    assert isinstance(due, Sending)
    assert codec.decode(pair.profile, due.data[2:]).text(39) == "30"
    assert [row.status for row in pair.host.ledger.transactions()] == ["APPROVED"]


BROKEN = {
    "second bitmap without a field, or with field 64": "8020000000c00000" + "00" * 8,
    "field 64": "8020000000c00001" + "0400000000000000",
    "field 66 is in the bitmap": "8020000000c00000" + "4000000000000000",
}


@pytest.mark.parametrize("error", BROKEN)
def test_a_second_bitmap_that_breaks_the_rules_is_refused(error: str) -> None:
    data = TPDU + bytes.fromhex("0800" + BROKEN[error]) + bytes(40)
    with pytest.raises(wire.MessageError, match=error):
        dialects.make(ISO8583_1987)[0].decode(data)


def test_every_prefix_of_an_advice_is_refused_or_answered_and_books_nothing() -> None:
    pair = Pair(ISO8583_1987)
    values = {**WHO, **SALE, "of": "sale", "reason": "68", "stan": 2, "batch": pair.batch}
    mti, fields = messages.build(pair.profile, "reversal", values)
    assert pair.key is not None
    whole = codec.encode(pair.profile, mti, fields, TPDU, pair.key)
    for length in range(len(whole)):
        (due,) = pair.host.receive(whole[:length])
        assert isinstance(due, Sending)
        assert due.close or codec.decode(pair.profile, due.data[2:]).text(39) == "30"
    assert pair.host.ledger.transactions() == []


def strange(pair: Pair, dice: random.Random) -> bytes:
    """A request with a good MAC and a field that is strange or gone, or another bit flipped."""
    name = dice.choice(sorted(pair.profile.transactions))
    known = {**WHO, **SALE, "batch": pair.batch, "stan": dice.randrange(20), "totals": "0" * 62}
    known |= {"rrn": "0" * 12, "auth": "000001", "reason": "68", "of": "sale"}
    known |= {"original_batch": pair.batch, "original_stan": 2, "original_date": "0302"}
    mti, fields = messages.build(pair.profile, name, known)
    number = dice.choice(sorted(fields))
    entry = pair.profile.table[number]
    assert entry is not None
    kind, _, low, high, _ = entry
    if kind in ("n", "ans") and dice.random() < 0.7:
        letters = "019" if kind == "n" else "019 A/"
        fields[number] = "".join(dice.choice(letters) for _ in range(dice.randint(low, high)))
    elif dice.random() < 0.5:
        del fields[number]
    key = pair.key if name != "sign_in" else None
    data = bytearray(codec.encode(pair.profile, mti, fields, TPDU, key))
    if dice.random() < 0.3:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def test_no_message_with_something_strange_in_it_upsets_a_generic_host() -> None:
    pair, dice = Pair(ISO8583_1987), random.Random(28)
    answered = 0
    for number in range(600):
        for due in pair.host.receive(strange(pair, dice)):
            assert isinstance(due, Sending)
            assert due.close or len(generic.LAYOUT.decode(due.data[2:]).get(39)) == 2
            answered += not due.close
        if number % 20 == 0:
            pair.sign_in()
    assert answered > 300
    assert pair.host.ledger.unbalanced() == []


def test_keys_of_8_bytes_do_not_go_with_an_algorithm_of_16() -> None:
    for mac in (keys.X9_19, keys.AES_CMAC):
        with pytest.raises(ValueError, match="16 bytes, key block 001 of 8"):
            dialects.make(UNIONPAY_POS, mac, keys.SINGLE)
