"""What is left of an expunged person in the files of both databases: ciphertext, tokens, and nothing to open them."""

import hmac
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.keys.payload import KeyGone
from gateway.keys.subject import SubjectKeys
from gateway.message import Filed
from gateway.store.database import sqlite_path
from gateway.store.disclosures import Expunging
from gateway.store.interface import Store
from tests.store.examples import NOW, new_id

ADA, BO = ("sid:A1", "doc:7", "sound:1|2"), ("sid:B2", "sound:1|3")
SAYS = b'[1,[["sid:A1"],[],""],[]]'


def files(store_url: str) -> list[Path]:
    """Every file that may hold what was ever written."""
    if store_url.startswith("sqlite:"):
        path = sqlite_path(store_url)
        return list(path.parent.glob(f"{path.name}*"))
    with psycopg.connect(store_url, autocommit=True) as db:
        db.execute("CHECKPOINT")
        ((name,),) = db.execute("SHOW data_directory").fetchall()
        ((oid,),) = db.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchall()
    data = Path(name)
    if not data.is_dir():
        pytest.skip("the PostgreSQL server of this run keeps its files elsewhere")
    return [each for part in ("pg_wal", f"base/{oid}") for each in (data / part).rglob("*") if each.is_file()]


def secrets_of(keys: SubjectKeys, terms: tuple[str, ...]) -> list[bytes]:
    """The leaves of these terms and the row keys made of them, as they are before anything is destroyed."""
    found = []
    for name in keys.generations():
        generation = keys._generation(name)
        assert generation is not None
        leaves = [generation.leaf(generation.index(term)) for term in terms]
        found += [each for each in leaves if each is not None]
    return found + [hmac.digest(each, b"gateway/subject-row/1", "sha256") for each in found]


async def test_nothing_that_is_left_of_a_person_can_be_opened_or_recognized(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    keys = SubjectKeys(tmp_path / "keys", wrapping=b"w" * 32, clock=SystemClock())
    ada: list[Filed] = []
    for number in range(40):
        ada += keys.file(ADA, key=ADA[0], plaintexts=[SAYS + bytes([number])], now=NOW)
    bo = keys.file(BO, key=BO[0], plaintexts=[SAYS], now=NOW)
    await store.file([*ada, *bo], [])
    await store.arrange_disclosures(20)
    gone = secrets_of(keys, ADA)
    generation = ada[0].generation
    rows = [each.number for each in await store.disclosures(keys.tokens(ADA))]
    assert len(rows) == len(ada)
    keys.renew(generation)
    points = tuple(sorted(keys.points(generation, ADA)))
    order = Expunging(id=new_id(), points=((generation, points),), count=len(rows))
    assert await store.expunge(order, rows, [], [])
    keys.forget(generation, points)
    assert await store.expunged(order.id, [])

    content = b"".join(each.read_bytes() for each in files(store_url))
    # Deleted rows stay in the write-ahead log: so keys are destroyed, and so it shows that this looks where they are.
    assert any(each.ciphertext in content for each in ada)
    directory = b"".join(each.read_bytes() for each in (tmp_path / "keys").rglob("*") if each.is_file())
    assert not [each for each in gone if each in content or each in directory]
    fresh = SubjectKeys(tmp_path / "keys", wrapping=b"w" * 32, clock=SystemClock())
    assert fresh.tokens(ADA).isdisjoint(ada[0].tokens)
    for each in ada:
        with pytest.raises(KeyGone):
            fresh.open(each)
    assert fresh.open(bo[0]) == SAYS
    assert [each.filed for each in await store.disclosures(fresh.tokens([BO[0]]))] == list(bo)
