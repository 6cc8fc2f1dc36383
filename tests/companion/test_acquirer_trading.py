"""Every transaction but the sale, by the rules: what is found, what is refused, what moves."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from companion.acquirer import wire
from companion.acquirer.answers import Policy
from companion.acquirer.inprocess import InProcessHost
from companion.acquirer.records import SETTLED
from tests.companion.acquirer_client import DAY, Counter, f48, pack

MORNING = datetime(2026, 3, 2, 1, tzinfo=timezone.utc)
OTHER = "6222001234560013"


def approved(till: Counter, name: str, amount: int, **more: str) -> wire.Message:
    answer = till.put(till.request(name, amount, **more))
    assert answer.get(39) == "00", name
    assert till.verifies(answer)
    return answer


def held(till: Counter) -> int:
    """What is on hold on the card, as F54 of a balance tells it, next to what it paid."""
    answer = till.put(till.request("balance", None))
    return 10_000_000 - int(answer.get(54)[8:]) - till.moved()


def later(till: Counter, days: int) -> str:
    """Move the host's clock, and sign in to the batch of that day; the day before as MMDD."""
    totals = f48(0, 0)
    till.put(till.settlement_request(totals))
    till.host.set_time(MORNING + timedelta(days=days))
    till.signed_in(till.put(till.sign_in_request()))
    return "0302"


def place(till: Counter, answer: wire.Message) -> str:
    return f"{till.batch}{answer.stan}"


def test_void_gives_the_whole_sale_back_once() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    void = approved(till, "void", 500, original=place(till, sale), rrn=sale.get(37))
    assert void.mti == "0210"
    assert till.moved() == 0
    assert till.f39(till.request("void", 500, original=place(till, sale))) == "12"
    assert [row.type for row in till.host.ledger.transactions()] == ["SALE", "VOID", "VOID"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 499}, "64"),
        ({"pan": OTHER}, "25"),
        ({"rrn": "000000000000"}, "25"),
        ({"original": "000001000099"}, "25"),
        ({"original": ""}, "30"),
    ],
)
def test_void_that_is_not_of_an_approved_sale_of_the_card_moves_nothing(
    change: dict[str, str], code: str
) -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    more = {"original": place(till, sale), **change}
    amount = int(more.pop("amount", 500))
    assert till.f39(till.request("void", amount, **more)) == code
    assert till.moved() == 500


def test_reversed_void_leaves_the_sale_as_it_was() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    approved(till, "void", 500, original=place(till, sale))
    void_stan = till.stan
    assert [till.f39(till.undo("void", 500, void_stan)) for _ in range(2)] == ["00", "00"]
    assert (till.booked(void_stan), till.moved()) == ("REVERSED", 500)
    approved(till, "void", 500, original=place(till, sale))
    assert till.moved() == 0


def test_sale_that_was_voided_can_not_be_reversed_too() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    stan = till.stan
    approved(till, "void", 500, original=place(till, sale))
    assert till.f39(till.undo("sale", 500, stan)) == "12"
    assert till.moved() == 0


def test_refund_of_an_older_sale_up_to_what_is_left_of_it() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    old = place(till, sale)
    day = later(till, 1)
    more = {"original": old + day, "rrn": sale.get(37)}
    refund = approved(till, "refund", 300, **more)
    assert refund.mti == "0230"
    assert till.f39(till.request("refund", 201, **more)) == "64"
    approved(till, "refund", 200, **more)
    assert till.f39(till.request("refund", 1, **more)) == "64"
    assert (till.moved(), till.moved("2026-03-03")) == (500, -500)


def test_refund_of_todays_sale_is_25_and_of_one_past_thirty_days_96() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    more = {"original": place(till, sale) + "0302", "rrn": sale.get(37)}
    assert till.f39(till.request("refund", 500, **more)) == "25"
    later(till, 31)
    assert till.f39(till.request("refund", 500, **more)) == "96"
    till.host.set_time(MORNING + timedelta(days=30))
    assert (
        till.f39(
            till.request("refund", 500, **{**more, "original": more["original"][:-4] + "0301"})
        )
        == "25"
    )
    assert till.f39(till.request("refund", 500, pan=OTHER, **more)) == "25"
    approved(till, "refund", 500, **more)


