"""Change a key of the gateway: cover, client, tls, receipt or authority. How the log's changes: `rotate_log_key.py`.

A change has three steps, and a person signs the first two: the next key is made, so that partners can be given it
ahead; it is ordered to take over, now or at a moment to come; it takes over. The entry of each is durable before its
step. What holds when the machine stops: a key that was made lies ready; one that was ordered takes over when its moment
has come, by whoever comes next - a worker, or the same command again; half of a take-over is finished by whoever opens
the keys. A step that is done again writes no second entry.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.clock import timestamp
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import KEEPERS
from gateway.keys.certified import fingerprint_of
from gateway.keys.issued import KEY_COMPROMISE
from gateway.keys.secret_file import KeysBusy
from gateway.keys.succession import NextKey, NoNextKey
from gateway.user import User

PAGE: Final = 1000

TAKE_OVER: Final = "take-over"

COMPROMISED: Final = "compromised"
"""The reason that ends what the old key signed with its certificate, too."""


class Role(StrEnum):
    """What a key that changes so is for."""

    COVER = "cover"  # signs Covers, enveloped payloads, WS-Security headers
    CLIENT = "client"  # shown to partners when it pushes
    TLS = "tls"  # the server's
    RECEIPT = "receipt"  # signs receipts, destruction certificates, statements of evidence
    AUTHORITY = "authority"  # certifies agencies and the three above

    @property
    def file(self) -> str:
        """Name of its files."""
        return "ca" if self is Role.AUTHORITY else self.value


CERTIFIED: Final = (Role.COVER, Role.CLIENT, Role.TLS)
"""Whose certificates an authority issues."""


class Step(StrEnum):
    """How far a change has come."""

    REQUESTED = "requested"  # made; its certificate is asked of an authority elsewhere
    PREPARED = "prepared"  # made; nobody has said when it takes over
    ORDERED = "ordered"  # takes over at its moment
    DONE = "done"  # in use


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change of a key.

    key          SHA-256 of the new one, hex
    since        when it takes over, or did
    given_ahead  whether it was made by an earlier step, so that partners could be given it
    """

    role: Role
    key: str
    step: Step
    since: datetime | None = None
    valid_until: datetime | None = None
    given_ahead: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted.

    since   when the next key takes over; None = now
    reason  a code word for the log: scheduled, compromised, staff-left
    hosts   names in a tls certificate; () = those of the one before
    """

    role: Role
    reason: str = "scheduled"
    since: datetime | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs, with their account."""

    by: Acting
    person: User


async def prepare_key(gateway: Gateway, order: Order, *, by: Acting) -> Changed:
    """Make the next key, so that partners can be given it before it is used.

    Raises what `allowed` raises, `KeysBusy`, leaves of `Misconfigured`, `StoreUnavailable`.
    """
    signing = Signing(by=by, person=allowed(gateway, by, KEEPERS, OPERATOR))
    with gateway.keys.alone():
        following = await _next(gateway, order)
        if not await entered(gateway, "prepare", order.role, following.fingerprint):
            await write_entry(gateway, "prepare", order, following, signing)
    step = Step.ORDERED if following.since else Step.PREPARED
    return _changed(order.role, following, step, following.since)


async def rotate_key(gateway: Gateway, order: Order, *, by: Acting) -> Changed:
    """Let the next key take over, made unless it is there: now, or at the order's moment by a worker.

    Raises as `prepare_key`, and `NoNextKey` when the next key waits for its certificate.
    """
    signing = Signing(by=by, person=allowed(gateway, by, KEEPERS, OPERATOR))
    with gateway.keys.alone():
        ahead = await asyncio.to_thread(gateway.keys.succession(order.role.file).next) is not None
        following = await _next(gateway, order)
        if not following.certified:
            raise NoNextKey(
                f"the next key of {order.role} waits for its certificate: give it with --certificate, or discard it"
            )
        return replace(await order_next(gateway, order, following, signing), given_ahead=ahead)


async def order_next(gateway: Gateway, order: Order, following: NextKey, signing: Signing) -> Changed:
    """Write that the next key is to take over, and let it when that is now. Under `alone`."""
    now = gateway.clock.now()
    since = order.since or now
    if not await _ordered(gateway, order, following.fingerprint, now):
        await write_entry(gateway, "rotate", order, following, signing, since)
    succession = gateway.keys.succession(order.role.file)
    await asyncio.to_thread(succession.order, since)
    if since > now:
        return _changed(order.role, following, Step.ORDERED, since)
    if order.reason == COMPROMISED:
        await asyncio.to_thread(_revoke_present, gateway, order.role, now)
    await asyncio.to_thread(succession.take_over, now)
    return _changed(order.role, following, Step.DONE, now)


