"""Deliveries in the store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId
from gateway.store.messages import DisseminationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery taken by a worker. `lease` is what `settle` must show."""

    record: DisseminationRecord
    lease: str


class Deliveries(Protocol):
    """How what is shared gets to its recipients."""

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        per_recipient: int,
        push: frozenset[AgencyId],
        held: Collection[str] = (),
    ) -> tuple[Claim, ...]:
        """Take due deliveries to these recipients: urgent first, then the longest due; at most `per_recipient` at once
        under way for a recipient (those already SENDING count). No two processes get the same one. A delivery is left
        alone while another of its chain is SENDING to the same recipient, and while one of an older message of its
        chain is WAITING for it: one that is not urgent until that has arrived or ended, an urgent one only for an
        urgent one that is due. Nothing waits for what was decided under `held` versions of agreements
        ("JAIL-PD-2026-01@1"), urgent ones aside. One whose lease ran out is due again, before any other of its chain;
        if it was recalled, it ends RECALLED instead. Each claimed delivery becomes SENDING with `attempts` one higher.
        `expires_at` is not looked at, but that one whose time ran out waits for nothing: it is the caller's rule."""

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

    async def move(
        self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry], chain_size: int | None = None
    ) -> bool:
        """Replace a delivery that stands in `expected` (acknowledge, requeue, discard). False, and nothing written,
        when it does not, or when a `chain_size` is given and its chain has grown: what it was decided by has changed. A
        worker that holds it loses its lease. One that becomes WAITING gets a new, higher position, so that no poller
        has passed it."""

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = (), urgent: bool = False
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency with a position above `after`, by position; without those, urgent ones
        aside, that were decided under these versions of agreements ("JAIL-PD-2026-01@1"). Whatever is committed later
        stands above all that was ever answered: a poller that never goes back misses nothing. With `urgent`,
        only urgent ones, with the positions that they have among all."""

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries, urgent ones aside, that were decided under these versions of agreements."""
