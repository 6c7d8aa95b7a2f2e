"""After a purge nobody reads a destroyed payload, whoever has all files there are, and a backup from before.

On both databases: their files, write-ahead logs and temporary files, the key directory, and a copy of the database made
before are searched, as raw bytes, for the content of the destroyed messages and for every secret on the way to their
keys; then the copy is opened with the key directory of now.
"""

import asyncio
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from gateway import app
from gateway.app import assembled, open_deployment
from gateway.audit.note import NoteKey
from gateway.config import settings
from gateway.exchange.destroy_early import destroy_early
from gateway.exchange.destruction import verify_destruction
from gateway.exchange.evidence import verify_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.purge import People, run_purge
from gateway.keys.tree import DEPTH, Node, _child
from gateway.message import MessageId
from gateway.retention.plan import Why
from gateway.store.database import database_kind, sqlite_path, sqlite_url
from gateway.store.residue import look_for
from tests.exchange.deployed import NAME, Deployed, clock_of, release
from tests.exchange.gateways import SetClock
from tests.exchange.purging import ana, bo, fates, readable

GONE, EARLY, STAYS = 2, 1, 3
LARGE = 400_000
"""Some of the messages are larger than a page of the write-ahead log, and than what PostgreSQL keeps in a row."""


@asynccontextmanager
async def deployment(directory: Path, url: str) -> AsyncIterator[Deployed]:
    clock = SetClock()
    with clock_of(clock):
        await app.init_deployment(directory, {"name": NAME, "database": url}, samples=True)
        clock.go(days=1)
        async with open_deployment(directory) as gateway:
            yield Deployed(gateway=gateway, clock=clock, directory=directory)


@dataclass
class Sent:
    """A message, and a text that nothing else holds."""

    id: str
    canary: str


async def sent(place: Deployed, number: int) -> Sent:
    canary = f"Canary{number:02d}{base64.b32encode(place.clock.random(15)).decode()}"
    body = release(given=canary)
    if number % 3 == 0:
        body = body.replace(b"?>", b"?><!--" + canary.encode() + b"x" * LARGE + b"-->", 1)
    return Sent(id=(await place.accept(body)).id, canary=canary)


async def secrets(gateway: Gateway, message: str) -> set[bytes]:
    """Every node from the root down to the keys of a message, and the keys themselves."""
    found: set[bytes] = set()
    for fate in await fates(gateway, message):
        kept = fate.kept
        found |= set(gateway.payloads.secrets_of(kept.bucket, kept.index))
        (top,) = [n for n in gateway.payloads._find(kept.bucket, make=False).nodes if n.is_above(kept.index)]  # type: ignore[attr-defined]
        node: Node = top
        while node.depth < DEPTH:
            found.add(node.secret)
            node = _child(node, kept.index >> (DEPTH - node.depth - 1) & 1)
        found.add(node.secret)
    return found


def needles(canaries: list[str]) -> list[bytes]:
    """The texts as they are, and as base64 has them, whatever stands before."""
    found = [each.encode() for each in canaries]
    for each in canaries:
        found += [base64.b64encode(b"x" * shift + each.encode())[4:-4] for shift in range(3)]
    return found


def files_of(server_data: Path | None, *places: Path) -> list[Path]:
    roots = list(places)
    if server_data is not None:
        roots.append(server_data)
    found = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return [*found, *Path("/var/tmp").glob("etilqs_*"), *Path(tempfile.gettempdir()).glob("etilqs_*")]  # noqa: S108


def data_directory(url: str) -> Path | None:
    if database_kind(url) == "sqlite":
        return None
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CHECKPOINT")
        return Path(server.execute("SHOW data_directory").fetchone()[0])  # type: ignore[index]


