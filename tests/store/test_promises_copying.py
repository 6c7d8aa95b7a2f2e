"""Promises of copying a database out while it is written to, and into an empty one: on both kinds."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from gateway.delivery.delivery import State
from gateway.message import MessageId
from gateway.store.copying import KEY_DIRECTORY, LOST, UNCLAIMED, Copied, Copying, NotEmpty, OtherDatabase, copying
from gateway.store.database import database_kind, sqlite_path, sqlite_url
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.open import check_migrated, open_store
from tests.store.examples import POLICE, Sequencer, acceptance, agency, entry
from tests.store.postgres_server import fresh_database


@dataclass
class Memory:
    """A copy held in memory."""

    parts: dict[str, bytearray] = field(default_factory=dict)
    _name: str = ""

    def begin(self, name: str) -> None:
        self._name = name
        self.parts[name] = bytearray()

    def write(self, content: bytes | memoryview) -> None:
        self.parts[self._name] += content

    def read(self) -> Iterator[tuple[str, Iterator[memoryview]]]:
        for name, content in self.parts.items():
            yield name, iter([memoryview(content)] if content else [])


def told(_done: int, _total: int) -> None:
    """Nobody watches."""


def copied_out(url: str) -> tuple[Memory, Copied]:
    memory = Memory()
    return memory, copying(url).out(memory, told)


def copied_in(url: str, memory: Memory, copied: Copied) -> Copying:
    into = copying(url)
    into.into(memory.read(), migrations=frozenset(copied.migrations), mark="archive-1", told=told)
    return into


@pytest.fixture
def other_url(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of the same kind."""
    if database_kind(store_url) == "sqlite":
        yield sqlite_url(tmp_path / "other" / "gateway.db")
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def _folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()


pytestmark = pytest.mark.usefixtures("_folder")


@pytest.fixture
async def filled(store: Store) -> Store:
    """A store with a bit of everything that comes first to mind."""
    await store.set_fact(KEY_DIRECTORY, "sha-256:the-keys")
    await store.change([agency(), agency(POLICE)], [entry(type="agency")])
    for _ in range(3):
        await store.accept(acceptance(POLICE, configuration=1))
    await store.sequence(5, Sequencer())
    return store


async def everything(store: Store) -> tuple[object, ...]:
    messages = await store.messages(None, None, 100)
    return (
        await store.configuration(),
        messages,
        [await store.message(message.id) for message in messages],
        [await store.disseminations(message.id) for message in messages],
        await store.deliveries(State.WAITING, None, None, 100),
        await store.entries(0, 100),
        await store.checkpoint(),
        await store.hashes(0, 0, 100),
        await store.counts(),
    )


async def opened(url: str) -> Store:
    store = open_store(url)
    await store.open()
    return store


async def test_what_is_copied_in_is_what_was_copied_out(filled: Store, store_url: str, other_url: str) -> None:
    memory, copied = copied_out(store_url)
    assert (copied.messages, copied.log_size, copied.unsequenced) == (3, 5, 2)
    assert copied.checkpoint == await filled.checkpoint()
    copied_in(other_url, memory, copied)
    check_migrated(other_url)
    other = await opened(other_url)
    try:
        assert await everything(other) == await everything(filled)
    finally:
        await other.close()


async def test_the_copy_goes_on_working(filled: Store, store_url: str, other_url: str) -> None:
    copied_in(other_url, *copied_out(store_url))
    other = await opened(other_url)
    try:
        await other.accept(acceptance(POLICE, configuration=1))
        assert await other.sequence(100, Sequencer()) > 0
        assert (await other.counts()).unsequenced == 0
        entries = await other.entries(0, 100)
        assert [each.index for each in entries] == list(range(len(entries)))
    finally:
        await other.close()


async def test_the_log_of_a_copy_is_still_written_once(filled: Store, store_url: str, other_url: str) -> None:
    copied_in(other_url, *copied_out(store_url))
    with pytest.raises((sqlite3.Error, psycopg.Error), match="never"):
        execute(other_url, "DELETE FROM entry")


def execute(url: str, text: str) -> None:
    if database_kind(url) == "sqlite":
        with sqlite3.connect(sqlite_path(url)) as db:
            db.execute(text)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(text)  # type: ignore[call-overload]


async def test_a_copy_belongs_to_no_key_directory_until_it_is_claimed(
    filled: Store, store_url: str, other_url: str
) -> None:
    into = copied_in(other_url, *copied_out(store_url))
    other = await opened(other_url)
    try:
        assert await other.fact(KEY_DIRECTORY) == f"{UNCLAIMED}archive-1"
        assert await other.set_fact(KEY_DIRECTORY, "sha-256:the-keys") != "sha-256:the-keys"
        into.claim("sha-256:the-keys")
        assert await other.fact(KEY_DIRECTORY) == "sha-256:the-keys"
    finally:
        await other.close()


async def test_an_unfinished_restore_is_done_over_and_a_finished_one_is_not(
    filled: Store, store_url: str, other_url: str
) -> None:
    memory, copied = copied_out(store_url)
    copied_in(other_url, memory, copied)
    into = copied_in(other_url, memory, copied)  # as if the first had been killed
    into.claim("sha-256:the-keys")
    with pytest.raises(NotEmpty):
        into.check_empty()
    with pytest.raises(NotEmpty):
        copied_in(other_url, memory, copied)


