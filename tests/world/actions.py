"""What can happen in the world: a table. A new transaction or fault is a new row.

A step is ``(name, *values)``, plain and complete: a trace of steps alone decides what happens, so
that a failing one can be cut down step by step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from protocol import record
from tests.journal.campaign.family import any_tear
from tests.journal.tears import FATES
from tests.world.host import END_OF_UPLOAD, Armed
from tests.world.shop import profile

if TYPE_CHECKING:
    from tests.world.case import World

Step = tuple[Any, ...]

# An upload's end is told from its parts by its name: line.py.
_MTIS = (
    *("", "0200", "0200", "0200", "0400", "0400", "0800", "0220", "0100", "0500", "0320"),
    END_OF_UPLOAD,
)
_CHIPS = ("",) * 12 + ("accepts",) * 6 + ("refuses", "pulled")
_LEGS = (
    *(("drop", 4), ("delay", 3), ("twice", 2), ("overtaken", 2), ("truncate", 2)),
    *(("reset", 4), ("dies", 2)),
)
_MORNING_MS = 1_000_000  # until the first customer
# No runs of zeros: packed, they would be found in the padding behind any record.
_CARDS = tuple(
    {"pan": pan, "expiry": "3012", "entry": entry, "track2": track}
    for pan, entry, track in (
        ("6228481234567891233", "021", ""),
        ("6222021234567890128", "051", ""),
        ("4761739001010119", "021", "4761739001010119D30121011234567890"),
        ("5413330089604111", "071", ""),
    )
)


class Action(NamedTuple):
    """One row: how likely, what its values are, what it does; ``sells``: a transaction."""

    weight: int
    draw: Callable[[random.Random], Step]
    do: Callable[..., None]
    sells: bool = False


def _amount(rng: random.Random) -> int:
    return rng.choice((1, 100, rng.randrange(1, 100_000), rng.randrange(1, 10**9)))


def _patience(rng: random.Random) -> int:
    """How long the cashier waits for a screen: some look away at once, some wait it out."""
    return rng.choice((0, 500, 5_000, 30_000, 90_000, 90_000, 400_000))


# The cashier


def _draw_sell(rng: random.Random) -> Step:
    patience = rng.choice((90_000, 400_000, _patience(rng)))
    return _amount(rng), rng.randrange(len(_CARDS)), patience, rng.choice(_CHIPS)


def _sell(world: World, amount_minor: int, card: int, patience: int, chip: str) -> None:
    world.ready(patience)
    world.keys([*str(amount_minor), "ENTER", "ENTER", "ENTER"])
    _swipe(world, card, patience, chip)


def _swipe(world: World, card: int, patience: int, chip: str) -> None:
    """Insert a card; ``chip`` is its last word on an approval, if it is to have one."""
    world.card(_CARDS[card], chip != "")
    if chip:
        world.settle(min(patience, 2_000))
        if chip != "pulled":
            world.machine.post(("chip", chip == "accepts"))
    world.settle(patience)
    if world.machine.mode == "ask":  # the same card and amount again?
        world.keys(["ENTER"])
        world.settle(patience)


def _draw_preauth(rng: random.Random) -> Step:
    return _amount(rng), rng.randrange(len(_CARDS)), _patience(rng)


def _preauth(world: World, amount_minor: int, card: int, patience: int) -> None:
    world.ready(patience)
    world.keys(["ENTER", "3", *str(amount_minor), "ENTER", "ENTER", "ENTER"])
    _swipe(world, card, patience, "")


# The menu: key, what the original may be, how it is named, and what the host holds it to.
_FOLLOWING = {
    "void": ("1", (record.SALE,), "stan"),
    "refund": ("2", (record.SALE, record.COMPLETION, record.COMPLETION_NOTICE), "rrn"),
    "preauth_cancel": ("4", (record.PREAUTH,), "auth"),
    "completion": ("5", (record.PREAUTH,), "auth"),
    "notice": ("6", (record.PREAUTH,), "auth"),
    "completion_void": ("7", (record.COMPLETION, record.COMPLETION_NOTICE), "stan"),
}


def _draw_following(rng: random.Random) -> Step:
    percent = rng.choice((100, 100, 100, 100, 60, 110, 115, 130))
    careless = rng.choice(("",) * 12 + ("card", "digits"))
    return rng.randrange(4), percent, careless, rng.choice((90_000, 400_000, _patience(rng)))


def _follow(
    world: World, what: str, pick: int, percent: int, careless: str, patience: int
) -> None:
    """A transaction that goes back to an earlier one, taken from one of its newest slips."""
    key, kinds, named = _FOLLOWING[what]
    slips = world.oracle.slips(kinds)
    if not slips:
        return
    slip = slips[max(0, len(slips) - 1 - pick)]
    outcome = slip.outcome
    assert outcome is not None
    date = outcome["host_time"][:4]
    keys = ["ENTER", key]
    if named == "stan":
        stan = slip.key[1] + 3 * (careless == "digits")
        keys += [*str(stan), "ENTER"]
    else:
        digits = outcome[named][:-1] + "0" if careless == "digits" else outcome[named]
        keys += [*digits, "ENTER", *date, "ENTER"]
        keys += [*str(max(1, slip.approved_minor * percent // 100)), "ENTER"]
    world.ready(patience)
    world.keys([*keys, "ENTER", "ENTER"])
    card = next(n for n, one in enumerate(_CARDS) if _masked(one["pan"]) == slip.armed["pan"])
    _swipe(world, (card + (careless == "card")) % len(_CARDS), patience, "")


def _following(what: str) -> Callable[..., None]:
    def do(world: World, *values: Any) -> None:
        _follow(world, what, *values)

    return do


def _masked(pan: str) -> str:
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def _balance(world: World, card: int, patience: int) -> None:
    world.ready(patience)
    world.keys(["ENTER", "8"])
    _swipe(world, card, patience, "")


def _settle(world: World, patience: int) -> None:
    world.ready(patience)
    world.keys(["ENTER", "9"])
    world.settle(patience)


def _draw_cancel(rng: random.Random) -> Step:
    return _amount(rng), rng.choice(("digits", "confirm", "card"))


def _cancel(world: World, amount_minor: int, where: str) -> None:
    """Changes his mind at one of the screens before the card."""
    world.to_idle()
    enters = {"digits": 0, "confirm": 1, "card": 2}[where]
    world.keys([*str(amount_minor), *["ENTER"] * enters, "CANCEL"])


def _draw_fumble(rng: random.Random) -> Step:
    return ("".join(rng.choice("1790ECX") for _ in range(rng.randrange(1, 7))),)


def _fumble(world: World, keys: str) -> None:
    """Presses keys without a look, and tries another card at any screen."""
    for letter in keys:
        world.keys([{"E": "ENTER", "C": "CLEAR", "X": "CANCEL"}.get(letter, letter)])
    world.card(_CARDS[0])


def _reprint(world: World, wanted: bool) -> None:
    """Answers the question for a slip that is owed; without one, wants the last slip again."""
    world.settle(1_000)
    if world.machine.mode == "ask":
        world.keys(["ENTER" if wanted else "CLEAR"])
    elif wanted:
        world.ready(0)
        world.keys(["ENTER", "0"])


def _wait(world: World, milliseconds: int) -> None:
    world.run(milliseconds)


# What only happens when things come together


def _draw_stubborn(rng: random.Random) -> Step:
    codes = [_code(rng, "0400") for _ in range(rng.choice((1, 1, 2, 4)))]
    return _amount(rng), rng.randrange(len(_CARDS)), tuple(codes)


def _stubborn(world: World, amount_minor: int, card: int, codes: tuple[str, ...]) -> None:
    """A sale's answer is lost, and the host refuses to reverse it."""
    _net(world, "answer", "drop", "0200", 0)
    for code in codes:
        _host(world, "decline", "0400", code)
    _sell(world, amount_minor, card, 400_000, "")


