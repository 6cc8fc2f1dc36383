"""What a cashier does at a till, more or less careful, and the cards that customers bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from protocol import record
from tests.world.dice import Dice, Step

if TYPE_CHECKING:
    from tests.world.case import World

_CHIPS = ("",) * 12 + ("accepts",) * 6 + ("refuses", "pulled")
# No runs of zeros: packed, they would be found in the padding behind any record.
CARDS = tuple(
    {"pan": pan, "expiry": "3012", "entry": entry, "track2": track}
    for pan, entry, track in (
        ("6228481234567891233", "021", ""),
        ("6222021234567890128", "051", ""),
        ("4761739001010119", "021", "4761739001010119D30121011234567890"),
        ("5413330089604111", "071", ""),
    )
)


def draw_amount(rng: Dice) -> int:
    return rng.choice((1, 100, rng.randrange(1, 100_000), rng.randrange(1, 10**9)))


def draw_patience(rng: Dice) -> int:
    """How long the cashier waits for a screen: some look away at once, some wait it out."""
    return rng.choice((0, 500, 5_000, 30_000, 90_000, 90_000, 400_000))


def draw_sell(rng: Dice) -> Step:
    patience = rng.choice((90_000, 400_000, draw_patience(rng)))
    return draw_amount(rng), rng.randrange(len(CARDS)), patience, rng.choice(_CHIPS)


def sell(world: World, amount_minor: int, card: int, patience: int, chip: str) -> None:
    world.ready(patience)
    world.keys([*str(amount_minor), "ENTER", "ENTER", "ENTER"])
    _swipe(world, card, patience, chip)


def _swipe(world: World, card: int, patience: int, chip: str) -> None:
    """Insert a card; ``chip`` is its last word on an approval, if it is to have one."""
    world.card(CARDS[card], chip != "")
    if chip:
        world.settle(min(patience, 2_000))
        if chip != "pulled":
            world.machine.post(("chip", chip == "accepts"))
    world.settle(patience)
    if world.machine.mode == "ask":  # the same card and amount again?
        world.keys(["ENTER"])
        world.settle(patience)


def draw_preauth(rng: Dice) -> Step:
    return draw_amount(rng), rng.randrange(len(CARDS)), draw_patience(rng)


def preauth(world: World, amount_minor: int, card: int, patience: int) -> None:
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


def draw_following(rng: Dice) -> Step:
    percent = rng.choice((100, 100, 100, 100, 60, 110, 115, 130))
    careless = rng.choice(("",) * 12 + ("card", "digits"))
    patience = rng.choice((90_000, 400_000, draw_patience(rng)))
    return rng.randrange(4), percent, careless, patience, rng.random() < 0.2


def follow(
    world: World,
    what: str,
    pick: int,
    percent: int,
    careless: str,
    patience: int,
    elsewhere: bool = False,
) -> None:
    """A transaction that goes back to an earlier one, taken from one of its newest slips; they may
    be another till's."""
    key, kinds, named = _FOLLOWING[what]
    others = [one for one in world.oracles if one is not world.oracle]
    slips = (others[0] if elsewhere and others else world.oracle).slips(kinds)
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
    card = next(n for n, one in enumerate(CARDS) if _masked(one["pan"]) == slip.armed["pan"])
    _swipe(world, (card + (careless == "card")) % len(CARDS), patience, "")


def following(what: str) -> Callable[..., None]:
    def do(world: World, *values: Any) -> None:
        follow(world, what, *values)

    return do


def _masked(pan: str) -> str:
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def balance(world: World, card: int, patience: int) -> None:
    world.ready(patience)
    world.keys(["ENTER", "8"])
    _swipe(world, card, patience, "")


def settle(world: World, patience: int) -> None:
    world.ready(patience)
    world.keys(["ENTER", "9"])
    world.settle(patience)


def draw_cancel(rng: Dice) -> Step:
    return draw_amount(rng), rng.choice(("digits", "confirm", "card"))


def cancel(world: World, amount_minor: int, where: str) -> None:
    """Changes his mind at one of the screens before the card."""
    world.to_idle()
    enters = {"digits": 0, "confirm": 1, "card": 2}[where]
    world.keys([*str(amount_minor), *["ENTER"] * enters, "CANCEL"])


def draw_fumble(rng: Dice) -> Step:
    return ("".join(rng.choice("1790ECX") for _ in range(rng.randrange(1, 7))),)


def fumble(world: World, keys: str) -> None:
    """Presses keys without a look, and tries another card at any screen."""
    for letter in keys:
        world.keys([{"E": "ENTER", "C": "CLEAR", "X": "CANCEL"}.get(letter, letter)])
    world.card(CARDS[0])


def reprint(world: World, wanted: bool) -> None:
    """Answers the question for a slip that is owed; without one, wants the last slip again."""
    world.settle(1_000)
    if world.machine.mode == "ask":
        world.keys(["ENTER" if wanted else "CLEAR"])
    elif wanted:
        world.ready(0)
        world.keys(["ENTER", "0"])


def wait(world: World, milliseconds: int) -> None:
    world.run(milliseconds)
