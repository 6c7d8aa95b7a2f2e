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
from gateway.api.body import check_head, read_body
from gateway.api.rest import Caller, Running, caller, json_answer
from gateway.audit.evidence import FORM
from gateway.audit.note import NOTE_SIZE_BYTES_MAX
from gateway.audit.proof import inclusion, inclusion_ranges
from gateway.errors import Refused
from gateway.exchange.cosigned import checkpoint_with_cosignatures, cosigned_checkpoint, take_head
from gateway.exchange.evidence import EntryUnknown, consistency_of, evidence_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.exchange.receipt_check import check_receipt
from gateway.exchange.rotate_log_key import handovers, log_keys
from gateway.store.log import StoredEntry

WIDTH = 256
"""Hashes in a full tile. Source: c2sp.org/tlog-tiles."""

LEVEL_MAX = 5
"""256^6 leaves will not be reached."""

IMMUTABLE = "public, max-age=31536000, immutable"

_TILE = re.compile(
    r"(?P<groups>(?:x(?!000)[0-9]{3}/(?:x[0-9]{3}/){0,4})?)(?P<last>[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
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


_NOTE_BODY = {"requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}}

router = APIRouter(prefix="/v1/audit", tags=["audit"], default_response_class=PlainTextResponse)


@router.get("/checkpoint", summary="The newest signed head")
async def checkpoint(
    gateway: Running,
    size: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    cosigned: Annotated[bool, Query(description="the newest head that a partner's gateway has countersigned")] = False,
) -> Response:
    """C2SP checkpoint: origin, size, root hash, signature, and what cosigners have signed of it by now.

    Of exactly `size` entries when given. `?cosigned=true`: the newest one with a cosignature (C2SP tlog-cosignature).
    """
    if cosigned:
        note = await cosigned_checkpoint(gateway.store, at_least=size or 0)
    else:
        note = await checkpoint_with_cosignatures(gateway.store, size)
    if note is None:
        raise NothingSigned("no such checkpoint is signed yet" if size is None else "no checkpoint of this size is")
    return PlainTextResponse(note)


@router.get("/keys", summary="The log's keys", response_class=Response)
async def keys(gateway: Running) -> Response:
    """Every key the log ever had, with the sizes whose heads it signs, and the heads at which one handed over to the
    next: both have signed each, and it names the new key. Whoever trusts one key follows from there."""
    known = [{"key": str(each.key), "first": each.first, "until": each.until} for each in log_keys(gateway)]
    passed = [note.decode() for note in await handovers(gateway)]
    return json_answer({"keys": known, "handovers": passed})


@router.get("/witness", summary="The last head of your log that this gateway countersigned")
async def witness(gateway: Running, agency: Caller) -> Response:
    """The signed note with this gateway's cosignature below it: what your log had to hold then."""
    seen = await gateway.store.seen_head(agency.id)
    if seen is None:
        raise NothingSigned("this gateway has not countersigned a head of your log")
    return PlainTextResponse(seen.note)


@router.post("/witness", summary="Show a head of this gateway's log", openapi_extra=_NOTE_BODY)
async def take_witness(request: Request, gateway: Running) -> Response:
    """A head that this gateway's log key has signed, with cosignatures below it. Those of its cosigners are kept.

    No credential: signatures speak for themselves. A head that the log does not lead to, although its key signed it,
    is answered 403 with `audit.log-rolled-back` or `audit.log-rewritten`, and raises an alarm here.
    """
    taken = await take_head(gateway, await _note(request))
    return json_answer({"size": taken.size, "cosignatures": taken.cosignatures})


@router.post("/receipt", summary="Is a receipt kept?", openapi_extra=_NOTE_BODY)
async def receipt(request: Request, gateway: Running, agency: Caller) -> Response:
    """A receipt of yours: is the entry it promises in the signed log? `state` is kept, waiting, late, or unkept - then
    the receipt is evidence against this gateway, and `proven` says of what."""
    checked = await check_receipt(gateway, await _note(request), of=agency.id)
    return json_answer(
        {
            "message": checked.receipt.message,
            "state": checked.kept.value,
            "index": checked.index,
            "size": checked.size,
            "leaf": checked.receipt.leaf_hash.hex(),
            "proven": list(checked.proven),
            "evidence": checked.evidence,
            "checkpoint": checked.checkpoint.decode(),
        }
    )


async def _note(request: Request) -> bytes:
    check_head(request, frozenset({"text/plain"}), NOTE_SIZE_BYTES_MAX)
    return await read_body(request, NOTE_SIZE_BYTES_MAX)


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
    there = number < 2**48 and (width < WIDTH or match["width"] is None)
    hashes = await gateway.store.hashes(level, number * WIDTH, width) if there else ()
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