async def test_a_living_database_is_not_copied_over(filled: Store, store_url: str) -> None:
    memory, copied = copied_out(store_url)
    before = await everything(filled)
    with pytest.raises(NotEmpty):
        copied_in(store_url, memory, copied)
    assert await everything(filled) == before


async def test_new_inbox_items_of_a_restored_database_stand_above_all_that_was_ever_listed(
    filled: Store, store_url: str, other_url: str
) -> None:
    memory, copied = copied_out(store_url)
    for _ in range(20):  # what comes after the copy, and a poller sees
        await filled.accept(acceptance(POLICE, configuration=1))
    seen = max(each.position for each in await filled.inbox(POLICE, 0, 100))
    copied_in(other_url, memory, copied).finish(frozenset())
    other = await opened(other_url)
    try:
        new = acceptance(POLICE, configuration=1)
        await other.accept(new)
        assert [each.dissemination.message for each in await other.inbox(POLICE, seen, 100)] == [new.message.id]
    finally:
        await other.close()


async def test_payloads_of_lost_buckets_lie_where_no_key_ever_was(
    filled: Store, store_url: str, other_url: str
) -> None:
    into = copied_in(other_url, *copied_out(store_url))
    assert into.buckets() == {"2027-W05"}
    into.finish(frozenset({"2027-W04"}))
    assert into.buckets() == {"2027-W05"}
    into.finish(frozenset({"2027-W05"}))
    assert into.buckets() == {LOST}


async def test_a_copy_made_under_load_holds_all_that_was_stored_before_and_is_one_state(
    filled: Store, store_url: str, other_url: str
) -> None:
    acknowledged: list[MessageId] = []
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            one = acceptance(POLICE, configuration=1, size_bytes=6000)
            await filled.accept(one)
            acknowledged.append(one.message.id)

    async def order() -> None:
        while not stop.is_set():
            await filled.sequence(100, Sequencer())
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(each) for each in (write(), write(), order())]
    while len(acknowledged) < 200:  # noqa: ASYNC110 (a count, not a moment, is waited for)
        await asyncio.sleep(0.01)
    before = list(acknowledged)
    memory, copied = await asyncio.to_thread(copied_out, store_url)
    after = len(acknowledged)
    stop.set()
    await asyncio.gather(*tasks)
    assert after > len(before)  # it was written to all the while

    copied_in(other_url, memory, copied)
    other = await opened(other_url)
    try:
        held = {message.id for message in await other.messages(None, None, 100_000)}
        assert held >= set(before)
        assert len(held) == copied.messages
        counts = await other.counts()
        assert (counts.log_size, counts.unsequenced) == (copied.log_size, copied.unsequenced)
        # Each message came with its two entries and its delivery, or not at all.
        assert counts.log_size + counts.unsequenced == 1 + 2 * len(held)
        assert sum(count for _, _, count in counts.deliveries) == len(held)
        assert await other.checkpoint(copied.log_size) == copied.checkpoint
    finally:
        await other.close()


async def test_a_damaged_part_is_not_taken_in_and_leaves_the_database_empty(
    filled: Store, store_url: str, other_url: str
) -> None:
    memory, copied = copied_out(store_url)
    largest = max(memory.parts, key=lambda name: len(memory.parts[name]))
    memory.parts[largest] = memory.parts[largest][: len(memory.parts[largest]) // 2]
    with pytest.raises(Exception):  # noqa: B017, PT011  (whichever it is, by the kind of database)
        copied_in(other_url, memory, copied)
    copying(other_url).check_empty()
    copied_in(other_url, *copied_out(store_url))


async def test_a_restore_that_is_interrupted_leaves_the_database_empty(
    filled: Store, store_url: str, other_url: str
) -> None:
    memory, copied = copied_out(store_url)

    def interrupted() -> Iterator[tuple[str, Iterator[memoryview]]]:
        for name, blocks in memory.read():
            yield name, _cut(blocks)

    def _cut(blocks: Iterator[memoryview]) -> Iterator[memoryview]:
        for block in blocks:
            if len(block) > 10:
                yield block[:10]
                raise KeyboardInterrupt
            yield block

    with pytest.raises(KeyboardInterrupt):
        copying(other_url).into(interrupted(), migrations=frozenset(copied.migrations), mark="archive-1", told=told)
    copying(other_url).check_empty()


async def test_a_copy_is_not_of_the_other_kind(
    filled: Store, store_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    memory, copied = copied_out(store_url)
    if database_kind(store_url) == "sqlite":
        with fresh_database(request.getfixturevalue("postgres_server")) as url, pytest.raises(OtherDatabase):
            copied_in(url, memory, copied)
    else:
        with pytest.raises(OtherDatabase):
            copied_in(sqlite_url(tmp_path / "other.db"), memory, copied)


def test_an_absent_database_is_said_to_be_unavailable(tmp_path: Path) -> None:
    for url in (sqlite_url(tmp_path / "none.db"), "postgresql://nobody@/nothing?host=/nonexistent"):
        with pytest.raises(StoreUnavailable):
            copied_out(url)
    assert not (tmp_path / "none.db").exists()


def test_nothing_of_a_copy_lies_beside_the_database_while_it_is_made(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite_path(migrated_sqlite_url)
    seen: list[set[str]] = []

    class Watching(Memory):
        def begin(self, name: str) -> None:
            seen.append({each.name for each in path.parent.iterdir()})
            super().begin(name)

    copying(migrated_sqlite_url).out(Watching(), told)
    assert not [name for name in seen[0] if name.endswith(".copying")]
    assert not [each for each in path.parent.iterdir() if each.name.endswith(".copying")]
