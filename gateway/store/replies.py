"""Replies in the store: answers on their way to registered addresses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.course import State
from gateway.delivery.reply import Reply, ReplyId
from gateway.message import Sealed
from gateway.retention.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReply:
    """A reply to be kept until it has arrived.

    content  its envelope, sealed; not signed yet, since a signature ages
    asked    keyed digest of what it answers: the same for a retry of the same request
    fresh    one that was made at this moment or later, and has ended, is begun once more instead of being made anew
    entry    of the log, for one that is made; nothing is written of one that is under way
    again    that entry for one that is begun once more, by the id it has
    """

    reply: Reply
    content: Sealed = field(repr=False)
    asked: bytes
    fresh: datetime
    entry: AuditEntry
    again: Callable[[ReplyId], AuditEntry] = field(repr=False, compare=False)
    kept: Kept


class Put(StrEnum):
    """What became of a new reply."""

    NEW = "new"
    AGAIN = "again"  # the first one had ended: it is begun once more, under its first id
    UNDER_WAY = "under-way"  # the first one is: nothing was written


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRecord:
    """A stored reply."""

    reply: Reply
    content: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyClaim:
    """A reply taken by a worker. `lease` is what `settle_reply` must show."""

    record: ReplyRecord
    lease: str


class Replies(Protocol):
    """How answers get to who asked, when not on the connection they asked on."""

    async def put_reply(self, new: NewReply) -> Put:
        """Keep one that goes with no other write. With an acceptance or a refusal, it is in their transaction. Of one
        agency and one `asked` there is one at a time, whoever puts it."""

    async def claim_replies(
        self, *, now: datetime, lease_until: datetime, limit: int, per_agency: int, push: frozenset[AgencyId]
    ) -> tuple[ReplyClaim, ...]:
        """Take due replies to these agencies, the longest due first, at most `per_agency` at once under way for one. No
        two processes get the same one. One whose lease ran out is due again. Each becomes SENDING with `attempts` one
        higher. `expires_at` is not looked at: that is the caller's rule."""

    async def settle_reply(self, lease: str, reply: Reply, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try. False, and nothing written, when the lease was lost: settled already, claimed
        again, moved, or destroyed."""

    async def reply(self, id: ReplyId) -> ReplyRecord | None:
        """One reply."""

    async def replies(
        self, state: State | None, agency: AgencyId | None, before: ReplyId | None, limit: int
    ) -> tuple[Reply, ...]:
        """Newest first, by key."""

    async def move_reply(self, reply: Reply, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a reply that stands in `expected`; False, and nothing written, when it does not. A worker that holds
        it loses its lease."""
