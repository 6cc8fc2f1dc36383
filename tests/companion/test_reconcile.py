"""Reconciliation: each break from exactly its situation, and the equation in all of them."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from companion.facts.journals import business_date
from companion.reconcile import run
from companion.reconcile.run import Result, reconcile
from companion.statements.importing import import_file
from companion.store import Store, StoreBusy, breaks, terminals
from companion.store.breaks import Break
from companion.store.lock import locked
from protocol import record
from tests.companion.sealed import TERMINAL, DayFile, Device

ENDS = ("approved", "declined", "reversed", "absent", "suspended", "recon", "pending")
STATUSES = ("CAPTURED", "REVERSED", "DECLINED", None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def synced(store: Store, device: Device) -> Device:
    device.offer(store)
    device.sync(store)
    return device


def take(store: Store, file: DayFile) -> None:
    path = store.directory.parent / "day.csv"
    import_file(store, file.write(path))


def listed(store: Store, state: str | None = "open") -> list[dict[str, object]]:
    with store.read() as connection:
        return breaks.listed(connection, state)


def expected_code(end: str, status: str | None) -> str | None:
    """The break of a terminal's end and a host's status, as a person would say it."""
    if end == "approved":
        if status is None:
            return "TERMINAL_ONLY"
        return None if status == "CAPTURED" else "NOT_CAPTURED"
    if status != "CAPTURED":
        return None
    return {
        "declined": "DECLINED_BUT_CAPTURED",
        "reversed": "REVERSED_BUT_SETTLED",
        "absent": "REVERSED_BUT_SETTLED",
    }.get(end, "REVERSAL_STUCK")


def test_each_pair_of_ends_gives_its_break_or_none_and_the_equation_holds(store: Store) -> None:
    device, file = Device(), DayFile()
    cases = dict(enumerate(itertools.product(ENDS, STATUSES), 1))
    for stan, (end, status) in cases.items():
        device.sale(stan, 1250, end)
        if status:
            file.add(stan, 1250, status)
    synced(store, device)
    take(store, file)
    result = reconcile(store)
    found = {int(item.row_key.split("|")[3]): item for item in result.breaks}
    for stan, (end, status) in cases.items():
        code = expected_code(end, status)
        item = found.pop(stan, None)
        assert (item.code if item else None) == code, (end, status)
        if item:
            paid = -1250 if code in ("TERMINAL_ONLY", "NOT_CAPTURED") else 1250
            assert (item.amount_minor, item.effect_minor) == (1250, paid), (end, status)
            # Within the grace the row that is missing may still come.
            assert item.provisional == (end == "pending" or status is None), (end, status)
            assert "12.50" in item.reason, (end, status)
            assert item.evidence["terminal"] is not None, (end, status)
    assert found == {}
    assert result.holds


EVERY_TYPE = (
    ("SALE", record.SALE, "CAPTURED", 1),
    ("VOID", record.VOID, "CAPTURED", -1),
    ("REFUND", record.REFUND, "CAPTURED", -1),
    ("PREAUTH", record.PREAUTH, "AUTHORISED", 0),
    ("PREAUTH_CANCEL", record.PREAUTH_CANCEL, "AUTHORISED", 0),
    ("COMPLETION", record.COMPLETION, "CAPTURED", 1),
    ("COMPLETION_NOTICE", record.COMPLETION_NOTICE, "CAPTURED", 1),
    ("COMPLETION_VOID", record.COMPLETION_VOID, "CAPTURED", -1),
)


@pytest.mark.parametrize(("name", "txn", "status", "sign"), EVERY_TYPE)
def test_every_type_matches_and_stands_in_the_books_with_its_sign(
    store: Store, name: str, txn: int, status: str, sign: int
) -> None:
    device = Device()
    device.armed(1, 700, txn=txn)
    device.outcome(1, 700)
    synced(store, device)
    take(store, DayFile().add(1, 700, status, txn=name))
    result = reconcile(store)
    assert result.breaks == [] and result.holds
    sums = result.equation
    assert sums.host_captured_minor == sums.terminal_approved_minor == 700 * sign


@pytest.mark.parametrize(("name", "txn", "status", "sign"), EVERY_TYPE)
def test_a_type_that_only_one_side_has_is_a_break_with_its_sign(
    store: Store, name: str, txn: int, status: str, sign: int
) -> None:
    device = Device()
    device.armed(1, 700, txn=txn)
    device.outcome(1, 700)
    synced(store, device)
    take(store, DayFile().add(2, 900, status, txn=name))
    result = reconcile(store)
    found = {item.code: item.effect_minor for item in result.breaks}
    here = {
        "VOID": "VOID_NOT_APPLIED",
        "COMPLETION_VOID": "VOID_NOT_APPLIED",
        "PREAUTH_CANCEL": "PREAUTH_NOT_RELEASED",
    }.get(name, "TERMINAL_ONLY")
    assert found == {here: -700 * sign, "HOST_ONLY": 900 * sign}
    assert result.holds


def test_a_sale_that_the_host_has_as_a_refund_is_a_break_of_both_amounts(store: Store) -> None:
    device = Device()
    device.sale(1, 1250, "approved")
    synced(store, device)
    take(store, DayFile().add(1, 1250, txn="REFUND"))
    result = reconcile(store)
    assert [(item.code, item.effect_minor) for item in result.breaks] == [
        ("AMOUNT_MISMATCH", -2500)
    ]
    assert result.holds


@pytest.mark.parametrize("host_minor", [1249, 1251, 125000])
def test_an_amount_that_differs_is_a_break_of_the_difference(
    store: Store, host_minor: int
) -> None:
    device = Device()
    device.sale(1, 1250, "approved")
    synced(store, device)
    take(store, DayFile().add(1, host_minor))
    result = reconcile(store)
    (item,) = result.breaks
    assert (item.code, item.effect_minor) == ("AMOUNT_MISMATCH", host_minor - 1250)
    assert result.holds


def test_what_was_displayed_is_compared_not_what_was_sent(store: Store) -> None:
    device = Device()
    device.armed(1, 5000, displayed=500)
    device.outcome(1, 5000)
    synced(store, device)
    take(store, DayFile().add(1, 5000))
    (item,) = reconcile(store).breaks
    assert (item.code, item.effect_minor) == ("AMOUNT_MISMATCH", 4500)
    assert "displayed 500 and sent 5000" in item.reason


@pytest.mark.parametrize(("status", "effect"), [("CAPTURED", 700), ("REVERSED", 0)])
def test_a_host_row_that_no_terminal_knows_is_host_only(
    store: Store, status: str, effect: int
) -> None:
    synced(store, Device())
    take(store, DayFile().add(5, 700, status))
    result = reconcile(store)
    (item,) = result.breaks
    assert (item.code, item.amount_minor, item.effect_minor) == ("HOST_ONLY", 700, effect)
    assert item.evidence["terminal"] is None
    assert result.holds


def test_a_decline_that_only_the_host_has_is_no_break(store: Store) -> None:
    synced(store, Device())
    take(store, DayFile().add(5, 700, "DECLINED"))
    result = reconcile(store)
    assert (result.breaks, result.counts) == ([], {"DECLINED": 1})


def test_the_same_stan_in_another_batch_or_terminal_is_another_transaction(
    store: Store,
) -> None:
    device = Device()
    device.sale(1, 100, "approved", batch=1)
    synced(store, device)
    take(store, DayFile().add(1, 100, batch=2).add(1, 100, terminal="10000002"))
    result = reconcile(store)
    assert "MATCHED" not in result.counts
    found = [item.code for item in result.breaks]
    assert sorted(found) == ["HOST_ONLY", "HOST_ONLY", "TERMINAL_ONLY"]
    assert result.holds


def test_a_second_host_row_of_the_same_key_never_matches_the_same_sale(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    synced(store, device)
    take(store, DayFile().add(1, 100).add(1, 100))
    result = reconcile(store)
    assert [item.code for item in result.breaks] == ["DUPLICATE_CHARGE"]
    assert result.counts["MATCHED"] == 1
    assert result.holds


def test_healed_sales_are_counted_and_wait_while_their_day_is_not_here(store: Store) -> None:
    device = Device()
    device.sign_in("0302090000")
    device.sale(1, 100, "suspended")
    device.sign_in("0303090000")
    device.sale(2, 100, "suspended")
    synced(store, device)
    take(store, DayFile())
    assert reconcile(store).counts == {"HEALED": 1, "WAITING": 1}


def test_an_approval_waits_for_its_days_file_and_then_for_the_grace(store: Store) -> None:
    device = Device()
    device.sign_in("0302090000")
    device.sale(1, 100, "approved")
    synced(store, device)
    waiting = reconcile(store)
    assert (waiting.breaks, waiting.counts) == ([], {"WAITING": 1})
    assert waiting.holds and waiting.equation.awaited_minor == -100
    take(store, DayFile())
    (item,) = reconcile(store).breaks
    assert (item.code, item.actor, item.provisional) == ("TERMINAL_ONLY", "acquirer", True)
    take(store, DayFile(day="2026-03-04"))
    (item,) = reconcile(store).breaks
    assert (item.code, item.actor, item.provisional) == ("TERMINAL_ONLY", "acquirer", False)


def test_a_day_whose_file_does_not_come_is_one_break_of_all_its_money(store: Store) -> None:
    device = Device()
    device.sign_in("0302090000")
    for stan in (1, 2, 3):
        device.sale(stan, 100 * stan, "approved")
    synced(store, device)
    take(store, DayFile(day="2026-03-03"))
    assert reconcile(store).breaks == []
    take(store, DayFile(day="2026-03-04"))
    result = reconcile(store)
    (item,) = result.breaks
    assert (item.code, item.amount_minor, item.effect_minor) == ("STATEMENT_MISSING", 600, -600)
    assert result.holds and result.equation.awaited_minor == 0
    take(store, DayFile().add(1, 100).add(2, 200).add(3, 300))
    late = reconcile(store)
    assert late.breaks == [] and len(late.closed) == 1 and late.holds


def test_a_damaged_record_is_a_journal_gap_and_its_sale_still_shows(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.sale(2, 200, "approved")
    device.payloads[1] = None
    synced(store, device)
    take(store, DayFile().add(1, 100).add(2, 200))
    result = reconcile(store)
    assert sorted(item.code for item in result.breaks) == ["JOURNAL_GAP", "REVERSAL_STUCK"]
    stuck = next(item for item in result.breaks if item.code == "REVERSAL_STUCK")
    assert stuck.provisional and "missing" in stuck.reason
    assert result.holds


def test_a_whole_sale_lost_in_a_gap_is_host_only_and_the_gap_is_named(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.payloads[0] = device.payloads[1] = None
    synced(store, device)
    take(store, DayFile().add(1, 100))
    result = reconcile(store)
    by_code = {item.code: item for item in result.breaks}
    assert set(by_code) == {"JOURNAL_GAP", "HOST_ONLY"}
    assert "gap" in by_code["HOST_ONLY"].reason
    assert "records 1 to 2" in by_code["JOURNAL_GAP"].reason


def test_a_record_changed_in_the_store_is_not_believed(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    synced(store, device)
    take(store, DayFile().add(1, 100))
    assert reconcile(store).breaks == []
    forged = Device()
    forged.armed(1, 100)
    forged.outcome(1, 100, record.DECLINED, "51")
    payload = forged.payloads[1]
    assert payload is not None
    connection = sqlite3.connect(store.directory / "store.sqlite")
    with connection:
        connection.execute(
            "UPDATE records SET payload = ? WHERE seq = 2", (payload[:-8] + bytes(8),)
        )
    connection.close()
    found = sorted(item.code for item in reconcile(store).breaks)
    assert found == ["JOURNAL_ALTERED", "REVERSAL_STUCK"]


def test_a_break_closes_with_the_reason_when_the_other_side_arrives(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.armed(2, 250)
    device.offer(store)
    take(store, DayFile().add(1, 100).add(2, 250))
    assert {item.code for item in reconcile(store).breaks} == {"HOST_ONLY"}
    device.sync(store)
    second = reconcile(store)
    assert [(item.code, item.provisional) for item in second.breaks] == [("REVERSAL_STUCK", True)]
    assert (len(second.opened), len(second.closed)) == (1, 2)
    device.reversal(2)
    device.reversal_end(2, record.REV_OK)
    device.sync(store)
    third = reconcile(store)
    assert [item.code for item in third.breaks] == ["REVERSED_BUT_SETTLED"]
    reasons = {
        (row["code"], str(row["row_key"]).split("|")[3]): row["closed_reason"]
        for row in listed(store, "closed")
    }
    assert reasons == {
        ("HOST_ONLY", "000001"): (
            "both sides now agree: approved here, captured there, the same amount"
        ),
        ("HOST_ONLY", "000002"): "it is now REVERSAL_STUCK",
        ("REVERSAL_STUCK", "000002"): "it is now REVERSED_BUT_SETTLED",
    }
    assert third.holds


def test_a_break_that_comes_back_is_the_same_break_opened_again(store: Store) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    synced(store, device)
    take(store, DayFile())
    (first,) = reconcile(store).breaks
    take(store, DayFile().add(1, 100))
    assert len(reconcile(store).closed) == 1
    take(store, DayFile().add(1, 100, "REVERSED"))
    assert [item.code for item in reconcile(store).breaks] == ["NOT_CAPTURED"]
    take(store, DayFile().add(2, 5, "DECLINED"))
    again = reconcile(store)
    assert first.id in {item.id for item in again.breaks}
    row = next(row for row in listed(store) if row["id"] == first.id)
    assert (row["state"], row["closed_reason"], row["first_run"]) == ("open", None, 1)


# A seeded world, and an oracle in plain Python that knows what was done and not how it is stored.


class World:
    """Transactions of three terminals and the host's rows, with what ought to come out."""

    def __init__(self, seed: int, count: int) -> None:
        self.chance = random.Random(seed)
        self.devices = [Device(f"pz-test-{n}", f"1000000{n}") for n in (1, 2, 3)]
        self.file = DayFile()
        self.breaks: Counter[tuple[str, str, int, int]] = Counter()
        self.debit = 0
        self.books = 0
        for device in self.devices:
            device.sign_in("0302090000")
        for number in range(count):
            self.step(number)

    def step(self, number: int) -> None:
        chance = self.chance
        device = chance.choice(self.devices)
        terminal = str(device.config["terminal_no"])
        stan, batch = number % 999 + 1, number // 999 + 1
        amount = chance.randrange(1, 500000)
        if chance.random() < 0.02:  # the host alone
            status = chance.choice(("CAPTURED", "DECLINED"))
            self.file.add(stan, amount, status, batch, terminal)
            charged = amount if status == "CAPTURED" else 0
            self.debit += charged
            if charged:
                self.breaks["HOST_ONLY", terminal, amount, charged] += 1
            return
        end = chance.choices(ENDS, (70, 10, 6, 4, 4, 3, 3))[0]
        device.sale(stan, amount, end, batch)
        natural = {"approved": "CAPTURED", "declined": "DECLINED", "reversed": "REVERSED"}
        status_or_none = natural.get(end)
        if chance.random() < 0.15:
            status_or_none = chance.choice(STATUSES)
        host_amount = amount
        if end == "approved" and status_or_none == "CAPTURED" and chance.random() < 0.02:
            host_amount = max(1, amount + chance.choice((-1, 1, 1000)))
        if status_or_none:
            self.file.add(stan, host_amount, status_or_none, batch, terminal)
        self.expect(end, status_or_none, terminal, amount, host_amount)

    def expect(
        self, end: str, status: str | None, terminal: str, amount: int, host_amount: int
    ) -> None:
        charged = host_amount if status == "CAPTURED" else 0
        booked = amount if end == "approved" else 0
        self.debit += charged
        self.books += booked
        if charged == booked:
            return
        code = expected_code(end, status) or "AMOUNT_MISMATCH"
        effect = charged - booked
        self.breaks[code, terminal, abs(effect), effect] += 1


