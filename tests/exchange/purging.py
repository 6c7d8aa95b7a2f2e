"""What tests of destruction share: people, and what is or is not readable."""

from collections.abc import Sequence

from gateway.agency import AgencyId
from gateway.exchange.acting import Acting
from gateway.exchange.gateway import Gateway
from gateway.exchange.purge import Outcome, People, run_purge
from gateway.keys.payload import KeyGone
from gateway.message import MessageId, Sealed
from gateway.store.retention import Fate
from gateway.user import UserRole
from tests.exchange.deployed import Deployed
from tests.exchange.officers import OPERATOR, officer

OFFICER = frozenset({UserRole.PRIVACY_OFFICER})
SUPERVISOR = frozenset({UserRole.SUPERVISOR})


async def ana(place: Deployed, agency: AgencyId = OPERATOR) -> Acting:
    return await officer(place.gateway, agency, number=11, roles=OFFICER)


async def bo(place: Deployed, agency: AgencyId = OPERATOR) -> Acting:
    return await officer(place.gateway, agency, number=12, roles=SUPERVISOR)


async def both(place: Deployed) -> People:
    return People(first=await ana(place), second=await bo(place))


async def purged(place: Deployed) -> Outcome:
    """A run that two people stand for."""
    return await run_purge(place.gateway, await both(place))


async def fates(gateway: Gateway, *messages: str) -> Sequence[Fate]:
    return await gateway.store.kept_of([MessageId(each) for each in messages])


async def readable(gateway: Gateway, message: str) -> dict[str, bool]:
    """Per payload of a message, whether it still opens."""
    found: dict[str, bool] = {}
    record = await gateway.store.message(MessageId(message))
    if record is not None:
        found[message] = _opens(gateway, record.original, message)
    for each in await gateway.store.disseminations(MessageId(message)):
        found[each.dissemination.id] = _opens(gateway, each.payload, each.dissemination.id)
    return found


def _opens(gateway: Gateway, sealed: Sealed, id: str) -> bool:
    try:
        return bool(gateway.payloads.open(sealed, aad=id.encode()))
    except KeyGone:
        return False
