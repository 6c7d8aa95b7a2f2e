"""What is kept and until when, legal holds, runs of destruction and what came of them, in the store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.message import DeliveryId, DisseminationId, MessageId
from gateway.retention.certificate import Person
from gateway.retention.hold import Hold
from gateway.retention.kept import Kept
from gateway.retention.plan import Why
from gateway.retention.seen import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of destruction, written down before it destroys anything.

    entry        id of the entry of its intent
    whole        buckets that go whole
    plan         JSON: what of the plan its certificate repeats
    count        payloads it was to destroy
    done_at      when its certificate was stored; None until then
    certificate  signed; b"" until then
    """

    id: str
    why: Why
    at: datetime
    operator: Person
    second: Person | None
    entry: str
    whole: tuple[str, ...]
    plan: str
    count: int
    done_at: datetime | None = None
    certificate: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What `intend` writes.

    items      ids of what the run is to destroy
    hold_acts  how many acts on holds there were when it was planned
    """

    run: Run
    items: Sequence[str]
    hold_acts: int
    entries: Sequence[AuditEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What a past recipient is asked to attest, and whether it did.

    notice    the dissemination that carries the notice; delivery: how it gets there
    document  digest of the paper, when there is one
    """

    notice: DisseminationId
    delivery: DeliveryId
    run: str
    message: MessageId
    owner: AgencyId
    recipient: AgencyId
    asked_at: datetime
    attest_by: datetime
    attested_at: datetime | None = None
    attested_by: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One payload, with what became of it: the run that is to destroy it, or did, and when it was gone."""

    kept: Kept
    run: str = ""
    destroyed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How much there is. due: of that, past its time; oldest_due: since when the longest."""

    kept: int
    due: int
    oldest_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What `finish` writes: the certificate, and what past recipients are asked."""

    run: str
    at: datetime
    certificate: bytes
    entries: Sequence[AuditEntry]
    attestations: Sequence[Attestation] = field(default=())


class Retentions(Protocol):
    """What is kept, and how it ends. Rows of what is kept are written with the message they belong to."""

    async def due(self, until: datetime, after: tuple[str, str] | None, limit: int) -> tuple[Kept, ...]:
        """What is due up to and at this moment and stands in no run, by bucket and id, after this bucket and id."""

    async def kept_of(self, messages: Collection[MessageId]) -> tuple[Fate, ...]:
        """All that is or was kept of these messages, of refused ones too."""

    async def kept_under(self, mou: str, after: str, limit: int) -> tuple[Kept, ...]:
        """What is kept under this version of an agreement (id@version) and stands in no run, by id."""

    async def holding(self, now: datetime) -> Holding:
        """How much there is, and how much of it is due."""

    async def remaining(self, bucket: str) -> tuple[str, ...]:
        """Ids of what is kept in a bucket."""

    async def move_due(self, moved: Sequence[Kept], entries: Sequence[AuditEntry]) -> None:
        """Give these the due dates they carry, where that is earlier than the stored one."""

    async def intend(self, intent: Intent) -> bool:
        """Write a run and mark what it is to destroy. False, and nothing written, when a hold was placed or lifted
        since it was planned, when something of it is gone or in another run, or when a bucket that is to go whole holds
        something else by now. With buckets that go whole, the version of the configuration is raised: what was sealed
        before and is not stored yet is decided, and sealed, again."""

    async def unfinished(self) -> tuple[Run, ...]:
        """Runs without a certificate, oldest first."""

    async def items(self, run: str, after: str, limit: int) -> tuple[Fate, ...]:
        """What a run is to destroy or has destroyed, by id."""

    async def waiting_in(self, run: str) -> tuple[DeliveryId, ...]:
        """Deliveries of what a run is to destroy that are still waiting."""

    async def spare(self, run: str, items: Sequence[str], entries: Sequence[AuditEntry]) -> None:
        """Take these out of a run."""

    async def destroy(self, run: str, items: Sequence[str], at: datetime) -> None:
        """Remove these payloads of the run with all that tells of their content; what lists and the log need stays.
        What is gone already stays gone."""

    async def finish(self, finish: Finish) -> None:
        """Store the certificate of a run. Again is as good as once."""

    async def run(self, id: str) -> Run | None:
        """One run."""

    async def runs(self, since: datetime | None, until: datetime | None, after: str, limit: int) -> tuple[Run, ...]:
        """Runs that were begun from one moment up to, not including, another, oldest first, by id."""

    async def place_hold(self, hold: Hold, entries: Sequence[AuditEntry]) -> None:
        """A new hold, or the new state of the one with its id."""

    async def holds(self) -> tuple[Hold, ...]:
        """Every hold there is or was, oldest first."""

    async def hold_acts(self) -> int:
        """How often a hold was placed or lifted; asked before the holds are read."""

    async def attestations(self, *, open_only: bool) -> tuple[Attestation, ...]:
        """What past recipients were asked, longest asked first."""

    async def attest(self, attested: Attestation, entries: Sequence[AuditEntry]) -> bool:
        """Record an attestation. False, and nothing written, when it was attested before, or never asked."""

    async def seen(self) -> Seen | None:
        """The clock as it was last seen; None = nobody has looked."""

    async def see(self, seen: Seen) -> None:
        """Remember it."""

    async def content_left(self, run: str) -> int:
        """How many rows of what a run has destroyed still hold content: 0."""

    async def raw_files(self) -> tuple[Path, ...]:
        """The files that hold the database's bytes, as far as this process can read them, after what waits in a
        write-ahead log was brought home where that can be done."""
