"""Authorities of agencies: what may be registered, under which names, and which lists are taken in."""

from datetime import timedelta

import pytest
from cryptography import x509

from gateway.agency import AgencyId
from gateway.alert.alert import Code, Severity
from gateway.alert.condition import expiries, revocation_lists
from gateway.api.operations import observe_lists
from gateway.errors import GatewayError
from gateway.exchange.activate import AgencyUnknown, CredentialRevoked, CredentialTaken, suspend_agency
from gateway.exchange.authorities import (
    AuthoritiesUnclear,
    NameTaken,
    NoAuthority,
    lists_of,
    register_authority,
    take_crl,
)
from gateway.exchange.gateway import NotIdentified
from gateway.exchange.look import look
from gateway.exchange.revoke import revoke_credential
from gateway.signing.certificate import CertificateExpired, WeakKey, WrongUsage, fingerprint
from gateway.signing.crl import CrlOfAnother, CrlOlder
from gateway.telemetry import Metrics
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, POLICE, Deployed
from tests.exchange.officers import officer
from tests.signing.parties import rsa_key
from tests.signing.pki import Party, authority, crl, leaf, made

ROOT = authority("State Root")
STATE = authority("State CA", by=ROOT)
OTHER = authority("County CA")
NAMES = ("dns:gw.jail.example",)


async def test_with_no_name_only_what_names_the_agency_by_its_id_counts(place: Deployed) -> None:
    held = await register_authority(place.gateway, JAIL, ROOT.pem, actor="test")
    assert held.names == (f"uri:urn:agency:{JAIL}",)
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(leaf("jail", ROOT).der)
    named = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:agency:{JAIL}")])
    assert place.gateway.identify_certificate(made("x", (named, False), by=ROOT).der).id == JAIL


async def test_it_is_an_entry_with_what_was_registered(place: Deployed) -> None:
    await register_authority(place.gateway, JAIL, ROOT.pem + STATE.pem, NAMES, actor="test")
    first = (await place.log())[-1]
    said = (first["type"], first["action"], first["kind"], first["agency"])
    assert said == ("credential", "register", "authority", JAIL)
    assert (first["fingerprint"], first["count"], first["parties"]) == (fingerprint(ROOT.der), 1, [JAIL])
    await register_authority(place.gateway, JAIL, ROOT.pem + STATE.pem, (*NAMES, "dns:b.example"), actor="test")
    second = (await place.log())[-1]
    assert second["digest"] != first["digest"]
    assert "jail.example" not in str(first)


async def test_the_order_in_the_file_does_not_matter_and_several_authorities_are_unclear(place: Deployed) -> None:
    for pem in (ROOT.pem + STATE.pem, STATE.pem + ROOT.pem):
        held = await register_authority(place.gateway, JAIL, pem, NAMES, actor="test")
        assert (held.fingerprint, held.intermediates) == (fingerprint(ROOT.der), STATE.pem)
    for pem in (ROOT.pem + OTHER.pem, OTHER.pem + STATE.pem + ROOT.pem):
        with pytest.raises(AuthoritiesUnclear):
            await register_authority(place.gateway, JAIL, pem, NAMES, actor="test")


