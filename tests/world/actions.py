"""What can happen in the world: a table. A new transaction or fault is a new row.

A step is ``(name, *values)``, plain and complete: a trace of steps alone decides what happens, so
that a failing one can be cut down step by step. What a cashier does alone is in cashier.py, what
goes wrong in trouble.py; here is what takes both, and the companion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from protocol import record
from tests.world import cashier, trouble
from tests.world.dice import Dice, Step
from tests.world.invariants import CASES
from tests.world.speech import END_OF_UPLOAD

if TYPE_CHECKING:
    from tests.world.case import World

_MORNING_MS = 1_000_000  # until the first customer


class Action(NamedTuple):
    """One row: how likely, what its values are, what it does; ``sells``: a transaction."""

    weight: int
    draw: Callable[[Dice], Step]
    do: Callable[..., None]
    sells: bool = False


# What only happens when things come together


def _draw_stubborn(rng: Dice) -> Step:
    codes = [trouble.code(rng, "0400") for _ in range(rng.choice((1, 1, 2, 4)))]
    return cashier.draw_amount(rng), rng.randrange(len(cashier.CARDS)), tuple(codes)


def _stubborn(world: World, amount_minor: int, card: int, codes: tuple[str, ...]) -> None:
    """A sale's answer is lost, and the host refuses to reverse it."""
    trouble.net(world, "answer", "drop", "0200", 0)
    for code in codes:
        trouble.host(world, "decline", "0400", code)
    cashier.sell(world, amount_minor, card, 400_000, "")


def _draw_close(rng: Dice) -> Step:
    """A settlement that something happens to: at which message, and what."""
    at = rng.choice(("0500", "0320", END_OF_UPLOAD))
    what = rng.choice(("answer", "request", "host", "late", "cut", "restart"))
    value = {"host": trouble.code(rng, at), "late": "61000"}.get(what, str(rng.randrange(1, 5)))
    return at, what, value, rng.choice((5_000, 400_000, 400_000))


def _close(world: World, at: str, what: str, value: str, patience: int) -> None:
    if at != "0500":
        trouble.host(world, "unbalanced", "0500", "")
    if what in ("answer", "request"):
        trouble.net(world, what, "drop", at, 0)
    elif what == "host":
        trouble.host(world, "decline", at, value)
    elif what == "late":
        trouble.host(world, "late", at, value)
    elif what == "cut":
        world.machine.cut_behind = (record.BATCH, int(value))
    cashier.settle(world, 1_000 if what == "restart" else patience)
    if what == "restart":
        trouble.restart(world, "SOFT")


def _draw_swap(rng: Dice) -> Step:
    return rng.random() < 0.7, rng.random() < 0.3, rng.choice((0, 0, rng.randrange(1, 12)))


def _swap(world: World, synced: bool, wiped: bool, cut_at_effect: int) -> None:
    """Another terminal takes over the number, or the same one with nothing left of it."""
    if synced:
        _sync(world)
    world.oracle.fired("terminal wiped" if wiped else "terminal swapped")
    world.machine.replace(wiped, cut_at_effect)


def _sold(rng: Dice, patience: Sequence[int]) -> Step:
    return cashier.draw_amount(rng), rng.randrange(len(cashier.CARDS)), rng.choice(patience)


def _sell_unreversed(world: World, amount_minor: int, card: int, patience: int) -> None:
    """A sale without an answer, whose reversal does not get through either."""
    trouble.net(world, "answer", "drop", "0200", 0)
    for _ in range(2):
        trouble.net(world, "request", "drop", "0400", 0)
    cashier.sell(world, amount_minor, card, patience, "")


def _draw_stranded(rng: Dice) -> Step:
    return _sold(rng, (0, 5_000, 400_000))


def _stranded(world: World, amount_minor: int, card: int, patience: int) -> None:
    """The terminal breaks with a reversal still to do; then its card comes back."""
    _sell_unreversed(world, amount_minor, card, 90_000)
    _swap(world, True, False, 0)
    world.run(_MORNING_MS)
    cashier.sell(world, amount_minor + 1, card, patience, "")


# The companion


def _turn(world: World, place: int) -> None:
    """Goes over to the other till, if the shop has one; this one is left to itself."""
    world.turn_to(place)


def _sync(world: World, gives_time: bool = True) -> None:
    world.machine.sync(gives_time)


def _draw_decide(rng: Dice) -> Step:
    careless = rng.choice(("",) * 6 + ("stan", "batch", "open"))
    return rng.randrange(3), rng.randrange(1, 5), careless, rng.random() < 0.7


def _decide(world: World, pick: int, result: int, careless: str, now: bool) -> None:
    """A case is closed at the companion, or by mistake something else is."""
    known = world.oracle.entries.values()
    ends = ("",) if careless == "open" else CASES
    found = [entry for entry in known if entry.end in ends]
    if not found:
        return
    batch, stan = found[max(0, len(found) - 1 - pick)].key
    world.till.decide(batch + (careless == "batch"), stan + (careless == "stan"), result)
    if now:
        _sync(world)


def _draw_hasty(rng: Dice) -> Step:
    return _sold(rng, (30_000, 90_000, 150_000))


def _hasty(world: World, amount_minor: int, card: int, patience: int) -> None:
    """The companion closes the case of what has no end at the terminal yet."""
    _sell_unreversed(world, amount_minor, card, patience)
    _decide(world, 0, record.WRITTEN_OFF, "open", True)


def _draw_again(rng: Dice) -> Step:
    between = rng.choice(("", "sync", "restart", "decide", "another batch"))
    return rng.randrange(4), rng.choice((30, 50)), between


