"""What waits in the store for a terminal, what a sync gives it, and what is kept of that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from companion.cli.main import main
from companion.link import Identity
from companion.pushing import Pushing
from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store, changes, terminals, verdicts
from companion.store.verdicts import Verdict
from protocol import cbor, config, messages, record
from tests.companion.sealed import MERCHANT, TERMINAL, DayFile, Device

NOW = 1_790_000_000
DEVICE = "pz-test-1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        Device(DEVICE).offer(opened)
        yield opened


def identity(wall: int = NOW) -> Identity:
    return Identity([33, 2, bytes(16), DEVICE, "0.1.0", 1, 1, 1, bytes(16), wall, 0])


def given(
    store: Store, wall: int = NOW, clock: bool = True
) -> tuple[Pushing, list[tuple[int, object]]]:
    """The pushes of a sync, decoded."""
    pushing = Pushing(store, (lambda: NOW) if clock else None)
    pushing.meet(DEVICE)
    return pushing, [(kind, cbor.loads(data)) for kind, data in pushing(identity(wall))]


def decided(stan: int, result: int = record.SQUARED, text: str = "done") -> Verdict:
    return Verdict(MERCHANT, TERMINAL, 1, stan, result, text)


def decide(store: Store, *some: Verdict) -> None:
    with store.write() as connection:
        verdicts.decide(connection, some)


def waiting(store: Store) -> list[Verdict]:
    with store.read() as connection:
        return verdicts.waiting(connection, MERCHANT, TERMINAL)


def run(store: Store, *arguments: str) -> Result:
    arguments = (*arguments, "--store", str(store.directory))
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.mark.parametrize("wall", [0, NOW - 3, NOW + 3])
def test_a_clock_that_is_wrong_is_set(store: Store, wall: int) -> None:
    assert given(store, wall)[1] == [(messages.PUSH_TIME, NOW)]
    assert given(store, wall, clock=False)[1] == []


@pytest.mark.parametrize("wall", [NOW - 2, NOW, NOW + 2])
def test_a_clock_that_is_right_costs_no_push(store: Store, wall: int) -> None:
    assert given(store, wall)[1] == []


def test_verdicts_go_to_the_number_eight_at_a_time_until_the_terminal_has_them(
    store: Store,
) -> None:
    decide(store, *[decided(stan) for stan in range(1, 11)])
    decide(store, Verdict(MERCHANT, "20000002", 1, 99, record.SQUARED, ""))
    pushing, pushes = given(store)
    assert [kind for kind, _ in pushes] == [messages.PUSH_VERDICTS] * 2
    assert pushes[1] == (messages.PUSH_VERDICTS, [[1, 9, 1, "done"], [1, 10, 1, "done"]])
    first = cbor.dumps(pushes[0][1])
    pushing.answered(messages.PUSH_VERDICTS, first, "a transaction is under way")
    assert len(waiting(store)) == 10
    pushing.answered(messages.PUSH_VERDICTS, first, "")
    assert waiting(store) == [decided(9), decided(10)]


def test_another_verdict_on_the_same_case_is_told_again_and_the_same_one_is_not(
    store: Store,
) -> None:
    decide(store, decided(1))
    pushing, ((kind, rows),) = given(store)
    decide(store, decided(1, record.REFUND_DUE))
    pushing.answered(kind, cbor.dumps(rows), "")
    assert waiting(store) == [decided(1, record.REFUND_DUE)]
    pushing, ((kind, rows),) = given(store)
    pushing.answered(kind, cbor.dumps(rows), "")
    decide(store, decided(1, record.REFUND_DUE))
    assert waiting(store) == []


def test_a_text_is_cut_to_what_a_record_holds(store: Store) -> None:
    for text in ("x" * 50, "退款" * 10, "a\nb\tc"):
        row = decided(1, text=text).row()
        rec = {"kind": record.VERDICT, "wall": 0, "batch": 1, "stan": 1, "result": 1}
        record.encode({**rec, "text": row[3]})
        assert str(row[3]).isprintable()


def test_what_the_host_says_nobody_was_charged_for_is_squared(
    store: Store, tmp_path: Path
) -> None:
    device = Device(DEVICE)
    device.sign_in("0302090000")
    for stan, end in enumerate(("suspended", "recon", "suspended", "suspended", "reversed"), 1):
        device.sale(stan, 100 * stan, end)
    device.sync(store)
    rows = DayFile().add(1, 100, "REVERSED").add(2, 200, "DECLINED").add(3, 300)
    import_file(store, rows.add(5, 500, "REVERSED").write(tmp_path / "day.csv"))
    for _ in range(2):
        # 3 was captured, that is a break. 4 has no row: the next file may have it.
        assert reconcile(store).counts["HEALED"] == 3
    told = [(verdict.stan, verdict.text) for verdict in waiting(store)]
    assert told == [(1, "reversed at the acquirer"), (2, "declined at the acquirer")]
    decide(store, decided(1, record.WRITTEN_OFF))
    reconcile(store)
    assert decided(1, record.WRITTEN_OFF) in waiting(store)


def test_changes_wait_together_and_are_kept_when_the_terminal_has_them(store: Store) -> None:
    run(store, "configure", DEVICE, "--host", "10.0.0.1", "--merchant-name", "New shop")
    said = run(store, "configure", DEVICE, "--host", "10.0.0.2", "--wifi-password", "secret-2")
    assert "host = 10.0.0.2" in said.output and "secret-2" not in said.output
    pushing, ((kind, pairs),) = given(store)
    assert pairs == [
        ["host", "10.0.0.2"],
        ["merchant_name", "New shop"],
        ["wifi_password", "secret-2"],
    ]
    full = config.encode({**Device(DEVICE).config, "confirm_minor": 5})
    merged = config.decode(config.merged(full, cbor.dumps(pairs)))
    assert (merged["host"], merged["wifi_password"]) == ("10.0.0.2", "secret-2")
    pushing.answered(kind, cbor.dumps(pairs), "")
    with store.read() as connection:
        terminal = terminals.find(connection, DEVICE)
        assert terminal is not None and terminal.merchant_name == "New shop"
        assert json.loads(terminal.config)["host"] == "10.0.0.2"
        assert changes.waiting(connection, DEVICE) == {}
    store.close()
    assert b"secret-2" not in (store.directory / "store.sqlite").read_bytes()


def test_a_password_in_the_environment_goes_with_its_network_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINGZHANG_WIFI_PASSWORD", "secret-3")
    run(store, "configure", DEVICE)
    assert given(store)[1] == []
    run(store, "configure", DEVICE, "--wifi-ssid", "shop-2")
    wanted = [["wifi_password", "secret-3"], ["wifi_ssid", "shop-2"]]
    assert given(store)[1] == [(messages.PUSH_CONFIG, wanted)]


def test_what_is_wanted_while_a_sync_is_on_its_way_goes_on_waiting(store: Store) -> None:
    run(store, "configure", DEVICE, "--host", "10.0.0.1")
    pushing, ((kind, pairs),) = given(store)
    run(store, "configure", DEVICE, "--host-port", "9")
    pushing.answered(kind, cbor.dumps(pairs), "")
    assert given(store)[1] == [(kind, [["host", "10.0.0.1"], ["port", 9]])]


def test_the_configuration_is_the_last_push_for_it_leads_to_a_restart(store: Store) -> None:
    run(store, "configure", DEVICE, "--tpdu", "6000040000", "--backup", "10.0.0.3:8583")
    decide(store, decided(1))
    _, pushes = given(store, wall=0)
    kinds = [messages.PUSH_TIME, messages.PUSH_VERDICTS, messages.PUSH_CONFIG]
    assert [kind for kind, _ in pushes] == kinds
    tpdu = bytes.fromhex("6000040000")
    assert pushes[2][1] == [["backup_host", "10.0.0.3"], ["backup_port", 8583], ["tpdu", tpdu]]


def test_a_refused_change_waits_and_can_be_forgotten(store: Store) -> None:
    run(store, "configure", DEVICE, "--profile", "other")
    pushing, ((kind, pairs),) = given(store)
    pushing.answered(kind, cbor.dumps(pairs), "no profile other")
    assert "profile = other" in run(store, "configure", DEVICE).output
    assert "nothing waits" in run(store, "configure", DEVICE, "--forget").output
    assert given(store)[1] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((DEVICE, "--host", ""), "host: 0 is not in 1..64"),
        ((DEVICE, "--host-port", "0"), "port: 0 is not in 1..65535"),
        ((DEVICE, "--tpdu", "xy"), "not hexadecimal"),
        ((DEVICE, "--backup", "here"), "is not HOST:PORT"),
        (("pz-other", "--host", "a"), "no such terminal"),
    ],
)
def test_a_bad_change_is_refused_at_once(
    store: Store, arguments: tuple[str, ...], words: str
) -> None:
    result = run(store, "configure", *arguments)
    assert result.exit_code == 2 and words in result.stderr
    assert given(store)[1] == []
