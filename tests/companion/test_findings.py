"""A terminal whose journal is not the one in the store: found, kept as evidence, a break."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from companion.cli.main import main
from companion.facts import journals
from companion.link import LinkError
from companion.reconcile.run import reconcile
from companion.store import Store, findings, records, terminals
from companion.store.findings import ALTERED, GAP, ROLLBACK, Finding
from companion.store.sink import RecordSink
from companion.store.verify import Damage, verify
from companion.syncing import Synced, sync_terminal
from protocol import messages, record, seal
from tests.chaos.terminal import TIMEOUT, Terminal
from tests.companion.sealed import Device
from tests.companion.terminal_rig import settings
from tests.companion.wire import Served


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as made:
        yield made


@pytest.fixture
def terminal(store: Store) -> Iterator[Terminal]:
    made = Terminal(1, sectors=32)
    terminals.offer(store, made.config, replace=False)
    yield made
    made.close()


def sync(store: Store, terminal: Terminal) -> Synced:
    return sync_terminal(store, terminal.plug(), timeout=TIMEOUT)


def noted(store: Store, device_id: str) -> list[Finding]:
    with store.read() as connection:
        return findings.of(connection, device_id)


def damages(store: Store, device_id: str) -> list[Damage]:
    with store.read() as connection:
        terminal = terminals.find(connection, device_id)
        assert terminal is not None
        return verify(connection, terminal)[1]


def rolled_back(terminal: Terminal, flash: bytes, sales: int) -> None:
    """Put an earlier image of its flash back, start, and sell."""
    terminal.nor.data[:] = flash
    terminal.restart()
    terminal.sell(sales)


def refused(store: Store, terminal: Terminal, code: str) -> None:
    with pytest.raises(LinkError, match="kept as a finding") as failure:
        sync(store, terminal)
    assert failure.value.code == code


@pytest.mark.parametrize(
    ("sales", "code", "first"),
    [
        pytest.param(0, messages.BAD_RANGE, 31, id="and sold nothing since"),
        pytest.param(2, messages.BAD_RANGE, 31, id="and sold less since"),
        pytest.param(5, messages.BAD_HISTORY, 31, id="and sold as much since"),
        pytest.param(9, messages.BAD_HISTORY, 31, id="and sold more since"),
    ],
)
def test_a_flash_that_was_rolled_back_is_a_break_with_both_journals_as_evidence(
    store: Store, terminal: Terminal, sales: int, code: str, first: int
) -> None:
    terminal.sell(10)
    sync(store, terminal)
    flash = bytes(terminal.nor.data)
    terminal.sell(5)
    sync(store, terminal)
    before = dict(terminal.written)
    rolled_back(terminal, flash, sales)
    refused(store, terminal, code)

    (finding,) = noted(store, terminal.device_id)
    assert (finding.code, finding.first_seq, finding.last_seq) == (ROLLBACK, first, 45)
    assert finding.evidence["stored"] == before[31].hex()
    theirs = [[seq, terminal.written[seq].hex()] for seq in range(31, 31 + 3 * sales)]
    assert finding.evidence["at_terminal"] == theirs
    said = finding.evidence["terminal"]
    assert isinstance(said, dict)
    assert (said["next_seq"], said["stored_next_seq"]) == (31 + 3 * sales, 46)
    # What the store has stays as it is, and the terminal releases nothing on its account.
    assert damages(store, terminal.device_id) == []
    assert terminal.ledger.released == 31

    (found,) = [item for item in reconcile(store).breaks if item.code == ROLLBACK]
    assert found.evidence["first_seq"] == first
    assert json.dumps(before[31].hex()) in json.dumps(found.evidence)
    result = CliRunner().invoke(main, ["breaks", "--store", str(store.directory)])
    assert "JOURNAL_ROLLBACK" in result.stdout
    result = CliRunner().invoke(main, ["journal", "verify", "--store", str(store.directory)])
    assert result.exit_code == 1 and "rolled back" in result.stdout


def test_a_terminal_met_again_after_its_rollback_is_one_finding_and_not_read_again(
    store: Store, terminal: Terminal
) -> None:
    terminal.sell(2)
    flash = bytes(terminal.nor.data)
    terminal.sell(2)
    sync(store, terminal)
    rolled_back(terminal, flash, 9)
    refused(store, terminal, messages.BAD_HISTORY)
    first = noted(store, terminal.device_id)
    terminal.sell(1)
    line = terminal.plug()
    with pytest.raises(LinkError):
        sync_terminal(store, line, timeout=TIMEOUT)
    assert line.carried < 400, "it was read again"
    again = noted(store, terminal.device_id)
    assert [finding.first_seq for finding in again] == [finding.first_seq for finding in first]
    assert again[0].evidence["at_terminal"] == first[0].evidence["at_terminal"]


def test_a_finding_stays_when_the_line_breaks_before_the_terminals_records_were_read(
    store: Store, terminal: Terminal
) -> None:
    terminal.sell(2)
    flash = bytes(terminal.nor.data)
    terminal.sell(2)
    sync(store, terminal)
    rolled_back(terminal, flash, 9)
    with pytest.raises(LinkError, match="kept as a finding"):
        # The refusal gets through, and the session after it does not.
        sync_terminal(store, terminal.plug(cut=280, serial=True), timeout=TIMEOUT)
    (finding,) = noted(store, terminal.device_id)
    assert (finding.code, finding.first_seq) == (ROLLBACK, 12)
    assert "unread" in finding.evidence


def test_a_record_that_comes_again_and_differs_is_kept_beside_the_stored_one(
    store: Store,
) -> None:
    device = Device()
    device.offer(store)
    device.sale(1, 100, "approved")
    device.sync(store)
    other = Device()
    other.sale(1, 999, "approved")
    with RecordSink(store) as sink, pytest.raises(Exception, match=r"record 1 .* differs"):
        sink.store(device.device_id, 1, other.payloads)
    (finding,) = noted(store, device.device_id)
    ours, theirs = device.payloads[0], other.payloads[0]
    assert ours is not None and theirs is not None
    assert (finding.code, finding.first_seq) == (ALTERED, 1)
    assert finding.evidence["stored"] == ours.hex()
    assert finding.evidence["payload"] == theirs.hex()
    assert [item.code for item in reconcile(store).breaks if item.code == ALTERED] == [ALTERED]


def resealed(device: Device, before: bytes | None, payload: bytes | None) -> bytes:
    """The record under a seal that stands on another one; somebody would need the key."""
    assert before is not None and payload is not None
    data = seal.split(payload)[0]
    key = device.config["seal_key"]
    assert isinstance(key, bytes)
    return data + seal.seal(key, before[-seal.SEAL_LENGTH :], data)


def forged(device: Device) -> bytes:
    """A record of somebody who has not the key."""
    return record.encode({"kind": record.NOTE, "wall": 0, "code": "X", "detail": ""}) + bytes(8)


@pytest.mark.parametrize("case", ["changed", "inserted", "two inserted", "taken out", "lost one"])
def test_an_edit_an_insertion_and_a_removal_are_found_at_their_record_on_the_way_in(
    store: Store, case: str
) -> None:
    device = Device()
    device.offer(store)
    for stan in range(1, 6):
        device.sale(stan, 100, "approved")
    payloads = device.payloads
    expected = [(5, ALTERED)]
    if case == "changed":
        payload = bytearray(payloads[4] or b"")
        payload[10] ^= 1
        payloads[4] = bytes(payload)
    elif case == "inserted":
        payloads.insert(4, forged(device))
    elif case == "two inserted":
        payloads[4:4] = [forged(device), forged(device)]
        expected = [(5, ALTERED), (6, ALTERED)]
    elif case == "taken out":
        del payloads[4]
    else:
        payloads[4] = resealed(device, payloads[2], payloads[4])
        payloads[5:] = []
        expected = [(5, ROLLBACK)]
    device.sync(store)
    found = damages(store, device.device_id)
    assert [(one.first_seq, one.code) for one in found] == expected
    assert ("inserted" in found[0].problem) == ("inserted" in case)
    assert found[0].evidence["payload"] == (payloads[4] or b"").hex()
    # What somebody changed is not believed; what the terminal lost and the store has is.
    with store.read() as connection:
        terminal = terminals.find(connection, device.device_id)
        assert terminal is not None
        items = journals.journal(connection, terminal).items
    unbelieved = [seq for seq, content in items if content is None]
    assert unbelieved == [seq for seq, code in expected if code == ALTERED]
    codes = [item.code for item in reconcile(store).breaks if item.code.startswith("JOURNAL")]
    assert codes == [code for _, code in expected]
    assert GAP not in codes


def test_two_companions_with_a_store_each_both_have_the_whole_journal(
    store: Store, terminal: Terminal, tmp_path: Path
) -> None:
    store.close()
    shutil.copytree(store.directory, tmp_path / "other")
    with Store.open(tmp_path / "other") as other:
        for turn in range(6):
            terminal.sell(5)
            mine, its = (store, other) if turn % 2 else (other, store)
            # One is cut off in the middle, the other one goes on as if nothing had happened.
            with pytest.raises(LinkError):
                sync_terminal(mine, terminal.plug(cut=300 + 50 * turn), timeout=TIMEOUT)
            sync(its, terminal)
            sync(mine, terminal)
        for one in (store, other):
            assert damages(one, terminal.device_id) == []
            assert noted(one, terminal.device_id) == []
            with one.read() as connection:
                known = terminals.find(connection, terminal.device_id)
                assert known is not None and known.next_seq == terminal.ledger.next_seq


def test_what_another_store_let_the_terminal_recycle_is_a_gap_and_no_other_history(
    store: Store, terminal: Terminal, tmp_path: Path
) -> None:
    store.close()
    shutil.copytree(store.directory, tmp_path / "other")
    with Store.open(tmp_path / "other") as other:
        while terminal.ledger.first_seq == 1:
            terminal.sell(30)
            sync(other, terminal)
        first = terminal.ledger.first_seq
        done = sync(store, terminal).done
        assert (done.gaps, done.next_seq) == (first - 1, terminal.ledger.next_seq)
    (gap,) = damages(store, terminal.device_id)
    assert (gap.first_seq, gap.last_seq, gap.code) == (1, first - 1, GAP)
    assert noted(store, terminal.device_id) == []


@pytest.mark.parametrize("first", [8193, 8194, 8195, 20000])
def test_a_store_that_was_left_behind_for_long_goes_on_with_what_there_is(
    store: Store, first: int
) -> None:
    terminals.offer(store, settings(), replace=False)
    served = Served(first + 9)
    served.ledger.first_seq = served.ledger.released = first
    try:
        done = sync_terminal(store, served.on_cable(max_baud=0)).done
    finally:
        served.close()
    assert (done.records, done.gaps, done.next_seq) == (10, first - 1, first + 10)
    with store.read() as connection:
        gaps = records.known_gaps(connection, done.device_id)
    missing = [seq for gap in gaps for seq in range(gap.first_seq, gap.last_seq + 1)]
    assert missing == list(range(1, first))
