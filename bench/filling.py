"""Filling a store quickly with many messages, as real as those they are copies of, and a real log.

A few messages are accepted as any is. What `accept` wrote for each - sealed payloads, disseminations, rows of the
disclosure index, audit entries - is written again many times, with ids, moments, persons and keys of its own, through
the store's own write; then the log is ordered and signed. Left out is what costs the time: parsing, validating, cutting
and signing anew. Signatures of copied Covers and receipts are therefore those of their originals.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway import app
from gateway.audit.entry import AuditEntry
from gateway.audit.tree import leaf_hash
from gateway.clock import SystemClock, timestamp
from gateway.delivery.delivery import State
from gateway.exchange.accept import accept
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.exchange.submission import Submission
from gateway.message import DeliveryId, DisseminationId, Filed, MessageId, Sealed, bucket_name
from gateway.retention.kept import Kept
from gateway.store.messages import Acceptance, NewDissemination

AT_ONCE = 64
PERSONS = 20_000
TOGETHER = 500
"""Copies of one moment."""
SPAN = timedelta(days=200)
"""How far back the oldest copy lies."""


@dataclass
class Caught:
    """What one acceptance wrote. filed: of the disclosure index, as it was asked for: terms, key, rows."""

    acceptance: Acceptance
    plaintexts: dict[str, bytes] = field(default_factory=dict)
    filed: list[tuple[Sequence[str], str, Sequence[bytes]]] = field(default_factory=list)


class _Catching:
    """Something of the gateway, with what passes through it kept."""

    def __init__(self, of: Any, caught: list[Any]) -> None:
        self._of, self._caught = of, caught

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


class _Store(_Catching):
    async def accept(self, acceptance: Acceptance) -> Any:
        self._caught.append(acceptance)
        return await self._of.accept(acceptance)


class _Subjects(_Catching):
    def file(self, terms: Sequence[str], *, key: str, plaintexts: Sequence[bytes], now: datetime) -> Any:
        self._caught.append((tuple(terms), key, tuple(plaintexts)))
        return self._of.file(terms, key=key, plaintexts=plaintexts, now=now)


class _Then:
    """A clock that stands at a moment of the past, and real chance."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """That moment."""
        return self._moment

    def random(self, size_bytes: int) -> bytes:
        """Of the system."""
        return SystemClock().random(size_bytes)


@contextmanager
def in_the_past() -> Iterator[None]:
    """While the block runs, deployments of this process live before the oldest copy."""
    moment = SystemClock().now() - SPAN - timedelta(days=1)
    now = app.SystemClock
    app.SystemClock = lambda: _Then(moment)  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        app.SystemClock = now  # type: ignore[misc]


async def fill(gateway: Gateway, submissions: Sequence[Submission], count: int) -> list[MessageId]:
    """Accept each of these once, and copies of them until there are so many messages; ids of the copies.

    The deployment was made `in_the_past`: time never goes back in its log.
    """
    clock, begin = gateway.clock, gateway.clock.now() - SPAN
    gateway.clock = _Then(begin)
    originals = [await _caught(gateway, each) for each in submissions]
    made: list[MessageId] = []
    for start in range(0, count, TOGETHER):
        at = begin + SPAN * (start + 1) / (count + TOGETHER)
        made += await _write(gateway, originals, range(start, min(start + TOGETHER, count)), at)
    gateway.clock = clock
    while (await keep_log(gateway)).count:
        pass
    while await gateway.store.arrange_disclosures(1000):
        pass
    return made


async def _write(gateway: Gateway, originals: Sequence[Caught], which: range, at: datetime) -> list[MessageId]:
    """Copies of one moment, many at once."""
    made: list[MessageId] = []
    numbers = iter(which)

    async def write() -> None:
        for number in numbers:
            copied = _copy(gateway, originals[number % len(originals)], number, at)
            await gateway.store.accept(copied)
            made.append(copied.message.id)

    await asyncio.gather(*(write() for _ in range(AT_ONCE)))
    return made


async def _caught(gateway: Gateway, submission: Submission) -> Caught:
    acceptances: list[Acceptance] = []
    filed: list[Any] = []
    store, subjects = gateway.store, gateway.subjects
    gateway.store, gateway.subjects = _Store(store, acceptances), _Subjects(subjects, filed)  # type: ignore[assignment]
    try:
        await accept(gateway, submission)
    finally:
        gateway.store, gateway.subjects = store, subjects
    made = acceptances[-1]
    plain = {made.message.id: gateway.payloads.open(made.original, aad=made.message.id.encode())}
    for new in made.disseminations:
        id = new.dissemination.id
        plain[id] = gateway.payloads.open(new.payload, aad=id.encode())
    return Caught(acceptance=made, plaintexts={str(id): text for id, text in plain.items()}, filed=filed)


# --- one copy -----------------------------------------------------------------------------------------------------


@dataclass
class _Copying:
    """One copy being made. ids: old to new."""

    gateway: Gateway
    original: Caught
    number: int
    at: datetime
    ids: dict[str, str] = field(default_factory=dict)

    def id(self, old: str) -> str:
        """The copy's id for one of the original's."""
        if old not in self.ids:
            self.ids[old] = self.gateway.new_id(self.at)
        return self.ids[old]

    def text(self, old: str) -> str:
        """A text with ids and moment changed."""
        for before, after in self.ids.items():
            old = old.replace(before, after)
        moment = self.original.acceptance.message.received_at
        return old.replace(timestamp(moment), timestamp(self.at)).replace(moment.isoformat(), self.at.isoformat())

    def sealed(self, due: datetime, of: str) -> Sealed:
        """The same content under a key of its own, in the bucket of its time."""
        return self.gateway.payloads.seal_salted(
            self.original.plaintexts[of],
            bucket=bucket_name(due + (self.at - self.original.acceptance.message.received_at) + SPAN),
            aad=self.ids[of].encode(),
            random=self.gateway.clock.random(17),
        )[0]

    def kept(self, old: Kept | None, sealed: Sealed) -> Kept | None:
        """When it is due: as much later as it came, and not yet; else a run would have destroyed it."""
        if old is None:
            return None
        later = self.at - old.at
        return replace(
            old,
            id=self.text(old.id),
            message=MessageId(self.text(old.message)),
            at=self.at,
            counts_from=old.counts_from + later,
            due_at=old.due_at + later + SPAN,
            bucket=sealed.bucket,
            index=sealed.index,
        )

    def entry(self, old: AuditEntry) -> AuditEntry:
        """An entry of its own, in canonical form."""
        id = self.id(old.id)
        body = json.dumps(
            json.loads(self.text(old.body.decode())), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        ).encode()
        message = MessageId(self.text(old.message)) if old.message else None
        return replace(old, id=id, at=self.at, body=body, leaf_hash=leaf_hash(body), message=message)

    def filed(self) -> Iterator[Filed]:
        """Rows of the disclosure index about another person."""
        subjects = self.gateway.subjects
        assert subjects is not None
        person = f"sid:XX{self.number % PERSONS:07d}"
        for _, _, plaintexts in self.original.filed:
            rows = [_about(person, self.text(text.decode())) for text in plaintexts]
            terms = (person, f"sound:{self.number % PERSONS}|0")
            yield from subjects.file(terms, key=person, plaintexts=rows, now=self.at)


def _about(person: str, row: str) -> bytes:
    """A row of the disclosure index about somebody who has this number alone."""
    version, (_, names, born), what = json.loads(row)
    return json.dumps([version, [[person], names, born], what], separators=(",", ":")).encode()


def _copy(gateway: Gateway, original: Caught, number: int, at: datetime) -> Acceptance:
    old = original.acceptance
    copying = _Copying(gateway, original, number, at)
    key = MessageId(copying.id(old.message.id))
    for new in old.disseminations:
        copying.id(new.dissemination.id)
        copying.id(new.delivery.id)
    message = replace(old.message, id=key, first=key, sender_id=f"COPY-{number}", received_at=at)
    sealed = copying.sealed(_due(old.kept), old.message.id)
    return replace(
        old,
        message=message,
        original=sealed,
        kept=copying.kept(old.kept, sealed),
        disseminations=tuple(_dissemination(copying, new, key, number) for new in old.disseminations),
        entries=tuple(map(copying.entry, old.entries)),
        disclosures=tuple(copying.filed()),
        content_digest=number.to_bytes(32),
    )


def _due(kept: Kept | None) -> datetime:
    if kept is None:
        raise ValueError("whatever is accepted is kept until some day")
    return kept.due_at


def _dissemination(copying: _Copying, old: NewDissemination, message: MessageId, number: int) -> NewDissemination:
    """Nine of ten have arrived."""
    id = DisseminationId(copying.ids[old.dissemination.id])
    sealed = copying.sealed(_due(old.kept), old.dissemination.id)
    delivery = replace(
        old.delivery,
        id=DeliveryId(copying.ids[old.delivery.id]),
        dissemination=id,
        message=message,
        first=message,
        created_at=copying.at,
    )
    if number % 10:
        delivery = replace(delivery, state=State.DELIVERED, attempts=1, delivered_at=copying.at + timedelta(minutes=1))
    return replace(
        old,
        dissemination=replace(old.dissemination, id=id, message=message),
        payload=sealed,
        delivery=delivery,
        kept=copying.kept(old.kept, sealed),
    )
