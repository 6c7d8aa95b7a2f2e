"""Keeping: until when what a message brings is kept. Fixed when it comes in, by its agreements and by law."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.agency import EndpointKind
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Release
from gateway.exchange.gateway import Gateway
from gateway.message import Dissemination, Message, Sealed
from gateway.retention.kept import Kept, Kind

KEPT_DEFAULT = timedelta(days=30)
"""How long the gateway keeps its copy when the agreement does not say."""


def kept_for(release: Release) -> timedelta:
    """How long the gateway's copy is kept: the agreement's time, or law's when that is shorter."""
    kept = release.grant.clause.retention.gateway_copy or KEPT_DEFAULT
    return min(kept, release.handed.keep or kept)


def expires(gateway: Gateway, configured: Configured, release: Release, now: datetime) -> datetime:
    """When it is too late to arrive: a push after its budget of tries; what waits in an inbox stays as long as the
    gateway's copy may be kept, for an agency that looks in once a week must not lose a notice."""
    if configured.agencies[release.grant.recipient].endpoint.kind is EndpointKind.INBOX:
        return now + kept_for(release)
    return now + timedelta(hours=gateway.settings.relay.budget_hours)


def due_at(gateway: Gateway, configured: Configured, release: Release, now: datetime) -> datetime:
    """The latest day on which the copy for one recipient is due.

    An agreement's time counts from delivery, so from the last moment a delivery can still be made; law's from receipt:
    five years of 28 CFR 23.20(h) are five years, however long an inbox was not looked into.
    """
    due = expires(gateway, configured, release, now) + kept_for(release)
    return min(due, now + release.handed.keep) if release.handed.keep else due


def due_of(gateway: Gateway, configured: Configured, made: Iterable[Release], now: datetime) -> datetime:
    """The latest day on which any copy of this message is due: the original takes the latest of its agreements."""
    days = [due_at(gateway, configured, release, now) for release in made]
    return max(days, default=now + KEPT_DEFAULT)


def kept_message(message: Message, sealed: Sealed, due: datetime) -> Kept:
    """The original."""
    return Kept(
        id=message.id,
        kind=Kind.ORIGINAL,
        message=message.id,
        sender=message.sender,
        exchange=message.exchange,
        at=message.received_at,
        counts_from=message.received_at,
        due_at=due,
        bucket=sealed.bucket,
        index=sealed.index,
    )


def kept_dissemination(
    message: Message, dissemination: Dissemination, sealed: Sealed, *, counts_from: datetime, due: datetime
) -> Kept:
    """What one recipient gets."""
    return Kept(
        id=dissemination.id,
        kind=Kind.DISSEMINATION,
        message=message.id,
        sender=message.sender,
        recipient=dissemination.recipient,
        exchange=message.exchange,
        mou=f"{dissemination.mou}@{dissemination.mou_version}",
        clause=dissemination.clauses[0] if dissemination.clauses else "",
        at=message.received_at,
        counts_from=counts_from,
        due_at=due,
        bucket=sealed.bucket,
        index=sealed.index,
    )


def kept_because(message: Message, id: str, sealed: Sealed, due: datetime, now: datetime) -> Kept:
    """What a person wrote of an emergency release."""
    return Kept(
        id=id,
        kind=Kind.BECAUSE,
        message=message.id,
        sender=message.sender,
        exchange=message.exchange,
        at=message.received_at,
        counts_from=now,
        due_at=due,
        bucket=sealed.bucket,
        index=sealed.index,
    )
