"""Who does what: names, as they are told; nobody proves here who he is."""

from __future__ import annotations

import getpass
import unicodedata

from companion.errors import CompanionError

_MOST = 80


class PersonError(CompanionError):
    """A name that cannot be used, or the wrong person for this."""


def person(name: str | None) -> str:
    """The name that was given, else the login name of whoever runs the companion."""
    shown = " ".join((name if name is not None else _login()).split())
    if not 0 < len(shown) <= _MOST or not shown.isprintable():
        raise PersonError(f"a name has 1 to {_MOST} printable characters (--by NAME)")
    return shown


def same(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are written."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise PersonError("the system has no name for you: --by NAME says who does this") from None
