"""Every way to falsify the log is found, on both databases, and the place is named.

The attacker here is the administrator of the database: all triggers are off. What he cannot have is what lies outside:
the key directory, partners' countersigned heads, receipts in senders' hands. Threats that need a partner to be found
are in `test_countersign.py`; those that stop an act are in `tests/store/`.
"""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, sign_checkpoint, unverified_checkpoint
from gateway.audit.clock_step import BACK
from gateway.audit.entry import make
from gateway.audit.receipt import make_receipt
from gateway.audit.tree import leaf_hash
from gateway.exchange.keep_log import LogRewritten, LogRolledBack, keep_log
from gateway.exchange.receipt_check import Kept as ReceiptKept
from gateway.exchange.receipt_check import check_receipt
from gateway.exchange.sequence import LogAltered, LogKeyReplaced, sequence
from gateway.exchange.trouble import standing
from gateway.exchange.verify import verify
from gateway.exchange.watch_log import LogWatch
from gateway.message import MessageId, uuid7
from gateway.store import points
from gateway.store.database import database_kind, sqlite_path
from gateway.store.interface import StoreUnavailable
from gateway.store.open import open_store
from gateway.telemetry import Metrics
from tests.audit.memory_log import JAIL, START, PretendSigner, entry
from tests.exchange.threats import NAME, Attacked, attacked

EDIT = "UPDATE entry SET body = :body WHERE number = (SELECT entry FROM leaf WHERE idx = :idx)"
EDIT_ALL = (
    "UPDATE entry SET body = :body, leaf_hash = :hash WHERE number = (SELECT entry FROM leaf WHERE idx = :idx)",
    "UPDATE leaf SET prefix = :prefix WHERE idx = :idx",
)
CUT = (
    "DELETE FROM entry WHERE number IN (SELECT entry FROM leaf WHERE idx >= :size)",
    "DELETE FROM leaf WHERE idx >= :size",
    "DELETE FROM subtree WHERE level = 1 AND idx >= :tile",
    "DELETE FROM checkpoint WHERE size > :size",
)

STEPS = (50,) * 12
"""Six hundred entries, a head after each fifty: a change is found between two heads at the latest."""


@pytest.fixture
async def log(store_url: str, tmp_path: Path) -> AsyncIterator[Attacked]:
    async with attacked(store_url, tmp_path) as made:
        await made.grow(*STEPS)
        yield made


async def found(log: Attacked, *, incremental: bool = False) -> tuple[set[str], int | None]:
    """Codes of what verifying finds, and the place it names; what is found stands, and is entered."""
    report = (await verify(log.gateway, incremental=incremental)).report
    assert not report.verified
    assert report.findings[0].code in {each.code for each in await standing(log.gateway)}
    return {each.code for each in report.findings}, report.first_bad


async def test_an_untouched_log_is_verified_whole_and_in_parts(log: Attacked) -> None:
    whole = await verify(log.gateway)
    assert whole.report.verified
    assert (whole.report.since, whole.report.entries) == (0, 600)
    await log.grow(70)
    part = await verify(log.gateway, incremental=True)
    assert part.report.verified
    assert (part.before, part.report.since, part.report.size) == (600, 512, 670)
    assert await standing(log.gateway) == []


async def test_an_edited_row_is_named(log: Attacked) -> None:
    log.change(EDIT, idx=321, body=entry(321, code="schema.other").body)
    codes, place = await found(log)
    assert "audit.entry-altered" in codes
    assert place == 321


def edit_all(log: Attacked, index: int) -> None:
    """Another entry, with all its hashes."""
    other = entry(index, code="schema.other")
    log.change(*EDIT_ALL, idx=index, body=other.body, hash=other.leaf_hash, prefix=other.leaf_hash[:8])


async def test_a_row_edited_with_all_its_hashes_is_found_between_two_heads(log: Attacked) -> None:
    edit_all(log, 321)
    codes, place = await found(log)
    assert codes >= {"audit.root-wrong", "audit.hash-altered"}
    assert place == 300  # it is one of the entries 300 to 349: the head of 300 vouches for those before