def seen(found: list[Break]) -> Counter[tuple[str, str, int, int]]:
    return Counter(
        (item.code, item.terminal_no, item.amount_minor, item.effect_minor) for item in found
    )


def run_world(store: Store, world: World) -> Result:
    for device in world.devices:
        synced(store, device)
    take(store, world.file)
    return reconcile(store)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seeded_world_gives_exactly_the_breaks_of_the_oracle(store: Store, seed: int) -> None:
    world = World(seed, 3000)
    result = run_world(store, world)
    assert seen(result.breaks) == world.breaks
    assert len({code for code, *_ in world.breaks}) == 7, "the world must have every break"
    assert result.equation.host_captured_minor == world.debit
    assert result.equation.terminal_approved_minor == world.books
    assert result.holds


def test_reconciling_twice_or_from_new_facts_or_in_another_order_gives_the_same_set(
    store: Store, tmp_path: Path
) -> None:
    first = run_world(store, World(7, 800))
    before = listed(store, None)
    second = reconcile(store)
    assert (second.opened, second.closed) == ([], {})
    shutil.rmtree(store.facts)
    third = reconcile(store)
    after = listed(store, None)
    for row in (*before, *after):
        del row["last_run"]
    assert after == before

    with Store.open(tmp_path / "other", create=True) as other:
        world = World(7, 800)
        take(other, world.file)
        reconcile(other)
        for device in reversed(world.devices):
            synced(other, device)
            last = reconcile(other)
    hashes = {item.break_set_hash for item in (first, second, third, last)}
    assert len(hashes) == 1


