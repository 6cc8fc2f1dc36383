"""The terminal's codec and cryptography against the host's, over a real connection."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from pathlib import Path

from companion.acquirer.inprocess import Sending
from companion.acquirer.terminals import TEST_TERMINAL
from protocol.iso8583 import codec, messages, profile, settlement, wire
from protocol.iso8583.keys import unwrap_key_block
from tests.companion.acquirer_client import PAN, PATIENCE_S, TRACK2, Counter, RunningHost

PROFILES = Path(profile.__file__).with_name("profiles")
DIALECT = profile.load_file(str(PROFILES / "unionpay_pos.json"))
TPDU = bytes.fromhex("6000010000")
WHO = {"terminal_no": TEST_TERMINAL.terminal_no, "merchant_no": TEST_TERMINAL.merchant_no}
SALE = {"pan": PAN, "expiry": "3012", "entry": "021", "amount_minor": 123456, "stan": 2}


async def exchange(
    host: RunningHost, name: str, values: dict[str, object], key: bytes | None
) -> codec.Message:
    """One request and the answer that matches it, each coded by the terminal's code."""
    mti, fields = messages.build(DIALECT, name, {**WHO, **values})
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
    writer.write(wire.wrap(codec.encode(DIALECT, mti, fields, TPDU, key)))
    unwrapper = wire.Unwrapper(DIALECT.max_message)
    answers: list[bytes] = []
    while not answers:
        data = await asyncio.wait_for(reader.read(7), PATIENCE_S)
        assert data, "the host closed the connection"
        answers = unwrapper.feed(data)
    writer.close()
    await writer.wait_closed()
    answer = codec.decode(DIALECT, answers[0])
    assert messages.match(DIALECT, fields, mti, answer) is None
    return answer


def test_terminal_and_host_agree_on_sign_in_sale_and_reversal(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningHost(tmp_path / "host.sqlite") as host:
            signed = await exchange(host, "sign_in", {"stan": 1, "batch": 0}, None)
            assert signed.text(39) == "00"
            _, key = unwrap_key_block(TEST_TERMINAL.tmk, signed.blob(62))
            batch = messages.split(DIALECT, 60, signed.text(60))["batch"]

            sale = {**SALE, "track2": TRACK2, "batch": batch}
            approved = await exchange(host, "sale", sale, key)
            assert approved.text(39) == "00"
            assert codec.verify_mac(DIALECT, approved, key)
            assert (await exchange(host, "sale", sale, key)).text(39) == "94"
            refused = await exchange(host, "sale", {**sale, "stan": 3}, bytes(8))
            assert (refused.text(39), refused.requirement) == ("A0", 3)

            undo = {**SALE, "batch": batch, "reason": "98", "of": "sale"}
            reversed_ = await exchange(host, "reversal", undo, key)
            assert reversed_.text(39) == "00"
            assert codec.verify_mac(DIALECT, reversed_, key)
            (row,) = host.ledger.transactions()
            assert (row.rrn, row.auth) == (approved.text(37), approved.text(38))
            assert (row.stan, row.status) == ("000002", "REVERSED")

    asyncio.run(run())


def test_terminal_and_host_agree_on_every_other_transaction() -> None:
    till = Counter()

    def put(name: str, **values: object) -> codec.Message:
        """The answer to one request, approved and matching it, with a good MAC."""
        till.stan += 1
        known = {**WHO, **SALE, "track2": TRACK2, "batch": till.batch, "stan": till.stan, **values}
        mti, fields = messages.build(DIALECT, name, known)
        (due,) = till.host.receive(codec.encode(DIALECT, mti, fields, TPDU, till.mac_key))
        assert isinstance(due, Sending)
        answer = codec.decode(DIALECT, due.data[2:])
        assert messages.match(DIALECT, fields, mti, answer) is None
        assert codec.verify_mac(DIALECT, answer, till.mac_key)
        assert answer.text(39) == "00", name
        return answer

    def of(answer: codec.Message) -> dict[str, object]:
        """What a request says to name an earlier one as its original."""
        return {
            "original_batch": till.batch,
            "original_stan": int(answer.text(11)),
            "original_date": "0302",
            "rrn": answer.text(37),
            "auth": answer.text(38),
        }

    void = put("void", **of(put("sale")))
    put("reversal", of="void", reason="98", stan=int(void.text(11)))
    sale = put("sale")
    put("preauth_cancel", **of(put("preauth")))
    put("completion_notice", **of(put("preauth")))
    put("completion_void", **of(put("completion", **of(put("preauth")))))
    assert put("balance").text(54)

    amount = SALE["amount_minor"]
    assert isinstance(amount, int)
    unbalanced = put("settlement", totals=settlement.totals(0, 0, 0, 0))
    assert settlement.reply(unbalanced.text(48)) == settlement.UNBALANCED
    masked = PAN[:6] + "*" * 6 + PAN[-4:]
    put("batch_upload", totals=settlement.details([(0, 2, masked, amount)]))
    put("batch_end", totals=settlement.end_count(1))

    till.host.set_time(datetime(2026, 3, 3, 9, tzinfo=timezone.utc))
    till.signed_in(till.put(till.sign_in_request()))
    put("refund", **of(sale))
    put("sale")
    totals = settlement.totals(amount, 1, amount, 1)
    balanced = put("settlement", totals=totals)
    assert settlement.reply(balanced.text(48)) == settlement.BALANCED
    put("batch_end", totals=settlement.end_count(0))
    assert till.host.ledger.unbalanced() == []