def _draw_close(rng: random.Random) -> Step:
    """A settlement that something happens to: at which message, and what."""
    at = rng.choice(("0500", "0320", END_OF_UPLOAD))
    what = rng.choice(("answer", "request", "host", "late", "cut", "restart"))
    value = {"host": _code(rng, at), "late": "61000"}.get(what, str(rng.randrange(1, 5)))
    return at, what, value, rng.choice((5_000, 400_000, 400_000))


def _close(world: World, at: str, what: str, value: str, patience: int) -> None:
    if at != "0500":
        _host(world, "unbalanced", "0500", "")
    if what in ("answer", "request"):
        _net(world, what, "drop", at, 0)
    elif what == "host":
        _host(world, "decline", at, value)
    elif what == "late":
        _host(world, "late", at, value)
    elif what == "cut":
        world.machine.cut_behind = (record.BATCH, int(value))
    _settle(world, 1_000 if what == "restart" else patience)
    if what == "restart":
        _restart(world, "SOFT")


def _draw_swap(rng: random.Random) -> Step:
    return rng.random() < 0.7, rng.random() < 0.3, rng.choice((0, 0, rng.randrange(1, 12)))


def _swap(world: World, synced: bool, wiped: bool, cut_at_effect: int) -> None:
    """Another terminal takes over the number, or the same one with nothing left of it."""
    if synced:
        _sync(world)
    world.oracle.fired("terminal wiped" if wiped else "terminal swapped")
    world.machine.replace(wiped, cut_at_effect)


