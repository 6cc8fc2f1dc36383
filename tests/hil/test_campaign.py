"""A slice of the campaign on the virtual board, and that it would see what went wrong."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.flash import NorFlash
from companion.acquirer import kinds
from protocol.config import ConfigError
from tests.hil import campaign, page, plan, result
from tests.hil.__main__ import main as command
from tests.hil.bench import Bench
from tests.hil.campaign import Log
from tests.hil.cashier import card
from tests.hil.plan import EXACT, HOST, MARKER, RANDOM, REST, Cut, Cycle, Limits
from tests.hil.power import PowerError
from tests.hil.serialdut import DEVICE_FILES, SerialDut, SerialRig
from tests.hil.shift import Line, Shift, leaks
from tests.hil.tape import Tape
from tests.hil.virtual import VirtualRig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRig]:
    rig = VirtualRig(tmp_path_factory.mktemp("rig") / "board")
    yield rig
    rig.close()


AT_REST = Cut(REST)


def at_rest(count: int) -> list[Cycle]:
    """Sales whose power goes when they are over."""
    return [sale(number) for number in range(1, count + 1)]


def sale(number: int, cut: Cut = AT_REST, faults: tuple[plan.Fault, ...] = ()) -> Cycle:
    return Cycle(number, kinds.SALE, 1, cut, None, faults)


def shift(rig: VirtualRig, directory: Path, cycles: list[Cycle]) -> list[Line]:
    rig.fresh()
    told: list[Line] = []
    Shift(rig, directory, 1, 1, cycles, Limits(), told.append).run()
    return told


def failures(told: list[Line]) -> set[str]:
    return {failure["code"] for line in told for failure in line["failures"]}


def test_power_cuts_in_card_transactions_lose_and_double_nothing(
    rig: VirtualRig, tmp_path: Path
) -> None:
    told = shift(rig, tmp_path, plan.draw(1, 1, 40, Limits()))
    assert failures(told) == set()
    counted = result.count([{"line": "campaign", "board": "virtual", "seed": 1}, *told])
    assert counted.cycles == 40 and counted.cuts >= 42 and counted.in_transactions >= 36
    assert counted.settlements == 2 and counted.in_settlements >= 1
    assert {kinds.SALE, kinds.VOID, kinds.REFUND, kinds.PREAUTH} <= counted.mix.keys()
    assert {"APPROVED / APPROVED", "REVERSED / REVERSED"} <= counted.ends.keys()
    assert counted.lost == counted.double == 0
    # Every kind of cut came, and the flash was caught at work.
    assert {kind.split(",")[0] for kind in counted.by_kind} >= set(plan.KINDS)
    assert {"program before", "program torn", "program after"} <= counted.by_hit.keys()


@pytest.mark.thorough
def test_more_power_cuts_on_several_boards(tmp_path: Path) -> None:
    log = Log(tmp_path, board="virtual", seed=2, cycles=500)
    campaign.run(log, 2, 500, 2)
    log.close()
    counted = result.count(log.lines)
    assert counted.failures == []
    assert counted.cycles == 500 and counted.in_transactions >= 450
    assert counted.mix.keys() == plan.MIX.keys() and counted.in_settlements >= 16
    assert counted.laps >= 2  # the ring was gone around, with cuts


def test_a_flash_that_forgets_what_it_acknowledged_is_found(
    rig: VirtualRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash, program = rig.board.flash["journal"], NorFlash.program
    images: list[bytes] = []

    def remembered(self: NorFlash, address: int, data: bytes) -> None:
        if self is flash:
            images.append(self.image())
        program(self, address, data)

    on, starts = rig.power.on, []

    def forgetful() -> None:
        # As with a cache in front of the flash that is not written back: two records are gone.
        # Not at the first starts, which provision the terminal and prove the power.
        starts.append(1)
        if len(starts) > 2:
            flash.load(images[-2])
        images.clear()
        on()

    monkeypatch.setattr(NorFlash, "program", remembered)
    monkeypatch.setattr(rig.power, "on", forgetful)
    assert failures(shift(rig, tmp_path, at_rest(4))) & {"LOST", "RECORD", "SHOWN", "SLIP"}


def test_a_host_that_keeps_what_was_reversed_is_found(rig: VirtualRig, tmp_path: Path) -> None:
    faults = ({"mti": "", "do": "drop_answer"}, {"mti": "0400", "do": "capture_after_reversal"})
    assert "LOST" in failures(shift(rig, tmp_path, [sale(1, faults=faults)]))


def test_a_terminal_that_does_not_come_back_is_found(
    rig: VirtualRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tape.wait, "__defaults__", (3.0,))
    main = rig.board.fs / "main.py"
    text = main.read_text()
    on, starts = rig.power.on, []

    def broken() -> None:
        starts.append(1)
        if len(starts) == 3:
            main.write_text("")
        on()

    monkeypatch.setattr(rig.power, "on", broken)
    try:
        assert failures(shift(rig, tmp_path, at_rest(2))) == {"DEAD"}
    finally:
        rig.power.off()
        main.write_text(text)


# -- what a campaign writes ----------------------------------------------------------------------


def lines() -> list[Line]:
    cut = {"kind": "exact", "hit": "program torn at 0x80", "during": "transaction"}
    bad = {"code": "LOST", "text": 'host ["APPROVED"], journal []'}
    start: Line = {"line": "start", "seed": 4, "shift": 1, "power": "seen", "failures": []}
    cycle: Line = {"line": "cycle", "seed": 4, "shift": 1, "cycle": 1, "ms": 90, "cuts": [cut]}
    cycle |= {"what": "SALE", "host": ["APPROVED"], "terminal": "APPROVED", "failures": []}
    settled = cycle | {"line": "settlement", "cuts": [cut | {"during": "settlement"}]}
    failed = cycle | {"cycle": 2, "terminal": "", "failures": [bad]}
    end: Line = {"line": "end", "seed": 4, "shift": 1, "failures": []}
    return [start, cycle, failed, settled, end]


def test_a_log_is_only_appended_to_and_one_file_has_many_campaigns(tmp_path: Path) -> None:
    for seed in (4, 5):
        log = Log(tmp_path, board="virtual", seed=seed)
        for line in lines():
            log.add(line)
        log.close()
    with log.path.open("a") as file:
        file.write('{"line": "cyc')  # the rig's own power went
    found = campaign.campaigns(log.path)
    assert [one[0]["seed"] for one in found] == [4, 5]
    assert found[1][1:] == lines()


def test_a_result_is_written_three_ways(tmp_path: Path) -> None:
    log = Log(tmp_path, board="virtual", seed=4)
    for line in lines():
        log.add(line)
    log.close()
    counted = result.count(log.lines, 1.5)
    result.write(tmp_path, log.lines, counted, page.render(counted))
    told = json.loads((tmp_path / "result.json").read_text())
    assert (told["cuts"], told["lost"], told["failed_cycles"]) == (3, 1, 1)
    assert told["mix"] == {"SALE": {"APPROVED": 1, "nothing": 1}}
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("5", "1")
    html = (tmp_path / "report.html").read_text()
    assert "3 power cuts on a virtual board" in html and "<code>1/2</code>" in html
    assert "&quot;APPROVED&quot;" in html  # what was seen is text, not markup
    assert html.count("class='bars'") == 3 and html.count("class='columns'") == 1
    assert "<td class='n'>1<td class='n'>1<td class='n'>2" in html  # the mix
    assert "http" not in html and "<script" not in html


def test_the_claim_says_what_was_measured() -> None:
    log: list[Line] = [{"line": "campaign", "board": "virtual", "seed": 4}, *lines()]
    assert result.count(log).words() == (
        "3 power cuts on a virtual board, 2 of them during a card transaction and 1 during a "
        "settlement: 1 failures, 1 lost, 0 double. If cuts are alike, at most 86.46% of them end "
        "in a failure (95% confidence, Clopper-Pearson)."
    )


@pytest.mark.parametrize(("failed", "trials"), [(0, 100), (1, 100), (5, 50), (3, 3000)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(failed: int, trials: int) -> None:
    chance = result.upper_bound(failed, trials)
    so_few = sum(
        math.comb(trials, count) * chance**count * (1 - chance) ** (trials - count)
        for count in range(failed + 1)
    )
    assert so_few == pytest.approx(0.05, rel=1e-6)
    assert result.upper_bound(trials, trials) == 1.0


def test_the_rule_of_three_is_close() -> None:
    assert result.upper_bound(0, 10_000) == pytest.approx(3 / 10_000, rel=2e-3)


def test_a_seed_plans_the_same_cuts_and_a_longer_shift_begins_alike() -> None:
    short = plan.draw(9, 3, 20, Limits())
    assert plan.draw(9, 3, 40, Limits())[:20] == short
    assert plan.draw(9, 4, 20, Limits()) != short


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (card(17)["pan"].encode(), ["a clear PAN"]),
        (bytes.fromhex(card(17)["pan"]), ["a packed PAN"]),
        (bytes.fromhex("c" + card(17)["pan"] + "d"), ["a packed PAN"]),
        (bytes.fromhex(card(plan.CARDS)["pan"]), []),  # such as a CRC and what is behind it
    ],
)
def test_card_data_is_found_and_what_looks_like_it_by_chance_is_not(
    data: bytes, found: list[str]
) -> None:
    image = b"\xff" * 4097 + data + b"\xff" * 4096
    assert [one.text.partition(" at ")[0] for one in leaks(image)] == found


def test_a_worn_flash_ends_the_shift(rig: VirtualRig, tmp_path: Path) -> None:
    rig.fresh()
    told: list[Line] = []
    Shift(rig, tmp_path, 1, 1, at_rest(5), Limits(laps=0), told.append).run()
    assert [line["line"] for line in told] == ["start", "cycle", "settlement", "end"]


# -- everything up to the port of a real board ---------------------------------------------------


class Switch:
    """The virtual board's power, as a switch that sees nothing."""

    def __init__(self, rig: VirtualRig, works: bool = True) -> None:
        self._board = rig.board
        self._works = works

    def on(self) -> None:
        self._board.power_on()

    def off(self) -> None:
        if self._works:
            self._board.power_off()

    def read(self) -> bool | None:
        return None

    def close(self) -> None:
        self._board.power_off()


