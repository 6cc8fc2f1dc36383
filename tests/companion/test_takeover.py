"""W26 at the companion: what goes to the next terminal; one transaction in two journals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from companion.reconcile import takeover
from companion.reconcile.fold import Items, Taken, Transaction, carry_over, fold
from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store, terminals, verdicts
from companion.store.verdicts import Verdict
from protocol import config, record, seal
from tests.companion.sealed import CARD, MERCHANT, TERMINAL, DayFile, Device
from tests.companion.terminal_rig import PYTHON, TerminalProcess
from tests.companion.test_cli import fine

Story = Callable[[Device], None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def items(device: Device) -> Items:
    return [
        (seq, None if payload is None else record.decode(seal.split(payload)[0]))
        for seq, payload in enumerate(device.payloads, 1)
    ]


def boot(device: Device) -> int:
    return device.add(record.BOOT, boot=2, cause="PWRON", firmware="test")


def close(device: Device, batch: int = 1) -> int:
    frozen = {f"{side}_{what}": 0 for side in ("debit", "credit") for what in ("count", "minor")}
    return device.add(
        record.BATCH, batch=batch, phase=record.CLOSED, stan=90, cursor=0, code="00", **frozen
    )


def take(device: Device, data: bytes) -> int:
    """The new terminal writes a pending of its configuration down."""
    content = record.decode(data)
    wall = content.pop("wall")
    kind = content.pop("kind")
    assert wall and kind == record.PENDING
    return device.add(kind, **content)


def of(*devices: Device, whole: bool = False) -> takeover.Takeover:
    journals = {device.device_id: items(device) for device in devices}
    return takeover.of_journals(journals, {devices[-1].device_id} if whole else set())


def stans(found: takeover.Takeover) -> list[object]:
    return [record.decode(data)["stan"] for data in found.pendings]


def suspended(old: Device) -> None:
    old.sale(1, 100, "suspended")


def settled_since(old: Device) -> None:
    suspended(old)
    close(old)


def settled_before(old: Device) -> None:
    close(old)
    suspended(old)


def being_reversed(old: Device) -> None:
    old.armed(1, 100)
    old.reversal(1, 0)


def restarted_since(old: Device) -> None:
    old.armed(1, 100)
    boot(old)


def newest_record(old: Device) -> None:
    boot(old)
    old.armed(1, 100)


def approved(old: Device) -> None:
    old.sale(1, 100, "approved")


def reversed_there(old: Device) -> None:
    old.sale(1, 100, "reversed")


def never_reversed(old: Device) -> None:
    old.sale(1, 100, "recon")


@pytest.mark.parametrize(
    "story", [suspended, settled_before, being_reversed, restarted_since], ids=lambda s: s.__name__
)
def test_w26_what_certainly_was_not_approved_goes_to_the_next_terminal(story: Story) -> None:
    old = Device()
    story(old)
    assert stans(of(old)) == [1]


@pytest.mark.parametrize(
    "story",
    [settled_since, newest_record, approved, reversed_there, never_reversed],
    ids=lambda s: s.__name__,
)
def test_w26_what_has_an_end_or_may_have_one_does_not(story: Story) -> None:
    old = Device()
    story(old)
    assert stans(of(old)) == []


def test_w26_a_flash_that_was_read_to_its_end_leaves_no_doubt() -> None:
    old = Device()
    old.armed(1, 100)
    assert stans(of(old)) == []
    assert of(old).left == 1
    assert stans(of(old, whole=True)) == [1]


def test_w26_an_approval_that_may_be_in_a_gap_is_not_reversed() -> None:
    old = Device()
    old.armed(1, 100)
    old.outcome(1, 100)
    boot(old)
    old.payloads[1] = None
    assert (stans(of(old, whole=True)), of(old).left) == ([], 1)


def test_w26_a_pending_has_all_that_its_reversal_needs_and_fits() -> None:
    old = Device()
    old.armed(17, 1250, batch=42, txn=record.PREAUTH)
    boot(old)
    (data,) = of(old).pendings
    content = record.decode(data)
    armed = items(old)[0][1]
    assert armed is not None and len(data) <= config.MAX_PENDING
    assert (content["device"], content["seq"], content["pan"]) == (old.device_id, 1, CARD)
    for name in ("wall", "txn", "stan", "batch", "amount_minor", "entry", "token", "host"):
        assert content[name] == armed[name], name
    assert "card" not in content


def test_w26_of_more_than_six_the_newest_go() -> None:
    old = Device()
    for stan in range(1, 9):
        old.sale(stan, 100, "suspended")
    assert (stans(of(old)), of(old).left) == ([8, 7, 6, 5, 4, 3], 2)


def test_w26_a_pending_goes_on_to_a_third_terminal_until_it_ends() -> None:
    first, second = Device(), Device("pz-test-2")
    first.sale(1, 100, "suspended")
    take(second, of(first).pendings[0])
    second.sale(1001, 200, "suspended")
    found = of(first, second)
    assert stans(found) == [1001, 1]
    assert record.decode(found.pendings[1])["device"] == first.device_id
    second.reversal(1)
    assert stans(of(first, second)) == [1001, 1]
    second.reversal_end(1, record.REV_OK)
    assert stans(of(first, second)) == [1001]
    close(second)
    second.sale(1002, 300, "suspended")
    assert stans(of(first, second)) == [1002]


def test_w26_no_pending_of_a_batch_that_the_second_terminal_has_settled() -> None:
    first, second = Device(), Device("pz-test-2")
    first.sale(1, 100, "suspended")
    take(second, of(first).pendings[0])
    close(second)
    assert (stans(of(first, second)), of(first, second).left) == ([], 1)


def squared(first: Device, second: Device) -> tuple[list[Transaction], list[Transaction]]:
    taken: list[Taken] = []
    done = {first.device_id: fold(items(first)), second.device_id: fold(items(second), taken)}
    carry_over(done, second.device_id, taken)
    return done[first.device_id], done[second.device_id]


def test_w26_a_pending_is_no_second_transaction() -> None:
    first, second = Device(), Device("pz-test-2")
    first.sale(1, 100, "suspended")
    take(second, of(first).pendings[0])
    (old,), new = squared(first, second)
    assert (old.status, old.remarks, new) == ("SUSPENDED", [], [])


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (record.REV_OK, "REVERSED"),
        (record.REV_ABSENT, "REVERSED"),
        (record.REV_SUSPENDED, "SUSPENDED"),
        (None, "PENDING"),
    ],
)
def test_w26_the_end_in_the_new_journal_ends_the_old_transaction(
    end: int | None, status: str
) -> None:
    first, second = Device(), Device("pz-test-2")
    first.armed(1, 100)
    boot(first)
    take(second, of(first).pendings[0])
    second.reversal(1)
    if end:
        second.reversal_end(1, end, "25")
    (old,), new = squared(first, second)
    assert (old.status, old.reversal_code, new) == (status, "25" if end else "", [])
    assert old.remarks == ["its reversal was taken over by pz-test-2"]


def test_w26_an_approval_that_comes_to_light_later_is_remarked() -> None:
    first, second = Device(), Device("pz-test-2")
    first.armed(1, 100)
    take(second, of(first, whole=True).pendings[0])
    second.reversal(1)
    second.reversal_end(1, record.REV_OK)
    first.outcome(1, 100)
    (old,), _ = squared(first, second)
    assert (old.status, old.remarks[0]) == (
        "REVERSED",
        "pz-test-2 reversed it after it was approved",
    )


def test_w26_a_reversal_is_not_lost_when_the_store_never_had_the_first_journal() -> None:
    first, second = Device(), Device("pz-test-2")
    first.sale(1, 100, "suspended")
    take(second, of(first).pendings[0])
    second.reversal(1)
    second.reversal_end(1, record.REV_OK)
    first.payloads.clear()
    _, (new,) = squared(first, second)
    assert (new.stan, new.status, new.amount_minor) == ("000001", "REVERSED", 100)


def test_w26_the_books_are_square_when_the_second_terminal_has_reversed(
    store: Store, tmp_path: Path
) -> None:
    first, second = Device(), Device("pz-test-2")
    first.offer(store)
    first.sign_in("0302091500")
    first.sale(1, 1250, "suspended")
    first.sync(store)
    import_file(store, DayFile().add(1, 1250).write(tmp_path / "before.csv"))
    (found,) = reconcile(store).breaks
    assert (found.code, found.amount_minor) == ("REVERSAL_STUCK", 1250)

    with store.read() as connection:
        taken = takeover.of_number(connection, TERMINAL, MERCHANT)
    terminals.offer(store, second.config | {"pendings": taken.pendings}, replace=True)
    take(second, taken.pendings[0])
    second.reversal(1)
    second.reversal_end(1, record.REV_OK)
    second.sync(store)
    import_file(store, DayFile().add(1, 1250, "REVERSED").write(tmp_path / "after.csv"))
    result = reconcile(store)
    assert result.holds and result.breaks == []
    assert (result.counts, len(result.closed)) == ({"REVERSED": 1}, 1)


def test_w26_provision_hands_on_what_was_open_and_the_key_of_the_tokens(tmp_path: Path) -> None:
    old = Device()
    directory = tmp_path / "store"
    with Store.open(directory, create=True) as opened:
        old.offer(opened)
        old.sale(41, 1250, "suspended")
        old.armed(42, 300)
        old.sync(opened)
    terminal = TerminalProcess(PYTHON, serial=True, config="", records=0)
    try:
        arguments = ("provision", "--port", terminal.url, "--store", directory, "--replace")
        done = json.loads(fine(*arguments, "--json").stdout)
        given = config.decode(bytes.fromhex(terminal.said().split()[1]))
    finally:
        terminal.close()
    assert (done["pendings"], done["left"]) == (1, 1)
    assert [record.decode(data)["stan"] for data in given["pendings"]] == [41]
    assert (given["stan_start"], given["token_key"]) == (1042, old.config["token_key"])
    for key in ("seal_key", "sync_key"):
        assert given[key] != old.config[key]


def test_w16_a_second_swap_goes_on_above_the_stans_that_were_given_and_never_synced(
    store: Store,
) -> None:
    old = Device()
    old.offer(store)
    with store.read() as connection:
        before = terminals.with_number(connection, TERMINAL, MERCHANT)
        assert terminals.stan_after(connection, []) == 0
        assert terminals.stan_after(connection, before) == 1000
    old.sale(41, 1250, "approved")
    old.sync(store)
    terminals.offer(store, Device("pz-test-2").config | {"stan_start": 1041}, replace=True)
    with store.write() as connection:
        terminals.confirm(connection, "pz-test-2")
        before = terminals.with_number(connection, TERMINAL, MERCHANT)
        assert [one.device_id for one in before] == ["pz-test-1", "pz-test-2"]
        assert terminals.stan_after(connection, before) == 2041


def test_w26_what_has_a_verdict_is_not_reversed_by_the_next_terminal(store: Store) -> None:
    first = Device()
    first.offer(store)
    first.sign_in("0302091500")
    first.sale(1, 1250, "suspended")
    first.sale(2, 300, "suspended")
    first.sync(store)
    with store.write() as connection:
        paid_back = Verdict(MERCHANT, TERMINAL, 1, 1, record.REFUND_DUE, "")
        verdicts.decide(connection, [paid_back])
    with store.read() as connection:
        taken = takeover.of_number(connection, TERMINAL, MERCHANT)
    assert (stans(taken), taken.left) == ([2], 0)
