"""One small story, of which every question of an auditor has something to tell; and its answers with what differs from
run to run - ids, digests, keys - made the same."""

import re
from contextlib import suppress
from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.exchange.consents import add_consent
from gateway.exchange.emergency import release_in_emergency
from gateway.exchange.inbox import acknowledge
from gateway.exchange.releasable import Emergency
from gateway.exchange.requeue import discard
from gateway.exchange.sequence import sequence
from gateway.message import DeliveryId, MessageId
from gateway.policy.emergency import Reason
from gateway.user import UserRole
from tests.exchange.deployed import FUSION, JAIL, NAME, POLICE, PROBATION, SHELTER, Deployed, agreement, release, sample
from tests.exchange.officers import activate_mou, officer
from tests.exchange.test_consents import SUD, new

PRIVACY = frozenset({UserRole.PRIVACY_OFFICER})
SUPERVISOR = frozenset({UserRole.SUPERVISOR})


@dataclass(frozen=True)
class Story:
    """full: a notice to everybody; soon: one that came too late to be in time; emergency: what was released so."""

    full: MessageId
    soon: MessageId
    consented: MessageId


async def tell(place: Deployed) -> Story:
    """What happened on a Tuesday in March."""
    gateway = place.gateway
    full = await place.accept(on("2026-03-20"), "HCJ-1")
    place.clock.go(minutes=5)
    await _fetch(place, full.id, POLICE)
    place.clock.go(minutes=5)
    soon = await place.accept(on("2026-03-04"), "HCJ-2")
    place.clock.go(minutes=40)
    await _fetch(place, soon.id, POLICE)
    await activate_mou(gateway, agreement("A-1", JAIL, PROBATION, share=SUD), "file")
    await add_consent(gateway, new(), by=await officer(gateway, JAIL))
    consented = await place.accept(on("2026-03-20"), "HCJ-3", only=frozenset({PROBATION}))
    place.clock.go(minutes=1)
    with suppress(Refused):
        await place.accept(b"<lone/>", "HCJ-4")
    with suppress(Refused):
        await place.accept(sample("juvenile"), "HCJ-5", only=frozenset({POLICE}))
    await place.accept(release(given="Nolan"), "HCJ-6", only=frozenset({POLICE, FUSION, SHELTER}))
    await release_in_emergency(
        gateway,
        Emergency(message=MessageId(full.id), to=SHELTER, reason=Reason.IMMINENT_DANGER, because="He has a key."),
        first=await officer(gateway, JAIL, number=11, roles=PRIVACY),
        second=await officer(gateway, JAIL, number=12, roles=SUPERVISOR),
    )
    place.clock.go(hours=2)
    held = next(
        each for each in await gateway.store.disseminations(MessageId(full.id)) if each.delivery.recipient == PROBATION
    )
    await discard(gateway, DeliveryId(held.delivery.id), actor="dana", reason="sent-otherwise")
    place.clock.go(days=1)
    await sequence(gateway.store, gateway.keys.log_signer, origin=NAME)
    return Story(full=MessageId(full.id), soon=MessageId(soon.id), consented=MessageId(consented.id))


def on(day: str) -> bytes:
    """The fullest notice of a release on this day."""
    suspicion = "<ec:ReasonableSuspicionIndicator>true</ec:ReasonableSuspicionIndicator>\n  </ec:Affiliation>"
    text = sample("fullest").decode().replace("2025-12-03T08:00:00-05:00", f"{day}T08:00:00-05:00")
    return text.replace("</ec:Affiliation>", suspicion).encode()


async def _fetch(place: Deployed, message: str, agency: AgencyId) -> None:
    """The recipient acknowledges what waits for it."""
    for each in await place.gateway.store.disseminations(MessageId(message)):
        if each.delivery.recipient == agency:
            await acknowledge(place.gateway, agency, each.delivery.id)


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_HASH = re.compile(r"[0-9a-f]{64}")


def same(text: str) -> str:
    """The text with ids numbered in order of appearance, and without hashes."""
    known: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return known.setdefault(match[0], f"00000000-0000-7000-8000-{len(known) + 1:012d}")

    return _HASH.sub("#" * 64, _ID.sub(number, text))
