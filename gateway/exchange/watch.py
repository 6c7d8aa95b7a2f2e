"""Watch: look, judge, keep what stands, tell what is new. One process at a time does, and any can take over.

What stands is in the database, so that an alert is raised once whoever watches. When the database itself takes no
entries, the process that notices keeps that one alert in memory and tells it at once; when it is over it is written.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.alert.alert import News, Notice, Standing
from gateway.alert.condition import Seen, found, log_not_written, unknown
from gateway.alert.keep import after, unsent
from gateway.audit.catalog import SHAPES, EntryType, ShapeError
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Tampered, Unavailable
from gateway.exchange.gateway import Gateway
from gateway.exchange.look import look
from gateway.exchange.tell_due import NOTICES_MAX, count_try, tell_due
from gateway.exchange.trouble import standing_logs
from gateway.exchange.verify import verify
from gateway.store.alerts import Watched
from gateway.store.interface import StoreUnavailable
from gateway.telemetry import Metrics
from gateway.transport.interface import Tell

LEASE: Final = timedelta(seconds=60)
"""Another process takes over after this. Longer than a round takes, sending included."""

SLOW_EVERY: Final = timedelta(seconds=60)
"""Between two looks at what takes a while to count."""

DIRECT_WAIT_MAX: Final = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The watch of one process. holder: a name of its own, made at random."""

    gateway: Gateway
    ways: Sequence[Tell]
    metrics: Metrics
    holder: str
    _slow: Seen | None = None
    _clocks: tuple[datetime, float] | None = None
    _faults: int | None = None
    _verified_at: datetime | None = None
    _verifying: "asyncio.Task[int] | None" = None
    _direct: Standing | None = None
    _direct_due: dict[str, datetime] = field(default_factory=dict)
    _direct_tries: dict[str, int] = field(default_factory=dict)

    async def round(self) -> bool:
        """One look; whether this process watches. Raises `StoreUnavailable` after that was told."""
        gateway, now = self.gateway, self.gateway.clock.now()
        step = self._clock_step(now)
        try:
            holds = await gateway.store.take_watch(self.holder, now=now, until=now + LEASE)
        except StoreUnavailable:
            gateway.health.failed(now)
            await self._tell_directly(now)
            raise
        gateway.health.written()
        if not holds:
            self._slow = None
            return False
        seen = await self._see(now, step)
        await self._keep(seen)
        await tell_due(gateway, self.ways, self.metrics)
        return True

    async def close(self) -> None:
        """Leave off."""
        if self._verifying is not None:
            self._verifying.cancel()
            await asyncio.gather(self._verifying, return_exceptions=True)

    # --- looking --------------------------------------------------------------------------------------------------

    async def _see(self, now: datetime, step: timedelta) -> Seen:
        store = self.gateway.store
        if self._slow is None or not timedelta() <= now - self._slow.now < SLOW_EVERY:
            self._slow = await look(self.gateway, now)
        await self._verify(now)
        own, partners = await standing_logs(self.gateway)
        return replace(
            self._slow,
            now=now,
            unsequenced_since=await store.waiting_since(),
            not_written=self.gateway.health.not_written,
            altered=True if own else self.gateway.health.altered,
            partner_logs=partners,
            verify_faults=self._faults,
            clock_step=step,
            unsent=unsent(await store.notices(NOTICES_MAX)),
        )

    def _clock_step(self, now: datetime) -> timedelta:
        """By how much the clock was set since the last look: it is compared with one that nobody sets."""
        before, self._clocks = self._clocks, (now, asyncio.get_running_loop().time())
        if before is None:
            return timedelta()
        return (now - before[0]) - timedelta(seconds=self._clocks[1] - before[1])

    async def _verify(self, now: datetime) -> None:
        """Read what is new in the log, beside the looks: the first reading takes a while."""
        if self._verifying is not None and self._verifying.done():
            done, self._verifying = self._verifying, None
            try:
                self._faults = await done
            except Unavailable:
                self._verified_at = None  # not read: again at the next look
        every = timedelta(hours=self.gateway.settings.alerts.verify_hours)
        if self._verifying is None and (self._verified_at is None or now - self._verified_at >= every):
            since = self._verified_at - every if self._verified_at is not None and not self._faults else None
            self._verified_at = now
            self._verifying = asyncio.create_task(self._faults_since(since))

    async def _faults_since(self, since: datetime | None) -> int:
        try:
            report = (await verify(self.gateway, incremental=since is not None)).report
        except Tampered:
            return 1
        return 0 if report.verified else max(1, len(report.findings))

    # --- keeping --------------------------------------------------------------------------------------------------

    async def _keep(self, seen: Seen) -> None:
        store, now = self.gateway.store, seen.now
        standing = await store.alerts()
        if self._direct is not None:
            standing = (*(each for each in standing if each.key != self._direct.key), self._direct)
        kept = after(standing, found(seen), now=now, unknown=unknown(seen))
        if kept.changed:
            notices = tuple(
                _notice(self.gateway, news, each, way.name, now) for news, each in kept.news for way in self.ways
            )
            entries = tuple(
                _entry(self.gateway, news, each, now) for news, each in kept.news if news is not News.REMINDER
            )
            written = Watched(holder=self.holder, standing=kept.changed, notices=notices, entries=entries)
            if not await store.keep_alerts(written):
                return
        self._direct = None
        self._direct_due, self._direct_tries = {}, {}

    async def _tell_directly(self, now: datetime) -> None:
        """The database takes nothing: tell it out of memory, once a way and once more a day."""
        seen = Seen(now=now, today=now.date(), not_written=self.gateway.health.not_written)
        kept = after([self._direct] if self._direct else [], log_not_written(seen), now=now)
        for each in kept.changed:
            self._direct = each
        for _, standing in kept.news:
            self._direct_due = {way.name: now for way in self.ways}
            self._direct_tries = {}
            self.metrics.alerts.labels(standing.code.value, standing.severity.value).set(1)
        if self._direct is None:
            return
        for way in self.ways:
            due = self._direct_due.get(way.name)
            if due is not None and due <= now:
                notice = _notice(self.gateway, News.RAISED, self._direct, way.name, now)
                error = await way.tell([notice], now=now)
                count_try(self.metrics, way.name, error)
                if not error:
                    del self._direct_due[way.name]
                else:
                    tries = self._direct_tries[way.name] = self._direct_tries.get(way.name, 0) + 1
                    self._direct_due[way.name] = now + min(timedelta(seconds=10) * 2**tries, DIRECT_WAIT_MAX)


def _notice(gateway: Gateway, news: News, standing: Standing, way: str, now: datetime) -> Notice:
    return Notice(
        id=gateway.new_id(now),
        way=way,
        news=news,
        code=standing.code,
        subject=standing.subject,
        severity=standing.severity,
        count=standing.count,
        raised_at=standing.raised_at,
        made_at=now,
        due_at=now,
    )


def _entry(gateway: Gateway, news: News, standing: Standing, now: datetime) -> AuditEntry:
    id = gateway.new_id(now)
    about = about_of(standing.subject)
    return make(
        EntryType.ALERT, id=id, at=now, action=news.value, code=standing.code.value, count=standing.count, **about
    )


def about_of(subject: str) -> dict[str, Any]:
    """The key of an entry that a subject has the shape of: an agency, an agreement, or what the gateway has, such as
    cover.next."""
    for key in ("recipient", "mou", "kind"):
        with suppress(ShapeError):
            SHAPES[key](subject)
            return {key: subject}
    return {}
