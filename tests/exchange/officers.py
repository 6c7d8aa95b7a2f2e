"""People of a test who act under keys of their own, made when they are first needed."""

from collections import Counter

from gateway.agency import AgencyId, agency_of
from gateway.exchange import agreements
from gateway.exchange.acting import Acting
from gateway.exchange.agreements import approve_mou, read_draft
from gateway.exchange.gateway import Gateway
from gateway.exchange.people import add_user
from gateway.keys.personal import throwaway
from gateway.store.configuration import Agreement, AgreementState
from gateway.user import User, UserId, UserRole

OPERATOR = AgencyId("")
OFFICER = frozenset({UserRole.SIGNATORY, UserRole.COMPLIANCE_OFFICER})
_known: dict[tuple[str, str], Acting] = {}


async def officer(
    gateway: Gateway, agency: AgencyId = OPERATOR, *, number: int = 1, roles: frozenset[UserRole] = OFFICER
) -> Acting:
    """Somebody of this agency or unit ("" = the gateway's operator), the same one each time."""
    id = UserId(f"officer-{number}{'.' if agency else ''}{agency.replace('/', '.')}")
    key = (gateway.keys.digest_key.hex(), id)
    if key not in _known:
        sign, public_key = throwaway()
        _known[key] = Acting(user=id, sign=sign, public_key=public_key)
    acting = _known[key]
    await gateway.refresh()
    if id not in gateway.current.users:
        user = User(
            id=id, agency=agency_of(agency), roles=roles, public_key=acting.public_key, since=gateway.clock.now()
        )
        await add_user(gateway, user, actor="test")
    return acting


async def approve_for_all(gateway: Gateway, data: bytes, file: str = "file") -> None:
    """Two people of every party approve; others for each unit of an agency."""
    people: Counter[AgencyId] = Counter()
    for party in read_draft(gateway.current, data, file).mou.parties:
        for _ in range(2):
            people[agency_of(party)] += 1
            by = await officer(gateway, agency_of(party), number=people[agency_of(party)])
            await approve_mou(gateway, data, file, party=party, by=by)


async def activate_mou(gateway: Gateway, data: bytes, file: str) -> Agreement:
    """Approved by all and put in force."""
    await approve_for_all(gateway, data, file)
    return await agreements.activate_mou(gateway, data, file, by=await officer(gateway))


async def stop_mou(gateway: Gateway, id: str, *, state: AgreementState, version: int | None = None) -> Agreement:
    """Suspended, resumed or ended by an officer of the gateway's operator."""
    return await agreements.stop_mou(gateway, id, state=state, by=await officer(gateway), version=version)
