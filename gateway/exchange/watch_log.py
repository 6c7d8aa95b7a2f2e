"""What a worker does for the log besides ordering it, each in its time: countersigning, asking cosigners, handing
heads out, and watching its own clock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.clock_step import CLOCK, ClockStep, step_between
from gateway.audit.entry import make
from gateway.exchange.cosigned import ask_cosigners
from gateway.exchange.countersign import Done, countersign_noted, flush_noted
from gateway.exchange.gateway import Gateway
from gateway.exchange.hand_out import hand_out_by_mail, hand_out_to_folder
from gateway.exchange.keep_log import keep_log
from gateway.telemetry import Metrics, log
from gateway.transport.ask import Ask
from gateway.transport.interface import GiveHead

HOUR: Final = 3600.0
AWAY_SECONDS: Final = 30.0
"""A partner that did not answer, and what failed, is tried again after this."""


@dataclass(slots=True, kw_only=True)
class LogWatch:
    """The watch of one worker process. ask: None = nobody is asked and nothing is countersigned. mail: None = heads do
    not go by mail."""

    gateway: Gateway
    metrics: Metrics
    ask: Ask | None = None
    mail: GiveHead | None = None
    _next: dict[str, float] = field(default_factory=dict)
    _away: dict[AgencyId, float] = field(default_factory=dict)
    _clocks: tuple[datetime, float] | None = None
    _noticed: float = float("-inf")

    async def keep(self) -> int:
        """Order what waits; how many. A step back of time where the new entries begin is entered, unless this
        process has noticed it by itself."""
        await self._look_at_clock()
        ordered = await keep_log(self.gateway)
        self.metrics.sequenced.inc(ordered.count)
        if ordered.back is not None and _steady() - self._noticed > HOUR:
            await self._enter(ordered.back)
        return ordered.count

    async def look(self) -> None:
        """What is due. What one of them raises comes out after the others had their turn."""
        ask = self.ask
        await flush_noted(self.gateway)
        if ask is not None:
            away = [agency for agency, until in self._away.items() if _steady() < until]
            for agency, done in await countersign_noted(self.gateway, ask, but=away):
                self.metrics.countersigned.labels(agency, done.value).inc()
                self._away[agency] = _steady() + AWAY_SECONDS if done is Done.AWAY else 0.0
        await asyncio.gather(
            self._every("ask", HOUR, self._ask),
            self._every("hand-out", self.gateway.settings.witness.every_hours * HOUR, self._hand_out),
        )

    async def _every(self, name: str, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do it when its time has come; the first time at once, for a restored database is found at the start."""
        if _steady() >= self._next.get(name, float("-inf")):
            self._next[name] = _steady() + min(seconds, AWAY_SECONDS)  # should it fail
            await act()
            self._next[name] = _steady() + seconds

    async def _ask(self) -> None:
        if self.ask is not None:
            await ask_cosigners(self.gateway, self.ask)

    async def _hand_out(self) -> None:
        folder = self.gateway.settings.checkpoint_folder
        if folder is not None:
            await hand_out_to_folder(self.gateway, folder)
        if self.mail is not None:
            await hand_out_by_mail(self.gateway, self.mail)

    async def _look_at_clock(self) -> None:
        before, now = self._clocks, (self.gateway.clock.now(), _steady())
        self._clocks = now
        if before is not None and (step := step_between((before[0], now[0]), (before[1], now[1]))):
            self._noticed = now[1]
            await self._enter(step)

    async def _enter(self, step: ClockStep) -> None:
        now = self.gateway.clock.now()
        seconds = round(abs(step.by).total_seconds())
        entry = make(
            EntryType.SETTING, id=self.gateway.new_id(now), at=now, action=step.action, kind=CLOCK, number=seconds
        )
        log.warning("clock.stepped", outcome=step.action, count=seconds)
        self.metrics.clock_steps.labels(step.action).inc()
        await self.gateway.store.record([entry])


def _steady() -> float:
    """Seconds on a clock that nobody sets. On a machine that slept it slept too: then the wall clock went ahead."""
    return asyncio.get_running_loop().time()
