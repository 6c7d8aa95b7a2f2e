"""Who saw X: every recipient of a person's records, when, under which agreement, for what, and what proves it.

Asked by an officer, with a reason; that it was asked is an entry, written before anything is told. An agency's officer
is told of that agency's own data, the operator's of all.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, Acting, allowed, sign_entry
from gateway.exchange.disclosed import Hit, find
from gateway.exchange.export import RevealReason
from gateway.exchange.gateway import Gateway
from gateway.message import DisseminationId, MessageId
from gateway.policy.disclosure import Disclosure
from gateway.policy.match import Certainty, Match
from gateway.policy.person import Person
from gateway.report.period import Period

WHO_SAW = "who-saw"
"""Kind of the entry, and what its signature is over: whom it was about stands nowhere."""

_ARRIVED = frozenset({EntryType.DELIVER.value})
_ENDED: Mapping[str, str] = {
    EntryType.EXPIRE.value: "expired",
    EntryType.RECALL.value: "recalled",
    EntryType.DISCARD.value: "discarded",
    EntryType.UNDELIVERABLE.value: "undeliverable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What became of a dissemination, as the log has it.

    state    delivered, waiting, expired, recalled, discarded, undeliverable
    at       when it was delivered
    tried    it was sent at least once: then it may have been received, whatever was answered
    """

    state: str = "waiting"
    at: datetime | None = None
    tried: bool = False

    @property
    def disclosed(self) -> bool:
        """Whether anybody may have got it."""
        return self.tried or self.state == "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One recipient of one dissemination, and how it is known that it is of this person."""

    disclosure: Disclosure
    match: Match
    arrival: Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """About whom, why, and from when to when the decisions were made. certain: only where a number says who it is."""

    person: Person
    reason: RevealReason
    period: Period | None = None
    certain: bool = False


async def who_saw(gateway: Gateway, asked: Asked, *, by: Acting, exported: bool = False) -> tuple[Seen, ...]:
    """All of them, oldest first.

    exported  it is written to a file, to be handed on

    Raises what `allowed` raises.
    """
    await gateway.refresh()
    user = allowed(gateway, by, OFFICERS)
    found = disclosed(await find(gateway, asked.person), asked.period)
    told = [
        (said, match)
        for said, match in found
        if user.agency in {"", said.sender} and not (asked.certain and match.certainty is not Certainty.SAME)
    ]
    entry = sign_entry(
        gateway,
        EntryType.EXPORT if exported else EntryType.READ,
        by,
        user,
        at=gateway.clock.now(),
        parties=(user.agency,) if user.agency else (),
        kind=WHO_SAW,
        reason=asked.reason.value,
        count=len(told),
    )
    await gateway.store.record([entry])
    return await with_arrivals(gateway, told)


class NobodyFound(Refused):
    """The disclosure index has no row that is certainly of this person. A name alone makes nothing certain."""

    code = "disclosure.nobody"


async def messages_of(gateway: Gateway, whom: Person, *, by: Acting) -> tuple[MessageId, ...]:
    """The messages of a person of which anybody was given something, oldest first: those of the officer's own agency,
    or all when the officer is the operator's. That it was asked is an entry, written before anything is told, also
    that there is nothing; what is made of them is the caller's.

    Raises `NobodyFound` and what `allowed` raises.
    """
    await gateway.refresh()
    user = allowed(gateway, by, OFFICERS)
    found = disclosed(await find(gateway, whom), None)
    messages = tuple(
        dict.fromkeys(
            said.message
            for said, match in found
            if match.certainty is Certainty.SAME and user.agency in {"", said.sender}
        )
    )
    entry = sign_entry(
        gateway,
        EntryType.READ,
        by,
        user,
        at=gateway.clock.now(),
        parties=(user.agency,) if user.agency else (),
        kind=WHO_SAW,
        count=len(messages),
    )
    await gateway.store.record([entry])
    if not messages:
        raise NobodyFound("the disclosure index has no row that is certainly of this person")
    return messages


def disclosed(hits: Iterable[Hit], period: Period | None) -> list[tuple[Disclosure, Match]]:
    """The disclosures among the rows found, of a period."""
    found = [(hit.said, hit.match) for hit in hits if isinstance(hit.said, Disclosure)]
    kept = [each for each in found if period is None or period.since <= each[0].at < period.until]
    return sorted(kept, key=lambda each: (each[0].at, each[0].entry))


async def with_arrivals(gateway: Gateway, found: Iterable[tuple[Disclosure, Match]]) -> tuple[Seen, ...]:
    """Each with what the log says of its delivery. The log keeps that when messages and deliveries are gone."""
    arrivals: dict[DisseminationId, Arrival] = {}
    asked: set[MessageId] = set()
    seen: list[Seen] = []
    for disclosure, match in found:
        if disclosure.message not in asked:
            asked.add(disclosure.message)
            arrivals |= await _arrivals(gateway, disclosure.message)
        arrival = arrivals.get(disclosure.dissemination, Arrival())
        seen.append(Seen(disclosure=disclosure, match=match, arrival=arrival))
    return tuple(seen)


async def _arrivals(gateway: Gateway, message: MessageId) -> dict[DisseminationId, Arrival]:
    found: dict[DisseminationId, Arrival] = {}
    for stored in await gateway.store.entries_of(message):
        body = json.loads(stored.entry.body)
        if "dissemination" not in body:
            continue
        id = DisseminationId(body["dissemination"])
        before = found.get(id, Arrival())
        if stored.entry.type in _ARRIVED:
            # The first time counts: what was received is not unreceived.
            at = before.at or stored.entry.at
            found[id] = Arrival(state="delivered", at=at, tried=True)
        elif stored.entry.type == EntryType.FAIL and before.state != "delivered":
            found[id] = Arrival(state=before.state, tried=True)
        elif stored.entry.type == EntryType.REQUEUE and before.state != "delivered":
            found[id] = Arrival(tried=before.tried)
        elif stored.entry.type in _ENDED and before.state != "delivered":
            found[id] = Arrival(state=_ENDED[stored.entry.type], tried=before.tried)
    return found
