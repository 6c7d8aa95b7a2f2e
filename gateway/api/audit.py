"""The audit log as others may see it: signed heads, hashes, proofs; an entry only by its parties.

Heads and hashes say nothing of what was shared, and a log that watches nobody sees is no proof: they are open. They
lie where C2SP tlog-tiles expects them, below /v1/audit, so that existing tools can follow the log.
"""

import base64
import re
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.agency import Agency
from gateway.api.rest import Running, caller
from gateway.audit.evidence import FORM
from gateway.audit.proof import inclusion, inclusion_ranges
from gateway.errors import Refused
from gateway.exchange.evidence import EntryUnknown, consistency_of, evidence_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.store.log import StoredEntry

WIDTH = 256
"""Hashes in a full tile. Source: c2sp.org/tlog-tiles."""

LEVEL_MAX = 5
"""256^6 leaves will not be reached."""

IMMUTABLE = "public, max-age=31536000, immutable"

_TILE = re.compile(r"(?P<groups>(?:x[0-9]{3}/){0,5})(?P<last>[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")
_LEAF = re.compile(r"[0-9a-f]{64}")


class TileUnknown(Refused):
    """The log has no such tile, or not yet."""

    code = "audit.tile-unknown"


class NothingSigned(Refused):
    """No entry is in the log yet."""

    code = "audit.no-checkpoint"


class ProofAsked(Refused):
    """The parameters ask for no proof, or for two."""

    code = "request.parameter"


router = APIRouter(prefix="/v1/audit", tags=["audit"], default_response_class=PlainTextResponse)


@router.get("/checkpoint", summary="The newest signed head")
async def checkpoint(gateway: Running, size: Annotated[int | None, Query(ge=0, lt=2**63)] = None) -> Response:
    """C2SP checkpoint: origin, size, root hash, signature; of exactly `size` entries when given."""
    note = await gateway.store.checkpoint(size)
    if note is None:
        raise NothingSigned("no checkpoint is signed yet" if size is None else "no checkpoint of this size was signed")
    return PlainTextResponse(note)


@router.get("/tile/{level}/{path:path}", summary="Hashes of the tree", response_class=Response)
async def tile(gateway: Running, level: int, path: str) -> Response:
    """C2SP tlog-tiles: up to 256 hashes of level `level`; `path` is the tile's number, `x001/234` for 1234.

    `.p/W` after it gives the first W hashes of a tile that is not full yet.
    """
    match = _TILE.fullmatch(path)
    if match is None or not 0 <= level <= LEVEL_MAX:
        raise TileUnknown("a tile is named as c2sp.org/tlog-tiles says")
    number = int(re.sub(r"[x/]", "", match["groups"] + match["last"]))
    width = int(match["width"] or WIDTH)
    hashes = await gateway.store.hashes(level, number * WIDTH, width) if width <= WIDTH and number < 2**48 else ()
    if len(hashes) != width:
        raise TileUnknown("the log has no such tile yet")
    return Response(b"".join(hashes), media_type="application/octet-stream", headers={"Cache-Control": IMMUTABLE})


@router.get("/proof", summary="Proof that an entry is in the log, or that the log only grew")
async def proof(
    request: Request,
    gateway: Running,
    entry: Annotated[str | None, Query(max_length=64, description="id of an entry, or its leaf hash in hex")] = None,
    index: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    size: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    old: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    new: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """`?entry=`: C2SP tlog-proof of an entry, with the entry itself; for its parties.

    `?index=&size=`: tlog-proof of the leaf at this place under the signed head of `size` entries, without the entry.
    `?old=&new=`: consistency proof between two signed sizes, one hash in base64 a line (RFC 9162, 2.1.4).
    """
    given = {name for name in request.query_params if name in _ASKED}
    if entry is not None and given == {"entry"}:
        return PlainTextResponse(await _proof_of_entry(gateway, await caller(request), entry))
    if index is not None and size is not None and given == {"index", "size"}:
        return PlainTextResponse(await _proof_of_place(gateway, index, size))
    if old is not None and new is not None and given == {"old", "new"}:
        hashes = await consistency_of(gateway.store, old, new)
        return PlainTextResponse("".join(f"{line}\n" for line in _base64(hashes)))
    raise ProofAsked("ask for `entry`, or for `index` and `size`, or for `old` and `new`")


_ASKED = frozenset({"entry", "index", "size", "old", "new"})


async def _proof_of_place(gateway: Gateway, index: int, size: int) -> str:
    note = await gateway.store.checkpoint(size)
    if note is None or index >= size:
        raise NothingSigned("no checkpoint of this size was signed, or it has no leaf of this index")
    got = {
        each: await gateway.store.hashes(each.level, each.start, each.count) for each in inclusion_ranges(index, size)
    }
    return "\n".join((FORM, f"index {index}", *_base64(inclusion(index, size, got)), "", note.decode()))


def _base64(hashes: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]


async def _proof_of_entry(gateway: Gateway, agency: Agency, asked: str) -> str:
    stored = await _entry(gateway, asked)
    if stored is None or agency.id not in stored.entry.parties:
        raise EntryUnknown("the log has no such entry that this agency is a party of")
    proven = await evidence_of(gateway.store, stored.entry.id)
    message = stored.entry.message
    await record_read(gateway, "entry", parties=(agency.id,), message=message, agency=agency.id, channel="rest")
    return proven


async def _entry(gateway: Gateway, asked: str) -> StoredEntry | None:
    if _LEAF.fullmatch(asked):
        return await gateway.store.entry_by_leaf(bytes.fromhex(asked))
    return await gateway.store.entry(asked)
