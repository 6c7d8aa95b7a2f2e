"""Messages in the store, each with what its recipients get."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery
from gateway.message import Dissemination, DisseminationId, Filed, Message, MessageId, Sealed
from gateway.retention.kept import Kept
from gateway.store.replies import NewReply


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDissemination:
    """A dissemination with its sealed payload, its signed Cover, and its delivery.

    cover  the signed Cover's bytes; it names parties, clauses and digests, no content
    kept   until when; here and below, what is sealed never goes without it but in tests of other things
    """

    dissemination: Dissemination
    payload: Sealed
    cover: bytes
    delivery: Delivery
    kept: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureUse:
    """The signature by which a message is accepted; it makes no other one.

    digest  32 bytes that are the same however often this signature is shown
    until   from then on it is stale, refused by itself, and need not be remembered
    """

    digest: bytes
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """All that one accepted message writes, in one transaction.

    configuration   version of the configuration under which it was decided
    content_digest  keyed digest of the canonical content: tells a repeat from another message with the same id
    chain_size      `Messages.chain_size` before anything else of its chain was read; 0 for one that opens a chain
    receipt         signed note, as it is answered
    recalls         waiting or sending deliveries of the chain's earlier messages to these recipients are recalled
    disclosures     rows of the disclosure index: one for each dissemination and person in it
    reply           the answer, where it goes to a registered address: it is kept exactly when the message is
    """

    configuration: int
    message: Message
    content_digest: bytes
    original: Sealed
    receipt: bytes
    disseminations: tuple[NewDissemination, ...]
    entries: tuple[AuditEntry, ...]
    chain_size: int = 0
    recalls: tuple[AgencyId, ...] = ()
    disclosures: tuple[Filed, ...] = ()
    kept: Kept | None = None
    reply: NewReply | None = None
    signature: SignatureUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRelease:
    """What an emergency release writes, in one transaction: disseminations of a message that was accepted before.

    configuration, chain_size  as of `Acceptance`: what it was decided under
    because  what a person wrote of it, sealed; kept with the first of the disseminations
    """

    configuration: int
    message: Message
    chain_size: int
    disseminations: tuple[NewDissemination, ...]
    entries: tuple[AuditEntry, ...]
    because: Sealed | None = None
    disclosures: tuple[Filed, ...] = ()
    kept: Kept | None = None


class Stored(StrEnum):
    """What became of an acceptance, or of a release (STORED or STALE)."""

    STORED = "stored"
    KNOWN = "known"  # (sender, sender_id) is taken: nothing was written; ask `known`
    REPLAYED = "replayed"  # its signature made another message of this sender: nothing was written
    STALE = "stale"  # the configuration or the chain changed since: nothing was written; decide again


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored under a sender's id."""

    message: MessageId
    content_digest: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMessage:
    """A refused submission: kept sealed for seven days when there is something to keep.

    reply  the fault, where it goes to a registered address
    """

    id: MessageId
    sender: AgencyId
    at: datetime
    code: str
    original: Sealed | None
    entries: tuple[AuditEntry, ...]
    kept: Kept | None = None
    reply: NewReply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecord:
    """A stored message."""

    message: Message
    original: Sealed
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DisseminationRecord:
    """A stored dissemination; `position` is its place in the recipient's inbox order."""

    dissemination: Dissemination
    sender: AgencyId
    exchange: str
    payload: Sealed
    cover: bytes
    delivery: Delivery
    position: int


class Messages(Protocol):
    """What was accepted, what was refused, and what each recipient gets of it."""

    async def known(self, sender: AgencyId, sender_id: str) -> Known | None:
        """What is stored under this sender's id."""

    async def accept(self, acceptance: Acceptance) -> Stored:
        """Write all or nothing. Concurrent calls may share one commit; one that is not STORED never fails its batch.
        KNOWN comes before STALE, and STALE before REPLAYED. No acceptance is STORED under a version that is gone when
        it commits, nor after a message or a release of its chain that it was decided without. Acceptances of
        one chain happen one after the other: recalls reach all that was stored of it before. What of a chain is WAITING
        for a recipient of the new message is due when that is, if not sooner."""

    async def forget_signatures(self, before: datetime, limit: int) -> int:
        """Forget signatures that were stale before this moment, at most so many; how many those were."""

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing: STORED, or STALE when the configuration or the message's chain changed since, or the
        message is not there."""

    async def because(self, dissemination: DisseminationId) -> Sealed | None:
        """What a person wrote of a release."""

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal. It does not occupy the sender's id."""

    async def message(self, id: MessageId) -> MessageRecord | None:
        """One accepted message."""

    async def messages(self, sender: AgencyId | None, before: MessageId | None, limit: int) -> tuple[Message, ...]:
        """Newest first, by key."""

    async def disseminations(self, message: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of one message, in order of recipient."""

    async def chain_messages(self, first: MessageId) -> tuple[Message, ...]:
        """Every message of a chain, in the order in which they were stored: as a chain is accepted, each id sorts after
        those before it."""

    async def chain_size(self, first: MessageId) -> int:
        """How many messages and disseminations a chain holds. It only grows: who counts before reading anything of the
        chain, and finds the same number under the chain's lock, has read all of it."""

    async def chain(self, first: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of every message of a chain: who got, or was to get, something of it."""
