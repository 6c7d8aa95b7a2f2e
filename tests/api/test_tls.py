import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.api import tls
from gateway.api.tls import TlsUnusable, TrustedClients, server_context
from gateway.keys.files import TlsFiles
from gateway.keys.succession import look
from tests.api.certificates import Identity, make
from tests.api.wire import Echo, listening, status, wire

GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Town:
    """A listener with the gateway's own authority, and what it trusts at present."""

    folder: Path
    authority: Identity
    echo: Echo
    trusted: list[Identity]
    version: int = 1
    port: int = 0

    def clients(self) -> TrustedClients:
        every = (self.authority, *self.trusted)
        return TrustedClients(version=self.version, pem="\n".join(each.pem.decode() for each in every))

    def register(self, identity: Identity) -> None:
        self.trusted.append(identity)
        self.version += 1

    def client(self, identity: Identity | None, *along: Identity) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        if identity is not None:
            certificate, key = identity.write(self.folder, "client")
            certificate.write_bytes(b"".join(each.pem for each in (identity, *along)))
            context.load_cert_chain(certificate, key)
        return context

    async def get(self, identity: Identity | None, *along: Identity) -> bytes:
        async with wire(self.port, self.client(identity, *along)) as connection:
            await connection.send(GET)
            return await connection.until_closed()

    def shown(self) -> object:
        return self.echo.scopes[-1]["extensions"]["tls"]["client_certificate"]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    authority = make("Gateway CA", authority=True)
    town = Town(tmp_path, authority, Echo(), [])
    own = files(tmp_path, make("gateway", issuer=authority, client=False))
    async with listening(town.echo, tls=server_context(own, town.clients)) as town.port:
        yield town


def files(folder: Path, server: Identity) -> Callable[[], TlsFiles]:
    """The server's files, as they are whenever it is asked."""
    certificate, key = server.write(folder, "server")
    return lambda: TlsFiles(certificate=certificate, key=key, passphrase=None, looks=(look(certificate), look(key)))


REFUSED = (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)


async def refused(town: Town, identity: Identity) -> bool:
    """The handshake fails; under TLS 1.3 the client learns of it when it first reads."""
    try:
        answer = await town.get(identity)
    except REFUSED:
        return town.echo.scopes == []
    return answer == b"" and town.echo.scopes == []


async def test_a_client_without_a_certificate_may_come_in_and_has_none(town: Town) -> None:
    assert status(await town.get(None)) == 200
    assert town.shown() is None


async def test_a_certificate_of_the_gateways_authority_is_shown_to_the_application(town: Town) -> None:
    identity = make("jail", issuer=town.authority)
    assert status(await town.get(identity)) == 200
    assert town.shown() == identity.der


async def test_a_pinned_self_signed_certificate_is_taken(town: Town) -> None:
    pinned = make("police")
    town.register(pinned)
    assert status(await town.get(pinned)) == 200
    assert town.shown() == pinned.der


async def test_a_pinned_certificate_of_an_unknown_authority_is_taken_and_its_sister_is_not(town: Town) -> None:
    elsewhere = make("Other CA", authority=True)
    pinned, sister = make("probation", issuer=elsewhere), make("sister", issuer=elsewhere)
    town.register(pinned)
    assert status(await town.get(pinned)) == 200
    town.echo.scopes.clear()
    assert await refused(town, sister)


async def test_a_certificate_of_a_registered_authority_is_taken(town: Town) -> None:
    elsewhere = make("County CA", authority=True)
    town.register(elsewhere)
    assert status(await town.get(make("sheriff", issuer=elsewhere))) == 200


async def test_what_a_client_sends_along_is_shown_to_the_application(town: Town) -> None:
    state = make("State CA", authority=True)
    issuing = make("Issuing CA", authority=True, issuer=state, path_length=None)
    town.register(make("Other CA", authority=True))
    town.register(state)
    sheriff = make("sheriff", issuer=issuing)
    assert status(await town.get(sheriff, issuing)) == 200
    assert town.echo.scopes[-1]["extensions"]["tls"]["client_chain"] == (issuing.der,)
    assert status(await town.get(make("deputy", issuer=state))) == 200
    assert town.echo.scopes[-1]["extensions"]["tls"]["client_chain"] == ()
    assert status(await town.get(None)) == 200
    assert town.echo.scopes[-1]["extensions"]["tls"]["client_chain"] == ()


async def test_an_unknown_certificate_ends_the_handshake(town: Town) -> None:
    assert await refused(town, make("stranger"))


async def test_an_expired_certificate_ends_the_handshake(town: Town) -> None:
    assert await refused(town, make("late", issuer=town.authority, days=(-30, -1)))


async def test_a_servers_certificate_is_no_clients(town: Town) -> None:
    assert await refused(town, make("server", issuer=town.authority, client=False))


async def test_a_pinned_certificate_does_not_vouch_for_others(town: Town) -> None:
    pinned = make("police")
    town.register(pinned)
    assert await refused(town, make("forged", issuer=pinned))


async def test_a_certificate_is_taken_from_the_moment_it_is_registered(town: Town) -> None:
    identity = make("new")
    assert await refused(town, identity)
    town.register(identity)
    assert status(await town.get(identity)) == 200


async def test_a_certificate_is_refused_from_the_moment_it_is_withdrawn(town: Town) -> None:
    identity = make("old")
    town.register(identity)
    assert status(await town.get(identity)) == 200
    town.trusted.clear()
    town.version += 1
    town.echo.scopes.clear()
    assert await refused(town, identity)


async def test_registered_certificates_that_cannot_be_read_leave_the_context_before(tmp_path: Path) -> None:
    authority = make("Gateway CA", authority=True)
    town, failures = Town(tmp_path, authority, Echo(), []), []
    own = files(tmp_path, make("gateway", issuer=authority, client=False))
    pem = {"now": TrustedClients(version=1, pem=authority.pem.decode())}
    context = server_context(own, lambda: pem["now"], lambda: failures.append(1))
    async with listening(town.echo, tls=context) as town.port:
        pem["now"] = TrustedClients(version=2, pem="not PEM")
        assert status(await town.get(make("jail", issuer=authority))) == 200
    assert failures == [1]


async def test_a_context_that_could_not_be_made_is_tried_again_by_the_next_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, identity = make("Gateway CA", authority=True), make("new")
    town, failures = Town(tmp_path, authority, Echo(), []), []
    own = files(tmp_path, make("gateway", issuer=authority, client=False))
    context = server_context(own, town.clients, lambda: failures.append(1))
    async with listening(town.echo, tls=context) as town.port:
        town.register(identity)
        with monkeypatch.context() as full:
            full.setattr(tls, "_context", lambda *_: (_ for _ in ()).throw(OSError(24, "Too many open files")))
            assert await refused(town, identity)
        assert status(await town.get(identity)) == 200
    assert failures == [1]


async def test_tls_below_1_2_is_refused(town: Town) -> None:
    old = town.client(None)
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(REFUSED):
        async with wire(town.port, old):
            pass
    assert town.echo.scopes == []


async def test_plain_http_on_the_tls_port_is_refused(town: Town) -> None:
    async with wire(town.port) as connection:
        await connection.send(GET)
        assert b"200 OK" not in await connection.until_closed()


def test_a_missing_key_is_a_clear_error(tmp_path: Path) -> None:
    gone = TlsFiles(
        certificate=tmp_path / "server.pem", key=tmp_path / "server.key", passphrase=None, looks=((0, 0), (0, 0))
    )
    with pytest.raises(TlsUnusable, match=r"server\.pem"):
        server_context(lambda: gone, lambda: TrustedClients(version=1, pem=""))
