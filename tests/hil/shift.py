"""One shift: a terminal with a fresh journal, its cycles one after the other, and its settlements.

What a cycle came to is told as a dict, at once, so that it can be written down before the next
begins. ``start`` of a shift depends on its seed and number only: any cycle can be played again
from there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from companion import link
from companion.acquirer import kinds
from companion.acquirer.terminals import TEST_TERMINAL
from protocol import config
from tests.card_data import PACKED, inside
from tests.hil.cashier import MERCHANT_NAME, Cashier, Order, Refused, card
from tests.hil.dut import Rig
from tests.hil.host import Booked, Host
from tests.hil.oracle import Failure, Oracle
from tests.hil.plan import BASE_MINOR, CARDS, WITHOUT, Cycle, Limits, settling
from tests.hil.power import prove
from tests.hil.tape import PowerGone, Silence

Line = dict[str, Any]

RESPONSE_MS = 80
REVERSAL_WAIT_MS = 20
_TRIES = 20  # a reversal is tried until it is done: the host is always there


class Keys:
    """Who a terminal is: the same for the same seed and shift."""

    def __init__(self, seed: int, shift: int) -> None:
        dice = random.Random(f"{seed}/{shift}/keys")
        self.device_id = f"hil-{dice.randbytes(5).hex()}"
        self.seal, self.sync, self.token = (dice.randbytes(32) for _ in range(3))

    def configuration(self, host: str, port: int, response_ms: int, **more: object) -> bytes:
        """What the terminal is provisioned with."""
        return config.encode(
            {
                "device_id": self.device_id,
                "terminal_no": TEST_TERMINAL.terminal_no,
                "merchant_no": TEST_TERMINAL.merchant_no,
                "merchant_name": MERCHANT_NAME,
                "profile": "unionpay_pos",
                "tpdu": bytes.fromhex("6000000000"),
                "tmk": TEST_TERMINAL.tmk,
                "seal_key": self.seal,
                "sync_key": self.sync,
                "token_key": self.token,
                "host": host,
                "port": port,
                "sync_port": 0,
                "response_ms": response_ms,
                "reversal_tries": _TRIES,
                "reversal_wait_ms": REVERSAL_WAIT_MS,
                "wifi_ssid": "",
                "wifi_password": "",
                "duplicate_s": 0,
                "confirm_minor": 0,
                **more,
            }
        )


class Sink:
    """Where synced records go: the rig's own copy of the journal."""

    def __init__(self) -> None:
        self.records: list[bytes | None] = []

    def next_seq(self, device_id: str) -> int:
        return len(self.records) + 1

    def seal_before(self, device_id: str, seq: int) -> bytes:
        before = self.records[seq - 2] if seq > 1 else None
        return before[-8:] if before else b""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        if first_seq != len(self.records) + 1:
            raise ValueError(f"record {first_seq} after {len(self.records)}")
        self.records += payloads