def test_the_break_set_hash_tells_one_amount_from_another(store: Store, tmp_path: Path) -> None:
    hashes = set()
    for amount in (100, 101):
        with Store.open(tmp_path / str(amount), create=True) as each:
            take(each, DayFile().add(1, amount))
            hashes.add(reconcile(each).break_set_hash)
    assert len(hashes) == 2


def test_days_are_told_apart_and_each_balances(store: Store) -> None:
    device = Device()
    device.sign_in("0302090000")
    device.sale(1, 100, "approved")
    device.sign_in("0303090000", batch=2)
    device.sale(2, 200, "approved", batch=2)
    synced(store, device)
    take(store, DayFile().add(1, 100))
    take(store, DayFile(day="2026-03-03").add(2, 250, batch=2))
    result = reconcile(store)
    assert {name: item.open_breaks_minor for name, item in result.days.items()} == {
        "2026-03-02": 0,
        "2026-03-03": 50,
    }
    assert result.holds


def test_a_row_that_a_rule_miscounts_breaks_the_equation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device()
    device.sale(1, 100, "declined")
    synced(store, device)
    take(store, DayFile().add(1, 100))
    monkeypatch.setattr(run, "_told", lambda *_: iter(()))
    result = reconcile(store)
    assert result.breaks == []
    assert not result.holds and not result.equation.holds


