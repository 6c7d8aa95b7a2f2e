"""UnderWay: the tries of one relay that this process has begun and not ended, each with whom it goes to."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from gateway.agency import AgencyId
from gateway.exchange.cut import Cut, cut_off
from gateway.exchange.gateway import Gateway


class UnderWay:
    """Tries under way. stirred: set when one ended, for there is room again; report: told of one that broke."""

    def __init__(self, gateway: Gateway, stirred: asyncio.Event, report: Callable[[BaseException], None]) -> None:
        self._gateway = gateway
        self._stirred = stirred
        self._report = report
        self._tasks: dict[asyncio.Task[None], tuple[AgencyId, Cut]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, one: Callable[[Cut], Coroutine[Any, Any, None]], recipient: AgencyId, *, name: str) -> None:
        """Begin one more."""
        cut = Cut()
        task = asyncio.create_task(one(cut), name=name)
        self._tasks[task] = recipient, cut
        task.add_done_callback(self._finished)

    async def drain(self, grace: timedelta) -> None:
        """Let them finish. What takes longer is given up: whether it arrived is not known, so it is not settled but
        falls due again when its lease runs out."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_off(self) -> int:
        """Break off what goes to agencies that were shut out meanwhile; how many."""
        return cut_off(self._gateway, self._tasks.values())

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        self._stirred.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error)
