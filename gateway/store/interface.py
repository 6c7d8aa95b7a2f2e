"""What a store owes the gateway. Two implementations, one suite of promises: `tests/store/test_promises.py`.

Promises that hold for every method:
- A method that writes returns only after the write is durable (fsync); it is all or nothing.
- Any number of processes may use one database at the same time.
- An error of the database is raised as `StoreUnavailable` (a later try may work) and nothing is half done.
  The caller may not assume that a write which raised was *not* stored: it may have been.
- Payloads are sealed before they come here; the store never sees a key.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.agency import Agency, AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.errors import Unavailable
from gateway.message import DeliveryId, Dissemination, DisseminationId, Message, MessageId, Sealed
from gateway.policy.consent import Consent
from gateway.user import User, UserId


class ConfigurationChanged(Unavailable):
    """Somebody else changed the configuration meanwhile: what was decided under the one before may no longer hold."""

    code = "configuration.changed"


class StoreUnavailable(Unavailable):
    """The database did not do what was asked; whether it stored something is not known."""

    code = "store.unavailable"


# --- values -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An audit entry as it lies in the log; `index` is None until the sequencer has ordered it."""

    entry: AuditEntry
    index: int | None


class CredentialKind(StrEnum):
    """How an agency's system proves who it is."""

    TOKEN = "token"  # bearer token; the fingerprint is SHA-256 of it
    CERTIFICATE = "certificate"  # client and signing certificate; the fingerprint is SHA-256 of its DER
    AUTHORITY = "authority"  # a CA certificate that issues for this agency


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential of an agency. Revoked and expired ones stay, for the record.

    fingerprint  64 hex digits
    certificate  PEM, b"" for a token
    """

    fingerprint: str
    kind: CredentialKind
    agency: AgencyId
    not_before: datetime
    not_after: datetime
    certificate: bytes = b""
    revoked_at: datetime | None = None


class AgreementState(StrEnum):
    """Life of an MOU version."""

    DRAFT = "draft"  # registered, decides nothing
    TRIAL = "trial"  # decided and counted; nothing leaves
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One version of one MOU as the database holds it: the file's bytes and its digest."""

    mou: str
    version: int
    digest: str
    state: AgreementState
    body: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's signed approval of one version of an agreement, for one party.

    signature  base64, of `signing.act.Act` "approve"; it was verified before it came here
    """

    mou: str
    version: int
    digest: str
    party: AgencyId
    user: UserId
    at: datetime
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A registered message specification: a zip of its folder and schemas, and its edition (`Iepd.edition`)."""

    id: str
    digest: str
    archive: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One version of one law pack: the file's bytes and its digest. Of several versions the latest binds; the others
    stay, for decisions that were made under them."""

    id: str
    version: int
    digest: str
    body: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything in force at one version of the configuration; `version` grows by one with each change."""

    version: int
    agencies: tuple[Agency, ...]
    credentials: tuple[Credential, ...]
    agreements: tuple[Agreement, ...]
    exchanges: tuple[Exchange, ...]
    users: tuple[User, ...] = ()
    approvals: tuple[Approval, ...] = ()
    laws: tuple[Law, ...] = ()


Change = Agency | Credential | Agreement | Exchange | User | Approval | Consent | Law
"""Put: a new one, or the new state of the one with the same key: the id of an agency, exchange, user or consent; a
fingerprint; mou and version; mou, version, party and user of an approval; id and version of a law. A consent is not
part of the configuration's snapshot, but its change makes a new version like any other: nothing is stored that was
decided under a revoked one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relisted:
    """An agreement under which what waits in these inboxes was held and may be read from now on."""

    mou: str
    recipients: tuple[AgencyId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDissemination:
    """A dissemination with its sealed payload, its signed Cover, and its delivery.

    cover  the signed Cover's bytes; it names parties, clauses and digests, no content
    """

    dissemination: Dissemination
    payload: Sealed
    cover: bytes
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """All that one accepted message writes, in one transaction.

    configuration   version of the configuration under which it was decided
    content_digest  keyed digest of the canonical content: tells a repeat from another message with the same id
    chain_size      how many messages its chain held when it was decided; 0 for one that opens a chain
    receipt         signed note, as it is answered
    recalls         waiting or sending deliveries of the chain's earlier messages to these recipients are recalled
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


