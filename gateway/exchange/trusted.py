"""Trusted: which certificates speak for which agency, out of the credentials and authorities in the database. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from gateway.agency import AgencyId
from gateway.signing.certificate import content_id, pem_to_der, pems_to_ders, read_certificate
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from gateway.signing.revocation import Lists
from gateway.store.configuration import AgencyAuthority, Credential, CredentialKind


def trusted_keys(
    credentials: Iterable[Credential],
    authorities: Iterable[AgencyAuthority],
    lists: Lists,
) -> dict[AgencyId, TrustedKeys]:
    """What is registered for each agency. An agency that is not in it has nothing."""
    pins: defaultdict[AgencyId, set[bytes]] = defaultdict(set)
    revoked: defaultdict[AgencyId, set[str]] = defaultdict(set)
    above: defaultdict[AgencyId, list[TrustedAuthority]] = defaultdict(list)
    for one in credentials:
        if one.kind is not CredentialKind.CERTIFICATE:
            continue
        if one.revoked_at is not None:
            revoked[one.agency].add(content_of(one.certificate))
        else:
            pins[one.agency].add(pem_to_der(one.certificate))
    for each in authorities:
        if each.revoked_at is not None:
            revoked[each.agency].add(content_of(each.certificate))
        else:
            above[each.agency].append(_authority(each))
    return {
        agency: TrustedKeys(
            agency=agency,
            pins=frozenset(pins[agency]),
            authorities=tuple(above[agency]),
            revoked=frozenset(revoked[agency]),
            lists=lists,
        )
        for agency in {*pins, *revoked, *above}
    }


def speakers(authorities: Iterable[AgencyAuthority]) -> dict[str, frozenset[AgencyId]]:
    """Which agencies each registered name may stand for."""
    found: defaultdict[str, set[AgencyId]] = defaultdict(set)
    for each in authorities:
        if each.revoked_at is None:
            for name in each.names:
                found[name].add(each.agency)
    return {name: frozenset(agencies) for name, agencies in found.items()}


def content_of(pem: bytes) -> str:
    """By what a certificate is known again: `content_id`."""
    return content_id(read_certificate(pem_to_der(pem)))


def _authority(each: AgencyAuthority) -> TrustedAuthority:
    return TrustedAuthority(
        certificate=pem_to_der(each.certificate),
        names=frozenset(each.names),
        intermediates=pems_to_ders(each.intermediates) if each.intermediates else (),
    )
