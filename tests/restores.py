"""A deployment with messages in it, its backups, and what is restored from them."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.agency import AgencyId
from gateway.app import init_deployment, key_store, open_deployment
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.audit.note import sign_note
from gateway.clock import SystemClock
from gateway.config import FILE
from gateway.document.canonical import sha256_text
from gateway.exchange.accept import accept
from gateway.exchange.acting import Acting
from gateway.exchange.back_up import BackedUp, Order, back_up, place
from gateway.exchange.gateway import Gateway
from gateway.exchange.people import add_user
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Submission
from gateway.keys.archive_lock import PassphraseLock, unlock_with_passphrase
from gateway.keys.payload import KeyGone, PayloadKeys
from gateway.keys.personal import throwaway
from gateway.message import MessageId
from gateway.restoring import Restored, Wanted, restore
from gateway.retention.certificate import Certified, Person, Residue, certificate_text
from gateway.retention.kept import Kept
from gateway.retention.plan import Why
from gateway.store.retention import Finish, Intent, Run
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


def payload_keys(gateway: Gateway) -> PayloadKeys:
    """Its keys of payloads."""
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
                gateway, Order(archive=archive, mirror=mirror, lock=lock(), **more), key_store(gateway.settings), told
            )

    async def restore(self, made: BackedUp | Path, **more: Any) -> Restored:
        """Put it back into a new folder."""
        self._restores += 1
        archive = made if isinstance(made, Path) else made.archive
        given = {"directory": self.backups.parent / f"restored-{self._restores}", "database": self.new_database()}
        return await restore(Wanted(archive=archive, **(given | more)), unlock, told)

    async def destroy(self, message: MessageId) -> bytes:
        """Destroy a message and what was made of it, as a run does; its certificate."""
        async with self.open() as gateway:
            items = tuple(fate.kept for fate in await gateway.store.kept_of([message]))
            run = await _intended(gateway, items)
            for kept in items:
                payload_keys(gateway).forget(kept.bucket, [kept.index])
            now = gateway.clock.now()
            await gateway.store.destroy(run.id, [kept.id for kept in items], now)
            note = sign_note(certificate_text(_certified(run, items, now)), gateway.keys.receipt_signer).encode()
            entry = make(
                EntryType.DESTROY,
                id=gateway.new_id(now),
                at=now,
                kind="certificate",
                run=run.id,
                count=len(items),
                document=sha256_text(note),
            )
            await gateway.store.finish(Finish(run=run.id, at=now, certificate=note, entries=(entry,)))
            await order(gateway)
            return note

    async def checkpoint(self) -> bytes:
        """The newest."""
        async with self.open() as gateway:
            note = await gateway.store.checkpoint()
            assert note is not None
            return note


async def _intended(gateway: Gateway, items: tuple[Kept, ...]) -> Run:
    now = gateway.clock.now()
    id = gateway.new_id(now)
    entry = make(EntryType.DESTROY, id=gateway.new_id(now), at=now, kind="intent", run=id, count=len(items))
    run = Run(
        id=id,
        why=Why.EXPUNGED,
        at=now,
        operator=Person(name="test"),
        second=None,
        entry=entry.id,
        whole=(),
        plan="{}",
        count=len(items),
    )
    ids = tuple(kept.id for kept in items)
    assert await gateway.store.intend(Intent(run=run, items=ids, hold_acts=0, entries=(entry,)))
    return run


def _certified(run: Run, items: tuple[Kept, ...], now: datetime) -> Certified:
    return Certified(
        id=run.id,
        gateway=NAME,
        why=run.why,
        intended_at=run.at,
        done_at=now,
        operator=run.operator,
        second=None,
        items=items,
        whole=(),
        held={},
        spared=0,
        residue=Residue(tried=len(items), opened=0),
        plan_digest="",
        log=(run.entry, None, "00" * 32),
    )


async def sealed_of(gateway: Gateway, message: MessageId) -> list[Any]:
    """The sealed payloads of a message."""
    record = await gateway.store.message(message)
    assert record is not None
    return [record.original, *(each.payload for each in await gateway.store.disseminations(message))]


async def order(gateway: Gateway) -> None:
    """What waits goes into the log."""
    while await sequence(gateway.store, gateway.keys.log_signer, origin=NAME):
        pass


async def opens(gateway: Gateway, message: MessageId) -> bool:
    """Whether the original of a message can be read, by the row that is here or by its key alone."""
    record = await gateway.store.message(message)
    assert record is not None
    if not record.original.ciphertext:
        return payload_keys(gateway).secrets_of(record.original.bucket, record.original.index) != ()
    try:
        gateway.payloads.open(record.original, aad=message.encode())
    except KeyGone:
        return False
    return True


@dataclass(frozen=True)
class Template:
    """A deployment with what is shipped and an operator, to be copied: its folder, its database, the operator's key."""

    directory: Path
    database: str
    operator: Acting

    def copy(self, directory: Path, database: str, new_database: Callable[[], str | None]) -> Scene:
        """A scene in a copy; a PostgreSQL database was copied before."""
        shutil.copytree(self.directory, directory)
        settings = directory / FILE
        settings.write_text(settings.read_text().replace(self.database, database))
        backups = directory.parent / "backups"
        backups.mkdir()
        return Scene(directory=directory, backups=backups, new_database=new_database, operator=self.operator)


async def make_template(directory: Path, database: str) -> Template:
    """It takes seconds."""
    await init_deployment(directory, {"name": NAME, "database": database}, samples=True)
    sign, public_key = throwaway()
    async with open_deployment(directory) as gateway:
        user = User(
            id=OPERATOR,
            agency=AgencyId(""),
            roles=frozenset({UserRole.OPERATOR}),
            public_key=public_key,
            since=SystemClock().now(),
        )
        await add_user(gateway, user, actor="test")
        await order(gateway)
    return Template(directory, database, Acting(user=OPERATOR, sign=sign, public_key=public_key))
