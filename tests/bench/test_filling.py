"""A store that was filled with copies is as good as one that was filled by hand: it opens, verifies and answers."""

import asyncio
from pathlib import Path

from bench.filling import fill, in_the_past
from bench.message import SENDER, sample
from bench.place import make
from gateway.app import open_deployment
from gateway.exchange.disclosed import find
from gateway.exchange.gateway import Gateway
from gateway.exchange.submission import Submission
from gateway.exchange.verify import verify
from gateway.message import MessageId
from gateway.policy.person import Person

COPIES = 30


async def test_copies_open_stand_in_a_log_that_verifies_and_have_their_own_ids(tmp_path: Path) -> None:
    with in_the_past():
        await asyncio.to_thread(make, tmp_path / "deployment", cover="p256")
    async with open_deployment(tmp_path / "deployment") as gateway:
        made = await fill(gateway, [Submission(sender=SENDER, sender_id="ORIGINAL", body=sample())], COPIES)
        assert len(set(made)) == COPIES
        assert (await gateway.store.counts()).messages == COPIES + 1
        for message in made:
            await _opens(gateway, message)
        assert (await verify(gateway)).report.verified
        persons = await asyncio.gather(*(find(gateway, Person(numbers=(f"sid:XX{n:07d}",))) for n in range(COPIES)))
        assert all(persons)  # each copy is of somebody else
        assert len({hit.said.message for hits in persons for hit in hits}) == COPIES
        kept = await gateway.store.kept_of(made)
        assert {fate.kept.message for fate in kept} == set(made)


async def _opens(gateway: Gateway, message: MessageId) -> None:
    record = await gateway.store.message(message)
    assert record is not None
    assert gateway.payloads.open(record.original, aad=message.encode())
    for each in await gateway.store.disseminations(message):
        assert gateway.payloads.open(each.payload, aad=each.dissemination.id.encode())
    entries = await gateway.store.entries_of(message)
    assert {b'"type":"receive"' in each.entry.body for each in entries} == {True, False}
