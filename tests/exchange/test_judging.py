"""A server that we deliver to is judged by the same lists as whoever comes to us, before anything is sent to it."""

import gc
import ssl
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.asking import connections_of
from gateway.exchange.activate import register_certificate
from gateway.exchange.authorities import register_authority, take_crl
from gateway.exchange.destination import vouching
from gateway.exchange.holdings import NEVER_LEFT
from gateway.exchange.revoke import revoke_credential
from gateway.signing.certificate import fingerprint
from gateway.transport.ask import HttpAsk, Partner, PartnerAway
from gateway.transport.connections import Connections
from gateway.transport.probe import ping, probe
from gateway.transport.probe_words import Said, Step, Tried
from gateway.transport.rest import RestTransport
from tests.exchange.deployed import JAIL, POLICE, Deployed
from tests.pretend_agency import PretendServer, serving
from tests.signing.pki import SERVER, Party, authority, crl, dns, made, usage
from tests.transport.parcels import SECONDS, parcel

YEARS = {"days": (-400, 400), "now": datetime.now(UTC)}
"""OpenSSL goes by the clock of the machine, the gateway of a test by another."""

ROOT = authority("State Root", **YEARS)
STATE = authority("State CA", by=ROOT, **YEARS)
NAMES = ("dns:gw.police.example",)


def server(by: Party) -> Party:
    return made("police", usage(digital_signature=True), SERVER, dns("localhost"), by=by, **YEARS)


