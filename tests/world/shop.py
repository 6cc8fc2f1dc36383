"""The shop: its acquirer's dialect, its tills, and its companion's store.

A till is a terminal number and the terminals that have it one after another. What the companion
has is the oracle's copy of what was synced; a terminal that takes another one's place gets from it
where the STANs go on and which reversals are still to be done (window 26). What it wants of a
terminal waits for a sync: how cases ended, another configuration, another key.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

from companion.acquirer.dialects import ISO8583_1987, UNIONPAY_POS
from companion.acquirer.terminals import TEST_TERMINAL, Terminal
from companion.reconcile import takeover
from companion.reconcile.fold import Items
from protocol import record
from protocol.iso8583 import profile as profiles
from tests.world.book import Key

TERMINALS = (TEST_TERMINAL, Terminal("10000002", TEST_TERMINAL.merchant_no, bytes(range(16))))
STAN_JUMP = 1000
_MAX_STAN = 999_999

CONFIG: dict[str, Any] = {
    "merchant_no": TEST_TERMINAL.merchant_no,
    "merchant_name": "World shop",
    "profile": "unionpay_pos",
    "tpdu": bytes.fromhex("6000030000"),
    "sync_key": bytes(range(1, 33)),
    "token_key": bytes(range(2, 34)),
    "host": "host",
    "port": 1,
    "sync_port": 0,
    "response_ms": 60_000,
    "reversal_tries": 3,
    "reversal_wait_ms": 60_000,
    "wifi_ssid": "",
    "wifi_password": "",
    "duplicate_s": 0,
    "confirm_minor": 0,
}

# A profile that ships, and what differs from it: takes a part of an amount; what follows when
# nobody answers; reversals on a later day.
_ONLY_REVERSED = ("void", "completion", "completion_void", "preauth_cancel")
DIALECTS: tuple[dict[str, Any], ...] = (
    {},
    {"partial": "accept"},
    {"partial": "accept", "unanswered": "resend"},
    {"unanswered": "recon", "same_day": False},
    {"profile": ISO8583_1987},
    {"profile": ISO8583_1987, "partial": "accept", "unanswered": "resend"},
)
_WEIGHTS = (5, 2, 1, 1, 2, 1)


@cache
def profile(dialect: int) -> Any:
    """The acquirer's profile, with what the dialect changes in it."""
    changes = DIALECTS[dialect]
    name = changes.get("profile", UNIONPAY_POS)
    with open(profiles.__file__.replace("profile.py", f"profiles/{name}.json")) as file:
        value = json.load(file)
    value["partial"] = changes.get("partial", value["partial"])
    value["reversal"]["same_day"] = changes.get("same_day", True)
    for name in _ONLY_REVERSED:
        value["transactions"][name]["unanswered"] = changes.get("unanswered", "reverse")
    return profiles.load(json.dumps(value))


class Shop:
    """A merchant: the dialect of his acquirer, and his tills."""

    def __init__(self, rng: random.Random) -> None:
        self.dialect = rng.choices(range(len(DIALECTS)), _WEIGHTS)[0]
        ask = {"duplicate_s": rng.choice((0, 300)), "confirm_minor": rng.choice((0, 50_000))}
        backup = {"backup_host": rng.choice(("", "backup"))}
        settings = CONFIG | ask | backup
        self.tills = [Till(place, settings) for place in range(rng.choice((1, 1, 1, 2)))]

    @property
    def profile(self) -> Any:
        return profile(self.dialect)


class Till:
    """One terminal number: the terminal that has it now, and what the companion has for it."""

    def __init__(self, place: int, settings: dict[str, Any]) -> None:
        terminal = TERMINALS[place]
        self._place = place
        self._copies: dict[str, Items] = {}
        self.config = settings | {"terminal_no": terminal.terminal_no, "tmk": terminal.tmk}
        self._identify()
        self.verdicts: list[list[Any]] = []  # that it was not told yet
        self.decided: set[Key] = set()
        self.changes: dict[str, Any] = {}  # of its configuration, that it does not have yet

    def _identify(self) -> None:
        number = len(self._copies) + 1
        key = hashlib.sha256(b"%d %d" % (self._place, number)).digest()
        device = {"device_id": f"PZ-WORLD-{self._place}-{number}", "seal_key": key}
        self.config = self.config | device
        self.seal_keys = [key]  # one a generation

    def replace(self, copy: Mapping[int, dict[str, Any]]) -> None:
        """As ``companion provision --replace``; ``copy`` is of the terminal that goes."""
        self._copies[self.config["device_id"]] = sorted(copy.items())
        taken = takeover.of_journals(self._copies, set(), self.decided)
        self.config = self.config | {
            "stan_start": self._stan_start(),
            "pendings": taken.pendings,
        }
        self._identify()
        self.changes = {}

    def decide(self, batch: int, stan: int, result: int) -> None:
        """Somebody has found out how a case ended."""
        self.decided.add((batch, stan))
        self.verdicts.append([batch, stan, result, "as decided"])

    def rotate(self) -> None:
        """Another seal key for the terminal."""
        key = hashlib.sha256(self.seal_keys[-1]).digest()
        self.seal_keys.append(key)
        self.changes["seal_key"] = key

    def _stan_start(self) -> int:
        """The terminal before may have used more STANs than it synced, even all it has used."""
        newest = self.config.get("stan_start", 0)
        for _, rec in self._copies[self.config["device_id"]]:
            # The others go back to an older transaction and have that one's STAN.
            if rec and rec["kind"] in (record.ARMED, record.QUERY, record.SIGNED_IN, record.BATCH):
                newest = max(newest, rec["stan"])
        return int((newest + STAN_JUMP - 1) % _MAX_STAN + 1)
