"""A switch by the words of a command line: KIND:ADDRESS[,NUMBER]."""

from __future__ import annotations

from collections.abc import Callable

from tests.hil.power import Power, PowerError
from tests.hil.power.http import ShellyGen1, ShellyGen2, Tasmota
from tests.hil.power.ppk2 import Ppk2
from tests.hil.power.relay import ModbusRelay, UsbRelay
from tests.hil.power.uhubctl import Uhubctl

_KINDS: dict[str, tuple[Callable[..., Power], str]] = {
    "uhubctl": (Uhubctl, "uhubctl:1-1.2 (hub 1-1, port 2)"),
    "ppk2": (Ppk2, "ppk2:/dev/ttyACM1[,5000] (millivolts)"),
    "relay": (UsbRelay, "relay:/dev/ttyUSB1[,1] (channel)"),
    "modbus": (ModbusRelay, "modbus:/dev/ttyUSB1[,1] (channel)"),
    "shelly": (ShellyGen2, "shelly:192.168.1.40[,0] (switch; from the second generation on)"),
    "shelly1": (ShellyGen1, "shelly1:192.168.1.40[,0] (relay)"),
    "tasmota": (Tasmota, "tasmota:192.168.1.41[,1] (relay)"),
}


def open_power(words: str) -> Power:
    """PowerError for a kind that is not known or cannot be reached."""
    kind, _, address = words.partition(":")
    place, _, number = address.partition(",")
    if kind not in _KINDS or not place or (number and not number.isdecimal()):
        known = "; ".join(example for _, example in _KINDS.values())
        raise PowerError(f"{words!r} is not a switch; they are {known}")
    make, _ = _KINDS[kind]
    return make(place, int(number)) if number else make(place)
