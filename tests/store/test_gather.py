"""Many concurrent calls, one round trip: `gateway/store/gather.py`."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.store.gather import Gather


async def test_calls_made_while_one_is_under_way_go_together() -> None:
    batches: list[Sequence[int]] = []

    async def run(items: Sequence[int]) -> Sequence[int]:
        batches.append(items)
        await asyncio.sleep(0.01)
        return [item * 2 for item in items]

    gather: Gather[int, int] = Gather(run, most=3)
    first = asyncio.create_task(gather(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await asyncio.gather(first, *(gather(item) for item in range(2, 7))) == [2, 4, 6, 8, 10, 12]
    assert batches == [[1], [2, 3, 4], [5, 6]]
    assert await gather(7) == 14


async def test_an_exception_reaches_its_caller_only() -> None:
    async def run(items: Sequence[int]) -> Sequence[int | Exception]:
        return [KeyError(item) if item == 2 else item for item in items]

    gather: Gather[int, int] = Gather(run, most=10)
    results = await asyncio.gather(*(gather(item) for item in (1, 2, 3)), return_exceptions=True)
    assert results[::2] == [1, 3]
    assert isinstance(results[1], KeyError)


async def test_when_the_run_fails_all_are_told_and_the_next_batch_runs() -> None:
    async def run(items: Sequence[int]) -> Sequence[int]:
        if 1 in items:
            raise OSError
        return items

    gather: Gather[int, int] = Gather(run, most=2)
    results = await asyncio.gather(*(gather(item) for item in (1, 2, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError, int]


async def test_after_a_wait_in_vain_all_who_wait_are_told_at_once() -> None:
    batches: list[Sequence[int]] = []

    async def run(items: Sequence[int]) -> Sequence[int]:
        batches.append(items)
        await asyncio.sleep(0.01)
        if len(batches) == 1:
            raise TimeoutError
        return items

    gather: Gather[int, int] = Gather(run, most=2, in_vain=TimeoutError)
    results = await asyncio.gather(*(gather(item) for item in range(9)), return_exceptions=True)
    assert {type(result) for result in results} == {TimeoutError}
    assert batches == [[0, 1]]
    assert await gather(10) == 10


async def test_a_canceled_caller_does_not_stop_the_others() -> None:
    async def run(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0.01)
        return items

    gather: Gather[int, int] = Gather(run, most=10)
    calls = [asyncio.create_task(gather(item)) for item in range(4)]
    await asyncio.sleep(0)
    calls[0].cancel()
    assert await asyncio.gather(*calls[1:]) == [1, 2, 3]
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    await gather.finish()