class Shift:
    """``tell`` gets a line for each cycle, and one for the end of the shift."""

    def __init__(
        self,
        rig: Rig,
        directory: Path,
        seed: int,
        number: int,
        cycles: Sequence[Cycle],
        limits: Limits,
        tell: Callable[[Line], None],
        address: str = "127.0.0.1",
        response_ms: int = RESPONSE_MS,
        **configuration: object,
    ) -> None:
        self.failures = 0
        self._rig = rig
        self._seed, self._number = seed, number
        self._limits = limits
        self._tell = tell
        self._cycles = cycles
        self._keys = Keys(seed, number)
        self._oracle = Oracle(self._keys.seal, self._keys.device_id)
        self._sink = Sink()
        self._cashier = Cashier(rig, limits.settle_s)
        self._host = Host(directory, self._cashier.request, address)
        self._cards: dict[int, int] = {}
        """By amount: whoever goes back to something has its card."""
        self._locked: set[tuple[int, int]] = set()
        """Originals that a case is about: nobody may go back to them again."""
        try:
            self._configuration = self._keys.configuration(
                address, self._host.port, response_ms, **configuration
            )
        except BaseException:
            self._host.close()
            raise

    def run(self) -> None:
        """Provision, prove the power, and go."""
        try:
            self._begin()
            number = 0
            for cycle in self._cycles:
                self._run(cycle)
                number = cycle.number
                if self._oracle.laps > self._limits.laps:
                    break  # worn as far as it was allowed to be
                if number % self._limits.settle_every == 0:
                    self._hand_over(number)
            self._hand_over(number)
            self._end()
        except (Silence, Refused, link.LinkError) as error:
            self._line("end", [Failure("DEAD", f"{type(error).__name__}: {error}")])
        except PowerGone:
            self._line("end", [Failure("DEAD", "it went off, and nobody had cut the power")])
        finally:
            self._host.close()

    def _begin(self) -> None:
        dut = self._rig.dut
        mark = len(dut.tape)
        self._rig.power.on()
        dut.expect(lambda one: "NOT PROVISIONED" in one.get("screen", ()), mark)
        mark = len(dut.tape)
        with closing(dut.transport()) as transport:
            link.provision(transport, self._configuration)
        dut.expect(lambda one: MERCHANT_NAME in one.get("screen", ()), mark)
        seen = prove(self._rig.power, dut.tape, self._probe, self._limits.settle_s)
        self._cashier.rest()
        self._line("start", [], device_id=self._keys.device_id, power=seen)

    def _probe(self) -> None:
        self._rig.dut.send({"key": "1"})

    def _run(self, cycle: Cycle) -> None:
        tape, cashier = self._rig.dut.tape, self._cashier
        mark, cuts, started = len(tape), len(cashier.cuts), time.monotonic()
        what, original = self._what(cycle.what)
        amount = _amount(what, cycle.number, original)
        before = len(self._host.booked(what, amount)), len(self._oracle.of(what, amount))
        self._host.go_wrong(
            [
                {**fault, "mti": fault["mti"] or kinds.KINDS[what].mti, "amount_minor": amount}
                for fault in cycle.faults
            ]
        )
        cashier.transact(self._order(what, amount, original, cycle), cycle.cut, cycle.again)
        image = self._rig.dut.flash_image()
        booked = self._host.booked(what, amount)
        failures = self._oracle.journal(image)
        screens, slips = tape.screens(mark), tape.slips(mark)
        failures += self._oracle.transaction(what, amount, booked, screens, slips)
        failures += leaks(image)
        tries = self._oracle.of(what, amount)
        if original and any(one.end == "CASE" for one in tries):
            self._locked.add((original.batch, original.stan))
        self._line(
            "cycle",
            failures,
            cycle=cycle.number,
            plan=cycle.as_json(),
            what=what,
            amount_minor=amount,
            cuts=[asdict(one) for one in cashier.cuts[cuts:]],
            host=[one.status for one in booked[before[0] :]],
            terminal=", ".join(one.end or "OPEN" for one in tries[before[1] :]),
            shown=[one[0] for one in screens if one[0]][-12:],
            slips=len(slips),
            laps=self._oracle.laps,
            ms=round((time.monotonic() - started) * 1000),
        )

    # -- what is keyed in -----------------------------------------------------------------------

    def _what(self, wanted: str) -> tuple[str, Booked | None]:
        """What is done, and the original that it goes back to."""
        while wanted in WITHOUT:
            for one in self._host.originals(wanted):
                if (one.batch, one.stan) not in self._locked:
                    return wanted, one
            wanted = WITHOUT[wanted]
        return wanted, None

    def _order(self, what: str, amount: int, original: Booked | None, cycle: Cycle) -> Order:
        if original is None:
            self._cards[amount] = cycle.card
            return Order(what, (str(amount),), cycle.card)
        number = self._cards[original.asked_minor]
        if what in (kinds.VOID, kinds.COMPLETION_VOID):
            return Order(what, (str(original.stan),), number)
        self._cards[amount] = number
        name = original.rrn if what == kinds.REFUND else original.auth
        return Order(what, (name, original.date, str(amount)), number)

    # -- closing --------------------------------------------------------------------------------

    def _hand_over(self, number: int) -> None:
        """Settle, with cuts, and sync, so that the journal can go round. The next day begins."""
        tape, cashier = self._rig.dut.tape, self._cashier
        mark, cuts, started = len(tape), len(cashier.cuts), time.monotonic()
        planned = settling(self._seed, self._number, number, self._limits)
        batch = self._host.open_batch()
        self._host.go_wrong(planned.faults)
        cashier.settle(planned.cut, planned.again)
        failures = self._oracle.journal(self._rig.dut.flash_image())
        if batch is not None:
            settled = self._host.is_settled(batch)
            booked = self._host.of_batch(batch)
            failures += self._oracle.settlement(batch, settled, booked)
        self._line(
            "settlement",
            failures,
            cycle=number,
            plan=planned.as_json(),
            batch=batch,
            cuts=[asdict(one) for one in cashier.cuts[cuts:]],
            shown=[one[0] for one in tape.screens(mark) if one[0]][-12:],
            ms=round((time.monotonic() - started) * 1000),
        )
        with closing(self._rig.dut.transport()) as transport:
            link.sync(transport, lambda _: self._keys.sync, self._sink)
        cashier.rest()
        self._host.next_day()

    def _end(self) -> None:
        """What is left to compare when everything is settled and synced."""
        failures = self._oracle.journal(self._rig.dut.flash_image())
        on_flash = self._oracle.payloads()
        for seq, payload in enumerate(self._sink.records, 1):
            if on_flash.get(seq) != payload:
                failures.append(Failure("RECORD", f"record {seq} was synced otherwise"))
        booked = self._host.every_one()
        failures += self._oracle.everything(booked)
        if self._host.unbalanced():
            failures.append(Failure("LOST", "the host's debits are not its credits"))
        charged = sum(one.status == "APPROVED" for one in booked)
        self._line("end", failures, records=len(on_flash), charged=charged, laps=self._oracle.laps)

    def _line(self, line: str, failures: list[Failure], **more: object) -> None:
        self.failures += len(failures)
        self._tell(
            {
                "line": line,
                "seed": self._seed,
                "shift": self._number,
                **more,
                "failures": [asdict(failure) for failure in failures],
            }
        )


_CARDS = tuple(card(number)["pan"] for number in range(1, CARDS))


def leaks(image: bytes) -> list[Failure]:
    """Card data in clear. Packed digits count when they are one of the rig's cards: the numbers in
    a slot's header look like such digits, and one CRC in millions before them like a card's
    beginning."""
    found = []
    for offset, what in inside(image):
        near = image[max(0, offset - 1) : offset + 12].hex()
        if what != PACKED or any(pan in near for pan in _CARDS):
            found.append(Failure("CARD", f"{what} at {offset} of the journal"))
    return found


def _amount(what: str, number: int, original: Booked | None) -> int:
    """By which everybody knows the transaction, together with its type."""
    if what == kinds.REFUND:
        return number  # less than was paid
    if what in (kinds.SALE, kinds.PREAUTH, *kinds.COMPLETIONS) or original is None:
        return BASE_MINOR + number
    return original.amount_minor
