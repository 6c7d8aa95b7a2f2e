"""Parcel and Send: what a transport is given, and what it owes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.agency import AgencyId, Endpoint
from gateway.alert.alert import Notice
from gateway.delivery.outcome import Outcome
from gateway.message import DeliveryId, DisseminationId, MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One dissemination, ready to go. Content stays out of its `repr`.

    dissemination  the same on every try: the recipient drops repeats by it (Idempotency-Key, wsa:MessageID)
    payload        one XML document, sent byte for byte; enveloped already where the endpoint asks for that
    cover          the signed Cover, one XML document
    cover_url      where the recipient fetches the Cover when the payload travels alone
    authorities    PEM: who vouches for this recipient's servers, besides those the whole deployment trusts
    log_head       newest signed head of our log, for the recipient to keep and to countersign; b"" when there is none
    """

    endpoint: Endpoint
    delivery: DeliveryId
    dissemination: DisseminationId
    message: MessageId
    recipient: AgencyId
    payload: bytes = field(repr=False)
    cover: bytes = field(repr=False)
    cover_url: str = ""
    authorities: bytes = field(default=b"", repr=False)
    log_head: bytes = field(default=b"", repr=False)


class Tell(Protocol):
    """One way by which alerts go out."""

    name: str
    """webhook, mail: what notices wait for."""

    async def tell(self, notices: Sequence[Notice], *, now: datetime) -> str:
        """Try once to send all of them in one message; "" when it was taken, else a code. Never raises for what goes
        wrong outside, and is back within its deadline."""

    async def close(self) -> None:
        """Let go of connections."""


class GiveHead(Protocol):
    """Hands a head of the log to somebody by mail."""

    async def give(self, note: bytes, *, size: int, to: Sequence[str], now: datetime) -> str:
        """Try once; "" when the server took it, else a code. Never raises for what goes wrong outside."""


class Send(Protocol):
    """One way to an endpoint."""

    async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
        """Try once, and be back within the deadline whatever the recipient does.

        Whatever goes wrong outside is an `Outcome`, never an exception. FAILED is said only when the request cannot
        have been taken; when in doubt it is UNKNOWN. Many calls may be under way at once. Nothing is tried twice
        within one call, and no redirect is followed.
        """

    async def close(self) -> None:
        """Let go of connections. Calls under way end as UNKNOWN."""
