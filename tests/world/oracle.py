"""The independent ledger: what was stored, sent, shown and printed, against the host's book.

The world tells it everything as it happens, and it checks the invariants there and then. It never
asks the terminal what it thinks, but for I5 and I13, which are about exactly that.
"""

from __future__ import annotations

import hmac
from collections import Counter
from typing import Any

from companion.acquirer import wire
from protocol import record, seal
from protocol.iso8583.dialect import Profile
from terminal import money
from tests.world import invariants as inv
from tests.world.book import Book, Key
from tests.world.coverage import Coverage
from tests.world.invariants import Entry, Intent
from tests.world.invariants import Violation as Violation
from tests.world.speech import Speech

_CLOSED = 7  # BATCH.phase
_FINANCIAL = ("0100", "0200", "0220")
# What a restart must know again. The rest of the fold are counters, and what a checkpoint does not
# keep on purpose: evidence, guards against typing errors, the time of day.
_STATE = (
    *("boot", "stan", "batch", "key_block", "open", "phase", "closing", "first"),
    *("debit_count", "debit_minor", "credit_count", "credit_minor", "checkpoint_seq", "day"),
)
# Named by record: what the companion has may be named or not.
_CASES = ("suspended", "cases", "recon")


Story = list[str] | None


class Oracle:
    """One terminal number's. Every method raises Violation when a promise is broken."""

    def __init__(
        self, speech: Speech, profile: Profile, book: Book, coverage: Coverage, seen: Story
    ) -> None:
        self._speech = speech
        self._profile = profile
        self.book = book
        self.coverage = coverage
        self.entries: dict[Key, Entry] = {}
        self.records: dict[int, dict[str, Any]] = {}
        self.next_seq = 1
        self.synced_to = 1
        self.intents: list[Intent] = []
        self.story = seen
        self._taken: set[int] = set()
        self._pending: Entry | None = None
        self._last: Entry | None = None
        self._inflight: dict[str, Any] | None = None
        self._known: Any = None
        self._cut = False
        self._blind = False
        self._restarted = False
        self._wall = 0
        self._phase = 0
        self._closings = [0]  # the records that closed a batch
        self._replaced: dict[str, Any] = {}  # the configuration of a terminal that took over
        self._adopted: list[bytes] = []
        self._slip: list[str] = []
        self._sent: Counter[tuple[str, int, str]] = Counter()
        self._closing_at: dict[tuple[str, int, str], int] = {}
        self._needles: dict[bytes, str] = {}
        self._judged: list[Entry] = []
        self._asked = False  # a request is out for the first time, and nothing has come of it
        self._seal_keys: list[bytes] = []
        self._generation = 0
        self._head = b""
        self.decided: set[Key] = set()  # cases that have a verdict at the companion

    def begins(self, config: dict[str, Any], seal_keys: list[bytes]) -> None:
        """A terminal has this configuration; ``seal_keys`` grows with each rotation."""
        self._seal_keys = seal_keys
        self._generation = 0
        self._head = _seal(config["seal_key"], b"pingzhang chain " + config["device_id"].encode())

    # -- what the world does

    def fired(self, fault: str) -> None:
        """A fault struck."""
        self.coverage.faults[fault] += 1
        self.tell(f"fault: {fault}")

    def tell(self, line: str) -> None:
        if self.story is not None:
            self.story.append(line)

    def card_read(self, amount_minor: int | None, card: dict[str, Any], chip: bool) -> None:
        """The cashier confirmed an amount (None: asked for a balance) and a card is read."""
        if amount_minor is not None:
            self.intents.append(Intent(amount_minor, card["pan"], chip))
        self.coverage.counts["attempts"] += 1
        pan = card["pan"]
        for text, what in ((pan, "a clear PAN"), (card["track2"], "track data")):
            if text:
                self._needles[text.encode()] = what
        # Packed as on the wire, from an even and from an odd digit on.
        for digits in (pan, pan[1:]):
            self._needles[bytes.fromhex(digits[: len(digits) // 2 * 2])] = "a packed PAN"

    def not_again(self) -> None:
        """The cashier does not want the same sale once more."""
        del self.intents[-1:]

    # -- the journal

    def writing(self, rec: dict[str, Any]) -> None:
        # After a failed append the journal takes no more until it is mounted again.
        self._inflight = self._inflight or dict(rec)

    def not_written(self) -> None:
        """There was no room for it."""
        self._inflight = None

    def written(self, seq: int, rec: dict[str, Any]) -> None:
        """A record is durable."""
        self._inflight = None
        inv.demand(seq == self.next_seq, 5, f"record {seq} stored, {self.next_seq} expected")
        self.next_seq = seq + 1
        rec = dict(rec)
        self.records[seq] = rec
        kind = record.kind_name(rec["kind"])
        if self.story is not None:
            shown = {k: v for k, v in rec.items() if not isinstance(v, bytes)}
            self.tell(f"record {seq} {kind} {_short(shown)}")
        if rec["wall"]:
            self.coverage.windows[27] += rec["wall"] < self._wall
            self._wall = rec["wall"]
        step = getattr(self, "_on_" + kind.lower(), None)
        if step:
            step(seq, rec)

    def _on_armed(self, seq: int, rec: dict[str, Any]) -> None:
        entry = Entry(seq, rec)
        inv.i06_a_stan_is_used_once(entry.key, self._taken)
        self._taken.add(rec["stan"])
        inv.i07_armed_is_what_was_entered(rec, self.intents[0] if self.intents else None)
        inv.demand(self._pending is None, 3, "armed while another transaction is open")
        inv.i09_what_nobody_knows_is_not_keyed_again(rec, self.entries.values())
        entry.chip = bool(self.intents) and self.intents[0].chip
        self.intents.clear()
        self.entries[entry.key] = self._pending = entry
        self.coverage.counts["armed"] += 1
        self.coverage.states["ARMED"] += 1
        self.coverage.windows[16] += self._restarted
        self._restarted = False

    def _on_outcome(self, seq: int, rec: dict[str, Any]) -> None:
        entry = self._ended(seq, rec)
        entry.outcome = rec
        if entry.end == "APPROVED":
            part = rec["code"] != "10" or self._profile.partial == "accept"  # window 30
            inv.demand(part, 7, f"STAN {rec['stan']}: a part of the amount is taken for all")
            entry.approved = True
            self._last = entry
            self._slip = []

    def _on_reversal_end(self, seq: int, rec: dict[str, Any]) -> None:
        self._ended(seq, rec)

    def _ended(self, seq: int, rec: dict[str, Any]) -> Entry:
        entry = self.entries.get((rec["batch"], rec["stan"]))
        if entry is None:
            raise Violation("I3", f"an end of STAN {rec['stan']}, which was never armed")
        entry.ends.append(inv.end_name(rec))
        self._asked = False
        entry.end_seq = seq
        entry.code = rec["code"]
        inv.i03_every_armed_has_one_end(entry)
        inv.an_end_rests_on_what_was_said(entry)
        inv.i04_no_approval_beside_a_reversal(entry)
        self.coverage.states[entry.end] += 1
        self.coverage.windows[17] += entry.end == "REV_SUSPENDED"
        self._pending = None
        return entry

    def _on_reversal(self, seq: int, rec: dict[str, Any]) -> None:
        entry = self.entries.get((rec["batch"], rec["stan"]))
        if entry is None:
            raise Violation("I3", f"a reversal of STAN {rec['stan']}, which was never armed")
        entry.reversals += 1
        self._asked = False
        entry.decided_seq = entry.decided_seq or seq
        inv.i04_no_approval_beside_a_reversal(entry)
        if entry.end in ("REV_SUSPENDED", inv.HANDED_OVER) and entry.here:
            # Tried once more, before its batch is settled or with its card at another terminal.
            entry.ends.clear()
            self._pending = entry
        inv.demand(not entry.ends, 3, f"STAN {rec['stan']} is reversed after its end")
        inv.demand(not entry.judged, 3, f"STAN {rec['stan']} is reversed after its verdict")
        self.coverage.states["REV_PENDING"] += 1
        self.coverage.windows[5] += not rec["attempt"] and rec["reason"] in ("96", "06")

    def _on_receipt(self, seq: int, rec: dict[str, Any]) -> None:
        entry = self.entries.get((rec["batch"], rec["stan"]))
        if entry:
            entry.receipt = True

    def _on_signed_in(self, seq: int, rec: dict[str, Any]) -> None:
        self.coverage.states["SIGNED_IN"] += 1
        self.coverage.windows[15] += self._pending is not None

    def _on_late(self, seq: int, rec: dict[str, Any]) -> None:
        self.coverage.windows[10] += rec["code"] == "00"

    def _on_batch(self, seq: int, rec: dict[str, Any]) -> None:
        self.coverage.states[f"BATCH phase {rec['phase']}"] += 1
        self._phase = rec["phase"]
        if rec["phase"] == _CLOSED:
            self._closings.append(seq)
            # Nothing of a settled batch is reversed: what was adopted is the companion's alone.
            for entry in self.entries.values():
                entry.here = entry.here and not (entry.adopted and entry.end in inv.CASES)
        self.coverage.windows[19] += rec["phase"] == 4

    def _on_adopted(self, seq: int, rec: dict[str, Any]) -> None:
        self.coverage.windows[26] += 1
        wanted = self._replaced.get("stan_start")
        inv.demand(rec["stan"] == wanted, 6, f"STANs go on at {rec['stan']}, told {wanted}")

    def _on_pending(self, seq: int, rec: dict[str, Any]) -> None:
        entry = self.entries.get((rec["batch"], rec["stan"]))
        known = entry is not None and not entry.here
        inv.demand(known, 5, f"STAN {rec['stan']} is adopted twice, or was never armed")
        assert entry is not None
        entry.here = entry.adopted = True
        entry.seq = seq
        self._adopted.append(record.encode(rec))
        self.coverage.states["PENDING"] += 1

    def _on_verdict(self, seq: int, rec: dict[str, Any]) -> None:
        key = rec["batch"], rec["stan"]
        inv.demand(key in self.decided, 5, f"nobody has decided about STAN {key[1]}")
        entry = self.entries.get(key)
        pending = self._pending is not None and self._pending.key == key
        inv.demand(not pending, 3, f"a verdict on STAN {key[1]}, which has no end here yet")
        if entry and entry.end in inv.CASES:
            entry.judged = True
            self._judged.append(entry)
            self.coverage.states["VERDICT"] += 1

    def _on_rekeyed(self, seq: int, rec: dict[str, Any]) -> None:
        self.coverage.states["REKEYED"] += 1

    def _on_boot(self, seq: int, rec: dict[str, Any]) -> None:
        inv.i05_what_the_companion_knows_is_adopted(self._replaced, self._adopted)

    def _on_note(self, seq: int, rec: dict[str, Any]) -> None:
        windows, code, pending = self.coverage.windows, rec["code"], self._pending
        self._asked = False
        reversing = pending is not None and pending.reversals > 0
        if code == "BAD_MAC":
            window = {"0410": 12, "answer": 13}.get(rec["detail"])
            if window:
                windows[window] += 1
        elif code in ("MISMATCH", "BAD_ANSWER"):
            windows[12 if reversing else 14] += 1
        elif code in ("NO_ANSWER", "LINE_CLOSED") and pending and not reversing:
            window = {6: 22, 2: 24, 8: 24, 3: 25}.get(pending.armed["txn"])
            if window:
                windows[window] += 1

    # -- the line

    def sent(self, data: bytes, host: int, wall: int) -> None:
        """One framed message is about to leave for the primary (0) or the backup (1); ``wall``:
        what the terminal's clock says, 0 when it is not set."""
        inv.demand(not self._blind, 1, "sent, though the journal cannot be read")
        message = self._speech.decode(data[2:])
        mti, key = message.mti, (int(message.batch or 0), int(message.stan))
        if self.story is not None:
            to = f" to host {host}" if host else ""
            self.tell(f"send {mti} STAN {key[1]} batch {key[0]} F4 {message.amount_minor}{to}")
        name = (mti, key[1], message.network_code)
        self._sent[name] += 1
        again = self._sent[name] == 2
        entry = self.entries.get(key)
        windows = self.coverage.windows
        if host:
            self.coverage.counts[f"{mti} to the backup"] += 1
        if mti in ("0500", "0320"):
            first = self._closing_at.setdefault(name, host)
            inv.i06_a_request_goes_to_one_host(f"{mti} of STAN {key[1]}", first, host)
        if mti == "0400" or (mti in _FINANCIAL and message.get(3) != "310000"):
            inv.i01_nothing_is_sent_before_armed_is_durable(key, mti, self.entries)
        if mti == "0400":
            inv.demand(
                35 not in message.fields and 52 not in message.fields, 12, "0400 with track"
            )
            windows[8] += again
            if entry and self._profile.reversal_same_day:
                inv.a_reversal_belongs_to_its_day(entry, wall)
        elif mti == "0500":
            self._totals(message)
            windows[18] += again
        elif mti == "0320":
            windows[21] += again and message.network_code in ("202", "207")
        elif (mti not in _FINANCIAL or entry is None) and self._sent[name] == 1:
            inv.i06_a_stan_is_used_once(key, self._taken)
            self._taken.add(key[1])
        if entry:
            inv.i07_sent_is_what_is_armed(entry, message.amount_minor, mti)
            if mti != "0400":
                first = entry.armed["host"]
                inv.i06_a_request_goes_to_one_host(f"{mti} of STAN {key[1]}", first, host)
                windows[23] += again and entry.armed["txn"] == 7
                self._asked = not entry.sent
                entry.sent += 1
                inv.demand(not entry.reversals, 4, f"{mti} of STAN {key[1]} after its reversal")

    def _totals(self, message: wire.Message) -> None:
        text, batch = message.get(48), int(message.batch)
        totals = int(text[:12]), int(text[12:15]), int(text[15:27]), int(text[27:30])
        here = [entry for entry in self.entries.values() if entry.here]
        traded = [entry for entry in here if entry.seq > self._closings[-1]]
        inv.i10_batch_totals_are_the_fold(batch, totals, traded)

    def received(self, data: object) -> None:
        """One whole message without its length comes in."""
        entry = self._pending
        if entry is None or not isinstance(data, bytes):
            return
        entry.answered |= entry.sent > 0
        if data not in self.book.spoiled:
            entry.heard.add(self._speech.mti(data))

    def chip_agrees(self) -> None:
        """The card goes along with what was approved."""
        if self._pending:
            self._pending.chip = False

    # -- what people see

    def shown(self, lines: list[str]) -> None:
        """A screen is drawn."""
        self.tell("screen: " + " / ".join(line for line in lines if line))
        title = lines[0] if lines else ""
        if title in ("NOT POSSIBLE", "NO CONNECTION", "OUT OF SERVICE"):
            self.coverage.windows[29] += title == "OUT OF SERVICE" or any(
                x.startswith("Journal full") for x in lines
            )
            # Refused: the newest wish. Given up: whichever was waiting. With a failing flash only
            # the next start tells.
            if title != "OUT OF SERVICE":
                del self.intents[-1 if title == "NOT POSSIBLE" else 0 :]
        if title in ("UNFINISHED SALE", "SETTLEMENT") and any("Retrying." in x for x in lines):
            self.intents.clear()  # what was wished for is dropped
        if title == "APPROVED":
            entry = self._last
            inv.i02_no_outcome_is_shown_before_it_is_durable("APPROVED", entry, ("APPROVED",))
            assert entry is not None
            inv.i07_said_is_what_is_armed(entry, _amount(lines), "the screen")
            entry.shown = True
        elif title == "NOT CHARGED":
            entry = self._by_stan(next((x for x in lines if "#" in x), "#0").split("#")[1])
            inv.i02_no_outcome_is_shown_before_it_is_durable(title, entry, inv.REVERSED)

    def told_reader(self, how: str) -> None:
        """What the cardholder reads on a card reader of its own."""
        self.tell(f"reader: {how}")
        if how == "approved":
            entry = self._last
            inv.i02_no_outcome_is_shown_before_it_is_durable("the reader", entry, ("APPROVED",))

    def printed(self, row: str) -> None:
        """A row of paper comes out."""
        self._slip.append(row)
        name, _, value = row.partition(" ")
        if name == "AUTH":
            entry = self._by_stan(self._on_slip("STAN"))
            inv.i02_no_outcome_is_shown_before_it_is_durable("a slip", entry, ("APPROVED",))
        elif name == "AMOUNT":
            entry = self._by_stan(self._on_slip("STAN"))
            if entry is None:
                raise Violation("I2", "a slip of a transaction that was never armed")
            entry.slips += 1
            inv.i07_said_is_what_is_armed(entry, money.read(value.split()[-1]), "the slip")
            self._slip = []

    def _on_slip(self, name: str) -> str:
        return next((row.split()[-1] for row in reversed(self._slip) if row.startswith(name)), "0")

    def _by_stan(self, text: str) -> Entry | None:
        digits = text.split()[0]
        stan = int(digits) if digits.isdigit() else 0
        return next((e for e in reversed(self.entries.values()) if e.key[1] == stan), None)

    # -- the terminal's life

    def stepped(self, known: Any) -> None:
        """An event and its effects are done."""
        if self._blind:
            return
        self._known = known
        inv.i05_what_is_pending_is_never_dropped(self._pending, self._cases(), known)
        inv.i05_what_was_decided_is_open_no_more(self._judged, known)

    def restarts_by_itself(self) -> None:
        """Nobody is at the terminal, so it begins with another configuration."""
        taken = self._asked or self.intents
        inv.demand(self._blind or not taken, 11, "restarted under a sale")

    def _cases(self) -> list[int]:
        """The records of the cases that the terminal must know: those that the companion does not
        have, and those that it adopted."""
        here = [e for e in self.entries.values() if e.here and not e.judged]
        cases = [e for e in here if e.end in inv.CASES]
        return [e.seq for e in cases if e.adopted or e.seq >= self.synced_to]

    def power_lost(self) -> None:
        self._cut = self._restarted = True
        self.tell("power off")

    def scan(self, *flashes: bytes) -> None:
        inv.i12_no_card_data_in_flash(flashes, self._needles)

    def scan_well(self, *flashes: bytes) -> None:
        """For every form of card data, and of any card: too slow for each cut."""
        self.scan(*flashes)
        inv.i12_nothing_like_card_data_in_flash(flashes)

    def mounted(self, ledger: Any, unreadable: bool) -> None:
        """The journal is mounted: what was being written is there wholly, or not at all.

        ``unreadable``: the flash fails, so that this start knows nothing and must do nothing.
        """
        self._blind = unreadable
        if unreadable:
            return
        rec, self._inflight = self._inflight, None
        self.tell(f"mounted: next record {ledger.next_seq}")
        if rec and ledger.next_seq == self.next_seq + 1:
            seq = self.next_seq
            stored = ledger.record_at(seq)
            inv.demand(stored == rec, 13, f"record {seq} is not the one that was being written")
            self.written(seq, rec)
            if self._known is not None:
                self._known.apply(seq, rec)
        elif rec:
            self.coverage.windows[28] += 1
        inv.demand(
            ledger.next_seq == self.next_seq,
            5,
            f"the journal goes on at {ledger.next_seq}, {self.next_seq - 1} records were stored",
        )
        if self._cut:
            self._cut = False
            self._count_window()
        self.intents.clear()
        self._asked = False
        self._slip = []
        self._closing_at.clear()  # which host has a batch's totals is not written down

    def _count_window(self) -> None:
        """In which window the power went, now that it is known what is on flash."""
        windows, entry, last = self.coverage.windows, self._pending, self._last
        windows[20] += self._phase == 5
        if entry is None and self.intents:
            windows[1] += 1
        elif entry and not entry.reversals:
            windows[2 if not entry.sent else 4 if entry.answered else 3] += 1
        elif last and not last.receipt:
            windows[7 if last.slips or self._slip else 6] += not last.shown or bool(self._slip)

    def replayed(self, known: Any) -> None:
        """The terminal has folded its journal anew."""
        if self._blind:
            return
        if self._known is not None:
            live, replayed = (_state(one, self.synced_to) for one in (self._known, known))
            inv.i13_replay_gives_the_same_state(live, replayed)
        self._known = known
        inv.i05_what_is_pending_is_never_dropped(self._pending, self._cases(), known)

    def synced(self, ledger: Any) -> None:
        """The companion reads what it does not have; it is what was stored, in order."""
        if self._blind:
            return
        inv.demand(ledger.first_seq <= self.synced_to, 5, "recycled before the companion had it")
        head, generation = self._head, self._generation
        for seq in range(self.synced_to, ledger.next_seq):
            payload = ledger.read(seq)
            inv.demand(payload is not None, 5, f"record {seq} is damaged")
            data, sealed = seal.split(payload)
            stored = record.decode(data)
            inv.demand(stored == self.records[seq], 13, f"record {seq} is not what was stored")
            expected = _seal(self._seal_keys[generation], head + data)
            inv.demand(sealed == expected, 13, f"record {seq} does not carry on the chain")
            head = sealed
            generation += stored["kind"] == record.REKEYED
        self.synced_to, self._head, self._generation = ledger.next_seq, head, generation

    @property
    def last_key_is_used(self) -> bool:
        """What was synced ends with records under the newest seal key."""
        return self._generation + 1 == len(self._seal_keys)

    def released(self, seq: int) -> None:
        inv.demand(
            seq <= self.synced_to, 5, f"released below {seq}, synced below {self.synced_to}"
        )
        inv.i05_what_is_pending_is_not_released(self._pending, seq)

    def copy(self) -> dict[int, dict[str, Any]]:
        """What the companion has of this terminal's journal."""
        return {seq: rec for seq, rec in self.records.items() if seq < self.synced_to}

    def replaced(self, config: dict[str, Any]) -> None:
        """The terminal and all that it had not synced is gone; another has this configuration."""
        told = [record.decode(data) for data in config["pendings"]]
        inv.i05_what_is_to_be_reversed_is_handed_on(
            [entry for entry in self.entries.values() if entry.key not in self.decided],
            [(one["batch"], one["stan"]) for one in told],
            max(seq for seq in self._closings if seq < self.synced_to),
            self.synced_to,
        )
        for entry in self.entries.values():
            if not entry.here:
                continue
            entry.here = False
            entry.decided_seq = 0
            if entry.seq >= self.synced_to and not entry.adopted:
                self.coverage.counts["lost with a terminal"] += 1
                entry.ends = [inv.LOST]
            elif not entry.ends or entry.end_seq >= self.synced_to:
                entry.ends = [inv.HANDED_OVER]
        self._replaced, self._adopted = config, []
        self.records = {}
        self.next_seq = self.synced_to = 1
        self._closings, self._phase = [0], 0
        self._pending = self._last = self._inflight = self._known = None
        self._cut = self._blind = False

    def slips(self, kinds: tuple[int, ...]) -> list[Entry]:
        """What the cashier may go back to: approved, of these kinds, oldest first."""
        return [e for e in self.entries.values() if e.approved and e.armed["txn"] in kinds]

    def quiet(self) -> None:
        """Network and host are good, time has passed: nothing may be one-sided but a case."""
        inv.i03_every_armed_has_an_end(self.entries.values())
        inv.i11_both_sides_agree(self.entries, self.book)
        windows = self.coverage.windows
        windows[9] += sum(count > 1 for count in self.book.reversals.values())
        windows[11] += len(self.book.overtaken)


def _state(known: Any, synced: int) -> dict[str, Any]:
    """The fold as plain values."""
    state = {name: _plain(getattr(known, name)) for name in _STATE}
    for name in _CASES:
        state[name] = [seq for seq in getattr(known, name) if seq >= synced]
    last = known.last
    state["last"] = None if last is None or last.printed else _plain(last)
    return state


def _seal(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[: seal.SEAL_LENGTH]


def _plain(value: Any) -> Any:
    if hasattr(value, "__dict__"):
        return {name: _plain(part) for name, part in vars(value).items()}
    return value


def _amount(lines: list[str]) -> int:
    row = next((line for line in lines if line.startswith("CNY ")), "CNY 0.00")
    return money.read(row[4:].split(" ")[0])


def _short(fields: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value}" for name, value in fields.items() if name not in ("kind", "wall")
    )
