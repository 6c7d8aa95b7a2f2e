"""Promises of the store on what the log is asked."""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from gateway.audit.entry import AuditEntry
from gateway.clock import timestamp
from gateway.delivery.delivery import State
from gateway.message import MessageId, uuid7, uuid7_floor
from gateway.store.answers import COMMON, Page, Tallied
from gateway.store.database import sqlite_path
from gateway.store.interface import Store
from gateway.store.log import StoredEntry
from gateway.store.sqlite_statements import SQL
from tests.store.examples import FUSION, JAIL, NOW, POLICE, Sequencer, acceptance, agency, delivered, entry, new_id

HOUR = timedelta(hours=1)
_count = iter(range(1_000_000))


def saying(type: str, at: datetime = NOW, message: str | None = None, **says: Any) -> AuditEntry:
    """An entry whose body says this, with an id of its moment."""
    key = uuid7(at, next(_count).to_bytes(10))
    body = json.dumps({"id": key, "type": type, **says}, sort_keys=True, separators=(",", ":")).encode()
    return AuditEntry(
        id=key,
        type=type,
        at=at,
        body=body,
        leaf_hash=hashlib.sha256(b"\x00" + body).digest(),
        message=None if message is None else MessageId(message),
    )


def ids(found: tuple[StoredEntry, ...]) -> list[str]:
    return [each.entry.id for each in found]


def own(*entries: AuditEntry) -> list[str]:
    return [each.id for each in entries]


@pytest.mark.parametrize("types", [("trial", "approve"), ("trial", "receive")])
async def test_entries_of_types_in_a_period_from_its_first_moment_up_to_its_end(
    store: Store, types: tuple[str, ...]
) -> None:
    written = [saying(types[number % 2], NOW + number * HOUR) for number in range(6)]
    await store.record([*reversed(written), saying("user", NOW + HOUR)])
    assert ids(await store.entries_of_types(types, since=NOW + HOUR, until=NOW + 4 * HOUR, limit=9)) == own(
        *written[1:4]
    )
    assert ids(await store.entries_of_types(types, since=NOW + 5 * HOUR, limit=9)) == own(written[5])
    assert ids(await store.entries_of_types(types, until=NOW, limit=9)) == []