async def test_nothing_is_signed_on_top_of_a_changed_row_at_the_edge_of_the_tree(log: Attacked) -> None:
    edit_all(log, 580)
    await log.store.record([entry(700)])
    with pytest.raises(LogAltered):
        await keep_log(log.gateway)
    assert [each.code for each in await standing(log.gateway)] == ["audit.log-altered"]
    assert (await found(log))[1] == 550


async def test_a_row_whose_readers_were_changed_is_named(log: Attacked) -> None:
    parties = "UPDATE entry SET parties = :parties WHERE number = (SELECT entry FROM leaf WHERE idx = :idx)"
    log.change(parties, idx=77, parties='["millbrook-police"]')
    assert await found(log) == ({"audit.entry-misfiled"}, 77)


async def test_a_deleted_tail_is_named(log: Attacked) -> None:
    log.change(
        "DELETE FROM entry WHERE number IN (SELECT entry FROM leaf WHERE idx >= 590)",
        "DELETE FROM leaf WHERE idx >= 590",
    )
    codes, place = await found(log)
    assert "audit.entry-missing" in codes
    assert place == 590


async def test_a_tail_deleted_with_its_heads_is_named_by_the_head_beside_the_keys(log: Attacked) -> None:
    cut(log, 500)
    assert await found(log) == ({"audit.log-cut"}, 500)


async def test_two_rows_that_changed_places_are_found_between_two_heads(log: Attacked) -> None:
    log.change(
        "UPDATE leaf SET entry = -entry WHERE idx IN (321, 322)",
        "UPDATE leaf SET entry = (SELECT number FROM entry WHERE id = :one) WHERE idx = 322",
        "UPDATE leaf SET entry = (SELECT number FROM entry WHERE id = :two) WHERE idx = 321",
        one=entry(321).id,
        two=entry(322).id,
    )
    codes, place = await found(log)
    assert "audit.root-wrong" in codes
    assert place == 300


