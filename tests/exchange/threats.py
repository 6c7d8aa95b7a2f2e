"""A log on a real store, with real keys, and somebody who changes it past every trigger of the database."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from gateway.audit.entry import AuditEntry
from gateway.config import settings
from gateway.exchange.configured import nothing
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.keys.files import KeyStore
from gateway.store.database import database_kind, sqlite_path
from gateway.store.interface import Store
from gateway.store.open import open_store
from tests.audit.memory_log import entry
from tests.exchange.gateways import SetClock

NAME = "gateway.test"
TRIGGERS = (
    "entry_is_not_changed",
    "entry_is_not_deleted",
    "leaf_is_not_changed",
    "leaf_is_not_deleted",
    "subtree_is_not_changed",
    "subtree_is_not_deleted",
    "checkpoint_is_not_changed",
    "checkpoint_is_not_deleted",
    "leaf_follows",
)


@dataclass
class Attacked:
    """A gateway that only keeps a log, and the address of its database."""

    gateway: Gateway
    url: str
    keys: Path
    count: int = 0

    @property
    def store(self) -> Store:
        return self.gateway.store

    async def grow(self, *steps: int) -> None:
        """As many entries more; a signed head after each step."""
        for step in steps:
            await self.write(*(entry(self.count + number) for number in range(step)))
            self.count += step

    async def write(self, *entries: AuditEntry) -> None:
        """These entries, under a signed head."""
        await self.store.record(entries)
        await keep_log(self.gateway)

    def change(self, *statements: str, **values: Any) -> None:
        """What an administrator of the database can do: no trigger stops it. Values stand as :name."""
        if database_kind(self.url) == "sqlite":
            with closing(sqlite3.connect(sqlite_path(self.url), timeout=10)) as db, db:
                for trigger in TRIGGERS:
                    db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
                for statement in statements:
                    db.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
            return
        with psycopg.connect(self.url) as db:
            db.execute("SET session_replication_role = replica")
            for statement in statements:
                for name in values:
                    statement = statement.replace(f":{name}", f"%({name})s")  # noqa: PLW2901
                db.execute(statement, values)  # type: ignore[arg-type]


@asynccontextmanager
async def attacked(url: str, directory: Path) -> AsyncIterator[Attacked]:
    """An open store with nothing in it."""
    clock = SetClock()
    keys = KeyStore.create(directory / "keys", name=NAME, clock=clock)
    store = open_store(url)
    await store.open()
    gateway = Gateway(
        store=store,
        keys=keys,
        payloads=keys.payload_keys(clock),
        clock=clock,
        settings=settings({"name": NAME}, directory, source="test"),
        current=nothing(),
    )
    try:
        yield Attacked(gateway=gateway, url=url, keys=directory / "keys")
    finally:
        await store.close()