class Stored(StrEnum):
    """What became of an acceptance, or of a release."""

    STORED = "stored"
    KNOWN = "known"  # (sender, sender_id) is taken: nothing was written; ask `known`
    STALE = "stale"  # the configuration or the chain changed since: nothing was written; decide again


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored under a sender's id."""

    message: MessageId
    content_digest: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMessage:
    """A refused submission: kept sealed for seven days when there is something to keep."""

    id: MessageId
    sender: AgencyId
    at: datetime
    code: str
    original: Sealed | None
    entries: tuple[AuditEntry, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery taken by a worker. `lease` is what `settle` must show."""

    record: DisseminationRecord
    lease: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """The log as the sequencer finds it: its size, the newest checkpoint, and how to read hashes of the tree.

    hashes(level, start, count): hashes of complete subtrees of 256**level leaves, from the start-th on
    """

    size: int
    checkpoint: bytes | None
    hashes: Callable[[int, int, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLeaves:
    """What the sequencer writes: the newly complete subtrees above level 0, and the signed checkpoint.

    subtrees  (level, index, hash), level >= 1
    """

    subtrees: tuple[tuple[int, int, bytes], ...]
    size: int
    checkpoint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a person watching asks for: how many, how late.

    deliveries  by recipient and state; delivered ones are not counted
    oldest      when the oldest waiting delivery that is not an inbox item fell due
    unsequenced audit entries not yet in the tree, and when the oldest of them was written
    emergencies emergency releases, ever
    """

    messages: int
    deliveries: tuple[tuple[AgencyId, State, int], ...]
    oldest: datetime | None
    unsequenced: int
    unsequenced_since: datetime | None
    log_size: int
    emergencies: int = 0


# --- the promises -----------------------------------------------------------------------------------------------


class Store(Protocol):
    """The gateway's memory."""

    async def open(self) -> None:
        """Connect. Raises `StoreUnavailable`, or `Misconfigured` when migrations are missing."""

    async def close(self) -> None:
        """Finish what is under way and let go."""

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment, such as the key directory's fingerprint."""

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""

    # configuration

    async def configuration_version(self) -> int:
        """Cheap enough to ask for each message."""

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version. With it, WAITING deliveries of `relisted` get
        new positions in the same order, above all that were ever answered: no poller has passed them.

        under  the version that the changes were decided under: `ConfigurationChanged`, and nothing written, when it is
               gone; None = they hold whatever else changed
        """

    # consents

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes, by id; those that ended or were revoked too."""

    async def consent(self, id: str) -> Consent | None:
        """One consent."""

    async def consents_of(self, holder: AgencyId | None, before: str | None, limit: int) -> tuple[Consent, ...]:
        """Newest first, by key; of everybody when no holder is named."""

    # messages

    async def known(self, sender: AgencyId, sender_id: str) -> Known | None:
        """What is stored under this sender's id."""

    async def accept(self, acceptance: Acceptance) -> Stored:
        """Write all or nothing. Concurrent calls may share one commit; one KNOWN or STALE never fails its batch. KNOWN
        comes before STALE. No acceptance is STORED under a version that is gone when it commits, nor after a message
        of its chain that it was decided without. Acceptances of one chain happen one after the other: recalls reach all
        that was stored of it before."""

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing: STORED, or STALE when the configuration or the message's chain changed since, or the
        message is not there."""

    async def because(self, dissemination: DisseminationId) -> Sealed | None:
        """What a person wrote of a release."""

    async def emergencies(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[StoredEntry, ...]:
        """Entries of emergency releases from one moment up to, not including, another, oldest first, by key."""

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal. It does not occupy the sender's id."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write (reading content, a sign-in)."""

    async def message(self, id: MessageId) -> MessageRecord | None:
        """One accepted message."""

    async def messages(self, sender: AgencyId | None, before: MessageId | None, limit: int) -> tuple[Message, ...]:
        """Newest first, by key."""

    async def disseminations(self, message: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of one message, in order of recipient."""

    async def chain_messages(self, first: MessageId) -> tuple[Message, ...]:
        """Every message of a chain, in the order in which they were received."""

    async def chain(self, first: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of every message of a chain: who got, or was to get, something of it."""

    # deliveries

    async def claim(
        self, *, now: datetime, lease_until: datetime, limit: int, per_recipient: int, push: frozenset[AgencyId]
    ) -> tuple[Claim, ...]:
        """Take due deliveries to these recipients: urgent first, then the longest due; at most `per_recipient` at once
        under way for a recipient (those already SENDING count). No two processes get the same one. A delivery is left
        alone while another of its chain is SENDING to the same recipient. One whose lease ran out is due again, before
        any other of its chain; if it was recalled, it ends RECALLED instead. Each claimed delivery becomes SENDING with
        `attempts` one higher. `expires_at` is not looked at: that is the caller's rule."""

    async def settle(self, lease: str, delivery: Delivery, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try. False, and nothing written, when the lease was lost: settled already, claimed
        again, or moved. One that ran out and that nobody took is still good. When the delivery was recalled meanwhile,
        it ends RECALLED unless the outcome is DELIVERED."""

    async def delivery(self, id: DeliveryId) -> DisseminationRecord | None:
        """One delivery with what it carries."""

    async def deliveries(
        self, state: State | None, recipient: AgencyId | None, before: DeliveryId | None, limit: int
    ) -> tuple[Delivery, ...]:
        """Newest first, by key."""

    async def move(self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a delivery that stands in `expected`; False, and nothing written, when it does not (acknowledge,
        requeue, discard). A worker that holds it loses its lease. One that becomes WAITING gets a new, higher position,
        so that no poller has passed it."""

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = ()
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency with a position above `after`, by position; without those, urgent ones
        aside, that were decided under these versions of agreements ("JAIL-PD-2026-01@1"). Whatever is committed later
        stands above all that was ever answered: a poller that never goes back misses nothing."""

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries, urgent ones aside, that were decided under these versions of agreements."""

    # audit

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log: `build` gets the head and the entries in leaf order and
        gives what to write. One sequencer at a time over all processes; how many were ordered. When `build` raises,
        nothing is written and its exception comes out. It may be called on another thread, it is not called when
        nothing waits, and it must be quick: on SQLite all writers wait for it."""

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        """Ordered entries from index `start` on."""

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        """Entries about one message, in the order they were written."""

    async def entries_of_types(self, types: Collection[str], *, after: str = "", limit: int) -> tuple[StoredEntry, ...]:
        """Entries of these types in the order they were written, after the one with this id; those not yet in the tree
        too. It reads the whole log: for people who ask, not for the way of a message."""

    async def entry_by_leaf(self, leaf_hash: bytes) -> StoredEntry | None:
        """The entry with this leaf hash."""

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
