"""Trying the way to an agency is entered before anything leaves; a certificate is judged as it would be when shown."""

import pytest

from gateway.agency import AgencyId, Endpoint, EndpointKind
from gateway.exchange.activate import AgencyUnknown, issue_token, suspend_agency
from gateway.exchange.authorities import register_authority, take_crl
from gateway.exchange.inbox import inbox_page
from gateway.exchange.probing import Looked, judge_certificate, look_at_inbox, probe_endpoint
from gateway.exchange.sequence import sequence
from gateway.store import points
from gateway.store.interface import StoreUnavailable
from gateway.transport.connections import Connections, Own
from gateway.transport.probe_words import Said, Step, Tried
from gateway.transport.tls import Trust
from tests.exchange.deployed import JAIL, NAME, POLICE, Deployed
from tests.signing.pki import authority, crl, leaf
from tests.store.test_promises_failing import BrokenDatabase

ROOT = authority("State Root")
STATE = authority("State CA", by=ROOT)
GONE = Endpoint(kind=EndpointKind.REST, url="https://127.0.0.1:1/in", private_network=True)


def connections() -> Connections:
    own = Own(trust=Trust())
    return Connections(now=lambda: own)


async def probes(place: Deployed) -> list[dict[str, object]]:
    return [each for each in await place.log() if each["type"] == "probe"]


async def test_that_it_is_tried_is_entered_before_and_what_became_of_it_after(place: Deployed) -> None:
    await place.connect(POLICE, GONE)
    told: list[Said] = []
    said = await probe_endpoint(place.gateway, POLICE, connections(), actor="test", told=told.append)
    assert (said[-1].step, said[-1].tried) == (Step.CONNECTION, Tried.AWAY)
    assert told == list(said)
    before, after = await probes(place)
    assert (before["kind"], before["outcome"], before["agency"]) == ("endpoint", "begun", POLICE)
    assert (after["outcome"], after["code"]) == ("away", "delivery.no-connection")


async def test_what_cannot_be_entered_is_not_tried(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.connect(POLICE, GONE)
    told: list[Said] = []

    def broken(point: str) -> None:
        if point == "record.before-commit":
            raise BrokenDatabase

    monkeypatch.setattr(points, "watch", broken)
    with pytest.raises(StoreUnavailable):
        await probe_endpoint(place.gateway, POLICE, connections(), actor="test", told=told.append)
    assert told == []


async def test_a_suspended_agency_is_tried_too(place: Deployed) -> None:
    await place.connect(POLICE, GONE)
    await suspend_agency(place.gateway, POLICE, actor="test")
    said = await probe_endpoint(place.gateway, POLICE, connections(), actor="test", told=lambda _: None)
    assert said[-1].step is Step.CONNECTION


def named(looked: tuple[Looked, ...]) -> dict[str, Looked]:
    return {each.name: each for each in looked}


async def test_an_inbox_is_looked_at_for_credentials_and_polls(place: Deployed) -> None:
    found = named(await look_at_inbox(place.gateway, POLICE, actor="test"))
    assert (found["credential"].tried, found["credential"].code) == (Tried.WRONG, "credential.none")
    await issue_token(place.gateway, POLICE, actor="test")
    await inbox_page(place.gateway, POLICE, after=0, limit=10)
    await sequence(place.gateway.store, place.gateway.keys.log_signer, origin=NAME)
    found = named(await look_at_inbox(place.gateway, POLICE, actor="test"))
    assert {each.tried for each in found.values()} == {Tried.GOOD}
    assert "last asked on 2026-03-03" in found["polled"].text
    await suspend_agency(place.gateway, POLICE, actor="test")
    assert named(await look_at_inbox(place.gateway, POLICE, actor="test"))["let in"].code == "agency.suspended"
    assert [each["outcome"] for each in await probes(place)] == ["wrong", "good", "wrong"]


async def test_a_certificate_is_judged_as_if_it_were_shown(place: Deployed) -> None:
    gateway, jail = place.gateway, leaf("jail", STATE)

    async def judged(pem: bytes) -> Looked:
        return (await judge_certificate(gateway, JAIL, pem, actor="test"))[-1]

    unknown = await judged(jail.pem + STATE.pem)
    assert (unknown.tried, unknown.code) == (Tried.WRONG, "certificate.untrusted")
    assert "--authority" in unknown.text
    await register_authority(gateway, JAIL, ROOT.pem, ("dns:other.jail.example",), actor="test")
    assert "registered are: dns:other.jail.example" in (await judged(jail.pem + STATE.pem)).text
    await register_authority(gateway, JAIL, ROOT.pem, ("dns:gw.jail.example",), actor="test")
    assert (await judged(jail.pem + STATE.pem)).tried is Tried.GOOD
    assert (await judged(jail.pem)).code == "certificate.untrusted"
    late = leaf("jail", ROOT, days=(-30, -1))
    assert (await judged(late.pem)).code == "certificate.expired"
    await take_crl(gateway, JAIL, crl(ROOT, STATE.certificate.serial_number, now=place.clock.now()), actor="test")
    assert (await judged(jail.pem + STATE.pem)).code == "certificate.revoked"
    last = (await probes(place))[-1]
    assert (last["kind"], last["outcome"], last["code"]) == ("certificate", "wrong", "certificate.revoked")


async def test_a_certificate_that_two_agencies_could_show_is_said(place: Deployed) -> None:
    await register_authority(place.gateway, JAIL, ROOT.pem, ("dns:gw.jail.example",), actor="test")
    subject = "subject:CN=jail,O=invented state,C=US"
    await register_authority(place.gateway, POLICE, ROOT.pem, (subject,), actor="test")
    looked = await judge_certificate(place.gateway, JAIL, leaf("jail", ROOT).pem, actor="test")
    assert (looked[-1].tried, looked[-1].code) == (Tried.WRONG, "identity.unknown")


async def test_an_agency_nobody_knows(place: Deployed) -> None:
    with pytest.raises(AgencyUnknown):
        await judge_certificate(place.gateway, AgencyId("nobody"), ROOT.pem, actor="test")
    with pytest.raises(AgencyUnknown):
        await probe_endpoint(place.gateway, AgencyId("nobody"), connections(), actor="test", told=lambda _: None)
