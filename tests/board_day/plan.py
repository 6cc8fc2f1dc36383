"""A long day, drawn from its seed: what the cashier does, what goes wrong, where the power goes.

Amounts are unique within a type, so that screens, slips, records and the host's books can be
laid side by side. An action that goes back to an earlier one names it; when that was not approved
after all, the cashier sells something else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from boards.virtual.cuts import Phase

Event = dict[str, Any]

SALE, VOID, REFUND, PREAUTH = "SALE", "VOID", "REFUND", "PREAUTH"
CANCEL, COMPLETION, NOTICE = "PREAUTH_CANCEL", "COMPLETION", "COMPLETION_NOTICE"
COMPLETION_VOID, BALANCE = "COMPLETION_VOID", "BALANCE"
MTI = {
    SALE: "0200",
    VOID: "0200",
    REFUND: "0220",
    PREAUTH: "0100",
    CANCEL: "0100",
    COMPLETION: "0200",
    NOTICE: "0220",
    COMPLETION_VOID: "0200",
    BALANCE: "0200",
}
_WEIGHTS = {
    SALE: 38,
    VOID: 9,
    REFUND: 9,
    PREAUTH: 18,
    CANCEL: 4,
    COMPLETION: 8,
    NOTICE: 5,
    COMPLETION_VOID: 5,
    BALANCE: 4,
}
_REVERSIBLE = (SALE, VOID, PREAUTH, CANCEL, COMPLETION, COMPLETION_VOID)
RESPONSE_MS = 300
# Out of a hundred transactions, so many meet a fault of the host or of the network.
_FAULTS_PERCENT = 22


@dataclass(frozen=True)
class Cut:
    """Where the power goes: at the n-th program of the journal from now, at its next erase, at
    the n-th output of the panel, when the host holds its answer, or between two actions."""

    at: str
    n: int = 0
    phase: Phase = "before"
    seed: int = 0


@dataclass
class Action:
    """One thing that the cashier does; ``original`` is the number of the one it goes back to."""

    number: int
    kind: str
    amount_minor: int
    card: int
    original: int = 0
    faults: list[Event] = field(default_factory=list)
    network: str = ""
    after_bytes: int = 0
    cut: Cut | None = None
    again: Cut | None = None  # once more, during the restart
    closing: Cut | None = None  # while the batch is settled behind it


def batch_size(transactions: int) -> int:
    """After so many the batch is settled, in a short day in the middle, too."""
    return min(60, transactions // 2)


def sync_every(transactions: int) -> int:
    """After so many the companion syncs: not when a batch has just been settled."""
    return min(130, transactions * 2 // 3)


def draw(seed: int, transactions: int, cuts: int) -> list[Action]:
    """The transactions of a day with their faults and cuts."""
    dice = random.Random(seed)
    actions = _transactions(dice, transactions)
    for action in actions:
        if dice.randrange(100) < _FAULTS_PERCENT:
            _go_wrong(dice, action)
    # Not before the first sale has signed in, not twice in one transaction but on purpose.
    struck = dice.sample(actions[2:], min(cuts, transactions - 2))
    left = cuts
    for action in struck:
        if left and action.number % batch_size(transactions) == 0:
            left -= 1
            action.closing = _closing_cut(dice)
        elif left:
            left -= 1
            action.cut = _cut(dice, action)
        if left and dice.randrange(100) < 15:
            left -= 1
            action.again = _restart_cut(dice)
    return actions


def closing_faults(seed: int, batches: int) -> list[Event]:
    """What goes wrong while batches are settled; every third one goes well."""
    dice = random.Random(seed + 1)
    found: list[Event] = []
    for batch in range(1, batches + 1):
        match = {"batch": f"{batch:06d}"}
        for mti, do in dice.choice(_CLOSINGS):
            found.append({"mti": mti, **match, **do})
    return found


_CLOSINGS: tuple[tuple[tuple[str, Event], ...], ...] = (
    (),
    (("0500", {"do": "drop_answer"}),),
    (("0500", {"do": "drop_request"}),),
    (("0500", {"do": "bad_mac"}),),
    (("0500", {"do": "say", "f39": "91"}),),
    (("0500", {"do": "reset_answer", "bytes": 30}),),
    (("0500", {"do": "unbalanced"}),),
    (("0500", {"do": "unbalanced"}), ("0320", {"do": "drop_answer", "times": 2})),
    (("0500", {"do": "unbalanced"}), ("0320", {"do": "bad_mac"})),
)


def _transactions(dice: random.Random, count: int) -> list[Action]:
    amounts = {kind: dice.sample(range(500, 900_000), count + 1) for kind in _WEIGHTS}
    # What is still to be had, by kind: in this batch, and of the day before midnight.
    batch: dict[str, list[Action]] = {SALE: [], COMPLETION: [], NOTICE: []}
    held: list[Action] = []
    yesterday: list[Action] = []
    made: list[Action] = []
    for number in range(1, count + 1):
        if number % batch_size(count) == 1:
            yesterday += batch[SALE] + batch[COMPLETION] + batch[NOTICE]
            batch = {SALE: [], COMPLETION: [], NOTICE: []}
        # Midnight comes after half of what the host books, which is not everything.
        late = number > 0.7 * count
        old = [one for one in yesterday if one.number < 0.45 * count] if late else []
        from_whom = {
            SALE: None,
            PREAUTH: None,
            BALANCE: None,
            VOID: batch[SALE],
            REFUND: old,
            CANCEL: held,
            COMPLETION: held,
            NOTICE: held,
            COMPLETION_VOID: batch[COMPLETION] + batch[NOTICE],
        }
        kinds = [kind for kind, pool in from_whom.items() if pool is None or pool]
        done = {one.kind for one in made}
        # What has not been done yet comes soon, so that a short day has every type, too.
        weights = [_WEIGHTS[one] * (1 if one in done else 5) for one in kinds]
        kind = dice.choices(kinds, weights)[0]
        pool = from_whom[kind]
        action = Action(number, kind, amounts[kind].pop(), dice.randrange(1, 400))
        if pool:
            original = dice.choice(pool)
            for owner in (held, yesterday, *batch.values()):
                if original in owner:
                    owner.remove(original)
            action.original, action.card = original.number, original.card
            action.amount_minor = original.amount_minor
        if kind == BALANCE:
            action.amount_minor = 0
        if kind == PREAUTH:
            held.append(action)
        elif kind in batch:
            batch[kind].append(action)
        made.append(action)
    return made


# A fault on the request, and perhaps one on the reversal that follows.
_DECLINES = ("12", "13", "14", "25", "30", "40", "51", "54", "55", "58", "61", "90", "91", "92")
_RESIGN = ("22", "77", "99", "A0")


def _go_wrong(dice: random.Random, action: Action) -> None:
    roll = dice.randrange(100)
    reversible = action.kind in _REVERSIBLE
    if roll < 18:
        action.network = dice.choice(("refused", "cut_up", "cut_down"))
        action.after_bytes = dice.randrange(0, 120)
    elif roll < 40:
        code = dice.choice(_DECLINES if dice.randrange(4) else _RESIGN)
        _on(action, MTI[action.kind], do="decline", f39=code)
    elif roll < 60 and reversible:
        _on(action, MTI[action.kind], do=dice.choice(("drop_answer", "drop_request")))
        _on(action, "0400", **dice.choice(_ON_REVERSAL))
    elif roll < 66 and action.kind in (SALE, PREAUTH):
        _on(action, MTI[action.kind], do="partial", minor=action.amount_minor // 2)
    else:
        _on(action, MTI[action.kind], **dice.choice(_ON_ANSWER))


def _on(action: Action, mti: str, **what: Any) -> None:
    match = {"mti": mti, "type": action.kind.lower(), "amount_minor": action.amount_minor}
    action.faults.append({**match, **what})


_ON_ANSWER: tuple[Event, ...] = (
    {"do": "drop_answer"},
    {"do": "drop_request"},
    {"do": "delay_answer", "ms": 2 * RESPONSE_MS},
    {"do": "delay_request", "ms": RESPONSE_MS * 3 // 2},
    {"do": "duplicate_request"},
    {"do": "duplicate_answer"},
    {"do": "reorder_request"},
    {"do": "reorder_answer"},
    {"do": "truncate_request", "bytes": 60},
    {"do": "truncate_answer", "bytes": 40},
    {"do": "reset_answer", "bytes": 20},
    {"do": "bad_mac"},
    {"do": "no_mac"},
    {"do": "no_f39"},
    {"do": "echo_amount", "minor": 1},
    {"do": "sign_in_again"},
    {"do": "say", "f39": "09"},
    {"do": "say", "f39": "68"},
    {"do": "say", "f39": "94"},
)
_ON_REVERSAL: tuple[Event, ...] = (
    {"do": "drop_answer"},
    {"do": "drop_request"},
    {"do": "duplicate_request"},
    {"do": "bad_mac"},
    {"do": "truncate_answer", "bytes": 40},
    {"do": "say", "f39": "96"},
    {"do": "say", "f39": "A0"},
    {"do": "drop_request", "times": 3},
    {"do": "capture_after_reversal"},
    {"do": "refuse_reversal"},
)


def _cut(dice: random.Random, action: Action) -> Cut:
    roll = dice.randrange(100)
    if roll < 45:
        phase: Phase = dice.choice(("before", "torn", "after"))
        return Cut("program", dice.randrange(1, 5), phase, dice.randrange(1 << 30))
    if roll < 52:
        phase = dice.choice(("before", "torn", "after"))
        return Cut("erase", 1, phase, dice.randrange(1 << 30))
    if roll < 85:
        return Cut("panel", dice.randrange(1, 20))
    if roll < 95 and not action.faults and not action.network and action.kind != BALANCE:
        _on(action, MTI[action.kind], do="hold_answer")
        return Cut("held")
    return Cut("rest")


def _closing_cut(dice: random.Random) -> Cut:
    if dice.randrange(3):
        phase: Phase = dice.choice(("before", "torn", "after"))
        return Cut("program", dice.randrange(1, 8), phase, dice.randrange(1 << 30))
    return Cut("panel", dice.randrange(1, 12))


def _restart_cut(dice: random.Random) -> Cut:
    if dice.randrange(2):
        phase: Phase = dice.choice(("before", "torn", "after"))
        return Cut("program", dice.randrange(1, 4), phase, dice.randrange(1 << 30))
    return Cut("panel", dice.randrange(1, 6))