def _revoke_present(gateway: Gateway, role: Role, now: datetime) -> None:
    """Whoever has the key can sign as the gateway: the certificate goes on the next revocation list. Before the next
    key takes over, so that a stop in between cannot forget it."""
    if role in CERTIFIED:
        certificate = gateway.keys.certified(role.file).current().certificate
        gateway.keys.issued.revoke(fingerprint_of(certificate), now, KEY_COMPROMISE)


async def discard_key(gateway: Gateway, order: Order, *, by: Acting) -> NextKey | None:
    """Destroy the next key before it was ever used; None when there is none.

    Raises what `allowed` raises, `KeysBusy`, leaves of `Misconfigured`, `StoreUnavailable`.
    """
    signing = Signing(by=by, person=allowed(gateway, by, KEEPERS, OPERATOR))
    succession = gateway.keys.succession(order.role.file)
    with gateway.keys.alone():
        following = await asyncio.to_thread(succession.next)
        if following is not None:
            await write_entry(gateway, "discard", order, following, signing)
            await asyncio.to_thread(succession.discard_next)
    return following


async def take_over_due(gateway: Gateway) -> tuple[Changed, ...]:
    """Let each key take over whose moment has come. Of no effect while somebody else changes keys.

    Raises `StoreUnavailable`, leaves of `Misconfigured`.
    """
    due = [role for role in Role if await asyncio.to_thread(_is_due, gateway, role)]
    if not due:
        return ()
    try:
        with gateway.keys.alone():
            return tuple([done for role in due if (done := await _take_over(gateway, role)) is not None])
    except KeysBusy:
        return ()


def _is_due(gateway: Gateway, role: Role) -> bool:
    following = gateway.keys.succession(role.file).next()
    return (
        following is not None
        and following.certified
        and following.since is not None
        and following.since <= gateway.clock.now()
    )


async def _take_over(gateway: Gateway, role: Role) -> Changed | None:
    """The order is asked again: another process may have been here meanwhile."""
    if not await asyncio.to_thread(_is_due, gateway, role):
        return None
    succession = gateway.keys.succession(role.file)
    following = await asyncio.to_thread(succession.next)
    if following is None:
        return None
    now = gateway.clock.now()
    if not await entered(gateway, TAKE_OVER, role, following.fingerprint):
        fields: dict[str, Any] = {"action": TAKE_OVER, "kind": role.value, "key": following.fingerprint}
        entry = make(EntryType.KEY, id=gateway.new_id(now), at=now, actor="worker", valid_from=now, **fields)
        await gateway.store.record([entry])
    await asyncio.to_thread(succession.take_over, now)
    return _changed(role, following, Step.DONE, now)


async def _next(gateway: Gateway, order: Order) -> NextKey:
    return await asyncio.to_thread(
        gateway.keys.make_next,
        order.role.file,
        clock=gateway.clock,
        hosts=order.hosts,
        kind=gateway.settings.keys.cover,
    )


async def write_entry(
    gateway: Gateway,
    action: str,
    order: Order,
    following: NextKey,
    signing: Signing,
    since: datetime | None = None,
) -> None:
    """The entry of a person's act on a key: `valid_from` is when it takes over, `valid_until` its certificate's end."""
    signed = sign_entry(
        gateway,
        EntryType.KEY,
        signing.by,
        signing.person,
        digest=f"sha-256:{following.fingerprint}",
        at=gateway.clock.now(),
        action=action,
        kind=order.role.value,
        key=following.fingerprint,
        reason=order.reason,
        valid_from=since,
        valid_until=following.valid_until,
    )
    await gateway.store.record([signed])


async def entered(gateway: Gateway, action: str, role: Role, key: str) -> bool:
    """Whether the log says it already: a try before this one may have stopped after its entry."""
    return bool([said async for said in _key_entries(gateway, action, role, key)])


async def _ordered(gateway: Gateway, order: Order, key: str, now: datetime) -> bool:
    """Whether this very order is the last one that the log has of this key: for this moment, or for one that has come,
    and for this reason. One before it that was changed since, or was for another reason, does not stand for it."""
    said = [each async for each in _key_entries(gateway, "rotate", order.role, key)]
    if not said or said[-1].get("reason") != order.reason:
        return False
    moment = said[-1].get("valid_from", "")
    return bool(moment == timestamp(order.since) if order.since is not None else moment <= timestamp(now))


async def _key_entries(gateway: Gateway, action: str, role: Role, key: str) -> AsyncIterator[Mapping[str, Any]]:
    """What the log says of this act on this key, in its order. Of keys it has some tens of entries in all."""
    after = ""
    while True:
        found = await gateway.store.entries_of_types({EntryType.KEY}, after=after, limit=PAGE)
        for each in found:
            said = json.loads(each.entry.body)
            if (said["action"], said["kind"], said.get("key")) == (action, role.value, key):
                yield said
        if len(found) < PAGE:
            return
        after = found[-1].entry.id


def _changed(role: Role, following: NextKey, step: Step, since: datetime | None) -> Changed:
    return Changed(role=role, key=following.fingerprint, step=step, since=since, valid_until=following.valid_until)
