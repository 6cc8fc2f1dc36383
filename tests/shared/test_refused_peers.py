"""Who was refused is kept as evidence, but whoever knocks cannot fill the journal."""

import asyncio

from terminal.refusals import ROOM, Refusals


def test_a_refusal_is_noted_once_in_a_while_and_the_next_note_counts_the_others() -> None:
    async def knock() -> list:
        noted: list = []
        refusals = Refusals(noted.append, lambda: ROOM)
        refusals.quiet_s = 0
        for _ in range(4):
            refusals.refused("10.0.0.7", "wrong key")
        assert noted == ["10.0.0.7: wrong key"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        refusals.refused("cable", "wrong key")
        return noted

    assert asyncio.run(knock()) == ["10.0.0.7: wrong key", "cable: wrong key (+3)"]


def test_refusals_leave_the_room_that_trade_needs() -> None:
    async def knock() -> None:
        noted: list = []
        room = [ROOM - 1]
        refusals = Refusals(noted.append, lambda: room[0])
        refusals.refused("cable", "wrong key")
        assert noted == []
        room[0] = ROOM
        refusals.refused("cable", "wrong key")
        assert noted == ["cable: wrong key (+1)"]

    asyncio.run(knock())