@pytest.fixture
def bare(rig: VirtualRig) -> Iterator[VirtualRig]:
    """A virtual board with the rig's program, to be treated like a real one."""
    rig.fresh()
    kept = {name: rig.board.fs / name for name in DEVICE_FILES}
    main = kept["main.py"].read_text()
    for name, file in DEVICE_FILES.items():
        shutil.copyfile(file, kept[name])
    rig.board.cancel_cuts()
    yield rig
    rig.power.off()
    kept["rig.py"].unlink()
    kept["main.py"].write_text(main)


def test_the_same_campaign_runs_over_a_serial_port(bare: VirtualRig, tmp_path: Path) -> None:
    limits = Limits((MARKER, HOST, RANDOM), span_us=50_000, restart_us=100_000)
    told: list[Line] = []
    printed = bare.board.printed
    rig = SerialRig(SerialDut(bare.board.pty), Switch(bare))
    try:
        cycles = [*plan.draw(1, 1, 3, limits), sale(4)]
        Shift(rig, tmp_path, 1, 1, cycles, limits, told.append).run()
    finally:
        rig.close()
    assert failures(told) == set()
    assert [line["line"] for line in told] == ["start", *["cycle"] * 4, "settlement", "end"]
    assert told[0]["power"].startswith("a switch that cannot see the rail")
    # The slips went to the rig, and no roll was used up.
    assert told[-3]["slips"] == 1
    assert bare.board.printed == printed


