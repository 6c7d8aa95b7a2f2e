"""A deployment with messages in it, its backups, and what is restored from them."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.app import init_deployment, key_store, open_deployment
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.exchange.accept import accept
from gateway.exchange.back_up import BackedUp, Order, back_up, place
from gateway.exchange.gateway import Gateway
from gateway.exchange.people import add_user
from gateway.exchange.acting import Acting
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Submission
from gateway.agency import AgencyId
from gateway.clock import SystemClock
from gateway.keys.archive_lock import PassphraseLock, unlock_with_passphrase
from gateway.keys.payload import KeyGone, PayloadKeys
from gateway.keys.personal import throwaway
from gateway.message import MessageId
from gateway.restoring import Restored, Wanted, restore
from gateway.user import User, UserId, UserRole
from tests.exchange.deployed import JAIL, NAME, release

PASSPHRASE = b"a passphrase of backups"

OPERATOR = UserId("op.one")


def lock() -> PassphraseLock:
    """Quick to make; the right cost is tested where it is set."""
    return PassphraseLock(PASSPHRASE, salt=os.urandom(16), log_n=4)


unlock = unlock_with_passphrase(lambda: PASSPHRASE)


def told(_stage: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def buckets(gateway: Gateway) -> PayloadKeys:
    """Its bucket keys."""
    return key_store(gateway.settings).payload_keys(gateway.clock)


@dataclass
class Scene:
    """A deployment in a folder, and where backups and restored deployments go.

    new_database  the URL of a new database for a restore; None where it lies in the folder
    """

    directory: Path
    backups: Path
    new_database: Callable[[], str | None]
    operator: Acting | None = None
    sent: dict[str, bytes] = field(default_factory=dict)
    _restores: int = 0

    @asynccontextmanager
    async def open(self, directory: Path | None = None) -> AsyncIterator[Gateway]:
        """The gateway of a folder."""
        async with open_deployment(directory or self.directory) as gateway:
            yield gateway

    async def send(self, count: int = 1) -> list[MessageId]:
        """Accept messages and order the log."""
        made: list[MessageId] = []
        async with self.open() as gateway:
            for _ in range(count):
                body = release(given=f"Calvin{len(self.sent)}")
                accepted = await accept(gateway, Submission(sender=JAIL, sender_id=f"S-{len(self.sent)}", body=body))
                self.sent[accepted.id] = body
                made.append(MessageId(accepted.id))
            await order(gateway)
        return made

    async def backup(self, target: Path | None = None, **more: Any) -> BackedUp:
        """Make one."""
        async with self.open() as gateway:
            archive, mirror = place(target or self.backups, gateway.settings, gateway.clock.now())
            return await back_up(
                gateway, Order(archive=archive, mirror=mirror, lock=lock(), **more), buckets(gateway), told
            )

    async def restore(self, made: BackedUp | Path, **more: Any) -> Restored:
        """Put it back into a new folder."""
        self._restores += 1
        archive = made if isinstance(made, Path) else made.archive
        given = {"directory": self.backups.parent / f"restored-{self._restores}", "database": self.new_database()}
        return await restore(Wanted(archive=archive, **(given | more)), unlock, told)

    async def destroy(self, message: MessageId) -> None:
        """Destroy the keys of a message and of what was made of it, and say so in the log."""
        async with self.open() as gateway:
            for sealed in await sealed_of(gateway, message):
                buckets(gateway).forget(sealed.bucket, [sealed.index])
            now = gateway.clock.now()
            entry = make(EntryType.DESTROY, id=gateway.new_id(now), at=now, message=message, kind="payload", count=1)
            await gateway.store.record([entry])
            await order(gateway)

    async def checkpoint(self) -> bytes:
        """The newest."""
        async with self.open() as gateway:
            note = await gateway.store.checkpoint()
            assert note is not None
            return note


async def sealed_of(gateway: Gateway, message: MessageId) -> list[Any]:
    """The sealed payloads of a message."""
    record = await gateway.store.message(message)
    assert record is not None
    return [record.original, *(each.payload for each in await gateway.store.disseminations(message))]


async def order(gateway: Gateway) -> None:
    """What waits goes into the log."""
    while await sequence(gateway.store, gateway.keys.log_signer, origin=NAME):
        pass


async def readable(gateway: Gateway, message: MessageId) -> bool:
    """Whether the original of a message can be read."""
    record = await gateway.store.message(message)
    assert record is not None
    try:
        gateway.payloads.open(record.original, aad=message.encode())
    except KeyGone:
        return False
    return True


async def new_scene(directory: Path, database: str, new_database: Callable[[], str | None]) -> Scene:
    """A deployment with what is shipped, and an operator."""
    await init_deployment(directory, {"name": NAME, "database": database}, samples=True)
    backups = directory.parent / "backups"
    backups.mkdir()
    scene = Scene(directory=directory, backups=backups, new_database=new_database)
    sign, public_key = throwaway()
    async with scene.open() as gateway:
        user = User(
            id=OPERATOR,
            agency=AgencyId(""),
            roles=frozenset({UserRole.OPERATOR}),
            public_key=public_key,
            since=SystemClock().now(),
        )
        await add_user(gateway, user, actor="test")
        await order(gateway)
    scene.operator = Acting(user=OPERATOR, sign=sign, public_key=public_key)
    return scene
