"""The 13 invariants of the reference, one function each, over what the oracle has seen.

Each raises Violation with its number. They read the oracle's own notes and the host's book; of the
terminal only what it stored, sent, showed and printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from protocol import record
from protocol.config import MAX_PENDINGS
from tests import card_data
from tests.world.book import SIGNS, Book, Key, Row

# ARMED.txn: which way a transaction's money goes for the batch totals.
DEBITS = (1, 6, 7)
CREDITS = (2, 3, 8)

# Of a terminal that was replaced: an end that the companion has not seen, and what it never heard
# of. The host's day file brings these up.
HANDED_OVER = "HANDED_OVER"
LOST = "LOST"
# Seals and ciphertext look like these now and then, in a campaign of a million. No PIN is entered,
# and the packed numbers of the cards that were read are looked for by themselves.
_BY_CHANCE = (card_data.PIN, card_data.PACKED)
_CHINA_S = 8 * 3600
_DAY_S = 24 * 3600
CASES = ("REV_SUSPENDED", "NEEDS_RECON", HANDED_OVER, LOST)
REVERSED = ("REV_OK", "REV_ABSENT")
# End: the codes that allow it, and the answers that 00 and 10 must come in.
_SAID: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "APPROVED": (("00", "10", "94"), ("0110", "0210", "0230")),
    "REV_OK": (("00", "94"), ("0410", "0430")),
    "REV_ABSENT": (("12", "22", "25", "40"), ()),
}
# The host may have booked it, or may yet.
_NO_DECLINE = ("", "00", "09", "10", "68", "94")


class Violation(Exception):
    """A promise was broken; ``kind`` is "I1" to "I13", "answer", "chip", "day", "crash" or
    "stuck"."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass
class Entry:
    """One ARMED record and what became of it, by durable records alone."""

    seq: int
    armed: Mapping[str, Any]
    ends: list[str] = field(default_factory=list)
    code: str = ""
    outcome: Mapping[str, Any] | None = None
    reversals: int = 0
    sent: int = 0
    answered: bool = False
    heard: set[str] = field(default_factory=set)
    """The MTIs of the answers to it that could be taken."""
    chip: bool = False
    """Its card has a last word, and has not said it."""
    slips: int = 0
    shown: bool = False
    receipt: bool = False
    approved: bool = False
    """Once, whatever became of the terminal."""
    here: bool = True
    """In the journal of the terminal that is in use."""
    adopted: bool = False
    judged: bool = False
    """The terminal has a verdict on its case."""
    decided_seq: int = 0
    """The first REVERSAL record of it there."""
    end_seq: int = 0

    @property
    def key(self) -> Key:
        return self.armed["batch"], self.armed["stan"]

    @property
    def end(self) -> str:
        return self.ends[-1] if self.ends else ""

    @property
    def approved_minor(self) -> int:
        return int(self.outcome["amount_minor"]) if self.outcome else 0


@dataclass(frozen=True)
class Intent:
    """What the cashier meant: the amount typed, and the card in the customer's hand."""

    amount_minor: int
    pan: str
    chip: bool = False


def demand(kept: bool, number: int, text: str) -> None:
    if not kept:
        raise Violation(f"I{number}", text)


def i01_nothing_is_sent_before_armed_is_durable(
    key: Key, mti: str, entries: Mapping[Key, Entry]
) -> None:
    demand(key in entries, 1, f"{mti} of STAN {key[1]} left without a durable ARMED")


def i02_no_outcome_is_shown_before_it_is_durable(
    what: str, found: Entry | None, ends: Iterable[str]
) -> None:
    good = found is not None and found.end in ends
    state = "no such transaction" if found is None else found.end or "no outcome"
    demand(good, 2, f"{what} is out, but on flash there is {state}")


def i03_every_armed_has_one_end(entry: Entry) -> None:
    demand(len(entry.ends) <= 1, 3, f"STAN {entry.key[1]} ended as {' and '.join(entry.ends)}")


def i03_every_armed_has_an_end(entries: Iterable[Entry]) -> None:
    for entry in entries:
        demand(len(entry.ends) == 1, 3, f"STAN {entry.key[1]} has no end, though all is quiet")


def an_end_rests_on_what_was_said(entry: Entry) -> None:
    """The F39 table, the MACs and the chip. 94 and a refusal may come without a MAC."""
    codes, answers = _SAID.get(entry.end, ((entry.code,), ()))
    good = entry.code in codes
    if answers and entry.code in ("00", "10"):
        good = good and not entry.heard.isdisjoint(answers)
    elif entry.end == "DECLINED":
        good = entry.code not in _NO_DECLINE
    what = f"STAN {entry.key[1]} is {entry.end} with {entry.code!r}"
    if not good:
        raise Violation("answer", f"{what}, heard of it: {sorted(entry.heard)}")
    if entry.end == "APPROVED" and entry.chip:
        raise Violation("chip", f"{what}, and the chip has not agreed")