class EdgeCutter:
    """Cuts a virtual board at an edge of its trace pin, as the cutter does."""

    kinds: tuple[plan.Kind, ...] = (EXACT,)

    def __init__(self, board: VirtualBoard, tape: Tape) -> None:
        self._board = board
        self._tape = tape

    def arm(self, cut: Cut) -> None:
        self._board.cut_at_edge(cut.n, cut.phase != "after")
        threading.Thread(target=self._watch).start()

    def _watch(self) -> None:
        self._board.wait_off()
        self._tape.power(False)

    def disarm(self) -> None:
        self._board.cancel_cuts()

    def fired(self) -> str:
        cut = self._board.last_cut
        return cut.what if cut and not self._board.is_on else ""


def test_cuts_at_edges_of_the_trace_pin_are_exact(bare: VirtualRig, tmp_path: Path) -> None:
    told: list[Line] = []
    dut = SerialDut(bare.board.pty)
    rig = SerialRig(dut, Switch(bare), EdgeCutter(bare.board, dut.tape))
    phases: list[plan.Phase] = ["before", "after"]
    ends = {
        (1, "before"): "",  # not armed yet
        (1, "after"): "ABSENT",  # armed, not sent
        (2, "before"): "REVERSED",  # answered, not stored
        (2, "after"): "APPROVED",
        (3, "before"): "APPROVED",
        (3, "after"): "APPROVED",
    }
    cycles = [
        sale(number, Cut(EXACT, *place))
        for number, place in enumerate(itertools.product((1, 2, 3), phases), 1)
    ]
    # The first sale signs in, which is a record, too.
    first = sale(99)
    try:
        Shift(rig, tmp_path, 1, 1, [first, *cycles], Limits(), told.append).run()
    finally:
        rig.close()
    assert failures(told) == set()
    seen = [line for line in told if line["line"] == "cycle"][1:]
    assert [line["terminal"] for line in seen] == list(ends.values())
    assert all(line["cuts"][0]["hit"] == "edge" for line in seen)