FAULTY: dict[str, tuple[Party, type[GatewayError]]] = {
    "no authority": (leaf("jail", None), WrongUsage),
    "without any mark": (made("Old CA"), WrongUsage),
    "expired": (authority("Late CA", days=(-30, -1)), CertificateExpired),
    "weak": (authority("Small CA", key=rsa_key(1024)), WeakKey),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_what_cannot_certify_is_not_registered(place: Deployed, fault: str) -> None:
    faulty, error = FAULTY[fault]
    with pytest.raises(error):
        await register_authority(place.gateway, JAIL, faulty.pem, NAMES, actor="test")
    assert place.gateway.current.authorities == ()


async def test_a_name_stands_for_one_agency_under_one_authority(place: Deployed) -> None:
    gateway = place.gateway
    await register_authority(gateway, JAIL, ROOT.pem, NAMES, actor="test")
    renewed = authority("State Root", key=ROOT.key)
    for pem in (ROOT.pem, renewed.pem):
        with pytest.raises(NameTaken):
            await register_authority(gateway, POLICE, pem, NAMES, actor="test")
    with pytest.raises(NameTaken):
        await register_authority(gateway, POLICE, ROOT.pem, (f"uri:urn:agency:{JAIL}",), actor="test")
    await register_authority(gateway, POLICE, ROOT.pem, ("dns:gw.police.example",), actor="test")
    await register_authority(gateway, POLICE, OTHER.pem, NAMES, actor="test")
    await revoke_credential(gateway, JAIL, fingerprint(ROOT.der), actor="test")
    await register_authority(gateway, POLICE, ROOT.pem, NAMES, actor="test")
    with pytest.raises(CredentialRevoked):
        await register_authority(gateway, JAIL, ROOT.pem, ("dns:new.jail.example",), actor="test")


async def test_the_gateways_own_authority_and_agencies_nobody_knows(place: Deployed) -> None:
    with pytest.raises(CredentialTaken):
        await register_authority(place.gateway, JAIL, place.authority.certificate_pem, actor="test")
    with pytest.raises(AgencyUnknown):
        await register_authority(place.gateway, AgencyId("nobody"), ROOT.pem, actor="test")
    with pytest.raises(AgencyUnknown):
        await take_crl(place.gateway, AgencyId("nobody"), crl(ROOT), actor="test")


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_is_held_with_its_entry_and_the_same_one_again_changes_nothing(place: Deployed) -> None:
    now = place.clock.now()
    await register_authority(place.gateway, JAIL, ROOT.pem, NAMES, actor="test")
    assert [each.state for each in lists_of(place.gateway.current, JAIL, now)] == ["none"]
    data = crl(ROOT, 7, 8, number=3, now=now)
    by = await officer(place.gateway, roles=frozenset({UserRole.OPERATOR}))  # `conftest.place` verifies it
    taken = await take_crl(place.gateway, JAIL, data, by=by)
    assert (taken.new, taken.count, taken.crl.number, taken.authority) == (True, 2, 3, fingerprint(ROOT.der))
    entry = (await place.log())[-1]
    said = (entry["type"], entry["action"], entry["count"], entry["digest"])
    assert said == ("credential", "crl", 2, taken.crl.digest)
    version = place.gateway.current.version
    assert not (await take_crl(place.gateway, JAIL, data, actor="test")).new
    assert place.gateway.current.version == version
    async with place.second() as other:
        assert other.current.lists.crls == place.gateway.current.lists.crls


async def test_a_list_is_never_rolled_back(place: Deployed) -> None:
    now = place.clock.now()
    await register_authority(place.gateway, JAIL, ROOT.pem, NAMES, actor="test")
    await take_crl(place.gateway, JAIL, crl(ROOT, 7, number=3, now=now), actor="test")
    with pytest.raises(CrlOlder):
        await take_crl(place.gateway, JAIL, crl(ROOT, number=2, now=now), actor="test")
    assert next(iter(place.gateway.current.lists.crls.values())).serials == {7}


async def test_a_list_of_nobodys_authority_or_of_another_agencys_is_refused(place: Deployed) -> None:
    now = place.clock.now()
    with pytest.raises(NoAuthority):
        await take_crl(place.gateway, JAIL, crl(ROOT, now=now), actor="test")
    await register_authority(place.gateway, JAIL, ROOT.pem, NAMES, actor="test")
    await register_authority(place.gateway, POLICE, OTHER.pem, NAMES, actor="test")
    with pytest.raises(CrlOfAnother):
        await take_crl(place.gateway, JAIL, crl(OTHER, now=now), actor="test")
    assert place.gateway.current.lists.crls == {}


async def test_an_authority_that_ends_and_a_list_that_runs_out_are_looked_at(place: Deployed) -> None:
    now = place.clock.now()
    short = authority("Short CA", days=(-1, 9), now=now)
    await register_authority(place.gateway, JAIL, short.pem, NAMES, actor="test")
    await take_crl(place.gateway, JAIL, crl(short, hours=(-30, 6), now=now), actor="test")
    seen = await look(place.gateway, now)
    codes = {(each.code, each.subject): each.weight for each in (*expiries(seen), *revocation_lists(seen))}
    assert codes[Code.CREDENTIAL_EXPIRES, JAIL] is Severity.WARNING
    assert codes[Code.CRL_EXPIRES, JAIL] is Severity.WARNING
    metrics = Metrics()
    observe_lists(metrics, place.gateway.current, now)
    assert b"gateway_crl_seconds_left{" in metrics.exposition()
    assert b"} 21600.0" in metrics.exposition()
    await suspend_agency(place.gateway, JAIL, actor="test")
    assert (await look(place.gateway, now)).lists == ()


async def test_lists_are_seen_as_current_stale_and_refusing(place: Deployed) -> None:
    await register_authority(place.gateway, JAIL, ROOT.pem + STATE.pem, NAMES, actor="test")
    now = place.clock.now()
    await take_crl(place.gateway, JAIL, crl(STATE, hours=(-1, 24), now=now), actor="test")

    def states(hours: float) -> list[str]:
        return [each.state for each in lists_of(place.gateway.current, JAIL, now + timedelta(hours=hours))]

    assert [states(hours)[1] for hours in (0, 25, 24 + 73)] == ["current", "stale", "refused"]
    assert states(0)[0] == "none"
