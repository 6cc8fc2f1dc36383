"""How full a terminal's journal was when it was synced last, as it said itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from companion.store import settings

_NAME = "journal fill "


@dataclass(frozen=True)
class Fill:
    """``room`` of ``slots`` were free."""

    room: int
    slots: int

    @property
    def used(self) -> int:
        """Slots that held records."""
        return max(self.slots - self.room, 0)


def keep(connection: Connection, device_id: str, fill: Fill) -> None:
    """In the place of what it said before; nothing for a terminal that does not say."""
    if fill.slots:
        settings.put(connection, _NAME + device_id, f"{fill.room}/{fill.slots}")


def of(connection: Connection, device_id: str) -> Fill | None:
    """What the terminal said last; None for one that never did."""
    room, _, slots = settings.get(connection, _NAME + device_id).partition("/")
    return Fill(int(room), int(slots)) if slots else None
