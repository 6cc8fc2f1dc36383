"""The shop: its acquirer's dialect, its terminals one after another, and its companion's store.

What the companion has is the oracle's copy of what was synced; a terminal that takes another one's
place gets from it where the STANs go on and which reversals are still to be done (window 26).
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

from companion.acquirer.terminals import TEST_TERMINAL
from companion.reconcile import takeover
from companion.reconcile.fold import Items
from protocol import record
from protocol.iso8583 import profile as profiles

STAN_JUMP = 1000
_MAX_STAN = 999_999

CONFIG: dict[str, Any] = {
    "device_id": "PZ-WORLD-1",
    "terminal_no": TEST_TERMINAL.terminal_no,
    "merchant_no": TEST_TERMINAL.merchant_no,
    "merchant_name": "World shop",
    "profile": "unionpay_pos",
    "tpdu": bytes.fromhex("6000030000"),
    "tmk": TEST_TERMINAL.tmk,
    "seal_key": bytes(range(32)),
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

# What differs from the profile that ships: takes a part of an amount; what follows when nobody
# answers; reversals on a later day.
_ONLY_REVERSED = ("void", "completion", "completion_void", "preauth_cancel")
DIALECTS: tuple[dict[str, Any], ...] = (
    {},
    {"partial": "accept"},
    {"partial": "accept", "unanswered": "resend"},
    {"unanswered": "recon", "same_day": False},
)


@cache
def profile(dialect: int) -> Any:
    """The acquirer's profile, with what the dialect changes in it."""
    with open(profiles.__file__.replace("profile.py", "profiles/unionpay_pos.json")) as file:
        value = json.load(file)
    changes = DIALECTS[dialect]
    value["partial"] = changes.get("partial", value["partial"])
    value["reversal"]["same_day"] = changes.get("same_day", True)
    for name in _ONLY_REVERSED:
        value["transactions"][name]["unanswered"] = changes.get("unanswered", "reverse")
    return profiles.load(json.dumps(value))


class Shop:
    """One terminal number: the configuration of the terminal that has it now."""

    def __init__(self, rng: random.Random) -> None:
        self.dialect = rng.choices(range(len(DIALECTS)), (5, 2, 1, 1))[0]
        ask = {"duplicate_s": rng.choice((0, 300)), "confirm_minor": rng.choice((0, 50_000))}
        backup = {"backup_host": rng.choice(("", "backup"))}
        self.config = CONFIG | ask | backup
        self._copies: dict[str, Items] = {}

    @property
    def profile(self) -> Any:
        return profile(self.dialect)

    def replace(self, copy: Mapping[int, dict[str, Any]]) -> None:
        """As ``companion provision --replace``; ``copy`` is of the terminal that goes."""
        self._copies[self.config["device_id"]] = sorted(copy.items())
        number = len(self._copies) + 1
        self.config = self.config | {
            "device_id": f"PZ-WORLD-{number}",
            "seal_key": bytes(range(number, 32 + number)),
            "stan_start": self._stan_start(),
            "pendings": takeover.of_journals(self._copies, set()).pendings,
        }

    def _stan_start(self) -> int:
        """The terminal before may have used more STANs than it synced, even all it has used."""
        newest = self.config.get("stan_start", 0)
        for _, rec in self._copies[self.config["device_id"]]:
            # The others go back to an older transaction and have that one's STAN.
            if rec and rec["kind"] in (record.ARMED, record.QUERY, record.SIGNED_IN, record.BATCH):
                newest = max(newest, rec["stan"])
        return int((newest + STAN_JUMP - 1) % _MAX_STAN + 1)
