"""What the host's tests need to speak with the terminal's own codec."""

from __future__ import annotations

import json
from pathlib import Path

from companion.acquirer import keys
from companion.acquirer.dialects import UNIONPAY_POS
from companion.acquirer.terminals import TEST_TERMINAL
from protocol.iso8583 import profile
from protocol.iso8583.dialect import Profile
from tests.companion.acquirer_client import PAN

_PROFILES = Path(profile.__file__).with_name("profiles")

TPDU = bytes.fromhex("6000010000")
AMOUNT = 123456
WHO: dict[str, object] = {
    "terminal_no": TEST_TERMINAL.terminal_no,
    "merchant_no": TEST_TERMINAL.merchant_no,
}
SALE: dict[str, object] = {"pan": PAN, "expiry": "3012", "entry": "021", "amount_minor": AMOUNT}


def load_profile(name: str, mac: str | None = None, block: str = keys.DOUBLE) -> Profile:
    """A profile of this repository, with another MAC and key block."""
    value = json.loads((_PROFILES / f"{name}.json").read_text())
    value["mac"].update({"key_block": block} | ({"algorithm": mac} if mac else {}))
    if name == UNIONPAY_POS:
        value["transactions"]["sign_in"]["set"]["network"] = block
    return profile.read(value)