def a_reversal_belongs_to_its_day(entry: Entry, wall: int) -> None:
    """Window 17, by the terminal's own clock: what it was armed at, and now."""
    armed = entry.armed["wall"]
    if armed and wall and (wall + _CHINA_S) // _DAY_S > (armed + _CHINA_S) // _DAY_S:
        raise Violation("day", f"0400 of STAN {entry.key[1]} leaves on a later day")


def i04_no_approval_beside_a_reversal(entry: Entry) -> None:
    both = entry.reversals and entry.approved
    demand(not both, 4, f"STAN {entry.key[1]} is approved and reversed")


def i05_what_is_pending_is_never_dropped(
    pending: Entry | None, cases: Iterable[int], known: Any
) -> None:
    """The terminal knows what is open, and every one of these cases, named by their records."""
    if pending:
        tx = known.open
        held = tx is not None and (tx.armed["batch"], tx.armed["stan"]) == pending.key
        held = held or pending.seq in known.suspended
        demand(held, 5, f"STAN {pending.key[1]} has no end, and the terminal has forgotten it")
    for seq in cases:
        demand(seq in known.suspended, 5, f"the case of record {seq} is with nobody")


def i05_what_was_decided_is_open_no_more(entries: Iterable[Entry], known: Any) -> None:
    """A verdict ends the case here, and frees what it locked."""
    for entry in entries:
        held = entry.judged and entry.here and entry.seq in known.suspended
        demand(not held, 5, f"STAN {entry.key[1]} has its verdict, and is still a case")


def i05_what_is_to_be_reversed_is_handed_on(
    entries: Iterable[Entry], told: Sequence[Key], closed: int, synced: int
) -> None:
    """The next terminal is told every reversal that the companion has seen decided and not done,
    unless its batch is settled (``closed``: the last closing seen) or there are too many."""
    for entry in entries:
        done = entry.ends and entry.end_seq < synced and entry.end not in CASES
        if not entry.here or done or not 0 < entry.decided_seq < synced:
            continue
        settled = entry.seq < closed
        demand(
            entry.key in told or settled or len(told) >= MAX_PENDINGS,
            5,
            f"the reversal of STAN {entry.key[1]} is not handed on to the next terminal",
        )


def i05_what_the_companion_knows_is_adopted(
    config: Mapping[str, Any], adopted: Iterable[bytes]
) -> None:
    """All of it once, before the terminal does anything else."""
    wanted = config.get("pendings", [])
    found = list(adopted)
    demand(found == wanted, 5, f"{len(wanted)} pendings to adopt, {len(found)} records of them")


def i05_what_is_pending_is_not_released(pending: Entry | None, seq: int) -> None:
    demand(pending is None or seq <= pending.seq, 5, f"release below {seq} drops what is pending")


def i06_a_stan_is_used_once(key: Key, taken: Iterable[int]) -> None:
    demand(key[1] not in taken, 6, f"STAN {key[1]} is used a second time (batch {key[0]})")


def i06_a_request_goes_to_one_host(what: str, first: int, host: int) -> None:
    demand(first == host, 6, f"{what} went to host {first}, and now goes to host {host}")


def i07_armed_is_what_was_entered(armed: Mapping[str, Any], intent: Intent | None) -> None:
    wanted = intent.amount_minor if intent else None
    stored = armed["amount_minor"], armed["displayed_minor"]
    demand(stored == (wanted, wanted), 7, f"{wanted} entered, {stored} armed and displayed")
    pan = intent.pan if intent else ""
    masked = pan[:6] + "*" * (len(pan) - 10) + pan[-4:]
    demand(armed["pan"] == masked, 7, f"card {masked} was read, {armed['pan']} is armed")


def i07_sent_is_what_is_armed(entry: Entry, amount_minor: int | None, mti: str) -> None:
    armed = entry.armed["amount_minor"]
    demand(amount_minor == armed, 7, f"{mti}: F4 is {amount_minor}, armed is {armed}")


def i07_said_is_what_is_armed(entry: Entry, amount_minor: int, where: str) -> None:
    expected = entry.approved_minor or entry.armed["amount_minor"]
    demand(amount_minor == expected, 7, f"{where} says {amount_minor}, not {expected}")


def i08_completions_keep_to_the_hold(rows: Iterable[Row], percent: int) -> None:
    for row in rows:
        hold = row.of
        if hold is None or not row.stands:
            continue
        if row.type == "COMPLETION":
            limit = hold.amount_minor * percent // 100
            demand(
                row.amount_minor <= limit, 8, f"completion {row.key}: {row.amount_minor} > {limit}"
            )
        elif row.type == "PREAUTH_CANCEL":
            same = row.amount_minor == hold.amount_minor
            demand(same, 8, f"cancel {row.key}: {row.amount_minor}, held {hold.amount_minor}")


