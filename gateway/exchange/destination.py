"""Destination and Standing: where deliveries to an agency go now, and whether they go, as the configuration in force
says. A decision was right when it was made; what changed since may still hold it back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.agency import Agency, AgencyId, Endpoint, EndpointKind
from gateway.store.interface import Agreement, AgreementState, Credential, CredentialKind

PUSHED = frozenset({EndpointKind.REST, EndpointKind.SOAP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """An agency that deliveries are pushed to. `authorities` is PEM: who else vouches for its servers."""

    agency: AgencyId
    endpoint: Endpoint
    authorities: bytes


def destinations(agencies: Iterable[Agency], credentials: Iterable[Credential]) -> dict[AgencyId, Destination]:
    """Every agency that is pushed to. Those with an inbox fetch for themselves; deliveries to suspended ones wait."""
    vouching: defaultdict[AgencyId, list[bytes]] = defaultdict(list)
    for credential in credentials:
        if credential.kind is CredentialKind.AUTHORITY and credential.revoked_at is None:
            vouching[credential.agency].append(credential.certificate)
    return {
        agency.id: Destination(
            agency=agency.id, endpoint=agency.endpoint, authorities=b"\n".join(sorted(vouching[agency.id]))
        )
        for agency in agencies
        if agency.endpoint.kind in PUSHED and not agency.suspended
    }


class Standing(StrEnum):
    """What becomes of a delivery decided under a version of an agreement."""

    SEND = "send"
    HOLD = "hold"  # suspended: it waits, and its time runs
    RECALL = "recall"  # the agreement ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the configuration says of one delivery. No destination: the agency is not pushed to any more."""

    destination: Destination | None
    standing: Standing


Version = tuple[str, int]


def standings(agreements: Iterable[Agreement]) -> dict[Version, Standing]:
    """For every version of every agreement. One that a later version replaced has not ended the agreement: what was
    decided and receipted under it goes out; so it is held or recalled together with the later one."""
    found: dict[Version, Standing] = {}
    best: dict[str, Standing] = {}
    for agreement in agreements:
        standing = _STANDING[agreement.state]
        found[agreement.mou, agreement.version] = standing
        best[agreement.mou] = min(best.get(agreement.mou, standing), standing, key=_ORDER.index)
    return {
        (mou, version): best[mou] if standing is Standing.RECALL else standing
        for (mou, version), standing in found.items()
    }


_STANDING = {
    AgreementState.DRAFT: Standing.HOLD,
    AgreementState.TRIAL: Standing.HOLD,
    AgreementState.IN_FORCE: Standing.SEND,
    AgreementState.SUSPENDED: Standing.HOLD,
    AgreementState.ENDED: Standing.RECALL,
}

_ORDER = (Standing.SEND, Standing.HOLD, Standing.RECALL)