def cut(log: Attacked, size: int) -> None:
    """Take the log back to this size, so that nothing in the database tells of more."""
    log.change(*CUT, size=size, tile=size // 256)


@pytest.mark.parametrize("incremental", [False, True])
async def test_a_database_put_back_is_found_and_nothing_is_signed_on_it(log: Attacked, incremental: bool) -> None:
    await verify(log.gateway)
    cut(log, 500)
    log.change("DELETE FROM verified_head")
    await log.store.record([entry(900)])
    with pytest.raises(LogRolledBack):
        await keep_log(log.gateway)
    assert [(each.code, each.size) for each in await standing(log.gateway)] == [("audit.log-rolled-back", 500)]
    codes, place = await found(log, incremental=incremental)
    assert codes >= {"audit.log-cut"}
    assert place == 500


async def test_a_backup_of_the_file_put_back_is_found(store_url: str, tmp_path: Path) -> None:
    if database_kind(store_url) != "sqlite":
        pytest.skip("a server's files are put back by its own tools; the rows are the same as above")
    async with attacked(store_url, tmp_path) as log:
        await log.grow(50)
    backup = shutil.copy(sqlite_path(store_url), tmp_path / "backup.db")
    async with attacked(store_url, tmp_path) as log:
        log.count = 50
        await log.grow(50)
    shutil.copy(backup, sqlite_path(store_url))
    async with attacked(store_url, tmp_path) as log:
        with pytest.raises(LogRolledBack):
            await keep_log(log.gateway)
        assert await found(log) == ({"audit.log-cut"}, 50)


async def rewritten(log: Attacked, index: int) -> None:
    """A history with another entry at this place, signed anew with the log's own key: no trace in the database."""
    other = entry(index, code="schema.other")
    log.change(
        EDIT_ALL[0],
        "INSERT INTO pending_entry (entry) SELECT entry FROM leaf",
        "DELETE FROM leaf",
        "DELETE FROM subtree",
        "DELETE FROM checkpoint",
        idx=index,
        body=other.body,
        hash=other.leaf_hash,
    )
    heads = log.keys / "heads"
    aside = heads.rename(log.keys / "aside")
    for _ in STEPS:
        await log.gateway.store.sequence(50, _signed(log))
    shutil.rmtree(heads, ignore_errors=True)
    aside.rename(heads)


def _signed(log: Attacked):  # type: ignore[no-untyped-def]
    from gateway.exchange.rotate_log_key import log_keys
    from gateway.exchange.sequence import new_leaves

    signer = log.gateway.keys.log_key.signer
    return lambda head, entries: new_leaves(head, entries, signer, keys=log_keys(log.gateway), origin=NAME)


async def test_a_history_rewritten_with_the_log_s_own_key_is_found(log: Attacked) -> None:
    await rewritten(log, 321)
    with pytest.raises(LogRewritten):
        await keep_log(log.gateway)
    codes, place = await found(log)
    assert codes == {"audit.root-wrong"}
    assert place is not None
    assert place <= 321


async def test_a_head_by_a_forged_key_is_found(log: Attacked) -> None:
    note = await log.store.checkpoint()
    assert note is not None
    forged = sign_checkpoint(unverified_checkpoint(note), PretendSigner(NAME)).encode()
    log.change("UPDATE checkpoint SET body = :body WHERE size = 600", body=forged)
    codes, _ = await found(log)
    assert codes == {"audit.checkpoint-wrong"}


async def test_an_older_head_that_is_forged_is_named_though_the_newest_is_right(log: Attacked) -> None:
    forged = sign_checkpoint(Checkpoint(origin=NAME, size=300, root=bytes(32)), PretendSigner(NAME)).encode()
    log.change("UPDATE checkpoint SET body = :body WHERE size = 300", body=forged)
    report = (await verify(log.gateway)).report
    assert report.root_ok
    assert ("audit.checkpoint-wrong", 300) in [(each.code, each.index) for each in report.findings]


async def test_an_old_head_shown_again_in_the_place_of_the_newest_is_found(log: Attacked) -> None:
    log.change("UPDATE checkpoint SET body = :body WHERE size = 600", body=await log.store.checkpoint(550))
    codes, place = await found(log)
    assert "audit.log-cut" in codes
    assert place == 550


async def test_a_step_back_of_the_clock_is_named_when_nobody_tells_of_it(log: Attacked) -> None:
    back = replace_time(entry(601), hours=-2)
    await log.store.record([back])
    ordered = await keep_log(log.gateway)
    assert ordered.back is not None
    assert ordered.back.action == BACK
    assert await found(log) == ({"audit.clock-back"}, 600)


def replace_time(made: object, *, hours: float):  # type: ignore[no-untyped-def]
    """An entry as it would be at another hour."""
    at = made.at + timedelta(hours=hours)  # type: ignore[attr-defined]
    return make(EntryType.SIGN_IN, id=uuid7(at, bytes(10)), at=at, actor="dana")


async def test_a_worker_enters_a_step_back_and_verifying_remarks_on_it(log: Attacked) -> None:
    await log.store.record([replace_time(entry(601), hours=-2)])
    log.gateway.clock.moment = START + timedelta(seconds=601, hours=-2)  # type: ignore[attr-defined]
    watch = LogWatch(gateway=log.gateway, metrics=Metrics())
    assert await watch.keep() == 1
    assert await watch.keep() == 1  # what the watch entered
    report = (await verify(log.gateway)).report
    assert report.verified
    assert [(each.code, each.index) for each in report.remarks] == [("audit.clock-back", 600)]


async def test_a_worker_enters_that_its_clock_was_set_forward(log: Attacked) -> None:
    watch = LogWatch(gateway=log.gateway, metrics=Metrics())
    await watch.keep()
    log.gateway.clock.go(hours=26)  # type: ignore[attr-defined]
    await watch.keep()
    (last,) = await log.store.entries(600, 10)
    assert b'"action":"stepped-forward"' in last.entry.body
    assert b'"number":93600' in last.entry.body


async def test_a_receipt_whose_leaf_never_came_is_evidence_against_us(log: Attacked) -> None:
    clock, keys = log.gateway.clock, log.gateway.keys

    def receipt(leaf: bytes) -> str:
        return make_receipt(
            keys.receipt_signer,
            origin=NAME,
            message=MessageId("019ab1c2-0001-7000-8000-000000000001"),
            sender=JAIL,
            received_at=clock.now(),
            digest="sha-256:" + "0" * 64,
            leaf_hash=leaf,
        )

    kept, broken = receipt(entry(7).leaf_hash), receipt(leaf_hash(b"never written"))
    assert (await check_receipt(log.gateway, kept)).kept is ReceiptKept.KEPT
    assert (await check_receipt(log.gateway, broken)).kept is ReceiptKept.WAITING
    assert await standing(log.gateway) == []
    clock.go(seconds=11)  # type: ignore[attr-defined]
    late = entry(800)
    await log.store.record([late])
    assert (await check_receipt(log.gateway, receipt(late.leaf_hash))).kept is ReceiptKept.WAITING
    checked = await check_receipt(log.gateway, broken)
    assert checked.kept is ReceiptKept.UNKEPT
    assert "evidence against the gateway" in checked.proven[-1]
    assert [each.code for each in await standing(log.gateway)] == ["audit.receipt-unkept"]


async def test_a_change_of_key_is_one_head_that_both_sign_and_the_old_one_signs_no_more(log: Attacked) -> None:
    files = log.gateway.keys.log_key
    old, new = files.signer, files.make_next()
    await log.store.record([entry(900)])
    assert await sequence(log.store, old, origin=NAME, keys=files.every(), successor=new) == 1
    await log.store.record([entry(901)])
    with pytest.raises(LogKeyReplaced):  # a process that has not heard of it
        await sequence(log.store, old, origin=NAME, keys=files.every())
    await keep_log(log.gateway)  # a worker finishes the change and goes on with the new key
    assert files.signer.public_bytes == new.public_bytes
    assert [(each.first, each.until) for each in files.every()] == [(0, 601), (601, None)]
    assert (await verify(log.gateway)).report.verified
    stolen = Checkpoint(origin=NAME, size=602, root=bytes(32))
    log.change("UPDATE checkpoint SET body = :body WHERE size = 602", body=sign_checkpoint(stolen, old).encode())
    assert "audit.checkpoint-wrong" in (await found(log))[0]


class DiskFull(psycopg.errors.DiskFull):
    """What PostgreSQL says; SQLite says it by itself."""


async def test_when_the_log_is_full_nothing_is_written_and_the_log_goes_on_afterwards(
    log: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(point: str) -> None:
        if point == "record.before-commit":
            raise DiskFull if database_kind(log.url) != "sqlite" else full_error()

    def full_error() -> Exception:
        import sqlite3

        return sqlite3.OperationalError("database or disk is full")

    before = await log.store.counts()
    monkeypatch.setattr(points, "watch", full)
    with pytest.raises(StoreUnavailable):
        await log.store.record([entry(900)])
    monkeypatch.setattr(points, "watch", None)
    assert await log.store.counts() == before
    await log.write(entry(901))
    assert (await verify(log.gateway)).report.verified


async def test_a_full_disk_beside_the_keys_is_said_and_the_log_stays_whole(
    log: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.keys import secret_file
    from gateway.keys.secret_file import KeyUnreadable

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    await log.store.record([entry(900)])
    with monkeypatch.context() as filled:
        filled.setattr(secret_file.os, "link", full)
        with pytest.raises(KeyUnreadable):
            await keep_log(log.gateway)
    await log.write(entry(901))
    assert (await verify(log.gateway)).report.verified


async def test_a_mark_that_went_back_with_the_database_does_not_lower_what_must_be_there(log: Attacked) -> None:
    await verify(log.gateway)
    stored = await log.store.verified_head()
    assert stored is not None
    assert stored.size == 600
    log.change("DELETE FROM verified_head")
    await log.grow(10)
    assert (await verify(log.gateway, incremental=True)).before == 600
    shutil.rmtree(log.keys / "heads")
    assert (await verify(log.gateway, incremental=True)).before == 610


async def test_another_node_sees_what_was_found(log: Attacked) -> None:
    cut(log, 500)
    await found(log)
    other = open_store(log.url)
    await other.open()
    gateway = replace(log.gateway, store=other)
    assert [each.code for each in await standing(gateway)] == ["audit.log-cut"]
    await other.close()