@pytest.mark.parametrize("types", [("trial", "approve"), ("trial", "receive")])
async def test_pages_of_types_follow_each_other_without_gap_or_repeat(store: Store, types: tuple[str, ...]) -> None:
    written = [saying(types[number % 2], NOW + timedelta(seconds=number // 3)) for number in range(11)]
    await store.record(written)
    seen: list[str] = []
    after = ""
    while page := await store.entries_of_types(types, since=NOW, after=after, limit=4):
        assert len(page) <= 4
        seen += ids(page)
        after = page[-1].entry.id
    assert sorted(seen) == sorted(own(*written))
    moments = [each.at for each in sorted(written, key=lambda each: seen.index(each.id))]
    assert all(one <= other for one, other in pairwise(moments))


async def test_entries_of_one_moment_come_as_they_were_written(store: Store) -> None:
    written = [replace(saying("check"), id=new_id()), replace(saying("activate"), id=new_id())]
    await store.record(list(reversed(written)))
    assert ids(await store.entries_of_types(("check", "activate"), limit=9)) == own(*reversed(written))


async def test_the_list_of_common_types_is_that_of_the_index(store: Store) -> None:
    """A type that the index leaves out and the list does not would never be found."""
    for word in ("receive", "repeat", "disseminate", "deliver", "evidence", "fail", "read"):
        assert word in COMMON
    written = [saying(word.value) for word in COMMON]
    await store.record(written)
    for each in written:
        assert ids(await store.entries_of_types((each.type,), limit=9)) == own(each)


async def test_readings_by_people_are_told_from_those_of_recipients(store: Store) -> None:
    person, recipient = saying("read", actor="ana", kind="because"), saying("read", kind="payload")
    await store.record([recipient, person])
    assert ids(await store.readings(Page(limit=9))) == own(person)
    assert ids(await store.readings(Page(until=NOW, limit=9))) == []
    assert ids(await store.readings(Page(after=person.id, limit=9))) == []


async def test_what_went_under_some_versions_page_by_page(store: Store) -> None:
    between = {"sender": JAIL, "recipient": POLICE}
    first = [saying("disseminate", NOW + number * HOUR, mou=f"A@{1 + number % 2}", **between) for number in range(4)]
    other = [saying("disseminate", mou="AB@1", sender=JAIL, recipient=FUSION), saying("withhold", mou="A@1")]
    own_copy = saying("disseminate", mou="A@1", sender=JAIL, recipient=JAIL)
    await store.record([*first, *other, own_copy])
    assert ids(await store.disseminated(("A@1", "A@2"), Page(limit=3))) == own(*first[:3])
    assert ids(await store.disseminated(("A@1", "A@2"), Page(after=first[2].id, limit=3))) == own(first[3])
    assert ids(await store.disseminated(("A@2",), Page(limit=3))) == own(first[1], first[3])
    period = Page(since=NOW + HOUR, until=NOW + 3 * HOUR, limit=9)
    assert ids(await store.disseminated(("A@1", "A@2"), period)) == own(*first[1:3])
    assert await store.disseminated((), Page(limit=3)) == ()
    assert set(ids(await store.disseminated(None, Page(limit=9)))) == set(own(*first, other[0]))
    assert ids(await store.disseminated(None, Page(since=NOW + HOUR, limit=2))) == own(*first[1:3])
    assert ids(await store.disseminated(None, Page(limit=9), recipient=FUSION)) == own(other[0])
    assert ids(await store.disseminated(("A@1",), Page(limit=9), sender=FUSION)) == []
    assert ids(await store.disseminated(("A@1",), Page(limit=9), sender=JAIL)) == own(first[0], first[2])


async def test_only_what_is_accounted_for_is_found_as_such(store: Store) -> None:
    health = saying("disseminate", mou="A@1", counts={"medical.need": 2})
    await store.record([saying("disseminate", mou="A@1"), health, saying("emergency", counts={"person.name": 1})])
    assert ids(await store.accounted(Page(limit=9))) == own(health)
    assert ids(await store.accounted(Page(since=NOW + HOUR, limit=9))) == []


async def test_ends_that_missed_a_deadline_are_found_by_the_deadline(store: Store) -> None:
    late = [
        saying(word, NOW + 9 * HOUR, deadline=timestamp(NOW + number * HOUR))
        for number, word in enumerate(("deliver", "undeliverable", "expire", "recall", "discard"))
    ]
    await store.record([*late, saying("deliver"), saying("disseminate", mou="A@1", deadline=timestamp(NOW))])
    assert ids(await store.late(Page(limit=9))) == own(*late)
    period = Page(since=NOW + HOUR, until=NOW + 3 * HOUR, limit=9)
    assert ids(await store.late(period)) == own(*late[1:3])
    assert ids(await store.late(Page(after=late[3].id, limit=9))) == own(late[4])


async def test_a_deadline_stays_with_its_delivery(store: Store) -> None:
    given = acceptance(POLICE, FUSION)
    one, other = given.disseminations
    one = replace(one, delivery=replace(one.delivery, deadline=NOW + HOUR))
    await store.accept(replace(given, disseminations=(one, other)))
    for new in (one, other):
        record = await store.delivery(new.delivery.id)
        assert record is not None
        assert record.delivery == new.delivery
        assert record.payload == new.payload
    assert {each.deadline for each in await store.deliveries(None, None, None, 9)} == {NOW + HOUR, None}


async def test_what_is_under_way_past_its_deadline(store: Store) -> None:
    await store.change([agency(POLICE), agency(FUSION)], ())
    made = []
    for hours in (3, 1, 2):
        given = acceptance(POLICE, configuration=1)
        (one,) = given.disseminations
        made.append(replace(one.delivery, deadline=NOW + hours * HOUR))
        await store.accept(replace(given, disseminations=(replace(one, delivery=made[-1]),)))
    await store.accept(acceptance(POLICE, configuration=1))
    now = NOW + 2.5 * HOUR
    found = await store.overdue(now, since=None, until=None, limit=9)
    assert [each.id for each in found] == [made[1].id, made[2].id]
    assert await store.overdue(now, since=NOW + 2 * HOUR, until=None, limit=9) == (made[2],)
    assert await store.overdue(now, since=None, until=NOW + 2 * HOUR, limit=9) == (made[1],)
    assert await store.move(delivered(made[1]), expected=State.WAITING, entries=())
    assert await store.overdue(now, since=None, until=None, limit=9) == (made[2],)


async def test_the_stories_of_several_messages(store: Store) -> None:
    keys = [MessageId(new_id()) for _ in range(3)]
    written = [entry(keys[number % 3]) for number in range(6)]
    await store.record(written)
    await store.record([entry()])
    found = await store.entries_about((keys[0], keys[2], keys[0], MessageId(new_id())))
    assert [each.entry for each in found] == [written[0], written[2], written[3], written[5]]
    assert await store.entries_about(()) == ()


async def test_some_leaves_of_the_tree(store: Store) -> None:
    written = [entry() for _ in range(5)]
    await store.record(written)
    assert await store.entries_at((0, 1)) == ()
    await store.sequence(9, Sequencer())
    found = await store.entries_at((3, 1, 3, 17))
    assert found == tuple(StoredEntry(entry=written[index], index=index) for index in (1, 3))


async def test_how_often_each_code_was_said(store: Store) -> None:
    await store.record(
        [
            saying("refuse", NOW, code="message.invalid"),
            saying("refuse", NOW + HOUR, code="message.invalid"),
            saying("withhold", NOW, code="agency.suspended"),
            saying("user", NOW),
        ]
    )
    types = ("refuse", "withhold", "user")
    assert await store.tallies(types, None, None) == (
        Tallied(type="refuse", code="message.invalid", count=2, first=NOW, last=NOW + HOUR),
        Tallied(type="user", code="", count=1, first=NOW, last=NOW),
        Tallied(type="withhold", code="agency.suspended", count=1, first=NOW, last=NOW),
    )
    assert [each.count for each in await store.tallies(("refuse",), NOW + HOUR, None)] == [1]


def test_the_floor_of_a_moment_parts_its_ids_from_all_before() -> None:
    before, at = (uuid7(NOW + timedelta(milliseconds=by), b"\x00" * 10) for by in (-1, 0))
    assert before < uuid7_floor(NOW) < at


QUERIES = ("rare_entries", "readings", "disseminated", "accounted", "late", "tallies", "entries_about", "overdue")


@pytest.mark.parametrize("query", QUERIES)
def test_on_sqlite_no_question_reads_the_whole_log(migrated_sqlite_url: str, query: str) -> None:
    """What an index finds costs as much as it finds, however long the log."""
    values = dict.fromkeys(("types", "versions", "messages"), "[]") | {"since": 0, "until": 1, "after": "", "limit": 9}
    values |= {"sender": "", "recipient": "", "now": 1}
    with closing(sqlite3.connect(sqlite_path(migrated_sqlite_url))) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {SQL[query]}", values)]
    whole = {"SCAN e", "SCAN entry", "SCAN v", "SCAN t", "SCAN delivery", "SCAN d", "SCAN m"}
    assert [step for step in plan if step in whole] == []
