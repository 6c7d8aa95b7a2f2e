"""Promises of the store on writes that fail: before they are stored, and although they were.

`gateway/store/points.py` says where. The database breaks there each time, as each library would raise it.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from gateway.delivery.delivery import State
from gateway.store import points
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.messages import SignatureUse, Stored
from gateway.store.open import open_store
from gateway.store.witness import LogTrouble
from tests.store.examples import (
    JAIL,
    NOW,
    Sequencer,
    acceptance,
    agency,
    arrived,
    claim_one,
    claim_reply,
    delivered,
    entry,
    filed,
    new_reply,
    order,
    refused,
    release,
)


class BrokenDatabase(psycopg.OperationalError, sqlite3.OperationalError):
    """The disk is full, or the connection is gone."""


def break_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """From now on the database breaks at this point."""

    def broken(reached: str) -> None:
        if reached == point:
            raise BrokenDatabase

    monkeypatch.setattr(points, "watch", broken)


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on it does not."""
    monkeypatch.setattr(points, "watch", None)


async def prepared(store: Store, kind: str) -> Callable[[], Awaitable[object]]:
    """A write of this kind with all that has to be there for it."""
    zero = acceptance(sender_id="zero")
    await store.accept(zero)
    written = (entry(type="written"),)
    if kind in ("settle", "move"):
        claim = await claim_one(store)
        outcome = delivered(claim.record.delivery)
        if kind == "settle":
            return lambda: store.settle(claim.lease, outcome, written)
        return lambda: store.move(outcome, expected=State.SENDING, entries=written)
    if kind in ("reply-claim", "reply-settle", "reply-move"):
        await store.put_reply(new_reply("zero"))
    if kind in ("reply-settle", "reply-move"):
        reply_claim = await claim_reply(store)
        outcome_of_reply = arrived(reply_claim.record.reply)
        if kind == "reply-settle":
            return lambda: store.settle_reply(reply_claim.lease, outcome_of_reply, written)
        return lambda: store.move_reply(outcome_of_reply, expected=State.SENDING, entries=written)
    if kind in ("arrange", "drop", "expunge", "expunged"):
        await store.file([filed(1)], [])
        (row,) = await store.disclosures([1])
    if kind == "expunged":
        await store.expunge(to_forget := order(), [row.number], [], [])
    one = new_reply("one")
    if kind == "unsign":
        await store.accept(replace(acceptance(sender_id="signed"), signature=SignatureUse(digest=b"d" * 32, until=NOW)))
    writes: dict[str, Callable[[], Awaitable[object]]] = {
        "accept": lambda: store.accept(replace(acceptance(sender_id="one"), entries=written)),
        "release": lambda: store.release(replace(release(zero), entries=written)),
        "refuse": lambda: store.refuse(replace(refused(), entries=written)),
        "record": lambda: store.record(written),
        "reply": lambda: store.put_reply(one),
        "reply-claim": lambda: claim_reply(store),
        "change": lambda: store.change([agency()], written),
        "unsign": lambda: store.forget_signatures(NOW + timedelta(seconds=1), 10),
        "fact": lambda: store.set_fact("keys", "one"),
        "claim": lambda: claim_one(store),
        "sequence": lambda: store.sequence(10, Sequencer()),
        "witness": lambda: store.report_trouble(LogTrouble(id="one", code="audit.log-cut", at=NOW), written),
        "file": lambda: store.file([filed(1)], written),
        "arrange": lambda: store.arrange_disclosures(10),
        "drop": lambda: store.drop_disclosures(row.filed.generation, 10),
        "expunge": lambda: store.expunge(order(), [row.number], [filed(1)], written),
        "expunged": lambda: store.expunged(to_forget.id, written),
    }
    return writes[kind]


async def all_that_shows(store: Store) -> object:
    """Everything that any of these writes would change."""
    return (
        await store.fact("keys"),
        await store.configuration(),
        await store.known(JAIL, "one"),
        await store.deliveries(None, None, None, 10),
        await store.checkpoint(),
        await store.troubles(),
        await store.counts(),
        await store.disclosures([1]),
        await store.expungings(),
        await store.replies(None, None, None, 10),
    )


@pytest.mark.parametrize("kind", points.WRITES)
async def test_a_write_that_fails_writes_nothing_and_can_be_repeated(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = await prepared(store, kind)
    before = await all_that_shows(store)
    break_at(monkeypatch, f"{kind}.before-commit")
    with pytest.raises(StoreUnavailable):
        await write()
    mend(monkeypatch)
    assert await all_that_shows(store) == before
    await write()
    assert await all_that_shows(store) != before


@pytest.mark.parametrize("kind", points.WRITES)
async def test_a_write_may_fail_although_it_was_stored(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = await prepared(store, kind)
    before = await all_that_shows(store)
    break_at(monkeypatch, f"{kind}.after-commit")
    with pytest.raises(StoreUnavailable):
        await write()
    mend(monkeypatch)
    assert await all_that_shows(store) != before


async def test_a_repeat_of_a_message_that_was_stored_unseen_is_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = acceptance(sender_id="jms-1")
    break_at(monkeypatch, "accept.after-commit")
    with pytest.raises(StoreUnavailable):
        await store.accept(wanted)
    mend(monkeypatch)
    assert await store.accept(acceptance(sender_id="jms-1")) is Stored.KNOWN
    known = await store.known(JAIL, "jms-1")
    assert known is not None
    assert known.receipt == wanted.receipt


async def test_a_signature_that_was_stored_unseen_makes_no_second_message(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender's retry under the same id gets the first receipt; under another id the signature is not taken."""
    signature = SignatureUse(digest=b"d" * 32, until=NOW)
    break_at(monkeypatch, "accept.after-commit")
    with pytest.raises(StoreUnavailable):
        await store.accept(replace(acceptance(sender_id="jms-1"), signature=signature))
    mend(monkeypatch)
    assert await store.accept(replace(acceptance(sender_id="jms-1"), signature=signature)) is Stored.KNOWN
    assert await store.accept(replace(acceptance(sender_id="jms-2"), signature=signature)) is Stored.REPLAYED


async def test_a_signature_whose_message_was_not_stored_can_be_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = SignatureUse(digest=b"d" * 32, until=NOW)
    break_at(monkeypatch, "accept.before-commit")
    with pytest.raises(StoreUnavailable):
        await store.accept(replace(acceptance(sender_id="jms-1"), signature=signature))
    mend(monkeypatch)
    assert await store.accept(replace(acceptance(sender_id="jms-2"), signature=signature)) is Stored.STORED


async def test_a_closed_store_says_so(store_url: str) -> None:
    store = open_store(store_url)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.accept(acceptance())
        with pytest.raises(StoreUnavailable):
            await store.configuration_version()
        with pytest.raises(StoreUnavailable):
            await store.configuration()
        await store.open()
        await store.close()


async def test_what_is_under_way_is_finished_when_the_store_closes(store_url: str) -> None:
    store = open_store(store_url)
    await store.open()
    writes = [asyncio.create_task(store.accept(acceptance())) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert {await write for write in writes} == {Stored.STORED}


async def test_a_caller_who_goes_away_disturbs_nobody(store: Store) -> None:
    writes = [asyncio.create_task(store.accept(acceptance())) for _ in range(10)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    assert {await write for write in writes[1::2]} == {Stored.STORED}