def _draw_stranded(rng: random.Random) -> Step:
    return _amount(rng), rng.randrange(len(_CARDS)), rng.choice((0, 5_000, 400_000))


def _stranded(world: World, amount_minor: int, card: int, patience: int) -> None:
    """The terminal breaks with a reversal still to do; then its card comes back."""
    _net(world, "answer", "drop", "0200", 0)
    for _ in range(2):
        _net(world, "request", "drop", "0400", 0)
    _sell(world, amount_minor, card, 90_000, "")
    _swap(world, True, False, 0)
    world.run(_MORNING_MS)
    _sell(world, amount_minor + 1, card, patience, "")


# The companion and the power


def _sync(world: World) -> None:
    world.machine.sync()


def _restart(world: World, cause: str) -> None:
    if world.machine.on:
        world.oracle.fired("restart")
        world.machine.restart(cause)


def _draw_cut(rng: random.Random) -> Step:
    fate = rng.choice(("strong", "strong", *FATES))
    flash = rng.choice(("journal",) * 5 + ("vault",))
    return flash, rng.randrange(1, 9), fate, rng.randrange(1 << 30), rng.choice((500, 90_000))


def _cut(world: World, flash: str, operation: int, fate: str, seed: int, off_ms: int) -> None:
    """Power goes in the n-th program or erase from now on."""
    machine = world.machine
    nor = machine.journal_flash if flash == "journal" else machine.vault_flash
    nor.rng = random.Random(seed)
    nor.cut_as, nor.cut_fate = any_tear, FATES.get(fate)
    nor.cut_at = nor.changes + operation
    machine.off_ms = off_ms


def _cut_effect(world: World, effect: int, off_ms: int) -> None:
    world.machine.cut_at_effect = effect
    world.machine.off_ms = off_ms


def _draw_cut_behind(rng: random.Random) -> Step:
    kind = rng.choice((record.ARMED, record.OUTCOME, record.OUTCOME, record.REVERSAL))
    return kind, rng.randrange(1, 8), rng.choice((500, 90_000))


def _cut_behind(world: World, kind: int, effect: int, off_ms: int) -> None:
    """Power goes so many effects behind the next record of a kind."""
    world.machine.cut_behind = (kind, effect)
    world.machine.off_ms = off_ms


def _flash_error(world: World, operation: int, for_good: bool) -> None:
    """One read or write of the journal's flash fails, or every one from then on."""
    nor = world.machine.journal_flash
    nor.fail_for_good = for_good
    nor.fail_at = nor.operations + operation


def _clock(world: World, seconds: int) -> None:
    world.oracle.fired("clock jump")
    world.machine.clock.jump(seconds)


# Network and host


def _draw_net(rng: random.Random) -> Step:
    kind = rng.choices([k for k, _ in _LEGS], [w for _, w in _LEGS])[0]
    value = rng.randrange(1, 100)
    if kind in ("delay", "twice"):
        value = rng.choice((200, 20_000, 50_000, 65_000, 100_000, 170_000))
    elif kind == "dies":
        value = rng.choice((20_001, 200_000, 200_001, 2_000_001))
    mti = rng.choice(_MTIS)
    return rng.choice(("request", "answer")), kind, mti, value


def _net(world: World, leg: str, kind: str, mti: str, value: int) -> None:
    armed = world.network.requests if leg == "request" else world.network.answers
    if leg == "answer" and mti:
        mti = f"{int(mti[:4]) + 10:04d}{mti[4:]}"
    armed.append(Armed(kind, mti, str(value)))


def _draw_down(rng: random.Random) -> Step:
    return rng.choice((3_000, 60_000, 60_000, 900_000)), rng.choice(((0, 1), (0,), (0,), (1,)))


def _down(world: World, milliseconds: int, hosts: tuple[int, ...]) -> None:
    for host in hosts:
        world.network.go_down(host, milliseconds)


def _draw_lag(rng: random.Random) -> Step:
    return rng.choice((600_000, 3_000_000, 86_400_000)), rng.choice(("", "request", "answer"))


def _lag(world: World, milliseconds: int, dies: str) -> None:
    """Primary and backup do not hear of each other for a while; one may die over a sale first."""
    world.host.lag_until = world.timeline.now + milliseconds
    if dies:
        _net(world, dies, "dies", "0200", 200_001)


