"""Sockets and relays that are switched over HTTP: Shelly, both generations, and Tasmota.

They say what their relay does; what is behind it they do not see. Slow (tens of ms, and never the
same), so for random cuts only.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.hil.power import PowerError

_TIMEOUT_S = 5.0
_MAX_ANSWER = 4096


class _HttpSwitch:
    """``paths``: what to get for on and off."""

    def __init__(self, address: str, paths: Mapping[bool, str]) -> None:
        self._address = address
        self._paths = paths

    def on(self) -> None:
        self._switch(True)

    def off(self) -> None:
        self._switch(False)

    def read(self) -> bool | None:
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _switch(self, on: bool) -> None:
        answer = self._get(self._paths[on])
        if self._says(answer) not in (on, None):
            raise PowerError(f"{self._address} was told {on} and answers {answer}")

    def _says(self, answer: dict[str, Any]) -> bool | None:
        """What the answer says that the relay does, None when it does not say."""
        raise NotImplementedError

    def _get(self, path: str) -> dict[str, Any]:
        url = f"http://{self._address}{path}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
                data = response.read(_MAX_ANSWER)
        except (urllib.error.URLError, OSError) as error:
            raise PowerError(f"{url}: {getattr(error, 'reason', error)}") from None
        try:
            answer = json.loads(data)
        except ValueError:
            raise PowerError(f"{url} does not answer with JSON: {data[:60]!r}") from None
        if not isinstance(answer, dict):
            raise PowerError(f"{url} answers {answer!r}")
        return answer


class ShellyGen1(_HttpSwitch):
    """GET /relay/0?turn=on answers {"ison": true, ...} (Shelly API, "Gen1")."""

    def __init__(self, address: str, relay: int = 0) -> None:
        super().__init__(address, {on: f"/relay/{relay}?turn={_word(on)}" for on in (True, False)})

    def _says(self, answer: dict[str, Any]) -> bool | None:
        return bool(answer.get("ison"))


class ShellyGen2(_HttpSwitch):
    """GET /rpc/Switch.Set answers {"was_on": ...}; then Switch.GetStatus has "output" (Shelly API,
    "Gen2", Switch)."""

    def __init__(self, address: str, relay: int = 0) -> None:
        told = {on: f"/rpc/Switch.Set?id={relay}&on={str(on).lower()}" for on in (True, False)}
        super().__init__(address, told)
        self._status = f"/rpc/Switch.GetStatus?id={relay}"

    def _says(self, answer: dict[str, Any]) -> bool | None:
        if "was_on" not in answer:
            raise PowerError(f"{self._address} answers {answer}")
        return bool(self._get(self._status).get("output"))


class Tasmota(_HttpSwitch):
    """GET /cm?cmnd=Power1%20On answers {"POWER": "ON"} or {"POWER1": "ON"} (its "Commands")."""

    def __init__(self, address: str, relay: int = 1) -> None:
        super().__init__(
            address, {on: f"/cm?cmnd=Power{relay}%20{_word(on)}" for on in (True, False)}
        )
        self._names = ("POWER", f"POWER{relay}")

    def _says(self, answer: dict[str, Any]) -> bool | None:
        said = [str(answer[name]).upper() for name in self._names if name in answer]
        return said == ["ON"]


def _word(on: bool) -> str:
    return "on" if on else "off"
