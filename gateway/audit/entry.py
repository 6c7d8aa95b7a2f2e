"""AuditEntry: one leaf of the log. Ids, digests, clause names and counts; never a name or a value of a message."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from gateway.agency import AgencyId
from gateway.audit.catalog import FORMS, EntryType, ShapeError, Value
from gateway.audit.tree import leaf_hash
from gateway.message import MessageId

BODY_SIZE_BYTES_MAX = 16_384

COMMIT_TAG = b"justice-gateway/commit@v1"
SALT_SIZE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One audit entry.

    body       canonical JSON, the very bytes that are hashed
    leaf_hash  32 bytes, RFC 9162 leaf hash of `body`
    parties    agencies that may read it
    """

    id: str
    type: str
    at: datetime
    body: bytes
    leaf_hash: bytes
    parties: tuple[AgencyId, ...] = ()
    message: MessageId | None = None


def make(
    type: EntryType,
    *,
    id: str,
    at: datetime,
    parties: tuple[AgencyId, ...] = (),
    message: MessageId | None = None,
    **fields: Value | None,
) -> AuditEntry:
    """An entry with its canonical body and leaf hash. A field given as None is left out.

    id      a UUIDv7 of its own: its 74 random bits keep the leaf hash, which outsiders see, from being guessed
    fields  the keys `catalog.KEYS` lists for the type, in the shapes of `catalog.SHAPES`; anything else is a
            ValueError, which names the key and never the value
    """
    fields.update(type=type.value, id=id, at=at, parties=parties)
    if message is not None:
        fields["message"] = message
    body = _body(type, fields).encode()
    if len(body) > BODY_SIZE_BYTES_MAX:
        raise ValueError(f"an audit entry has at most {BODY_SIZE_BYTES_MAX} bytes")
    return AuditEntry(
        id=id,
        type=type.value,
        at=at,
        body=body,
        leaf_hash=leaf_hash(body),
        parties=parties,
        message=message,
    )


def _body(type: EntryType, fields: dict[str, Value | None]) -> str:
    form = FORMS[type]
    if not fields.keys() <= form.keys:
        unknown = ", ".join(sorted(fields.keys() - form.keys))
        raise ValueError(f"an entry of type {type} has no {unknown}")
    members: list[str] = []
    for key, name, shape, required in form.rows:
        value = fields.get(key)
        if value is not None:
            try:
                members.append(name + shape(value))
            except ShapeError as error:
                raise ValueError(f"{key} of an entry of type {type} has not its shape") from error
        elif required:
            raise ValueError(f"an entry of type {type} needs {key}")
    return "{" + ",".join(members) + "}"


def commit(salt: bytes, sender_id: str, payload: bytes) -> str:
    """Commitment to a payload and to the id its sender gave it; 64 hex digits.

    The salt is derived from the payload's key and ends with it: then nobody can tell any more, by guessing contents,
    what the commitment stands for. While it lives, payload and salt together prove what was received.
    SHA-256(tag ‖ salt ‖ length of the id in 4 bytes ‖ id ‖ payload).
    """
    if len(salt) != SALT_SIZE_BYTES:
        raise ValueError(f"the salt of a commitment has {SALT_SIZE_BYTES} bytes")
    name = sender_id.encode()
    return sha256(b"".join((COMMIT_TAG, salt, len(name).to_bytes(4), name, payload))).hexdigest()