def back_up(url: str, to: Path) -> str:
    """A copy of the database as it is now, and its URL."""
    if database_kind(url) == "sqlite":
        path = sqlite_path(url)
        for each in path.parent.glob(f"{path.name}*"):
            if each.is_file():
                shutil.copy2(each, to / each.name.replace(path.name, "copy.db"))
        return sqlite_url(to / "copy.db")
    parts = urlsplit(url)
    name, copy = parts.path[1:], f"{parts.path[1:]}_copy"
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (name,),
        )
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')  # type: ignore[arg-type]
    return urlunsplit(parts._replace(path=f"/{copy}"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        (tmp_path / "database").mkdir()
        return sqlite_url(tmp_path / "database" / "gateway.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_after_a_purge_nothing_of_it_is_left_and_everything_else_reads(database: str, tmp_path: Path) -> None:
    directory, backup = tmp_path / "deployment", tmp_path / "backup"
    backup.mkdir()
    async with deployment(directory, database) as place:
        gone = [await sent(place, number) for number in range(GONE)]
        place.clock.go(days=20)
        early = [await sent(place, 10 + number) for number in range(EARLY)]
        stays = [await sent(place, 20 + number) for number in range(STAYS)]
        ways = {secret for each in (*gone, *early) for secret in await secrets(place.gateway, each.id)}
        assert len(ways) > 200

    copy = await asyncio.to_thread(back_up, database, backup)
    server_data = data_directory(database)

    # The search finds what is there: secrets that are written down, and a text in the clear.
    probe = tmp_path / "probe"
    probe.mkdir()
    (probe / "file").write_bytes(b"..." + next(iter(ways)) + gone[0].canary.encode())
    assert look_for([gone[0].canary.encode(), next(iter(ways))], files_of(None, probe)).found == 2

    clock = SetClock()
    with clock_of(clock):
        async with open_deployment(directory) as gateway:
            place = Deployed(gateway=gateway, clock=clock, directory=directory)
            latest = max(fate.kept.due_at for fate in await fates(gateway, *(each.id for each in gone)))
            clock.moment = latest
            people = People(first=await ana(place), second=await bo(place))
            outcome = await run_purge(gateway, people)
            assert outcome.ran is not None
            assert outcome.ran.clean
            assert outcome.ran.destroyed == sum([len(await fates(gateway, each.id)) for each in gone])
            await destroy_early(
                gateway,
                [MessageId(each.id) for each in early],
                reason=Why.EXPUNGED,
                by=await ana(place),
                second=await bo(place),
            )
            await check(gateway, gone + early, stays)
            signer = gateway.keys.log_signer
            await place.log()
            report = await verify_log(gateway.store, [NoteKey(signer.name, signer.public_bytes)], origin=NAME)
            assert (report.since, report.root_ok, report.findings) == (0, True, ())
            assert (await verify_destruction(gateway)).passed

        places = [directory, backup, tmp_path / "database"] if server_data is None else [directory, backup]
        searched = await asyncio.to_thread(files_of, data_directory(database), *places)
        texts = needles([each.canary for each in (*gone, *early, *stays)])
        looked = await asyncio.to_thread(look_for, texts, searched)
        assert (looked.found, looked.unread) == (0, 0)
        assert looked.files >= 4
        looked = await asyncio.to_thread(look_for, sorted(ways), searched)
        assert looked.found == 0

        # The backup of the database, with the keys there are now.
        made = settings({"name": NAME, "database": copy}, directory, source="copy")
        async with assembled(made) as restored:
            await check(restored, gone + early, stays, rows=True)


async def check(gateway: Gateway, gone: list[Sent], stays: list[Sent], *, rows: bool = False) -> None:
    """rows: whether the ciphertexts are still there, as in a backup."""
    for each in gone:
        found = await readable(gateway, each.id)
        assert found
        assert not any(found.values())
        record = await gateway.store.message(MessageId(each.id))
        assert record is not None
        assert bool(record.original.ciphertext) is rows
    for each in stays:
        found = await readable(gateway, each.id)
        assert len(found) > 1
        assert all(found.values())


async def test_the_bucket_files_hold_nothing_that_leads_to_a_destroyed_payload(database: str, tmp_path: Path) -> None:
    """Whoever has the wrapping key and every file of the key directory, half-written ones too."""
    async with deployment(tmp_path / "deployment", database) as place:
        gone = [await sent(place, number) for number in range(3)]
        places = [(x.kept.bucket, x.kept.index) for each in gone for x in await fates(place.gateway, each.id)]
        keys = place.gateway.payloads
        buckets = tmp_path / "deployment" / "keys" / "buckets"
        for bucket in {bucket for bucket, _ in places}:  # a process that was killed while it rewrote a bucket
            (buckets / f".{bucket}.key.0123456789abcdef.tmp").write_bytes((buckets / f"{bucket}.key").read_bytes())
        await destroy_early(
            place.gateway,
            [MessageId(each.id) for each in gone],
            reason=Why.COURT_ORDER,
            by=await ana(place),
            second=await bo(place),
        )
        for file in buckets.iterdir():
            if file.suffix == ".lock" or not file.stat().st_size:
                continue
            nodes, _ = keys._unwrapped(file.read_bytes(), file.stem)  # type: ignore[attr-defined]
            assert not [
                index for bucket, index in places if bucket == file.stem and any(n.is_above(index) for n in nodes)
            ]
