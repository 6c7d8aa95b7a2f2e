"""Killed at each write point: what was answered is there, what was not is there whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.delivery.delivery import State
from gateway.store import points
from gateway.store.interface import Store
from gateway.store.open import open_store
from tests.store.examples import JAIL

ROOT = Path(__file__).parents[2]

LIFE = """
import asyncio, sys
from dataclasses import replace
from gateway.store.messages import SignatureUse
from gateway.store.open import open_store
from gateway.store.witness import LogTrouble
from tests.store.examples import *

async def life(url):
    store = open_store(url)
    await store.open()
    await store.set_fact("keys", "one")
    await store.change([agency(JAIL)], [entry(type="change")])
    first, second = (acceptance(configuration=1, sender_id=name) for name in ("first", "second"))
    await store.accept(replace(first, signature=SignatureUse(digest=bytes(32), until=NOW)))
    await store.accept(second)
    await store.refuse(refused())
    await store.record([entry(type="record")])
    claim = await claim_one(store)
    await store.settle(claim.lease, delivered(claim.record.delivery), [entry(type="settle")])
    (waiting,) = [new.delivery for each in (first, second) for new in each.disseminations
                  if new.delivery.id != claim.record.delivery.id]
    await store.move(delivered(waiting), expected=State.WAITING, entries=[entry(type="move")])
    await store.sequence(100, Sequencer())
    await store.release(release(first, configuration=1))
    await store.file([filed(1), filed(2)], [])
    await store.arrange_disclosures(1)
    await store.drop_disclosures("2026-Q1.1", 1)
    await store.expunge(wanted := order(), [each.number for each in await store.disclosures([2])], [], [])
    await store.expunged(wanted.id, [entry(type="expunged")])
    await store.forget_signatures(NOW + timedelta(seconds=1), 1)
    await store.report_trouble(LogTrouble(id="one", code="audit.log-cut", at=NOW), [entry(type="witness")])
    await store.put_reply(new_reply("one"))
    await store.put_reply(new_reply("two"))
    taken = await claim_reply(store)
    await store.settle_reply(taken.lease, arrived(taken.record.reply), [entry(type="reply")])
    (other,) = await store.replies(State.WAITING, None, None, 2)
    await store.move_reply(arrived(other), expected=State.WAITING, entries=[entry(type="reply")])
    await store.close()
    print("lived", flush=True)

asyncio.run(life(sys.argv[1]))
"""


def live(url: str, kill_at: str) -> "subprocess.CompletedProcess[bytes]":
    """A life with a write of each kind, until it is killed at a point."""
    environment = {"GATEWAY_KILL_AT": kill_at, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", LIFE, url], check=False, cwd=ROOT, env=environment, capture_output=True, timeout=60
    )


async def shows(store: Store, kind: str) -> bool:
    """Whether what this write writes is there, whole."""
    deliveries = await store.deliveries(None, None, None, 10)
    counts = await store.counts()
    rows = await store.disclosures([1, 2])
    orders = await store.expungings()
    replies = await store.replies(None, None, None, 10)
    written = {
        "fact": await store.fact("keys") == "one",
        "change": await store.configuration_version() == 1 and len((await store.configuration()).agencies) == 1,
        "accept": await store.known(JAIL, "first") is not None and len(deliveries) >= 1,
        "refuse": counts.unsequenced + counts.log_size >= 6,
        "record": counts.unsequenced + counts.log_size >= 7,
        "claim": any(each.attempts == 1 for each in deliveries),
        "settle": any(each.state is State.DELIVERED for each in deliveries),
        "move": len(deliveries) == 2 and all(each.state is State.DELIVERED for each in deliveries),
        "release": counts.emergencies == 1 and len(deliveries) == 4,
        "file": len(rows) == 2,
        "arrange": counts.unarranged == 1,
        "drop": len(rows) == 1,
        "expunge": len(orders) == 1,
        "expunged": counts.log_size == 9 and counts.unsequenced == 2,
        "sequence": counts.log_size == 9 and await store.checkpoint() is not None,
        "unsign": counts.signatures == 0,
        "witness": len(await store.troubles()) == 1,
        "reply": len(replies) >= 1,
        "reply-claim": any(each.attempts == 1 for each in replies),
        "reply-settle": any(each.state is State.DELIVERED for each in replies),
        "reply-move": len(replies) == 2 and all(each.state is State.DELIVERED for each in replies),
    }
    return written[kind]


@pytest.mark.parametrize("point", points.COMMITS)
async def test_a_write_is_there_after_its_commit_and_not_before(store_url: str, point: str) -> None:
    done = live(store_url, point)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    store = open_store(store_url)
    await store.open()
    kind, _, side = point.partition(".")
    assert await shows(store, kind) is (side == "after-commit")
    await store.close()


async def test_it_can_be_killed_at_a_later_pass(store_url: str) -> None:
    done = live(store_url, "accept.after-commit:2")
    assert done.returncode == -signal.SIGKILL
    store = open_store(store_url)
    await store.open()
    assert await store.known(JAIL, "second") is not None
    assert (await store.counts()).unsequenced == 5
    await store.close()


def test_without_the_variable_nothing_is_killed(store_url: str) -> None:
    assert live(store_url, "").stdout == b"lived\n"


def test_a_name_that_is_no_point_is_a_mistake(store_url: str) -> None:
    done = live(store_url, "accept.somewhere")
    assert b"GATEWAY_KILL_AT names no point" in done.stderr
