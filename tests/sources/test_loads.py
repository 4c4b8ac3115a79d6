"""Time of its own and memory shared with the others."""

import asyncio

import pytest

from pairsift.sources.loads import Deadline, Load, Room


async def is_waiting(task: "asyncio.Task[None]") -> bool:
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


def test_only_what_runs_is_counted() -> None:
    async def check() -> None:
        deadline = Deadline(0.4)
        async with deadline.running():
            async with deadline.paused():
                await asyncio.sleep(0.5)
            await asyncio.sleep(0)
        assert 0.2 < deadline.left <= 0.4
        with pytest.raises(TimeoutError):
            async with deadline.running():
                await asyncio.sleep(3600)
        assert deadline.left <= 0
        with pytest.raises(TimeoutError):
            async with deadline.running():
                await asyncio.sleep(3600)

    asyncio.run(check())


def test_nothing_begins_while_there_is_no_room() -> None:
    async def check() -> None:
        room, first, second = Room(10), Load(), Load()
        room.hold(first, 11)
        waiting = asyncio.create_task(room.wait(second))
        assert await is_waiting(waiting)
        room.hold(first, 10)
        await waiting
        room.hold(first, 0)
        room.hold(first, 0)  # giving back twice gives back once
        room.hold(second, 11)
        assert await is_waiting(asyncio.create_task(room.wait(Load())))

    asyncio.run(check())


def test_what_is_under_way_pauses_at_twice_as_much() -> None:
    async def check() -> None:
        room, first, second = Room(10), Load(), Load()
        deadline = Deadline(0.2)
        await room.grow(first, 20, deadline)
        async with deadline.running():
            growing = asyncio.create_task(room.grow(second, 1, deadline))
            assert await is_waiting(growing)
            await asyncio.sleep(0.3)  # longer than the deadline, which stands still
            room.hold(first, 0)
            await growing

    asyncio.run(check())


def test_what_somebody_waits_for_goes_first() -> None:
    async def check() -> None:
        room, first, second = Room(10), Load(), Load()
        room.hold(first, 100)
        waiting = asyncio.create_task(room.wait(second))
        assert await is_waiting(waiting)
        room.hurry(second)
        await waiting
        await room.grow(second, 1000, Deadline(1))

    asyncio.run(check())
