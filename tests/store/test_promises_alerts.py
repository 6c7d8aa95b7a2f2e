"""Alerts in the store: one process watches, what it found is written whole, what is to be told waits until it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.alert.alert import Code, News, Notice, Severity, Standing
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.message import uuid7
from gateway.store.alerts import Watched
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.open import migrate, open_store
from tests.full_disk import full_disk

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)

BEHIND = Standing(code=Code.LOG_BEHIND, subject="", severity=Severity.CRITICAL, count=1, raised_at=NOW, told_at=NOW)


def notice(number: int, *, due_at: datetime = NOW) -> Notice:
    return Notice(
        id=f"n-{number}",
        way="mail",
        news=News.RAISED,
        code=Code.LOG_BEHIND,
        subject="",
        severity=Severity.CRITICAL,
        count=1,
        raised_at=NOW,
        made_at=NOW,
        due_at=due_at,
    )


_made = iter(range(10**6))


def entry(at: datetime = NOW, type: EntryType = EntryType.ALERT, **fields: object) -> AuditEntry:
    given = fields or {"action": "raised", "code": "log.behind"}
    return make(type, id=uuid7(at, next(_made).to_bytes(10)), at=at, **given)  # type: ignore[arg-type]


async def test_one_process_watches_until_its_time_is_over(store: Store, second: Store) -> None:
    assert await store.take_watch("one", now=NOW, until=LATER)
    assert not await second.take_watch("two", now=NOW, until=LATER)
    assert await store.take_watch("one", now=LATER, until=LATER + timedelta(seconds=30))
    assert not await second.take_watch("two", now=LATER, until=LATER)
    later = LATER + timedelta(seconds=30)
    assert await second.take_watch("two", now=later, until=later + timedelta(seconds=30))
    assert not await store.take_watch("one", now=later, until=later + timedelta(seconds=30))


async def test_what_a_look_found_is_written_whole(store: Store) -> None:
    await store.take_watch("one", now=NOW, until=LATER)
    assert await store.keep_alerts(Watched(holder="one", standing=(BEHIND,), notices=(notice(1),), entries=(entry(),)))
    assert await store.alerts() == (BEHIND,)
    assert await store.notices(10) == (notice(1),)
    assert (await store.counts()).unsequenced == 1
    over = replace(BEHIND, cleared_at=LATER, count=3)
    assert await store.keep_alerts(Watched(holder="one", standing=(over,)))
    assert await store.alerts() == (over,)


async def test_who_watches_no_more_writes_nothing(store: Store, second: Store) -> None:
    await store.take_watch("one", now=NOW, until=NOW)
    await second.take_watch("two", now=LATER, until=LATER + timedelta(seconds=30))
    assert not await store.keep_alerts(
        Watched(holder="one", standing=(BEHIND,), notices=(notice(1),), entries=(entry(),))
    )
    assert await store.alerts() == ()
    assert await store.notices(10) == ()
    assert (await store.counts()).unsequenced == 0


async def test_an_entry_that_is_there_already_leaves_nothing_of_a_look(store: Store) -> None:
    await store.take_watch("one", now=NOW, until=LATER)
    known = entry()
    await store.record([known])
    with pytest.raises(StoreUnavailable):
        await store.keep_alerts(Watched(holder="one", standing=(BEHIND,), notices=(notice(1),), entries=(known,)))
    assert await store.alerts() == ()
    assert await store.notices(10) == ()


async def test_silence_changes_nothing_else_of_what_stands(store: Store) -> None:
    await store.take_watch("one", now=NOW, until=LATER)
    await store.keep_alerts(Watched(holder="one", standing=(BEHIND,)))
    stale = replace(BEHIND, count=99, cleared_at=LATER, silenced_until=LATER)
    await store.silence(stale, [entry()])
    assert await store.alerts() == (replace(BEHIND, silenced_until=LATER),)
    other = replace(stale, code=Code.BACKLOG)
    await store.silence(other, [])
    assert other in await store.alerts()


async def test_what_is_sent_is_forgotten_and_the_rest_waits(store: Store) -> None:
    await store.take_watch("one", now=NOW, until=LATER)
    await store.keep_alerts(Watched(holder="one", notices=(notice(2, due_at=LATER), notice(1))))
    assert [each.id for each in await store.notices(10)] == ["n-1", "n-2"]
    again = replace(notice(1), attempts=1, due_at=LATER + timedelta(seconds=1), last_error="alerts.refused")
    await store.settle_notices(["n-2"], [again])
    assert await store.notices(10) == (again,)


async def test_reviews_and_weeks_of_the_log(store: Store) -> None:
    assert await store.log_span() is None
    week = timedelta(days=7)
    reviewed = {
        "valid_from": NOW - week,
        "until": NOW,
        "count": 1,
        "counts": {"alert": 1},
        "digest": "sha-256:" + "0" * 64,
        "actor": "dana",
        "fingerprint": "0" * 64,
        "signature": "A" * 86 + "==",
    }
    first = entry(NOW, EntryType.REVIEW, **reviewed)
    second = entry(NOW + week, EntryType.REVIEW, **reviewed)
    await store.record([entry(NOW - timedelta(milliseconds=1)), first, entry(NOW + week / 2), second])
    found = await store.reviews(None, 10)
    assert [each.entry.id for each in found] == [second.id, first.id]
    assert [each.entry.id for each in await store.reviews(second.id, 10)] == [first.id]
    assert dict(await store.types_between(NOW, NOW + week)) == {"alert": 1, "review": 1}
    assert dict(await store.types_between(NOW - week, NOW)) == {"alert": 1}
    assert await store.log_span() == (NOW - timedelta(milliseconds=1), NOW + week)


async def record_many(store: Store) -> None:
    """More than the free pages of a file hold."""
    for _ in range(100):
        await store.record([entry() for _ in range(20)])


async def test_a_file_that_may_not_grow_is_told_to_whoever_watches(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'full.db'}"
    migrate(url)
    store = open_store(url)
    await store.open()
    try:
        await store.take_watch("one", now=NOW, until=LATER)
        with full_disk(store):
            with pytest.raises(StoreUnavailable):
                await record_many(store)
            with pytest.raises(StoreUnavailable):
                await store.take_watch("one", now=NOW, until=LATER)
        assert await store.take_watch("one", now=NOW, until=LATER)
    finally:
        await store.close()
