"""The worker: what the passing of time brings. Relays what is due, orders the log, ends what is too late.

Any number of workers share one database. Each verb has a loop of its own that nothing ends but the order to stop: what
goes wrong is logged by its code, and the loop goes on after a pause that grows while the trouble lasts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.agency import EndpointKind
from gateway.errors import GatewayError, Tampered
from gateway.exchange.expire import expire
from gateway.exchange.expunge import finish_expunging
from gateway.exchange.forget_signatures import forget_signatures
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_disclosures import ARRANGED_AT_ONCE, arrange, expire_disclosures
from gateway.exchange.purge_due import DueLoop
from gateway.exchange.recall import recall_ended
from gateway.exchange.relay import Relay
from gateway.exchange.reply_relay import ReplyRelay
from gateway.exchange.rotate_key import take_over_due
from gateway.exchange.watch import Watch
from gateway.exchange.watch_log import LogWatch
from gateway.store.interface import StoreUnavailable
from gateway.telemetry import Metrics, log
from gateway.transport.ask import Ask
from gateway.transport.interface import GiveHead, Send, Tell
from gateway.transport.letter import SendLetter

GRACE: Final = timedelta(seconds=10)
"""After the order to stop, what is under way has this long; service managers kill after 30 to 90 seconds."""

GATHER_SECONDS: Final = 0.005
"""Freed places are gathered this long before they are filled: one claim of several costs as much as one of one."""

PAUSE_SECONDS_FIRST: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often, in seconds.

    idle       looks for due deliveries when nothing wakes the relay
    reply      looks for answers that go to registered addresses
    sequence   a receipt promises its entry in the log within 10 s
    witness    looks for heads of partners' logs to countersign, and for what else is due for the log
    expire     looks through what no worker claims: what is too late, and what has no agreement any more
    arrange    makes rows of the disclosure index quick to find; they are found before, too
    shut_out   takes up that an agency was shut out, and breaks off what is under way to it
    keys       lets a key take over whose moment has come
    retain     looks at the clock, finishes runs of destruction that were stopped, and destroys what is due
    watch      looks for what the operator must see to; None = as the settings say
    pause_max  longest pause after trouble; the first is a tenth of a second, each next one twice as long
    """

    idle: float = 0.25
    reply: float = 0.5
    sequence: float = 1.0
    witness: float = 1.0
    expire: float = 300.0
    arrange: float = 5.0
    watch: float | None = None
    shut_out: float = 0.5
    keys: float = 5.0
    retain: float = 3600.0
    pause_max: float = 15.0


async def run_worker(
    gateway: Gateway,
    stop: asyncio.Event,
    *,
    sends: Mapping[EndpointKind, Send],
    ways: Sequence[Tell] = (),
    wake: asyncio.Event | None = None,
    metrics: Metrics | None = None,
    rhythm: Rhythm | None = None,
    grace: timedelta = GRACE,
    ask: Ask | None = None,
    mail: GiveHead | None = None,
    letters: SendLetter | None = None,
) -> None:
    """Work until told to stop; then finish what is under way, within the grace. The rest falls due by its lease.

    sends  stay open: whoever opened them closes them
    ways   by which alerts are told
    wake   set it when there is something to deliver (from the same event loop); without it the worker looks by itself
    ask    asks partners' gateways; without it nothing is countersigned
    mail   hands heads of the log to agencies that only fetch
    letters  takes answers to registered addresses; without it they wait
    """
    await Worker(
        gateway, sends, ways=ways, wake=wake, metrics=metrics, rhythm=rhythm, ask=ask, mail=mail, letters=letters
    ).run(stop, grace)


