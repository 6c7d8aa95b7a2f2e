"""Destination and Standing: where deliveries to an agency go now, and whether they go, as the configuration in force
says. A decision was right when it was made; what changed since may still hold it back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.agency import Agency, AgencyId, Endpoint, EndpointKind
from gateway.policy.mou import Mou
from gateway.store.configuration import AgencyAuthority, Agreement, AgreementState

PUSHED = frozenset({EndpointKind.REST, EndpointKind.SOAP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """An agency that deliveries are pushed to. `authorities` is PEM: who else vouches for its servers."""

    agency: AgencyId
    endpoint: Endpoint
    authorities: bytes


def destinations(agencies: Iterable[Agency], authorities: Iterable[AgencyAuthority]) -> dict[AgencyId, Destination]:
    """Every agency that is pushed to. Those with an inbox fetch for themselves; deliveries to suspended ones wait."""
    vouched = vouching(authorities)
    return {
        agency.id: Destination(agency=agency.id, endpoint=agency.endpoint, authorities=vouched.get(agency.id, b""))
        for agency in agencies
        if agency.endpoint.kind in PUSHED and not agency.suspended
    }


def vouching(authorities: Iterable[AgencyAuthority]) -> dict[AgencyId, bytes]:
    """Per agency, PEM of who vouches for its servers."""
    found: defaultdict[AgencyId, list[bytes]] = defaultdict(list)
    for authority in authorities:
        if authority.revoked_at is None:
            found[authority.agency] += filter(None, (authority.certificate, authority.intermediates))
    return {agency: b"\n".join(sorted(each)) for agency, each in found.items()}


class Standing(StrEnum):
    """What becomes of a delivery decided under a version of an agreement."""

    SEND = "send"
    HOLD = "hold"  # suspended: it waits, and its time runs
    RECALL = "recall"  # the agreement ended, or its last day is over
    TEST = "test"  # on trial: it goes to a test endpoint, and nowhere else


def standing_at(standing: Standing, agency: Agency | None) -> Standing:
    """What becomes of a delivery to this agency. What was decided on trial for a test endpoint that has become a real
    one never leaves: were it only held, it would go out on the day the agreement comes into force."""
    if standing is not Standing.TEST:
        return standing
    return Standing.SEND if agency is not None and agency.endpoint.test else Standing.RECALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the configuration says of one delivery. No destination: the agency is not pushed to any more."""

    destination: Destination | None
    standing: Standing


Version = tuple[str, int]


def standings(agreements: Iterable[Agreement], mous: Mapping[Version, Mou], day: date) -> dict[Version, Standing]:
    """For every version of every agreement that has ever decided, on this day.

    One that a later version replaced has not ended the agreement: what was decided and receipted under it goes out; so
    it is held or recalled together with the later one. A later one that does not hold yet, since its first day is to
    come, stands for it as long as its own days last. An earlier one never does: what ended before it was ever in
    force, on trial, is recalled, although the version before it goes on.
    """
    versions: defaultdict[str, list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        if agreement.state in _STANDING:
            versions[agreement.mou].append(agreement)
    found: dict[Version, Standing] = {}
    for each in versions.values():
        own = {one.version: _own(one, mous.get((one.mou, one.version)), day) for one in each}
        for one in each:
            standing = own[one.version]
            if one.state is AgreementState.ENDED:
                lasts = _holds(mous.get((one.mou, one.version)), day)
                later = (
                    other
                    for other in each
                    # A trial neither holds nor sends what another version decided.
                    if other.version > one.version and other.state is not AgreementState.TRIAL
                )
                others = (
                    own[other.version] for other in later if lasts or _holds(mous.get((other.mou, other.version)), day)
                )
                standing = min(others, default=standing, key=_ORDER.index)
            found[one.mou, one.version] = standing
    return found


def _own(agreement: Agreement, mou: Mou | None, day: date) -> Standing:
    """What the version says by itself."""
    over = mou is not None and day > mou.until
    return Standing.RECALL if over else _STANDING[agreement.state]


def _holds(mou: Mou | None, day: date) -> bool:
    return mou is not None and mou.in_force(day)


_STANDING = {
    AgreementState.IN_FORCE: Standing.SEND,
    AgreementState.SUSPENDED: Standing.HOLD,
    AgreementState.ENDED: Standing.RECALL,
    AgreementState.TRIAL: Standing.TEST,
}

_ORDER = (Standing.SEND, Standing.HOLD, Standing.RECALL)
