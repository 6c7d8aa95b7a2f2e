"""Promises of the store to several processes on one database."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORKER = """
import asyncio, sys
from collections import Counter
from gateway.store.messages import Stored
from gateway.store.open import open_store
from tests.store.examples import acceptance

async def work(url):
    store = open_store(url)
    await store.open()
    results = []
    async def caller(number):
        for each in range(25):
            wanted = acceptance(sender_id=f"jms-{number}-{each}")
            results.append(await store.accept(wanted))
    await asyncio.gather(*map(caller, range(8)))
    await store.close()
    print(results.count(Stored.STORED))

import uuid, tests.store.examples as examples
examples.new_id = lambda: str(uuid.uuid4())
asyncio.run(work(sys.argv[1]))
"""


def test_several_processes_on_one_database_store_each_message_once(store_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WORKER, store_url], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)
    ]
    stored = [int(process.communicate(timeout=100)[0]) for process in processes]
    assert sum(stored) == 200