def _again(world: World, pick: int, percent: int, between: str) -> None:
    """Nobody knows how a refund ended, something happens, and it is keyed once more."""
    trouble.net(world, "answer", "drop", "0220", 0)
    cashier.follow(world, "refund", pick, percent, "", 400_000)
    if between == "sync":
        _sync(world)
    elif between == "restart":
        trouble.restart(world, "SOFT")
    elif between:
        _decide(world, 0, record.REJECTED, "batch" if between == "another batch" else "", True)
    cashier.follow(world, "refund", pick, percent, "", 400_000)


# What a person may change without another acquirer.
_SETTINGS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("duplicate_s", (0, 300)),
    ("confirm_minor", (0, 50_000)),
    ("backup_host", ("", "backup")),
    ("response_ms", (30_000, 60_000)),
    ("reversal_tries", (1, 3, 5)),
    ("reversal_wait_ms", (10_000, 60_000)),
)


def _draw_configure(rng: Dice) -> Step:
    name, values = rng.choice(_SETTINGS)
    return name, rng.choice(values), *_draw_storing(rng)


def _draw_storing(rng: Dice) -> Step:
    """How long the cashier waits then, and at which operation of the vault the power goes."""
    return rng.choice((0, 1_000, 5_000, 90_000)), rng.choice((0, 0, rng.randrange(1, 8)))


def _configure(world: World, name: str, value: object, wait_ms: int, cut: int) -> None:
    """The configuration changes with a sync; the cashier goes on sooner or later."""
    world.till.changes[name] = value
    if cut:
        trouble.cut(world, "vault", cut, "strong", cut, 500)
    _sync(world)
    world.run(wait_ms)


def _rotate(world: World, wait_ms: int, cut: int) -> None:
    """Another seal key with a sync; the next one only when the records show the one before."""
    _sync(world)
    if world.oracle.last_key_is_used:
        world.till.rotate()
    if cut:
        trouble.cut(world, "vault", cut, "strong", cut, 500)
    _sync(world)
    world.run(wait_ms)


ACTIONS: dict[str, Action] = {
    "sell": Action(100, cashier.draw_sell, cashier.sell, sells=True),
    "void": Action(12, cashier.draw_following, cashier.following("void"), sells=True),
    "refund": Action(8, cashier.draw_following, cashier.following("refund"), sells=True),
    "preauth": Action(12, cashier.draw_preauth, cashier.preauth, sells=True),
    "preauth_cancel": Action(
        4, cashier.draw_following, cashier.following("preauth_cancel"), sells=True
    ),
    "completion": Action(8, cashier.draw_following, cashier.following("completion"), sells=True),
    "notice": Action(6, cashier.draw_following, cashier.following("notice"), sells=True),
    "completion_void": Action(
        4, cashier.draw_following, cashier.following("completion_void"), sells=True
    ),
    "balance": Action(
        3,
        lambda rng: (rng.randrange(len(cashier.CARDS)), cashier.draw_patience(rng)),
        cashier.balance,
    ),
    "settle": Action(8, lambda rng: (rng.choice((5_000, 400_000)),), cashier.settle),
    "close": Action(5, _draw_close, _close),
    "stubborn": Action(5, _draw_stubborn, _stubborn, sells=True),
    "stranded": Action(1, _draw_stranded, _stranded, sells=True),
    "swap": Action(3, _draw_swap, _swap),
    "cancel": Action(4, cashier.draw_cancel, cashier.cancel),
    "fumble": Action(4, cashier.draw_fumble, cashier.fumble),
    "reprint": Action(4, lambda rng: (rng.random() < 0.7,), cashier.reprint),
    "wait": Action(
        6, lambda rng: (rng.choice((1, 70_000, 600_000, 3_000_000, 86_400_000)),), cashier.wait
    ),
    "turn": Action(10, lambda rng: (rng.randrange(2),), _turn),
    "sync": Action(8, lambda rng: (rng.random() < 0.6,), _sync),
    "decide": Action(5, _draw_decide, _decide),
    "again": Action(3, _draw_again, _again, sells=True),
    "hasty": Action(2, _draw_hasty, _hasty, sells=True),
    "configure": Action(3, _draw_configure, _configure),
    "rotate": Action(1, _draw_storing, _rotate),
    "restart": Action(4, lambda rng: (rng.choice(("PWRON", "SOFT", "WDT")),), trouble.restart),
    "cut": Action(14, trouble.draw_cut, trouble.cut),
    "cut_effect": Action(
        14, lambda rng: (rng.randrange(1, 30), rng.choice((500, 90_000))), trouble.cut_effect
    ),
    "cut_behind": Action(6, trouble.draw_cut_behind, trouble.cut_behind),
    "flash_error": Action(
        3, lambda rng: (rng.randrange(1, 60), rng.random() < 0.6), trouble.flash_error
    ),
    "clock": Action(3, lambda rng: (rng.choice((-86_400, -60, 3_600, 10**8)),), trouble.clock),
    "net": Action(30, trouble.draw_net, trouble.net),
    "down": Action(4, trouble.draw_down, trouble.down),
    "silent": Action(3, trouble.draw_down, trouble.silent),
    "lag": Action(3, trouble.draw_lag, trouble.lag),
    "host": Action(26, trouble.draw_host, trouble.host),
}


def draw(rng: Dice, sells: int) -> list[Step]:
    """A trace with so many transactions, and what happens around them."""
    names = list(ACTIONS)
    weights = [ACTIONS[name].weight for name in names]
    steps: list[Step] = []
    while sells:
        name = rng.choices(names, weights)[0]
        steps.append((name, *ACTIONS[name].draw(rng)))
        sells -= ACTIONS[name].sells
    return steps
