"""Parcels, and certificates to send them under."""

import ipaddress
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.agency import AgencyId, Endpoint, EndpointKind
from gateway.message import DeliveryId, DisseminationId, MessageId
from gateway.transport.interface import Parcel
from gateway.transport.tls import ClientIdentity

PAYLOAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<r:Release xmlns:r="urn:r"><r:Name>Dana \xc3\x89</r:Name></r:Release>'
)
COVER = b'<c:Cover xmlns:c="urn:c" Id="cover-1"><c:Purpose>victim-notification</c:Purpose></c:Cover>'
DISSEMINATION = "01950000-0000-7000-8000-00000000d155"
SECONDS = timedelta(seconds=5)


class StoppedClock:
    """A clock that stands still."""

    def __init__(self, moment: datetime = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def random(self, size_bytes: int) -> bytes:
        """No chance at all."""
        return b"\x5a" * size_bytes


def parcel(url: str, **endpoint: object) -> Parcel:
    """A parcel to an endpoint on this machine."""
    where = Endpoint(kind=EndpointKind.REST, url=url, private_network=True)
    return Parcel(
        endpoint=replace(where, **endpoint),  # type: ignore[arg-type]
        delivery=DeliveryId("01950000-0000-7000-8000-00000000de11"),
        dissemination=DisseminationId(DISSEMINATION),
        message=MessageId("01950000-0000-7000-8000-000000003e55"),
        recipient=AgencyId("millbrook-police"),
        payload=PAYLOAD,
        cover=COVER,
        cover_url="https://gateway.example/v1/inbox/01950000-0000-7000-8000-00000000de11/cover",
    )


@dataclass(frozen=True)
class Authority:
    """A small certificate authority of a test."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, directory: Path, name: str, hosts: tuple[str, ...] = ()) -> ClientIdentity:
        """A certificate and key, as files. Hosts are DNS names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), self.name, key)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), False)
        certificate = builder.sign(self.key, hashes.SHA256())
        files = ClientIdentity(certificate=directory / f"{name}.crt", key=directory / f"{name}.key")
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


def authority(name: str) -> Authority:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(subject, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return Authority(subject, key, builder.sign(key, hashes.SHA256()))


def server_context(files: ClientIdentity, clients: Authority | None = None) -> ssl.SSLContext:
    """TLS for a pretended agency; with `clients` it demands a client certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.pem.decode())
    return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