def test_refund_finds_its_sale_when_the_terminal_no_longer_knows_the_batch() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    later(till, 1)
    approved(till, "refund", 500, original="0000000000000302", rrn=sale.get(37))


def test_refund_is_never_reversed_and_its_repeat_is_94() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    more = {"original": place(till, sale) + later(till, 1), "rrn": sale.get(37)}
    request = till.request("refund", 500, **more)
    assert [till.f39(request) for _ in range(2)] == ["00", "94"]
    assert till.f39(till.undo("refund", 500, till.stan)) == "40"
    assert till.moved("2026-03-03") == -500


def test_preauth_holds_and_its_cancel_releases() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    assert (held(till), till.moved()) == (1000, 0)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    assert till.f39(till.request("preauth_cancel", 999, **more)) == "64"
    approved(till, "preauth_cancel", 1000, **more)
    assert held(till) == 0
    assert till.f39(till.request("preauth_cancel", 1000, **more)) == "12"
    assert till.f39(till.request("completion", 1000, **more)) == "12"


@pytest.mark.parametrize("name", ["completion", "completion_notice"])
def test_completion_takes_the_money_and_releases_the_hold(name: str) -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    assert till.f39(till.request(name, 1151, **more)) == "C8"
    approved(till, name, 1150, **more)
    assert (held(till), till.moved()) == (0, 1150)
    assert till.f39(till.request(name, 1, **more)) == "12"
    assert till.f39(till.request("preauth_cancel", 1000, **more)) == "12"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"auth": "999999"}, "25"),
        ({"auth": ""}, "30"),
        ({"pan": OTHER}, "25"),
        ({"original": "0000010000020301"}, "25"),
        ({"original": "000001000002"}, "30"),
    ],
)
def test_completion_without_its_preauth_is_refused(change: dict[str, str], code: str) -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38), **change}
    assert till.f39(till.request("completion", 1000, **more)) == code
    assert (held(till), till.moved()) == (1000, 0)


def test_completion_of_an_old_preauth_is_96() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    till.host.set_time(MORNING + timedelta(days=31))
    assert till.f39(till.request("completion", 1000, **more)) == "96"


def test_reversed_completion_gives_the_hold_back_to_the_preauth() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    approved(till, "completion", 800, **more)
    assert till.f39(till.undo("completion", 800, till.stan)) == "00"
    assert (held(till), till.moved()) == (1000, 0)
    approved(till, "completion", 700, **more)


def test_completion_void_gives_the_money_back_and_can_be_reversed() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    done = approved(till, "completion", 800, **more)
    again = {"original": place(till, done), "rrn": done.get(37), "auth": done.get(38)}
    approved(till, "completion_void", 800, **again)
    assert till.moved() == 0
    assert till.f39(till.undo("completion_void", 800, till.stan)) == "00"
    assert till.moved() == 800


def test_resent_notice_gets_the_same_answer_again_and_moves_once() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    request = till.request("completion_notice", 900, **more)
    first, again = till.put(request), till.put(request)
    assert [first.get(number) for number in (37, 38, 39)] == [
        again.get(number) for number in (37, 38, 39)
    ]
    assert till.verifies(again)
    assert till.moved() == 900
    assert till.f39(till.request("completion_notice", 901, till.stan, **more)) == "94"
    assert till.f39(till.undo("completion_notice", 900, till.stan)) == "40"


def test_notice_resent_after_its_batch_was_settled_still_gets_its_answer() -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    request = till.request("completion_notice", 900, **more)
    assert till.f39(request) == "00"
    till.put(till.settlement_request(f48(900, 1)))
    assert till.f39(request) == "00"
    assert till.moved() == 900


