"""Whom each client talks to: nobody who cannot show a certificate of the gateway's authority for the name it called.

A stranger listens where the gateway should be. What counts is that it is never told anything: no token, no message.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    file.write_bytes(
        key.private_bytes(*FORM) + authority.issue_server((host,), key.public_key(), now=datetime.now(UTC))
    )
    return file


@pytest.fixture(scope="module")
def gateways_own(live: Live) -> Authority:
    return KeyStore.open(live.directory / "keys", name="gateway.interop").authority


@pytest.fixture(scope="module")
def another() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = self_signed(key, "another authority", now=datetime.now(UTC), days=2)
    return Authority(key, x509.load_pem_x509_certificate(made))


@contextmanager
def sent_to(pack: Pack, port: int) -> Iterator[None]:
    """The client is led astray."""
    before = {name: pack.setting(name) for name in ("soap", "rest")}
    pack.set(soap=f"https://127.0.0.1:{port}/soap", rest=f"https://127.0.0.1:{port}")
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
def test_nobody_is_followed_elsewhere(live: Live, name: str, gateways_own: Authority, tmp_path: Path) -> None:
    """The gateway never redirects. This server has its name and certificate, so that the client does speak to it."""
    found = client(name)
    need(found)
    own = certificate(gateways_own, "127.0.0.1", tmp_path)
    pack = live.pack(JAIL, found, "--token")
    with stranger(own) as elsewhere:
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            where = f"https://127.0.0.1:{elsewhere.port}/soap"
            answer = f"HTTP/1.1 {status}\r\nLocation: {where}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            with stranger(own, answer.encode()) as met, sent_to(pack, met.port):
                done = pack.act("submit", SAMPLE, "elsewhere")
                assert done.status in {1, 3}, done.out
                until(lambda told=met.heard: bool(told), "the client speaks to whoever has the name")
        assert elsewhere.heard == []
