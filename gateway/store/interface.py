"""What a store owes the gateway. Two implementations, one suite of promises: `tests/store/test_promises.py`.

Promises that hold for every method:
- A method that writes returns only after the write is durable (fsync); it is all or nothing.
- Any number of processes may use one database at the same time.
- An error of the database is raised as `StoreUnavailable` (a later try may work) and nothing is half done.
  The caller may not assume that a write which raised was *not* stored: it may have been.
- Payloads are sealed before they come here; the store never sees a key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.agency import AgencyId
from gateway.delivery.delivery import State
from gateway.errors import Unavailable
from gateway.store.alerts import Alerts
from gateway.store.answers import Answers
from gateway.store.backups import Backups
from gateway.store.configuration import Configurations
from gateway.store.deliveries import Deliveries
from gateway.store.disclosures import Disclosures
from gateway.store.log import Log
from gateway.store.messages import Messages
from gateway.store.replies import Replies
from gateway.store.retention import Retentions
from gateway.store.witness import Witnesses


class StoreUnavailable(Unavailable):
    """The database did not do what was asked; whether it stored something is not known."""

    code = "store.unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a person watching asks for: how many, how late.

    deliveries  by recipient and state; delivered ones are not counted
    oldest      when the oldest waiting delivery that is not an inbox item fell due
    unsequenced audit entries not yet in the tree, and when the oldest of them was written
    emergencies emergency releases, ever
    signatures  remembered until they are stale
    unarranged  rows of the disclosure index whose tokens are not arranged for finding yet
    replies     answers to registered addresses, by agency and state; delivered ones are not counted
    """

    messages: int
    deliveries: tuple[tuple[AgencyId, State, int], ...]
    oldest: datetime | None
    unsequenced: int
    unsequenced_since: datetime | None
    log_size: int
    emergencies: int = 0
    signatures: int = 0
    unarranged: int = 0
    replies: tuple[tuple[AgencyId, State, int], ...] = ()


class Store(
    Configurations,
    Messages,
    Deliveries,
    Replies,
    Log,
    Answers,
    Disclosures,
    Retentions,
    Alerts,
    Witnesses,
    Backups,
    Protocol,
):
    """The gateway's memory; each noun's promises stand in its own file."""

    async def open(self) -> None:
        """Connect. Raises `StoreUnavailable`, or `Misconfigured` when migrations are missing."""

    async def close(self) -> None:
        """Finish what is under way and let go."""

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