@dataclass
class Way:
    """From a gateway to an agency's server that shows a certificate and those above it."""

    place: Deployed
    folder: Path
    connections: Connections

    def context(self, shown: Party, *above: Party) -> ssl.SSLContext:
        chain, key = self.folder / "server.crt", self.folder / "server.key"
        chain.write_bytes(b"".join(each.pem for each in (shown, *above)))
        key.write_bytes(shown.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    async def register(self, *parties: Party) -> None:
        pem = b"".join(each.pem for each in parties)
        await register_authority(self.place.gateway, POLICE, pem, NAMES, actor="test")

    async def lists(self, by: Party, *serials: int, number: int = 1, hours: tuple[float, float] = (-1, 24)) -> None:
        data = crl(by, *serials, number=number, hours=hours, now=self.place.clock.now())
        await take_crl(self.place.gateway, POLICE, data, actor="test")

    async def sent(self, agency: PretendServer, pinned: bytes = b"") -> str:
        """Deliver; the outcome's code, or that it was acknowledged."""
        vouched = vouching(self.place.gateway.current.authorities).get(POLICE, b"")
        letter = replace(parcel(agency.url(host="localhost")), authorities=pinned or vouched)
        outcome = await RestTransport(self.connections, self.place.clock).send(letter, deadline=SECONDS)
        return outcome.code or outcome.kind

    async def probed(self, agency: PretendServer) -> Said:
        vouched = vouching(self.place.gateway.current.authorities)[POLICE]
        far = replace(parcel(agency.url(host="localhost")), authorities=vouched)
        request = ping(far.endpoint, self.place.gateway.keys.cover_signer, id="1", now=self.place.clock.now())
        return (await probe(self.connections, far, request, deadline=SECONDS))[-1]


@pytest.fixture
async def way(place: Deployed, tmp_path: Path) -> AsyncIterator[Way]:
    connections = connections_of(place.gateway)
    yield Way(place, tmp_path, connections)
    await connections.close()


async def test_a_server_that_its_authority_has_revoked_is_sent_nothing_from_the_list_on(way: Way) -> None:
    shown = server(STATE)
    await way.register(ROOT, STATE)
    async with serving(tls=way.context(shown, STATE)) as agency:
        assert await way.sent(agency) == "acknowledged"  # without any list
        await way.lists(STATE, 7)
        assert await way.sent(agency) == "acknowledged"
        had = len(agency.mailbox.requests)
        await way.lists(STATE, 7, shown.certificate.serial_number, number=2)  # and the connection is open still
        assert await way.sent(agency) == "delivery.certificate-revoked"
        assert len(agency.mailbox.requests) == had


async def test_an_operator_is_told_why_in_words(way: Way) -> None:
    shown = server(STATE)
    await way.register(ROOT, STATE)
    await way.lists(STATE, shown.certificate.serial_number)
    async with serving(tls=way.context(shown, STATE)) as agency:
        said = await way.probed(agency)
    assert (said.step, said.tried, said.code) == (Step.TLS, Tried.WRONG, "delivery.certificate-revoked")
    assert "revoked" in said.text


async def test_a_server_below_an_authority_that_was_revoked_is_sent_nothing(way: Way) -> None:
    await way.register(ROOT)
    await way.lists(ROOT, STATE.certificate.serial_number)
    async with serving(tls=way.context(server(STATE), STATE)) as agency:
        assert await way.sent(agency) == "delivery.certificate-revoked"
        assert agency.mailbox.requests == []


async def test_an_authority_that_is_trusted_by_itself_is_judged_by_what_is_known_above_it(way: Way) -> None:
    """The way up ends at what is registered first: below the root whose list names it."""
    await way.register(ROOT, STATE)
    await way.lists(ROOT, STATE.certificate.serial_number)
    async with serving(tls=way.context(server(STATE), STATE)) as agency:
        assert await way.sent(agency) == "delivery.certificate-revoked"
        assert await way.sent(agency, pinned=STATE.pem) == "delivery.certificate-revoked"


async def test_a_list_past_its_time_and_its_grace_holds_deliveries_back_until_the_next_one_is_here(way: Way) -> None:
    await way.register(STATE)
    await way.lists(STATE, hours=(-1, 24))
    async with serving(tls=way.context(server(STATE))) as agency:
        way.place.clock.moment += timedelta(hours=24 + 71)  # certificates.crl_grace_hours is 72
        assert await way.sent(agency) == "acknowledged"
        await way.connections.close()
        way.place.clock.moment += timedelta(hours=2)
        assert await way.sent(agency) == "delivery.crl-stale"
        said = await way.probed(agency)
        assert (said.code, said.tried) == ("delivery.crl-stale", Tried.WRONG)
        assert "gateway agency crl" in said.text
        await way.lists(STATE, number=2)
        assert await way.sent(agency) == "acknowledged"


async def test_a_pinned_server_is_refused_when_a_list_names_it_and_not_because_a_list_is_old(way: Way) -> None:
    shown = server(STATE)
    await way.register(STATE)
    await way.lists(STATE, hours=(-1, 24))
    way.place.clock.moment += timedelta(days=30)
    async with serving(tls=way.context(shown)) as agency:
        assert await way.sent(agency, pinned=shown.pem) == "acknowledged"
        await way.lists(STATE, shown.certificate.serial_number, number=2)
        assert await way.sent(agency, pinned=shown.pem) == "delivery.certificate-revoked"


async def test_a_certificate_that_was_revoked_here_is_no_servers_either(way: Way) -> None:
    """Many agencies have one for both directions."""
    certificate = made("police", usage(digital_signature=True), dns("localhost"), **YEARS)
    held = await register_certificate(way.place.gateway, POLICE, certificate.der, actor="test")
    async with serving(tls=way.context(certificate)) as agency:
        assert await way.sent(agency, pinned=certificate.pem) == "acknowledged"
        await revoke_credential(way.place.gateway, POLICE, held.fingerprint, actor="test")
        assert await way.sent(agency, pinned=certificate.pem) == "delivery.certificate-revoked"


async def test_an_authority_that_was_revoked_here_is_above_no_server(way: Way) -> None:
    """Whoever stole its key would make a server of the partner's name."""
    await way.register(STATE)
    await revoke_credential(way.place.gateway, POLICE, fingerprint(STATE.der), actor="test")
    await way.register(ROOT)
    async with serving(tls=way.context(server(STATE), STATE)) as agency:
        assert await way.sent(agency) == "delivery.certificate-revoked"
        # As long as another agency has it, it is an authority.
        other = ("dns:gw.jail.example",)
        await register_authority(way.place.gateway, JAIL, STATE.pem, other, actor="test")
        assert await way.sent(agency) == "acknowledged"


async def test_a_list_goes_on_to_count_when_its_authority_speaks_for_nobody_any_more(way: Way) -> None:
    shown = server(STATE)
    await way.register(STATE)
    await way.lists(STATE, shown.certificate.serial_number)
    await revoke_credential(way.place.gateway, POLICE, fingerprint(STATE.der), actor="test")
    async with serving(tls=way.context(shown)) as agency:
        assert await way.sent(agency, pinned=shown.pem) == "delivery.certificate-revoked"


async def test_lists_of_before_are_held_by_nobody(way: Way) -> None:
    """A state's list has megabytes, and there is another one every hour."""
    await way.register(STATE)
    await way.lists(STATE, 7)
    async with serving(tls=way.context(server(STATE), STATE)) as agency:
        assert await way.sent(agency) == "acknowledged"
        serials = weakref.ref(next(iter(way.place.gateway.current.lists.crls.values())).serials)
        await way.lists(STATE, 8, number=2)
        assert await way.sent(agency) == "acknowledged"
    gc.collect()
    assert serials() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_is_judged_under_every_version_of_tls(way: Way, version: ssl.TLSVersion) -> None:
    shown = server(STATE)
    await way.register(STATE)
    await way.lists(STATE, shown.certificate.serial_number)
    context = way.context(shown)
    context.maximum_version = version
    async with serving(tls=context) as agency:
        assert await way.sent(agency) == "delivery.certificate-revoked"
        assert agency.mailbox.requests == []


async def test_the_list_of_one_agencys_authority_says_nothing_of_anothers(way: Way) -> None:
    shown, other = server(STATE), authority("County CA", **YEARS)
    await way.register(STATE)
    await register_authority(way.place.gateway, JAIL, other.pem, ("dns:gw.jail.example",), actor="test")
    named = crl(other, shown.certificate.serial_number, now=way.place.clock.now())
    await take_crl(way.place.gateway, JAIL, named, actor="test")
    async with serving(tls=way.context(shown)) as agency:
        assert await way.sent(agency) == "acknowledged"


async def test_a_cosigners_gateway_is_judged_too(way: Way) -> None:
    shown = server(STATE)
    await way.register(STATE)
    async with serving(tls=way.context(shown)) as agency:
        partner = Partner(url=agency.url(host="localhost"), private_network=True, authorities=STATE.pem)
        assert await HttpAsk(way.connections).ask(partner, "/v1/log")
        await way.lists(STATE, shown.certificate.serial_number)
        with pytest.raises(PartnerAway):
            await HttpAsk(way.connections).ask(partner, "/v1/log")


def test_a_delivery_that_was_refused_so_has_never_left() -> None:
    assert {"delivery.certificate-revoked", "delivery.crl-stale"} <= NEVER_LEFT
