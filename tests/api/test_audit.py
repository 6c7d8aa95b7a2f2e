import base64
from types import SimpleNamespace

import aiohttp
import pytest

from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.proof import verify_consistency, verify_inclusion
from gateway.audit.tree import leaf_hash, root
from gateway.store.interface import StoreUnavailable
from tests.api.pretend_gateway import JAIL, PretendGateway


class PretendSigner:
    """Signs nothing anybody will check here."""

    name = "gateway.local"
    public_bytes = bytes(32)

    def sign(self, data: bytes) -> bytes:
        return bytes(64)


@pytest.fixture
def log(gateway: PretendGateway) -> PretendGateway:
    """A log of five entries under one checkpoint; the jail is a party of the third."""
    gateway.store.grow(5)
    head = Checkpoint(origin="gateway.local", size=5, root=root(gateway.store.leaves))
    gateway.store.note = sign_checkpoint(head, PretendSigner()).encode()
    entry = SimpleNamespace(id="e-2", body=b"2", leaf_hash=leaf_hash(b"2"), parties=(JAIL.id,), message=None)
    gateway.store.entries["e-2"] = SimpleNamespace(entry=entry, index=2)
    return gateway


async def test_the_newest_checkpoint_is_open_to_everybody(nobody: aiohttp.ClientSession, log: PretendGateway) -> None:
    answer = await nobody.get("/v1/audit/checkpoint")
    assert answer.content_type == "text/plain"
    assert (await answer.text()).startswith("gateway.local\n5\n")


async def test_without_a_checkpoint_there_is_none(nobody: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    answer = await nobody.get("/v1/audit/checkpoint")
    assert answer.status == 404
    assert "audit.no-checkpoint" in await answer.text()


async def test_a_tile_is_its_hashes_and_may_be_kept(nobody: aiohttp.ClientSession, log: PretendGateway) -> None:
    answer = await nobody.get("/v1/audit/tile/0/000.p/3")
    assert await answer.read() == b"".join(log.store.leaves[:3])
    assert "immutable" in answer.headers["Cache-Control"]


async def test_a_tiles_number_is_written_in_groups_of_three(
    nobody: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    asked = []

    async def hashes(level: int, start: int, count: int) -> tuple[bytes, ...]:
        asked.append((level, start, count))
        return (bytes(32),) * count

    gateway.store.hashes = hashes  # type: ignore[method-assign]
    answer = await nobody.get("/v1/audit/tile/1/x001/x234/067")
    assert len(await answer.read()) == 256 * 32
    assert asked == [(1, 1_234_067 * 256, 256)]


@pytest.mark.parametrize(
    "path",
    [
        *("0/000", "0/000.p/6", "0/001.p/1", "0/0", "0/000.p/0", "0/000.p/257", "9/000", "0/x000", "0/00a"),
        pytest.param(f"0/{'x000/' * 2000}000", id="longer than Python reads a number"),
    ],
)
async def test_a_tile_that_is_not_there_is_404(nobody: aiohttp.ClientSession, log: PretendGateway, path: str) -> None:
    assert (await nobody.get(f"/v1/audit/tile/{path}")).status == 404


async def test_a_party_gets_the_proof_of_its_entry(client: aiohttp.ClientSession, log: PretendGateway) -> None:
    for asked in ("e-2", leaf_hash(b"2").hex()):
        text = await (await client.get(f"/v1/audit/proof?entry={asked}")).text()
        assert text.startswith("c2sp.org/tlog-proof@v1\nextra Mg==\nindex 2\n")
        assert text.endswith(str(log.store.note, "utf-8"))
    assert [(each["type"], each["kind"]) for each in log.store.recorded] == [("read", "entry")] * 2


async def test_an_entry_is_not_given_when_that_cannot_be_recorded(
    client: aiohttp.ClientSession, log: PretendGateway
) -> None:
    log.store.fails = StoreUnavailable("away")
    answer = await client.get("/v1/audit/proof?entry=e-2")
    assert answer.status == 503
    assert "tlog-proof" not in await answer.text()


async def test_an_entry_of_others_does_not_exist(police: aiohttp.ClientSession, log: PretendGateway) -> None:
    answer = await police.get("/v1/audit/proof?entry=e-2")
    assert answer.status == 404
    assert "audit.entry-unknown" in await answer.text()


async def test_a_place_in_the_log_is_proved_without_its_entry(
    nobody: aiohttp.ClientSession, log: PretendGateway
) -> None:
    text = await (await nobody.get("/v1/audit/proof?index=3&size=5")).text()
    form, index, *hashes = text.partition("\n\n")[0].split("\n")
    assert (form, index) == ("c2sp.org/tlog-proof@v1", "index 3")
    proof = [base64.b64decode(each) for each in hashes]
    verify_inclusion(leaf_hash(b"3"), 3, 5, proof, root(log.store.leaves))


async def test_growth_is_proved_between_two_heads(
    nobody: aiohttp.ClientSession, log: PretendGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = {
        size: sign_checkpoint(
            Checkpoint(origin="gateway.local", size=size, root=root(log.store.leaves[:size])), PretendSigner()
        ).encode()
        for size in (3, 5)
    }

    async def checkpoint(size: int | None = None) -> bytes | None:
        return heads.get(size or 5)

    monkeypatch.setattr(log.store, "checkpoint", checkpoint)
    text = await (await nobody.get("/v1/audit/proof?old=3&new=5")).text()
    proof = [base64.b64decode(line) for line in text.splitlines()]
    verify_consistency(3, 5, proof, root(log.store.leaves[:3]), root(log.store.leaves))
    assert (await nobody.get("/v1/audit/proof?old=2&new=5")).status == 404


@pytest.mark.parametrize("query", ["", "?index=1", "?old=1", "?entry=e-2&index=1&size=5", "?index=1&size=5&old=1"])
async def test_half_a_question_is_400(client: aiohttp.ClientSession, log: PretendGateway, query: str) -> None:
    assert (await client.get(f"/v1/audit/proof{query}")).status == 400


@pytest.mark.parametrize("query", ["index=5&size=5", "index=1&size=4"])
async def test_a_place_that_no_head_covers_is_404(
    nobody: aiohttp.ClientSession, log: PretendGateway, query: str
) -> None:
    assert (await nobody.get(f"/v1/audit/proof?{query}")).status == 404
