"""Cut: a try to send something that can be broken off, because whom it goes to was shut out meanwhile."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.delivery.outcome import Outcome, unknown
from gateway.exchange.gateway import Gateway

CUT_OFF: Final = "agency.suspended"
"""The recipient was shut out while this try was under way: whether it arrived is not known."""


class Cut:
    """By which a try is broken off while it is being sent; before and afterwards it has nothing to break off."""

    def __init__(self) -> None:
        self.wanted = False
        self._sending: asyncio.Task[object] | None = None

    def off(self) -> None:
        """Break it off."""
        self.wanted = True
        if self._sending is not None:
            self._sending.cancel()

    async def send(self, sending: Coroutine[Any, Any, Outcome]) -> Outcome:
        """The outcome; UNKNOWN when it was broken off: what was on its way may have arrived."""
        task = asyncio.current_task()
        self._sending = task
        try:
            return await sending
        except asyncio.CancelledError:
            # Told to end by somebody else: that is not ours to hold up.
            if not self.wanted or task is None or task.uncancel():
                raise
            return unknown(CUT_OFF)
        finally:
            self._sending = None


def cut_off(gateway: Gateway, under_way: Iterable[tuple[AgencyId, Cut]]) -> int:
    """Break off what goes to agencies that are shut out or gone; how many. The tries are settled as others without an
    answer, and wait until the agency is let in again."""
    agencies = gateway.current.agencies
    shut = [
        cut
        for recipient, cut in under_way
        if not cut.wanted and ((agency := agencies.get(recipient)) is None or agency.suspended)
    ]
    for cut in shut:
        cut.off()
    return len(shut)
