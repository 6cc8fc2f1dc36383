"""One name for an account, however much of its number a source shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable

_STAR = "*"


def resolved(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """For each masked account the known one that it is: itself, else the only one that it fits.

    An acquirer may write ****1234 where the bank has 622202******1234. What fits two known
    accounts, or none, stays as it is: nothing is guessed.
    """
    made = {}
    for name in names:
        fitting = [one for one in known if fits(name, one)]
        made[name] = fitting[0] if name not in known and len(fitting) == 1 else name
    return made


def fits(one: str, other: str) -> bool:
    """Whether two masked numbers can be of one account: what both show is the same."""
    # How long the masked part is says nothing: many sources write four stars for any length.
    return _agree(_head(one), _head(other)) and _agree(_tail(one)[::-1], _tail(other)[::-1])


def _agree(one: str, other: str) -> bool:
    shown = min(len(one), len(other))
    return one[:shown] == other[:shown]


def _head(name: str) -> str:
    return name.split(_STAR)[0] if _STAR in name else name


def _tail(name: str) -> str:
    return name.split(_STAR)[-1] if _STAR in name else name
