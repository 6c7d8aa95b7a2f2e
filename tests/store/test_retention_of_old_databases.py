"""A database that was there before due dates: all that lies in it is due at the end of its bucket's week."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from gateway.retention.kept import Kind, bucket_over
from gateway.store import migrate as migrating
from gateway.store.database import MIGRATIONS, database_kind
from gateway.store.interface import Store
from gateway.store.open import open_store
from tests.store.examples import JAIL, POLICE, acceptance, refused, release

FAR = datetime(2100, 1, 1, tzinfo=UTC)


async def backfilled(store: Store, url: str) -> None:
    """Run the migration once more over what is there: each of its statements may run twice."""
    kind = database_kind(url)
    text = (MIGRATIONS / kind / "0002_retention.sql").read_text()
    statements = "\n".join(line for line in text.splitlines() if not line.startswith("--")).split(";")
    if kind == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
            for each in statements:
                db.execute(each)
        db.close()
        return
    with psycopg.connect(url, autocommit=True) as server:
        for each in statements:
            if each.strip():
                server.execute(each)  # type: ignore[arg-type]


@pytest.mark.parametrize("bucket", ["2026-W01", "2026-W53", "2027-W05", "2028-W52", "2021-W01"])
async def test_what_was_there_is_due_when_its_week_is_over(store: Store, store_url: str, bucket: str) -> None:
    message = acceptance(POLICE, configuration=0)
    message = replace(
        message,
        original=replace(message.original, bucket=bucket),
        disseminations=tuple(
            replace(each, payload=replace(each.payload, bucket=bucket)) for each in message.disseminations
        ),
    )
    wanted = release(message)
    await store.accept(message)
    await store.release(wanted)
    await store.refuse(refused())
    assert await store.due(FAR, None, 10) == ()
    for _ in range(2):
        await backfilled(store, store_url)
    found = {each.id: each for each in await store.due(FAR, None, 10)}
    assert len(found) == 6
    original = found[message.message.id]
    assert (original.kind, original.due_at, original.index) == (
        Kind.ORIGINAL,
        bucket_over(bucket),
        message.original.index,
    )
    (given,) = message.disseminations
    mine = found[given.dissemination.id]
    assert (mine.recipient, mine.mou, mine.clause, mine.due_at) == (
        POLICE,
        "JAIL-PD-2026-01@1",
        "E1",
        bucket_over(bucket),
    )
    assert {each.kind for each in found.values()} == set(Kind) - {Kind.REPLY}  # there were none then
    assert {each.sender for each in found.values()} == {JAIL}


async def test_a_database_of_the_first_version_is_migrated(empty_url: str) -> None:
    assert migrating.migrate(empty_url) >= 2
    store = open_store(empty_url)
    await store.open()
    assert (await store.holding(FAR)).kept == 0
    await store.close()
