"""Attempt: one try with one claimed delivery - open its payload, send it, write down what came of it.

If the process ends before the send, the lease runs out and another worker takes it. If it ends between the send and
the settlement, the same: it is sent again under the same id, and the recipient drops the repeat. A settlement whose
lease was lost writes nothing: somebody else has the delivery by then, and his word counts.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gateway.agency import EndpointKind
from gateway.audit.catalog import EntryType, Value
from gateway.audit.entry import AuditEntry, make
from gateway.delivery.after import after, expired, overdue, recalled, released
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.earlier import BEGUN_ANEW, EarlierTry, may_have_arrived
from gateway.delivery.outcome import Outcome, OutcomeKind, failed, refused
from gateway.delivery.schedule import Schedule
from gateway.errors import GatewayError, Tampered
from gateway.exchange.cut import CUT_OFF, Cut
from gateway.exchange.destination import Destination, Route, Standing
from gateway.exchange.gateway import Gateway
from gateway.exchange.newest_head import newest_head
from gateway.message import DeliveryId
from gateway.store.deliveries import Claim
from gateway.store.interface import StoreUnavailable
from gateway.store.messages import DisseminationRecord
from gateway.store.points import AFTER_SEND, BEFORE_SEND, reach
from gateway.transport.interface import Parcel, Send

SETTLE_PAUSES_SECONDS: Final = (0.1, 0.5, 2.0)
"""Between tries to write an outcome down: a few seconds of a busy database must not cost a second send."""

AGREEMENT_ENDED: Final = "mou-ended"

HOLD: Final = timedelta(minutes=1)
"""How often a delivery under a suspended agreement is looked at again."""

LARGE_BYTES: Final = 256 * 1024
"""Larger payloads are opened outside the event loop."""

WORN_OUT: Final = "delivery.tries-used-up"
"""The tries are used up without an outcome: each time the worker ended before it could write one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of a claimed delivery.

    delivery  as it was settled
    settled   False when the lease was lost: somebody else decides
    outcome   None when nothing was sent
    trouble   what the operator should hear of besides the outcome
    """

    delivery: Delivery
    settled: bool
    outcome: Outcome | None = None
    trouble: GatewayError | None = None


async def attempt(
    gateway: Gateway,
    claim: Claim,
    route: Route,
    sends: Mapping[EndpointKind, Send],
    schedule: Schedule,
    cut: Cut | None = None,
) -> Attempt:
    """Try a claimed delivery. Raises `StoreUnavailable` when the outcome could not be written."""
    cut = cut or Cut()
    delivery, destination = claim.record.delivery, route.destination
    untried = _untried(delivery, route.standing, gateway.clock.now())
    if untried is not None or destination is None:
        return await _settled(gateway, claim, untried or released(delivery), None)
    if delivery.attempts > schedule.attempts_max:
        return await _decided(gateway, claim, refused(WORN_OUT), destination, schedule)
    try:
        parcel = await _parcel(gateway, claim.record, destination)
    except Tampered as error:  # altered bytes stay altered
        return await _decided(gateway, claim, refused(error.code), destination, schedule, error)
    except GatewayError as error:  # a key that is not there may be in a directory that is away: it comes back
        return await _decided(gateway, claim, failed(error.code), destination, schedule, error)
    if cut.wanted:
        return await _settled(gateway, claim, released(delivery), None)
    reach(BEFORE_SEND)
    outcome = await cut.send(sends[destination.endpoint.kind].send(parcel, deadline=schedule.attempt_deadline))
    reach(AFTER_SEND)
    if outcome.code == CUT_OFF:  # it says nothing of the endpoint
        return await _decided(gateway, claim, outcome, destination, schedule)
    return replace(await _decided(gateway, claim, outcome, destination, schedule), outcome=outcome)


def _untried(delivery: Delivery, standing: Standing, now: datetime) -> Delivery | None:
    """The delivery when it is not to be tried now; None when it is."""
    if overdue(delivery, now):
        return expired(delivery)
    if standing is Standing.RECALL:
        return recalled(delivery)
    return released(delivery, now + HOLD) if standing is Standing.HOLD else None


async def _parcel(gateway: Gateway, record: DisseminationRecord, destination: Destination) -> Parcel:
    delivery = record.delivery
    open_it = partial(gateway.payloads.open, record.payload, aad=delivery.dissemination.encode())
    large = len(record.payload.ciphertext) > LARGE_BYTES
    return Parcel(
        endpoint=destination.endpoint,
        delivery=delivery.id,
        dissemination=delivery.dissemination,
        message=delivery.message,
        recipient=delivery.recipient,
        payload=await asyncio.to_thread(open_it) if large else open_it(),
        cover=record.cover,
        cover_url=f"{gateway.settings.public_url}/v1/inbox/{delivery.id}/cover",
        authorities=destination.authorities,
        log_head=await newest_head(gateway),
    )


async def _decided(
    gateway: Gateway,
    claim: Claim,
    outcome: Outcome,
    destination: Destination | None,
    schedule: Schedule,
    trouble: GatewayError | None = None,
) -> Attempt:
    """Settle by the outcome of a try."""
    tried = claim.record.delivery
    delivery = after(
        tried,
        outcome,
        now=gateway.clock.now(),
        schedule=schedule,
        chance=int.from_bytes(gateway.clock.random(4)) / 0xFFFFFFFF,
        arrived_before=outcome.kind is OutcomeKind.DUPLICATE and await _arrived_before(gateway, tried),
    )
    return replace(await _settled(gateway, claim, delivery, destination), trouble=trouble)


async def _arrived_before(gateway: Gateway, delivery: Delivery) -> bool:
    """Whether an earlier try may have arrived, by what the log keeps of all of them, in whatever process they were."""
    try:
        entries = await gateway.store.entries_of(delivery.message)
    except StoreUnavailable:  # not known: it is sent again
        return False
    return may_have_arrived(earlier_tries((each.entry for each in entries), delivery.id), delivery.attempts)


def earlier_tries(entries: Iterable[AuditEntry], delivery: DeliveryId) -> Iterator[EarlierTry]:
    """What these entries, in the order in which they were written, say of the tries of one delivery."""
    for entry in entries:
        if entry.type not in _TOLD or (body := json.loads(entry.body))["delivery"] != delivery:
            continue
        begun = entry.type == EntryType.REQUEUE
        yield BEGUN_ANEW if begun else EarlierTry(body["attempts"], body.get("code", ""))


_TOLD: Final = frozenset({EntryType.FAIL, EntryType.UNDELIVERABLE, EntryType.EXPIRE, EntryType.REQUEUE})


async def _settled(gateway: Gateway, claim: Claim, delivery: Delivery, destination: Destination | None) -> Attempt:
    """Write it down; again when the database does not answer. A write that was stored although it raised leaves
    nothing to do: the lease is gone, and the second one writes nothing."""
    entry = entry_of(gateway, claim.record, delivery, gateway.clock.now(), destination)
    entries = (entry,) if entry is not None else ()
    for pause in SETTLE_PAUSES_SECONDS:
        with suppress(StoreUnavailable):
            return Attempt(delivery=delivery, settled=await gateway.store.settle(claim.lease, delivery, entries))
        await asyncio.sleep(pause)
    return Attempt(delivery=delivery, settled=await gateway.store.settle(claim.lease, delivery, entries))


ENTRY: Final[Mapping[State, EntryType]] = {
    State.WAITING: EntryType.FAIL,
    State.DELIVERED: EntryType.DELIVER,
    State.UNDELIVERABLE: EntryType.UNDELIVERABLE,
    State.EXPIRED: EntryType.EXPIRE,
    State.RECALLED: EntryType.RECALL,
}
"""What the log says of a settled delivery."""


def entry_of(
    gateway: Gateway,
    record: DisseminationRecord,
    delivery: Delivery,
    now: datetime,
    destination: Destination | None,
) -> AuditEntry | None:
    """The audit entry of a settlement; None for a delivery that was given back untried."""
    if delivery.state is State.WAITING and delivery.attempts < record.delivery.attempts:
        return None
    kind = ENTRY[delivery.state]
    fields: dict[str, Value | None] = {
        "dissemination": delivery.dissemination,
        "delivery": delivery.id,
        "recipient": delivery.recipient,
        "attempts": delivery.attempts,
        "channel": destination.endpoint.kind.value if destination is not None else None,
    }
    if kind is EntryType.DELIVER:
        fields |= {"evidence": delivery.evidence, **_agreement(record)}
    else:
        fields |= {"code": delivery.last_error or None}
    if kind is EntryType.FAIL:
        fields |= {"due_at": delivery.due_at}
    elif (deadline := delivery.missed(now)) is not None:
        # Whoever asks which notices were late finds them by this key, when the delivery itself is long purged.
        fields |= {"deadline": deadline, "code": delivery.last_error or None}
    if kind is EntryType.RECALL:
        fields |= {"reason": AGREEMENT_ENDED, **_agreement(record)}
    return make(
        kind,
        id=gateway.new_id(now),
        at=now,
        parties=(record.sender, delivery.recipient),
        message=delivery.message,
        **fields,
    )


def _agreement(record: DisseminationRecord) -> dict[str, Value | None]:
    made = record.dissemination
    return {"mou": f"{made.mou}@{made.mou_version}", "clauses": made.clauses}
