"""Whose turn it is."""

import asyncio

import pytest

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.sources.loads import Load, Room
from pairsift.sources.retries import TryAgainError
from pairsift.sources.turns import Slots, Turns
from pairsift.statuses import RowStatus

FAILURE = ImageError(RowStatus.IMAGE_HTTP_ERROR, "HTTP 429")


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_who_comes_first_goes_first_and_no_slot_is_lost() -> None:
    async def check() -> None:
        slots, entered = Slots(1), []
        leave = asyncio.Event()

        async def stay(name: int, load: Load) -> None:
            async with slots.slot(load):
                entered.append(name)
                await leave.wait()

        loads = [Load() for _ in range(5)]
        tasks = [asyncio.create_task(stay(name, load)) for name, load in enumerate(loads)]
        await settle()
        assert entered == [0]
        tasks[1].cancel()  # while it waits
        Room(1).hurry(loads[3])  # goes without a slot
        await settle()
        assert entered == [0, 3]
        leave.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert entered == [0, 3, 2, 4]
        assert slots.free == 1

    asyncio.run(check())


def test_a_slot_given_to_one_who_is_cancelled_goes_on() -> None:
    async def check() -> None:
        slots, load = Slots(1), Load()

        async def pass_through(load: Load) -> None:
            async with slots.slot(load):
                pass

        async with slots.slot(load):
            waiting = asyncio.create_task(pass_through(Load()))
            await settle()
        waiting.cancel()  # it has the slot, and has not run yet
        await settle()
        assert waiting.cancelled()
        assert slots.free == 1

    asyncio.run(check())


def test_hosts_are_forgotten() -> None:
    async def check() -> None:
        turns = Turns(SourceConfig(), Room(1))
        for index in range(100):
            async with turns.turn(f"{index}:80", Load()):
                assert len(turns._hosts) == 1
        assert not turns._hosts

    asyncio.run(check())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TimeoutError(), RowStatus.IMAGE_FETCH_TIMEOUT),
        (TryAgainError(FAILURE, is_silent=True), RowStatus.IMAGE_FETCH_TIMEOUT),
        (TryAgainError(FAILURE, 3600.0, is_busy=True), RowStatus.IMAGE_HTTP_ERROR),
        (TryAgainError(FAILURE), None),
        (FAILURE, None),
    ],
)
def test_those_who_wait_for_a_dead_host_are_sent_away(
    error: Exception, status: RowStatus | None
) -> None:
    async def check() -> None:
        turns = Turns(SourceConfig(connections_per_host=1, fetch_retries=0), Room(1))

        async def ask() -> RowStatus | None:
            try:
                async with turns.turn("host:80", Load()):
                    return None
            except ImageError as failure:
                return failure.status

        async def fail() -> None:
            async with turns.turn("host:80", Load()):
                await settle()
                raise error

        failing = asyncio.create_task(fail())
        await asyncio.sleep(0)
        outcomes = asyncio.gather(*(ask() for _ in range(5)))
        assert await outcomes == [status] * 5
        with pytest.raises(type(error)):
            await failing

    asyncio.run(check())