@pytest.mark.parametrize(
    ("host_time", "days", "near", "expected"),
    [
        ("0302091500", [date(2026, 3, 2)], "2030-01-01", "2026-03-02"),
        ("0302091500", [], "2026-11-22", "2026-03-02"),
        ("1231235900", [], "2027-01-01", "2026-12-31"),
        ("0101000100", [], "2026-12-31", "2027-01-01"),
        ("0229120000", [], "2027-03-01", "2024-02-29"),
        ("", [], "2026-03-05", "2026-03-05"),
        ("", [], "2026-03-05T18:00", "2026-03-06"),
        ("9999999999", [], "2026-03-05", "2026-03-05"),
    ],
)
def test_a_date_without_a_year_finds_its_year(
    host_time: str, days: list[date], near: str, expected: str
) -> None:
    moment = datetime.fromisoformat(near).replace(tzinfo=timezone.utc)
    assert business_date(host_time, days, moment).isoformat() == expected


def test_two_reconciles_at_a_time_are_refused(store: Store) -> None:
    with (
        locked(store.lock_path("reconcile"), "held"),
        pytest.raises(StoreBusy, match="another reconcile"),
    ):
        reconcile(store)


def test_a_terminal_swapped_under_the_same_number_keeps_its_history(store: Store) -> None:
    old = Device("pz-old")
    old.sale(1, 100, "approved", batch=1)
    synced(store, old)
    new = Device("pz-new")
    terminals.offer(store, new.config, replace=True)
    new.sale(1, 200, "approved", batch=2)
    new.sync(store)
    take(store, DayFile().add(1, 100, batch=1, terminal=TERMINAL).add(1, 200, batch=2))
    result = reconcile(store)
    assert result.breaks == [] and result.counts == {"MATCHED": 2}
