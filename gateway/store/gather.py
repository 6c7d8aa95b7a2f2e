"""Many concurrent calls, one round trip: what comes while one is under way goes together with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gather(Generic[Item, Result]):
    """Calls `run` with all items that wait, one call at a time.

    `run` gives a result for each item, in their order; a result that is an exception is raised to its caller. What
    `run` itself raises is raised to all. A caller who is canceled does not stop the others.

    in_vain  when `run` raises this after a long wait, those who came meanwhile are told too: each batch of them would
             only wait as long again, one after the other
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        most: int,
        in_vain: type[Exception] | tuple[()] = (),
    ) -> None:
        self._run = run
        self._most = most
        self._in_vain = in_vain
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """The result for this item."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._go())
        return await future

    async def finish(self) -> None:
        """Wait until nothing waits."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _go(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            results: Sequence[Result | Exception]
            try:
                results = await self._run([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the next batch runs
                if isinstance(error, self._in_vain):
                    batch, self._waiting = batch + self._waiting, []
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._task = None
