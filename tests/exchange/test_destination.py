from dataclasses import replace
from datetime import UTC, datetime

from gateway.agency import AgencyId, EndpointKind
from gateway.exchange.destination import destinations
from gateway.store.configuration import AgencyAuthority
from tests.exchange.gateways import FUSION, POLICE, PROBATION, agency, endpoint

LONG_AGO, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def authority(owner: AgencyId, certificate: bytes, intermediates: bytes = b"") -> AgencyAuthority:
    return AgencyAuthority(
        fingerprint=certificate.hex().ljust(64, "0"),
        agency=owner,
        names=("dns:gw.example",),
        not_before=LONG_AGO,
        not_after=LATER,
        certificate=certificate,
        intermediates=intermediates,
    )


def test_rest_and_soap_are_pushed_to_and_inboxes_and_suspended_agencies_are_not() -> None:
    everyone = [
        agency(POLICE, endpoint("https://rms.example/in")),
        agency(PROBATION, endpoint("https://cms.example/in", EndpointKind.SOAP), suspended=True),
        agency(FUSION),
    ]
    assert list(destinations(everyone, ())) == [POLICE]


def test_an_agencys_own_authorities_vouch_for_its_servers_alone() -> None:
    everyone = [agency(POLICE, endpoint("https://a.example")), agency(PROBATION, endpoint("https://b.example"))]
    gone = replace(authority(POLICE, b"old"), revoked_at=LONG_AGO)
    found = destinations(
        everyone,
        [authority(POLICE, b"B", b"D"), authority(POLICE, b"A"), gone],
    )
    assert (found[POLICE].authorities, found[PROBATION].authorities) == (b"A\nB\nD", b"")
