"""Whom each client talks to: nobody who cannot show a certificate of the gateway's authority for the name it called.

A stranger listens where the gateway should be. What counts is that it is never told anything: no token, no message.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from gateway.integrate.client import client, names
from gateway.keys.authority import Authority, self_signed
from gateway.keys.files import KeyStore
from tests.interop.live import JAIL, Live, Pack, need, until

SAMPLE = "samples/custody-release/smallest.xml"
FORM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass
class Stranger:
    """A TLS server that writes down what it is told, and answers everything alike."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def stranger(certificate: Path, answer: bytes = b"") -> Iterator[Stranger]:
    """Somebody who listens on this machine under this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Stranger(port=listening.getsockname()[1])
        listening.settimeout(0.2)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with suppress(OSError):  # nobody came; or whoever came turned away, which is what is wanted
                    connection, _ = listening.accept()
                    connection.settimeout(5)
                    with connection, context.wrap_socket(connection, server_side=True) as spoken:
                        if told := spoken.recv(65536):
                            made.heard.append(told)
                            spoken.sendall(answer)
                            while answer and spoken.recv(65536):
                                """What is closed while something is unread takes the answer with it."""

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield made
        finally:
            ended.set()
            thread.join()


def certificate(authority: Authority, host: str, folder: Path) -> Path:
    """A server's key and certificate for this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    file = folder / f"{host}.pem"
    made = authority.issue_server((host,), key.public_key(), now=datetime.now(UTC))
    file.write_bytes(key.private_bytes(*FORM) + made)
    return file


@pytest.fixture(scope="module")
def gateways_own(live: Live) -> Authority:
    return KeyStore.open(live.directory / "keys", name="gateway.interop").authority


@pytest.fixture(scope="module")
def another() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = self_signed(key, "another authority", now=datetime.now(UTC), days=2)
    return Authority(key, x509.load_pem_x509_certificate(made))


def host_of(pack: Pack) -> str:
    """As this client calls the gateway."""
    return urlsplit(pack.setting("soap")).hostname or ""


@contextmanager
def sent_to(pack: Pack, port: int) -> Iterator[None]:
    """The client is led astray."""
    before = {name: pack.setting(name) for name in ("soap", "rest")}
    host = host_of(pack)
    pack.set(soap=f"https://{host}:{port}/soap", rest=f"https://{host}:{port}")
    try:
        yield
    finally:
        pack.set(**before)


def led_astray(live: Live, name: str, port: int) -> None:
    found = client(name)
    need(found)
    for version in found.versions:
        pack = live.pack(JAIL, found, "--token")
        pack.set(version=version)
        with sent_to(pack, port):
            assert not pack.run("submit", SAMPLE, "astray", status=3).rows("accepted")
            pack.run("poll", "inbox-astray", status=3)


@pytest.mark.parametrize("name", names())
def test_nobody_of_another_authority_is_told_anything(
    live: Live, name: str, another: Authority, tmp_path: Path
) -> None:
    with stranger(certificate(another, "127.0.0.1", tmp_path)) as met:
        led_astray(live, name, met.port)
        assert met.heard == []


@pytest.mark.parametrize("name", names())
def test_nobody_of_another_name_is_told_anything(
    live: Live, name: str, gateways_own: Authority, tmp_path: Path
) -> None:
    with stranger(certificate(gateways_own, "other.example", tmp_path)) as met:
        led_astray(live, name, met.port)
        assert met.heard == []


@pytest.mark.parametrize("name", names())
def test_whoever_sends_the_authority_along_is_told_nothing_for_it(
    live: Live, name: str, gateways_own: Authority, tmp_path: Path
) -> None:
    """The authority's certificate is no secret. This server's own names it in every way, and another key signed it:
    whoever asks only where a chain ends is taken in."""
    found = client(name)
    need(found)
    pack = live.pack(JAIL, found, "--token")
    with stranger(forged(gateways_own.certificate, host_of(pack), tmp_path)) as met:
        led_astray(live, name, met.port)
        assert met.heard == []


def forged(authority: x509.Certificate, host: str, folder: Path) -> Path:
    """Key, certificate and the authority's: a chain that is right but for the signature."""
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    above = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(other, SHA256())
    )
    file = folder / "forged.pem"
    form = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(*FORM) + made.public_bytes(form) + authority.public_bytes(form))
    return file


@pytest.mark.parametrize("name", names())
def test_nobody_is_followed_elsewhere(live: Live, name: str, gateways_own: Authority, tmp_path: Path) -> None:
    """The gateway never redirects. This server has its name and certificate, so that the client does speak to it."""
    found = client(name)
    need(found)
    pack = live.pack(JAIL, found, "--token")
    own = certificate(gateways_own, host_of(pack), tmp_path)
    with stranger(own) as elsewhere:
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            where = f"https://{host_of(pack)}:{elsewhere.port}/soap"
            answer = f"HTTP/1.1 {status}\r\nLocation: {where}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            with stranger(own, answer.encode()) as met, sent_to(pack, met.port):
                done = pack.act("submit", SAMPLE, "elsewhere")
                assert done.status in {1, 3}, done.out
                until(lambda told=met.heard: bool(told), "the client speaks to whoever has the name")
        assert elsewhere.heard == []
