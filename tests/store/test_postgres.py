"""What only PostgreSQL has to show: `gateway/store/postgres.py` and its tables, locks and settings."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from gateway.agency import AgencyId
from gateway.store import points, postgres_messages, postgres_pool
from gateway.store.database import NotDurable
from gateway.store.deliveries import Claim
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.messages import Stored
from gateway.store.open import open_store
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_reading import NoConnection
from tests.store.examples import EVERYBODY, FUSION, NOW, POLICE, Sequencer, acceptance, agency, entry


@pytest.fixture
async def store(migrated_postgres_url: str):
    """An open store."""
    opened = PostgresStore(migrated_postgres_url)
    await opened.open()
    yield opened
    await opened.close()


@contextmanager
def held_before_commit(url: str, kind: str, monkeypatch: pytest.MonkeyPatch, write) -> Iterator[None]:
    """Another node that has done all of a write but its commit, and is held there."""
    reached, release = threading.Event(), threading.Event()

    async def live() -> None:
        node = open_store(url)
        await node.open()
        await write(node)
        await node.close()

    other = threading.Thread(target=lambda: asyncio.run(live()))

    def watch(point: str) -> None:
        if threading.current_thread() is other and point == f"{kind}.before-commit":
            reached.set()
            assert release.wait(20)

    monkeypatch.setattr(points, "watch", watch)
    other.start()
    assert reached.wait(20)
    try:
        yield
    finally:
        release.set()
        other.join(20)


async def claim_all(node: Store, limit: int) -> tuple[Claim, ...]:
    """What may be claimed, one for each recipient at a time."""
    lease_until = NOW + timedelta(minutes=2)
    return await node.claim(now=NOW, lease_until=lease_until, limit=limit, per_recipient=1, push=EVERYBODY)


async def soon_done(task: "asyncio.Task[object]") -> bool:
    """Whether it ends within a time that is long for a database."""
    done, _ = await asyncio.wait([task], timeout=0.4)
    return bool(done)


async def test_a_position_is_not_committed_before_a_smaller_one_of_the_same_inbox(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick, elsewhere = acceptance(FUSION), acceptance(FUSION), acceptance(POLICE)
    with held_before_commit(migrated_postgres_url, "accept", monkeypatch, lambda node: node.accept(slow)):
        assert await store.accept(elsewhere) is Stored.STORED  # other inboxes do not wait
        overtaking = asyncio.create_task(store.accept(quick))
        assert not await soon_done(overtaking)
        assert await store.inbox(FUSION, 0, 10) == ()
    assert await overtaking is Stored.STORED
    inbox = await store.inbox(FUSION, 0, 10)
    assert [record.dissemination.message for record in inbox] == [slow.message.id, quick.message.id]


async def test_a_change_waits_for_what_is_accepted_under_the_old_configuration(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = acceptance(FUSION)
    with held_before_commit(migrated_postgres_url, "accept", monkeypatch, lambda node: node.accept(wanted)):
        change = asyncio.create_task(store.change([agency()], []))
        assert not await soon_done(change)
    assert await change == 1
    assert await store.message(wanted.message.id) is not None


async def test_what_is_accepted_while_the_configuration_changes_is_stale(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_before_commit(migrated_postgres_url, "change", monkeypatch, lambda node: node.change([agency()], [])):
        late = asyncio.create_task(store.accept(acceptance(FUSION)))
        assert not await soon_done(late)
    assert await late is Stored.STALE


async def test_a_correction_waits_for_the_message_of_its_chain_that_is_under_way(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = acceptance(FUSION)
    await store.accept(notice)
    update = acceptance(POLICE, after=notice)
    with held_before_commit(migrated_postgres_url, "accept", monkeypatch, lambda node: node.accept(update)):
        cancel = asyncio.create_task(store.accept(acceptance(FUSION, after=notice, recalls=(POLICE, FUSION))))
        assert not await soon_done(cancel)
    assert await cancel is Stored.STALE
    decided_again = acceptance(FUSION, after=update, recalls=(POLICE, FUSION))
    assert await store.accept(decided_again) is Stored.STORED
    chain = await store.chain(notice.message.id)
    assert sorted(record.delivery.state for record in chain) == ["recalled", "recalled", "waiting"]


async def test_a_claim_waits_for_the_claim_of_another_worker_so_that_both_together_keep_the_bounds(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = acceptance(POLICE)
    for each in (notice, acceptance(POLICE, after=notice), acceptance(FUSION), acceptance(FUSION)):
        await store.accept(each)
    with held_before_commit(migrated_postgres_url, "claim", monkeypatch, lambda node: claim_all(node, limit=1)):
        other = asyncio.create_task(claim_all(store, limit=10))
        assert not await soon_done(other)
    assert [each.record.dissemination.recipient for each in await other] == [FUSION]


async def test_an_entry_committed_late_is_not_lost_by_the_sequencer(
    store: PostgresStore, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = entry(), entry()
    with held_before_commit(migrated_postgres_url, "record", monkeypatch, lambda node: node.record([slow])):
        await store.record([quick])
        assert await store.sequence(10, Sequencer()) == 1
    assert await store.sequence(10, Sequencer()) == 1
    assert [each.entry.id for each in await store.entries(0, 10)] == [quick.id, slow.id]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry",
        "UPDATE entry SET type = 'other'",
        "TRUNCATE entry CASCADE",
        "DELETE FROM leaf",
        "UPDATE leaf SET entry = entry + 1",
        "TRUNCATE leaf",
        "DELETE FROM subtree",
        "UPDATE subtree SET hash = hash",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET body = '0'",
    ],
)
async def test_what_is_in_the_log_is_never_changed_or_deleted(
    store: PostgresStore, migrated_postgres_url: str, statement: str
) -> None:
    await store.record([entry() for _ in range(300)])
    await store.sequence(300, Sequencer())
    with (
        psycopg.connect(migrated_postgres_url, autocommit=True) as db,
        pytest.raises(psycopg.errors.RaiseException, match="never changed or deleted"),
    ):
        db.execute(statement)


async def test_a_server_that_answers_before_its_commits_are_safe_is_refused(migrated_postgres_url: str) -> None:
    with pytest.raises(NotDurable):
        await PostgresStore(f"{migrated_postgres_url}&options=-c%20synchronous_commit%3Doff").open()


async def test_the_transactions_are_read_committed_whatever_the_servers_default(migrated_postgres_url: str) -> None:
    store = PostgresStore(f"{migrated_postgres_url}&options=-c%20default_transaction_isolation%3Dserializable")
    await store.open()
    async with store._writing("record") as db:
        row = await (await db.execute("SELECT current_setting('transaction_isolation')")).fetchone()
    assert row == ("read committed",)
    await store.close()


async def test_reads_go_on_after_the_server_closed_the_connections(
    store: PostgresStore, migrated_postgres_url: str
) -> None:
    await store.accept(acceptance())
    with psycopg.connect(migrated_postgres_url, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await store.configuration_version() == 0
    assert await store.accept(acceptance()) is Stored.STORED


async def test_waiting_writes_share_a_commit(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    monkeypatch.setattr(points, "watch", commits.append)
    results = await asyncio.gather(*(store.accept(acceptance()) for _ in range(200)))
    assert set(results) == {Stored.STORED}
    assert commits.count("accept.after-commit") < 20


async def test_large_payloads_do_not_share_a_commit(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    monkeypatch.setattr(postgres_messages, "_BATCH_BYTES_MAX", 10_000)
    monkeypatch.setattr(points, "watch", commits.append)
    wanted = [acceptance(size_bytes=9_000) for _ in range(5)]
    assert set(await asyncio.gather(*map(store.accept, wanted))) == {Stored.STORED}
    assert commits.count("accept.after-commit") == 5
    found = await store.message(wanted[-1].message.id)
    assert found is not None
    assert found.original == wanted[-1].original


async def test_nodes_that_accept_for_many_recipients_in_any_order_do_not_block_each_other(
    store: PostgresStore, migrated_postgres_url: str
) -> None:
    others = [AgencyId(f"agency-{number}") for number in range(6)]
    node = PostgresStore(migrated_postgres_url)
    await node.open()
    writes = [
        (store if number % 2 else node).accept(acceptance(*(others[number % 6 :] + others[: number % 6])))
        for number in range(60)
    ]
    assert set(await asyncio.gather(*writes)) == {Stored.STORED}
    await node.close()
    assert len(await store.inbox(others[3], 0, 100)) == 60


async def test_without_a_connection_all_who_wait_are_told_at_the_same_time(
    postgres_server: str, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "CONNECT_SECONDS_MAX", 1)
    store = PostgresStore(migrated_postgres_url)
    await store.open()
    database = urlsplit(migrated_postgres_url).path[1:]
    name = sql.Identifier(database)
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
        begun = time.monotonic()
        results = await asyncio.gather(*(store.accept(acceptance()) for _ in range(300)), return_exceptions=True)
        waited = time.monotonic() - begun
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    assert {type(result) for result in results} <= {StoreUnavailable, NoConnection}
    assert waited < 4  # 300 are five batches
    async with asyncio.timeout(20):
        while not await connected_again(store):  # noqa: ASYNC110 - it is the database that comes back
            await asyncio.sleep(0.1)
    assert await store.accept(acceptance()) is Stored.STORED
    await store.close()


async def connected_again(store: PostgresStore) -> bool:
    """Whether the store has found back to its database."""
    try:
        return await store.configuration_version() == 0
    except StoreUnavailable:
        return False


async def test_a_node_that_hangs_does_not_hold_the_log_for_ever(migrated_postgres_url: str) -> None:
    def setting(name: str) -> str:
        with closing(postgres_pool.connect(migrated_postgres_url)) as db:
            row = db.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
        assert row is not None
        return str(row[0])

    assert setting("idle_in_transaction_session_timeout") == "30s"
    assert setting("lock_timeout") == "10s"