class Worker:
    """The loops of one process."""

    def __init__(
        self,
        gateway: Gateway,
        sends: Mapping[EndpointKind, Send],
        *,
        ways: Sequence[Tell] = (),
        wake: asyncio.Event | None = None,
        metrics: Metrics | None = None,
        rhythm: Rhythm | None = None,
        ask: Ask | None = None,
        mail: GiveHead | None = None,
        letters: SendLetter | None = None,
    ) -> None:
        self._gateway = gateway
        self._metrics = metrics or Metrics()
        self._rhythm = rhythm or Rhythm()
        self._log_watch = LogWatch(gateway=gateway, metrics=self._metrics, ask=ask, mail=mail)
        holder = gateway.clock.random(16).hex()
        self._watch = Watch(gateway=gateway, ways=ways, metrics=self._metrics, holder=holder)
        self._due = DueLoop(gateway)
        self._replies = ReplyRelay(gateway, letters, report=report) if letters is not None else None
        self._relay = Relay(gateway, sends, report=report, stirred=wake, metrics=self._metrics)

    async def run(self, stop: asyncio.Event, grace: timedelta = GRACE) -> None:
        """Work until told to stop."""
        never = asyncio.Event()
        loops = [
            asyncio.create_task(self._loop("relay", self._fill, stop, self._relay.stirred)),
            *self._replying(stop),
            asyncio.create_task(self._loop("sequence", self._sequence, stop, never)),
            asyncio.create_task(self._loop("expire", self._expire, stop, never)),
            asyncio.create_task(self._loop("witness", self._witness, stop, never)),
            asyncio.create_task(self._loop("arrange", self._arrange, stop, never)),
            asyncio.create_task(self._loop("watch", self._look, stop, never)),
            asyncio.create_task(self._loop("retain", self._retain, stop, never)),
            asyncio.create_task(self._loop("keys", self._keys, stop, never)),
            asyncio.create_task(self._loop("shut-out", self._shut_out, stop, never)),
        ]
        try:
            await stop.wait()
            # A verb in the middle of a write finishes it: canceled, it would not know what was stored.
            await asyncio.wait(loops, timeout=grace.total_seconds())
            await self._relay.drain(grace)
            if self._replies is not None:
                await self._replies.drain(grace)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._watch.close()
            await self._relay.drain(timedelta())
            if self._replies is not None:
                await self._replies.drain(timedelta())

    def _replying(self, stop: asyncio.Event) -> list["asyncio.Task[None]"]:
        replies = self._replies
        if replies is None:
            return []

        async def fill() -> float:
            return GATHER_SECONDS if await replies.fill() else self._rhythm.reply

        return [asyncio.create_task(self._loop("reply", fill, stop, replies.stirred))]

    async def _fill(self) -> float:
        return GATHER_SECONDS if await self._relay.fill() else self._rhythm.idle

    async def _retain(self) -> float:
        await self._due.turn()
        return self._rhythm.retain

    async def _shut_out(self) -> float:
        await self._gateway.refresh()
        self._relay.cut_off()
        if self._replies is not None:
            self._replies.cut_off()
        return self._rhythm.shut_out

    async def _keys(self) -> float:
        await take_over_due(self._gateway)
        return self._rhythm.keys

    async def _look(self) -> float:
        every = self._rhythm.watch or self._gateway.settings.alerts.every_seconds
        try:
            await self._watch.round()
        except StoreUnavailable as error:
            report(error, verb="watch")
        return every  # while the database is away too: nobody else tells of it

    async def _sequence(self) -> float:
        try:
            count = await self._log_watch.keep()
        except Tampered:
            self._gateway.health.altered = True
            raise
        if count:
            self._gateway.health.altered = False
        return self._rhythm.sequence

    async def _witness(self) -> float:
        await self._log_watch.look()
        return self._rhythm.witness

    async def _expire(self) -> float:
        await self._gateway.refresh()
        await expire(self._gateway, self._relay.destinations().keys())
        await recall_ended(self._gateway)
        await finish_expunging(self._gateway)
        await expire_disclosures(self._gateway)
        await forget_signatures(self._gateway)
        return self._rhythm.expire

    async def _arrange(self) -> float:
        return 0 if await arrange(self._gateway) == ARRANGED_AT_ONCE else self._rhythm.arrange

    async def _loop(
        self, verb: str, act: Callable[[], Awaitable[float]], stop: asyncio.Event, stirred: asyncio.Event
    ) -> None:
        """Do it again and again: after the seconds it asks for, or as soon as it is stirred."""
        failures = 0
        while not stop.is_set():
            try:
                pause = await act()
            except Exception as error:  # noqa: BLE001 - the loop outlives every trouble; the operator reads of it
                report(error, verb=verb)
                pause = min(PAUSE_SECONDS_FIRST * 2 ** min(failures, 16), self._rhythm.pause_max)
                failures += 1
                await _rest(pause, stop, asyncio.Event())  # nothing that stirs ends this pause
            else:
                failures = 0
                await _rest(pause, stop, stirred)


async def _rest(seconds: float, stop: asyncio.Event, stirred: asyncio.Event) -> None:
    """Until the time is over, or something stirs, or the end."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, stirred)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if stirred.is_set() and not stop.is_set():
        await asyncio.sleep(GATHER_SECONDS)
        stirred.clear()


def report(error: BaseException, *, verb: str = "relay") -> None:
    """Tell the operator, by code and place; the text of an error stays out of the log."""
    if isinstance(error, StoreUnavailable):
        log.warning("worker.waits", act=verb, code=error.code)
    elif isinstance(error, GatewayError):
        log.error("worker.trouble", act=verb, code=error.code, error=type(error).__name__)
    else:
        log.error("worker.broken", act=verb, exc_info=error)
