"""AuditEntry: one leaf of the log. Ids, digests, clause names and counts; never a name or a value of a message."""

from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.message import MessageId


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