_HOST_FAULTS = (
    ("decline", 6),
    ("say", 1),
    ("bad_mac", 2),
    ("no_mac", 2),
    ("echo_amount", 2),
    ("no_f39", 2),
    ("sign_in_again", 2),
    ("partial", 3),
    ("capture_after_reversal", 1),
    ("refuse_reversal", 1),
    ("loose_lookup", 1),
    ("unbalanced", 3),
    ("late", 3),
)
_GOOD = ("approve", "partial", "done")
_REVERSAL_ONLY = ("capture_after_reversal", "refuse_reversal", "loose_lookup")


def _code(rng: random.Random, mti: str) -> str:
    """An F39 that is no approval: what follows from it is chosen first, then the code."""
    column = {"0400": "reversal", "0500": "settlement", "0320": "settlement"}
    actions = profile(0).actions[column.get(mti[:4], "request")]
    action = rng.choice([one for one in sorted(set(actions.values())) if one not in _GOOD])
    code: str = rng.choice([code for code, does in actions.items() if does == action])
    return {"other": "Z9", "missing": "09"}.get(code, code)


def _draw_host(rng: random.Random) -> Step:
    kind = rng.choices([k for k, _ in _HOST_FAULTS], [w for _, w in _HOST_FAULTS])[0]
    mti = rng.choice(_MTIS[1:-1])
    if kind in _REVERSAL_ONLY:
        mti = "0400"
    elif kind == "unbalanced":
        mti = "0500"
    elif kind == "partial":
        mti = rng.choice(("0200", "0200", "0100"))
    value = ""
    if kind in ("decline", "say"):
        value = "10" if kind == "say" and rng.random() < 0.2 else _code(rng, mti)
    elif kind == "partial":
        value = "1"
    elif kind == "echo_amount":
        value = "999999999999"  # nobody's
    elif kind == "late":
        value = str(rng.choice((58_000, 61_000, 100_000, 170_000)))
    return kind, mti, value


def _host(world: World, kind: str, mti: str, value: str) -> None:
    world.host.armed.append(Armed(kind, mti, value))


ACTIONS: dict[str, Action] = {
    "sell": Action(100, _draw_sell, _sell, sells=True),
    "void": Action(12, _draw_following, _following("void"), sells=True),
    "refund": Action(8, _draw_following, _following("refund"), sells=True),
    "preauth": Action(12, _draw_preauth, _preauth, sells=True),
    "preauth_cancel": Action(4, _draw_following, _following("preauth_cancel"), sells=True),
    "completion": Action(8, _draw_following, _following("completion"), sells=True),
    "notice": Action(6, _draw_following, _following("notice"), sells=True),
    "completion_void": Action(4, _draw_following, _following("completion_void"), sells=True),
    "balance": Action(3, lambda rng: (rng.randrange(len(_CARDS)), _patience(rng)), _balance),
    "settle": Action(8, lambda rng: (rng.choice((5_000, 400_000)),), _settle),
    "close": Action(5, _draw_close, _close),
    "stubborn": Action(5, _draw_stubborn, _stubborn, sells=True),
    "stranded": Action(1, _draw_stranded, _stranded, sells=True),
    "swap": Action(3, _draw_swap, _swap),
    "cancel": Action(4, _draw_cancel, _cancel),
    "fumble": Action(4, _draw_fumble, _fumble),
    "reprint": Action(4, lambda rng: (rng.random() < 0.7,), _reprint),
    "wait": Action(
        6, lambda rng: (rng.choice((1, 70_000, 600_000, 3_000_000, 86_400_000)),), _wait
    ),
    "sync": Action(8, lambda rng: (), _sync),
    "restart": Action(4, lambda rng: (rng.choice(("PWRON", "SOFT", "WDT")),), _restart),
    "cut": Action(14, _draw_cut, _cut),
    "cut_effect": Action(
        14, lambda rng: (rng.randrange(1, 30), rng.choice((500, 90_000))), _cut_effect
    ),
    "cut_behind": Action(6, _draw_cut_behind, _cut_behind),
    "flash_error": Action(3, lambda rng: (rng.randrange(1, 60), rng.random() < 0.6), _flash_error),
    "clock": Action(3, lambda rng: (rng.choice((-86_400, -60, 3_600, 10**8)),), _clock),
    "net": Action(30, _draw_net, _net),
    "down": Action(4, _draw_down, _down),
    "lag": Action(3, _draw_lag, _lag),
    "host": Action(26, _draw_host, _host),
}


def draw(rng: random.Random, sells: int) -> list[Step]:
    """A trace with so many transactions, and what happens around them."""
    names = list(ACTIONS)
    weights = [ACTIONS[name].weight for name in names]
    steps: list[Step] = []
    while sells:
        name = rng.choices(names, weights)[0]
        steps.append((name, *ACTIONS[name].draw(rng)))
        sells -= ACTIONS[name].sells
    return steps
