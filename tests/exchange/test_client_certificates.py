"""Certificates of agencies over real handshakes: an authority two agencies share, lists, rotation, every fault."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.agency import AgencyId
from gateway.api.app import make_app
from gateway.api.tls import server_context, trusted_clients
from gateway.exchange.activate import CredentialRevoked, Signer, put_credential, register_certificate, suspend_agency
from gateway.exchange.authorities import register_authority, take_crl
from gateway.exchange.gateway import NotIdentified
from gateway.exchange.revoke import revoke_credential
from gateway.keys.files import TlsFiles
from gateway.keys.succession import look
from gateway.signing.certificate import CertificateExpired, WeakKey, WrongUsage, fingerprint, pem_to_der
from gateway.store.configuration import Credential, CredentialKind
from gateway.telemetry import Metrics
from tests.api.certificates import make
from tests.api.wire import listening, wire
from tests.exchange.deployed import JAIL, POLICE, PROBATION, Deployed, deployed
from tests.signing.parties import rsa_key
from tests.signing.pki import ODD, Party, authority, crl, dns, leaf, made, other_signature, usage

NOW = datetime.now(UTC)
INBOX = b"GET /v1/inbox HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

ROOT = authority("State Root", now=NOW)
STATE = authority("State Issuing CA", by=ROOT, path_length=0, now=NOW)
NAMES = {JAIL: ("dns:gw.jail.example",), POLICE: ("dns:gw.police.example",)}


@dataclass
class Edge:
    """A listener with a whole gateway behind it."""

    place: Deployed
    folder: Path
    server: ssl.SSLContext
    port: int

    def context(self, client: Party, *along: Party) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is the client that is judged here
        chain, key = self.folder / "chain.pem", self.folder / "key.pem"
        chain.write_bytes(b"".join(each.pem for each in (client, *along)))
        key.write_bytes(client.key_pem)
        context.load_cert_chain(chain, key)
        return context

    async def ask(self, client: Party, *along: Party) -> int:
        """The status of an answer; 0 when the handshake ended it."""
        with contextlib.suppress(ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            async with wire(self.port, self.context(client, *along)) as connection:
                await connection.send(INBOX)
                answer = await connection.until_closed()
                return int(answer.split(b" ", 2)[1]) if answer else 0
        return 0

    async def share(self, *agencies: str, anchor: Party = ROOT) -> None:
        for id in agencies:
            names = NAMES[id]  # type: ignore[index]
            await register_authority(self.place.gateway, id, anchor.pem, names, actor="test")  # type: ignore[arg-type]


@pytest.fixture
async def edge(template: Path, tmp_path: Path) -> AsyncIterator[Edge]:
    async with deployed(template, tmp_path / "deployment") as place:
        place.clock.moment = NOW
        certificate, key = make("gateway", client=False).write(tmp_path, "server")
        looks, gateway = (look(certificate), look(key)), place.gateway
        files = TlsFiles(certificate=certificate, key=key, passphrase=None, looks=looks)
        server = server_context(lambda: files, lambda: trusted_clients(gateway.current, gateway.keys.authorities))
        async with listening(make_app(place.gateway, metrics=Metrics()), tls=server) as port:
            yield Edge(place, tmp_path, server, port)


def client(name: str, by: Party | None = STATE, **more: object) -> Party:
    return leaf(name, by, now=NOW, **more)  # type: ignore[arg-type]


async def test_two_agencies_of_one_authority_are_told_apart_by_their_names(edge: Edge) -> None:
    await edge.share(JAIL, POLICE)
    gateway = edge.place.gateway
    jail, police, stranger = client("jail"), client("police"), client("probation")
    assert [await edge.ask(each, STATE) for each in (jail, police, stranger)] == [200, 200, 401]
    assert gateway.identify_certificate(jail.der, (STATE.der,)).id == JAIL
    assert gateway.identify_certificate(police.der, (STATE.der,)).id == POLICE


async def test_a_certificate_with_the_names_of_two_agencies_is_nobodys(edge: Edge) -> None:
    await edge.share(JAIL, POLICE)
    both = made("both", usage(digital_signature=True), dns("gw.jail.example", "gw.police.example"), by=STATE, now=NOW)
    assert await edge.ask(both, STATE) == 401


async def test_an_authority_of_one_agency_says_nothing_of_another(edge: Edge) -> None:
    county = authority("County CA", now=NOW)
    await edge.share(JAIL)
    await edge.share(POLICE, anchor=county)
    assert await edge.ask(client("police", county)) == 200
    assert await edge.ask(client("jail", county)) == 401
    assert await edge.ask(client("police"), STATE) == 401


async def test_the_authority_between_is_sent_or_registered(edge: Edge) -> None:
    await edge.share(JAIL)
    assert await edge.ask(client("jail")) == 0
    assert await edge.ask(client("jail"), STATE) == 200
    names = NAMES[JAIL]
    await register_authority(edge.place.gateway, JAIL, STATE.pem + ROOT.pem, names, actor="test")
    assert await edge.ask(client("jail")) == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_that_wants_to_resume_its_session_is_known_by_what_it_sent(
    edge: Edge, version: ssl.TLSVersion
) -> None:
    """A session that is taken up again brings no certificates along."""
    await edge.share(JAIL)
    context = edge.context(client("jail"), STATE)
    context.maximum_version = version

    def twice() -> list[int]:
        session, found = None, []
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain,
                context.wrap_socket(plain, session=session) as tls,
            ):
                tls.sendall(INBOX)
                found.append(int(tls.recv(4096).split(b" ", 2)[1]))
                session = tls.session
        return found

    assert await asyncio.to_thread(twice) == [200, 200]


def _late() -> tuple[Party, ...]:
    return client("jail", days=(-30, -1)), STATE


def _early() -> tuple[Party, ...]:
    return client("jail", days=(1, 30)), STATE


def _no_signing() -> tuple[Party, ...]:
    return made("jail", usage(key_encipherment=True), dns("gw.jail.example"), by=STATE, now=NOW), STATE


def _authority() -> tuple[Party, ...]:
    return authority("jail", dns("gw.jail.example"), by=ROOT, now=NOW), STATE


def _leaf_above() -> tuple[Party, ...]:
    above = client("police", ROOT)
    return client("jail", above), above


def _long() -> tuple[Party, ...]:
    between = authority("County CA", by=STATE, now=NOW)
    return client("jail", between), between, STATE


def _weak() -> tuple[Party, ...]:
    return client("jail", key=rsa_key(1024)), STATE


def _odd() -> tuple[Party, ...]:
    return leaf("jail", STATE, ODD, now=NOW), STATE


FAULTS = (_late, _early, _no_signing, _authority, _leaf_above, _long, _weak, _odd)


@pytest.mark.parametrize("make_chain", FAULTS, ids=lambda each: each.__name__)
async def test_a_fault_in_any_link_lets_nobody_in(edge: Edge, make_chain: Callable[[], tuple[Party, ...]]) -> None:
    await edge.share(JAIL)
    try:
        assert await edge.ask(*make_chain()) in (0, 401)
    except ssl.SSLError:
        assert make_chain is _weak  # the client's own library refuses to load such a key
    assert await edge.ask(client("jail"), STATE) == 200


@pytest.mark.parametrize("fault", [usage(key_encipherment=True), ODD], ids=["usage", "critical"])
async def test_a_pin_is_judged_by_the_rules_of_signatures(edge: Edge, fault: tuple[object, bool]) -> None:
    faulty, gateway = made("own", fault, now=NOW), edge.place.gateway  # type: ignore[arg-type]
    with pytest.raises(WrongUsage):
        await register_certificate(gateway, JAIL, faulty.der, actor="test")
    # One that was registered before that was asked.
    held = Credential(
        fingerprint=fingerprint(faulty.der),
        kind=CredentialKind.CERTIFICATE,
        agency=JAIL,
        not_before=faulty.certificate.not_valid_before_utc,
        not_after=faulty.certificate.not_valid_after_utc,
        certificate=faulty.pem,
    )
    await put_credential(gateway, held, Signer(by=None, actor="test"), action="register")
    assert await edge.ask(faulty) in (0, 401)


async def test_a_certificate_that_can_never_count_is_not_registered(edge: Edge) -> None:
    gateway, now = edge.place.gateway, edge.place.clock.now()
    old = leaf("old", None, now=now - timedelta(days=4000))
    weak = leaf("weak", None, now=now, key=rsa_key(1024))
    for faulty, code in ((old, CertificateExpired), (weak, WeakKey)):
        with pytest.raises(code):
            await register_certificate(gateway, JAIL, faulty.der, actor="test")
    # One whose first day is to come is what a change of keys begins with.
    ahead = leaf("ahead", None, now=now + timedelta(days=30))
    await register_certificate(gateway, JAIL, ahead.der, actor="test")
    assert fingerprint(ahead.der) in gateway.current.credentials


async def test_a_listed_certificate_is_out_at_once_and_its_sisters_are_not(edge: Edge) -> None:
    await edge.share(JAIL, POLICE)
    jail, sister, police = client("jail"), client("jail"), client("police")
    gateway = edge.place.gateway
    await register_authority(gateway, JAIL, ROOT.pem + STATE.pem, NAMES[JAIL], actor="test")
    numbers = (jail.certificate.serial_number, police.certificate.serial_number)
    await take_crl(gateway, JAIL, crl(STATE, *numbers, now=NOW), actor="test")
    # The list is the authority's word: it counts for the police, who share it, too.
    assert [await edge.ask(each, STATE) for each in (jail, sister, police)] == [401, 200, 401]


async def test_a_listed_authority_takes_all_of_its_certificates_along(edge: Edge) -> None:
    await edge.share(JAIL)
    await take_crl(edge.place.gateway, JAIL, crl(ROOT, STATE.certificate.serial_number, now=NOW), actor="test")
    assert await edge.ask(client("jail"), STATE) == 401


async def test_a_list_out_of_date_is_an_answer_to_try_again_later(edge: Edge) -> None:
    await edge.share(JAIL)
    await take_crl(edge.place.gateway, JAIL, crl(ROOT, hours=(-48, 1), now=NOW), actor="test")
    jail = client("jail", ROOT)
    edge.place.clock.go(hours=72)
    assert await edge.ask(jail) == 200
    edge.place.clock.go(hours=2)
    assert await edge.ask(jail) == 503
    await take_crl(edge.place.gateway, JAIL, crl(ROOT, number=2, now=edge.place.clock.now()), actor="test")
    assert await edge.ask(jail) == 200


async def test_old_and_new_count_side_by_side_until_the_old_one_is_revoked(edge: Edge) -> None:
    gateway = edge.place.gateway
    old, new = client("jail", None), client("jail", None)
    for each in (old, new):
        await register_certificate(gateway, JAIL, each.der, actor="test")
    assert [await edge.ask(each) for each in (old, new)] == [200, 200]
    await revoke_credential(gateway, JAIL, fingerprint(old.der)[:12], actor="test")
    assert [await edge.ask(each) for each in (old, new)] == [0, 200]


async def test_two_authorities_count_side_by_side_until_the_old_one_is_revoked(edge: Edge) -> None:
    gateway, next_root = edge.place.gateway, authority("Next Root", now=NOW)
    await edge.share(JAIL)
    await edge.share(JAIL, anchor=next_root)
    old, new = client("jail", ROOT), client("jail", next_root)
    assert [await edge.ask(each) for each in (old, new)] == [200, 200]
    await revoke_credential(gateway, JAIL, fingerprint(ROOT.der), actor="test")
    assert [await edge.ask(each) for each in (old, new)] == [0, 200]


async def test_one_certificate_of_an_authority_is_shut_out_without_a_list(edge: Edge) -> None:
    await edge.share(JAIL)
    lost, other = client("jail", ROOT), client("jail", ROOT)
    await register_certificate(edge.place.gateway, JAIL, lost.der, actor="test")
    await revoke_credential(edge.place.gateway, JAIL, fingerprint(lost.der), actor="test")
    assert [await edge.ask(each) for each in (lost, other)] == [401, 200]
    der = other_signature(lost.certificate)
    again = Party(lost.key, x509.load_der_x509_certificate(der))
    assert await edge.ask(again) == 401
    with pytest.raises(CredentialRevoked):
        await register_certificate(edge.place.gateway, JAIL, der, actor="test")


async def test_a_connection_ends_when_a_list_or_the_end_of_its_authority_takes_its_certificate_back(edge: Edge) -> None:
    await edge.share(JAIL, POLICE)
    gateway, jail, police = edge.place.gateway, client("jail"), client("police", ROOT)

    def speaks(id: AgencyId, party: Party, *along: Party) -> bool:
        return gateway.still_speaks(id, (fingerprint(party.der),), party.der, tuple(each.der for each in along))

    assert speaks(JAIL, jail, STATE)
    assert speaks(POLICE, police)
    assert not speaks(JAIL, police)
    await take_crl(gateway, JAIL, crl(ROOT, STATE.certificate.serial_number, now=NOW), actor="test")
    assert not speaks(JAIL, jail, STATE)
    assert speaks(POLICE, police)
    await revoke_credential(gateway, POLICE, fingerprint(ROOT.der), actor="test")
    assert not speaks(POLICE, police)


async def test_a_suspended_agency_is_out_whoever_certifies_it(edge: Edge) -> None:
    await edge.share(JAIL)
    await suspend_agency(edge.place.gateway, JAIL, actor="test")
    assert await edge.ask(client("jail", ROOT)) == 403


async def test_the_gateways_own_authority_vouches_for_registered_certificates_alone(edge: Edge) -> None:
    gateway = edge.place.gateway
    pem = edge.place.authority.new_agency_key(PROBATION, "Probation", now=NOW).certificate
    assert PROBATION not in gateway.current.trusted
    with pytest.raises(NotIdentified):
        gateway.identify_certificate(pem_to_der(pem))