@pytest.mark.parametrize("name", ["preauth", "preauth_cancel"])
def test_reversed_hold_is_as_if_it_never_was(name: str) -> None:
    till = Counter()
    hold = approved(till, "preauth", 1000)
    before = 0
    if name == "preauth_cancel":
        more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
        approved(till, name, 1000, **more)
        before = 1000
    assert till.f39(till.undo(name, 1000, till.stan)) == "00"
    assert (held(till), till.moved()) == (before, 0)


def test_reversal_before_its_original_leaves_a_tombstone_for_each_kind() -> None:
    till = Counter()
    sale = approved(till, "sale", 500)
    assert till.f39(till.undo("void", 500, till.stan + 1)) == "25"
    assert till.f39(till.request("void", 500, original=place(till, sale))) == "12"
    assert till.f39(till.undo("preauth", 500, till.stan + 1)) == "25"
    assert till.f39(till.request("preauth", 500)) == "12"
    assert (till.moved(), held(till)) == (500, 0)


def test_same_stan_under_another_mti_is_another_transaction() -> None:
    till = Counter()
    approved(till, "sale", 500)
    assert till.f39(till.request("preauth", 500, till.stan)) == "00"
    assert till.f39(till.request("void", 500, till.stan, original="000001000009")) == "94"
    assert till.f39(till.undo("sale", 500, till.stan)) == "00"
    assert (till.moved(), held(till)) == (0, 500)


def test_reversal_that_names_another_kind_than_was_booked_finds_nothing() -> None:
    till = Counter()
    approved(till, "sale", 500)
    assert till.f39(till.undo("completion", 500, till.stan)) == "25"
    assert till.moved() == 500


@pytest.mark.parametrize("mti", ["0400", "0401", "0420", "0421"])
def test_reversal_may_come_as_request_advice_or_repeat(mti: str) -> None:
    till = Counter()
    approved(till, "sale", 500)
    answer = till.put(till.undo("sale", 500, till.stan, mti))
    assert (answer.mti, answer.get(39)) == (f"{mti[:2]}{int(mti[2]) + 1}0", "00")
    assert till.moved() == 0


def test_reversal_after_settlement_is_12_and_leaves_the_money() -> None:
    till = Counter()
    approved(till, "sale", 500)
    stan = till.stan
    assert till.put(till.settlement_request(f48(500, 1))).get(48)[30] == "1"
    assert till.f39(till.undo("sale", 500, stan)) == "12"
    settled = till.host.ledger.batch("10000001", till.batch)
    assert settled is not None
    assert settled.state in SETTLED
    assert till.moved() == 500


def test_balance_tells_what_is_left_and_moves_nothing() -> None:
    till = Counter()
    approved(till, "sale", 500)
    answer = till.put(till.request("balance", None))
    assert (answer.mti, answer.get(39), answer.get(54)) == ("0210", "00", "1002156C000009999500")
    assert till.verifies(answer)
    assert 4 not in answer.fields
    assert len(till.host.ledger.transactions(DAY)) == 1


def test_completion_limit_is_the_acquirers() -> None:
    host = InProcessHost(random.Random(2), policy=Policy(completion_percent=100))
    till = Counter(host=host)
    hold = approved(till, "preauth", 1000)
    more = {"original": place(till, hold) + "0302", "auth": hold.get(38)}
    assert till.f39(till.request("completion", 1001, **more)) == "C8"
    approved(till, "completion", 1000, **more)


def test_a_chip_hears_what_the_issuer_says_and_another_card_nothing() -> None:
    till = Counter()
    chip = {55: bytes.fromhex("0003") + b"\x9f\x26\x00"}
    for name, original, code in (("sale", "", b"00"), ("void", f"{till.batch}000999", b"25")):
        fields = till.shaped_fields(name, 500, original=original)
        word = bytes.fromhex(till.put(pack("0200", fields | chip, till.mac_key)).get(55))
        assert (word[:2], len(word), word[-2:]) == (b"\x91\x0a", 12, code)
    assert 55 not in approved(till, "sale", 500).fields
