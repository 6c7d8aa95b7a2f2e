"""Who countersigns whose log, what they countersigned, and what was found wrong, in the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry

OWN_LOG = AgencyId("")
"""In the place of an agency: our own log."""


class Watch(StrEnum):
    """Which way heads go between this gateway and a partner's."""

    COSIGNER = "cosigner"  # the partner countersigns our log
    LOG = "log"  # we countersign the partner's


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """A partner's key for one way, as two people compared it. Those that ended stay, for the record.

    key              verifier key: of cosignatures for a cosigner, of checkpoints for a log
    url              base URL of the partner's gateway
    private_network  an administrator allowed this address to be loopback or private
    authorities      PEM: who vouches for that server, besides those the whole deployment trusts
    """

    watch: Watch
    agency: AgencyId
    key: str
    url: str
    since: datetime
    private_network: bool = False
    authorities: bytes = field(default=b"", repr=False)
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A head of a log: the signed note, with whatever cosignatures are below it, and when it was seen."""

    size: int
    note: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCosignature:
    """A cosignature of one of our heads, verified before it came here."""

    size: int
    agency: AgencyId
    cosigner: str
    at: datetime
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenHead:
    """A head that was handed to an agency. way: file, folder, mail, poll."""

    agency: AgencyId
    size: int
    way: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTrouble:
    """Something wrong with our log, or with a partner's, until people have decided what becomes of it.

    agency  whose log, "" = our own
    size    of the log, or of the head concerned
    index   of the first entry concerned
    """

    id: str
    code: str
    at: datetime
    agency: AgencyId = OWN_LOG
    size: int = 0
    index: int | None = None
    ended_at: datetime | None = None


class Witnesses(Protocol):
    """Cosigners and heads."""

    async def put_witness_key(self, key: WitnessKey, entries: Sequence[AuditEntry]) -> None:
        """A new key, or the new state of one, with its entries."""

    async def witness_keys(self) -> tuple[WitnessKey, ...]:
        """All of them, those that ended too, by way, agency and time."""

    async def note_head(self, agency: AgencyId, head: Head) -> None:
        """A head of this partner's log came in and waits to be looked at; the largest one stays."""

    async def noted_heads(self) -> tuple[tuple[AgencyId, Head], ...]:
        """What waits."""

    async def drop_noted(self, agency: AgencyId, size: int) -> None:
        """It was looked at: nothing of at most this size waits any more."""

    async def seen_head(self, agency: AgencyId) -> Head | None:
        """The newest head of this partner's log that we cosigned, our cosignature below it."""

    async def see_head(self, agency: AgencyId, head: Head, *, instead_of: int) -> bool:
        """Keep what we cosign in the place of the head of `instead_of` entries (0: of none); False, and nothing
        written, when another one stands there by now. Two at once never take a cosigned head back."""

    async def add_cosignatures(self, cosignatures: Sequence[HeldCosignature]) -> None:
        """Keep them; one of the same cosigner for the same size stays as it is."""

    async def cosignatures(self, size: int) -> tuple[HeldCosignature, ...]:
        """Of the head of exactly this size, by cosigner."""

    async def newest_cosigned(self) -> tuple[HeldCosignature, ...]:
        """The newest cosignature of each cosigner."""

    async def give_heads(self, given: Sequence[GivenHead], entries: Sequence[AuditEntry]) -> None:
        """Remember who was handed which head."""

    async def given_heads(self, agency: AgencyId | None, limit: int) -> tuple[GivenHead, ...]:
        """Newest first."""

    async def report_trouble(self, trouble: LogTrouble, entries: Sequence[AuditEntry]) -> bool:
        """Keep it with its entries; False, and nothing written, when the same code stands for the same log."""

    async def troubles(self) -> tuple[LogTrouble, ...]:
        """All of them, those that ended too, in the order they were found."""

    async def end_troubles(self, at: datetime, entries: Sequence[AuditEntry]) -> None:
        """People have decided about all that stands: it ends, and the entries say so."""

    async def verified_head(self) -> Head | None:
        """The newest head under which this deployment read its log."""

    async def keep_verified(self, head: Head) -> None:
        """Keep it; of no effect when a larger one is kept."""

    async def signed_heads(self, after: int, limit: int) -> tuple[tuple[int, bytes], ...]:
        """Our signed heads of more than `after` entries, by the size each is stored under."""