def i09_no_more_goes_back_than_was_captured(rows: Iterable[Row]) -> None:
    back: dict[int, int] = {}
    for row in rows:
        of = row.of
        if row.type not in ("VOID", "REFUND", "COMPLETION_VOID") or not row.stands or not of:
            continue
        amount_minor = back[id(of)] = back.get(id(of), 0) + row.amount_minor
        captured = of.amount_minor if of.stands else 0
        demand(
            amount_minor <= captured, 9, f"{amount_minor} back of {captured} captured, {of.key}"
        )


def i09_what_nobody_knows_is_not_keyed_again(
    armed: Mapping[str, Any], entries: Iterable[Entry]
) -> None:
    """W25: while its batch is open and nobody has decided about it, its original is locked."""
    names = ("orig_rrn", "orig_auth", "orig_date")
    for entry in entries:
        locks = entry.end == "NEEDS_RECON" and entry.here and not entry.judged
        same = all(entry.armed[name] == armed[name] for name in ("batch", *names))
        again = locks and same and any(armed[name] for name in names)
        demand(not again, 9, f"STAN {entry.key[1]} may have been done, and is keyed again")


def i10_batch_totals_are_the_fold(
    batch: int, totals: tuple[int, int, int, int], entries: Iterable[Entry]
) -> None:
    """``totals``: debit minor and count, credit minor and count."""
    fold = [0, 0, 0, 0]
    for entry in entries:
        if entry.key[0] != batch or entry.end != "APPROVED":
            continue
        for at, kinds in ((0, DEBITS), (2, CREDITS)):
            if entry.armed["txn"] in kinds:
                fold[at] += entry.approved_minor
                fold[at + 1] += 1
    demand(list(totals) == fold, 10, f"batch {batch}: totals {totals}, the journal {tuple(fold)}")


def i11_both_sides_agree(entries: Mapping[Key, Entry], book: Book) -> None:
    """Row by row: one-sided only as an open case, or where the host did not say what it did."""
    cases = lies = terminal = 0
    for key in {*entries, *book.rows}:
        entry, row = entries.get(key), book.rows.get(key)
        moved = row.amount_minor if row and row.stands else 0
        known = entry.approved_minor if entry and entry.end == "APPROVED" else 0
        sign = _sign(entry, row)
        terminal += sign * known
        if moved == known:
            continue
        if entry and entry.end in CASES:
            cases += sign * (moved - known)
        elif key in book.misled and entry and _believable(entry):
            lies += sign * (moved - known)
        else:
            end = entry.end or "open" if entry else "unknown"
            demand(
                False, 11, f"STAN {key[1]}: the host moved {moved}, the terminal: {end}, {known}"
            )
    paid = sum(book.customers.values())
    demand(paid == book.merchant_minor + book.fees_minor, 11, "the host's own sides differ")
    demand(
        paid == terminal + cases + lies, 11, f"{paid} paid, {terminal} + {cases} + {lies} known"
    )


def _sign(entry: Entry | None, row: Row | None) -> int:
    if row:
        return SIGNS.get(row.type, 0)
    txn = entry.armed["txn"] if entry else 0
    return 1 if txn in DEBITS else -1 if txn in CREDITS else 0


def _believable(entry: Entry) -> bool:
    """Whether what the host said allows this end: no other code may be taken as success."""
    if entry.end == "DECLINED":
        return entry.code not in ("00", "10", "94")
    codes = {
        # A notice that the host says it has; a part that it says it approved.
        "APPROVED": ("94", "10"),
        "REV_OK": ("00", "94"),
        "REV_ABSENT": ("12", "22", "25", "40"),
    }
    return entry.code in codes.get(entry.end, ())


def i12_no_card_data_in_flash(flashes: Iterable[bytes], needles: Mapping[bytes, str]) -> None:
    for flash in flashes:
        for needle, what in needles.items():
            demand(needle not in flash, 12, f"{what} stands in flash")


def i12_nothing_like_card_data_in_flash(flashes: Iterable[bytes]) -> None:
    for flash in flashes:
        for offset, what in card_data.inside(flash):
            demand(what in _BY_CHANCE, 12, f"{what} at byte {offset}")


def i13_replay_gives_the_same_state(live: Mapping[str, Any], replayed: Mapping[str, Any]) -> None:
    for name in {*live, *replayed}:
        was, now = live.get(name), replayed.get(name)
        demand(was == now, 13, f"replay: {name} is {now!r}, not {was!r}")


def end_name(rec: Mapping[str, Any]) -> str:
    """The end that an OUTCOME or REVERSAL_END record is."""
    if rec["kind"] == record.OUTCOME:
        return {1: "APPROVED", 2: "DECLINED", 3: "NEEDS_RECON"}[rec["result"]]
    return {1: "REV_OK", 2: "REV_ABSENT", 3: "REV_SUSPENDED"}[rec["result"]]