def test_a_switch_that_does_not_switch_ends_it_before_anything_is_cut(
    bare: VirtualRig, tmp_path: Path
) -> None:
    told: list[Line] = []
    rig = SerialRig(SerialDut(bare.board.pty), Switch(bare, works=False))
    try:
        with pytest.raises(PowerError, match="the terminal still says"):
            Shift(rig, tmp_path, 1, 1, at_rest(2), Limits(), told.append).run()
    finally:
        rig.close()
    assert told == []


@pytest.mark.thorough
def test_a_terminal_on_the_bench_is_made_ready_over_its_port(
    rig: VirtualRig, tmp_path: Path
) -> None:
    """As make hil BOARD=... does it, with mpremote; the terminal has a configuration before."""
    shift(rig, tmp_path, at_rest(1))
    main = (rig.board.fs / "main.py").read_text()
    bench = Bench(rig.board.pty, "tasmota:127.0.0.1:1")
    rig.power.on()
    try:
        bench.prepare()
        assert rig.board.flash["journal"].image().count(0xFF) == rig.board.flash["journal"].size
        for name, file in DEVICE_FILES.items():
            assert (rig.board.fs / name).read_bytes() == file.read_bytes()
    finally:
        rig.power.off()
        (rig.board.fs / "rig.py").unlink(missing_ok=True)
        (rig.board.fs / "main.py").write_text(main)
    limits = bench.limits(2.0, 100)
    assert set(limits.kinds) == {MARKER, HOST, RANDOM} and limits.settle_s == 2.0


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ("--board esp32_devkitc --port /dev/nothing", "erases the terminal's journal"),
        ("--board esp32_devkitc --port /dev/nothing --wipe", "by which address"),
        ("--board esp32_devkitc", "both its name and its port"),
        ("--port /dev/nothing", "both its name and its port"),
        ("--board toaster --port /dev/nothing", "'toaster' is no board; they are esp32"),
    ],
)
def test_what_is_not_said_whole_is_not_begun(
    words: str, because: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No result names a board that it was not measured on, and nothing is erased by surprise."""
    assert command(["run", *words.split(), "--out", str(tmp_path / "out")]) == 2
    assert because in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_configuration_that_cannot_be_leaves_no_host_running(
    rig: VirtualRig, tmp_path: Path
) -> None:
    told: list[Line] = []
    before = threading.active_count()
    with pytest.raises(ConfigError, match="wifi_ssid"):
        Shift(rig, tmp_path, 1, 1, [], Limits(), told.append, wifi_ssid="x" * 100)
    assert threading.active_count() == before


@pytest.mark.parametrize("cycle", ["", "3", "3/", "0/1", "3/x", "3/1/2"])
def test_a_cycle_that_is_none_is_not_played(
    cycle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command(["replay", cycle])
    assert "such as 3/17" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_campaign_that_is_stopped_tells_what_it_has_measured(tmp_path: Path) -> None:
    words = f"run --cycles 5000 --workers 2 --every 1 --out {tmp_path}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hil", *words.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("  3 cycles"):
            break
    process.send_signal(signal.SIGINT)
    said, problem = process.communicate(timeout=60)
    assert process.returncode == 2 and problem == "hil: stopped\n"
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["cycles"] >= 3 and told["failures"] == [] and told["words"] in said


@pytest.mark.thorough
def test_a_cycle_is_played_again_as_it_was(tmp_path: Path) -> None:
    log = Log(tmp_path, board="virtual", seed=6, cycles=26)
    campaign.run(log, 6, 26, 1)
    log.close()
    replay = [sys.executable, "-m", "tests.hil", "replay", "--seed", "6", "1/26"]
    done = subprocess.run(replay, capture_output=True, text=True)
    assert done.returncode == 0
    again = json.loads(done.stdout[: done.stdout.index("\n}\n") + 2])
    first = next(line for line in log.lines if line.get("cycle") == 26)
    assert [again[name] for name in SAME] == [first[name] for name in SAME]


SAME = ("line", "shift", "cycle", "plan", "what", "amount_minor")
