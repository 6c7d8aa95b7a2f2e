"""Authorities of a state and a county, made to order, with every fault a certificate or a list can have. Invented."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.signing.parties import NOW

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]

ODD = (x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), True)
"""A critical extension that nobody understands."""

CLIENT = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
SERVER = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)


def usage(**only: bool) -> tuple[x509.ExtensionType, bool]:
    """A critical key usage of just these."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{**dict.fromkeys(every, False), **only}), True


def named(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Invented State"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def dns(*hosts: str) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False


@dataclass(frozen=True)
class Party:
    """A key with its certificate; perhaps an authority."""

    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def made(
    name: str,
    *extensions: tuple[x509.ExtensionType, bool],
    by: Party | None = None,
    key: Key | None = None,
    days: tuple[float, float] = (-1, 30),
    now: datetime = NOW,
    digest: HashAlgorithm | None = None,
) -> Party:
    """A certificate with just these extensions, from `days[0]` to `days[1]` from now; self-signed without `by`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(by.certificate.subject if by else named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Party(key, builder.sign(by.key if by else key, digest or SHA256()))


def authority(
    name: str,
    *extensions: tuple[x509.ExtensionType, bool],
    by: Party | None = None,
    path_length: int | None = None,
    **more: object,
) -> Party:
    """An authority as they are: CA, keyCertSign and cRLSign."""
    usual = ((x509.BasicConstraints(ca=True, path_length=path_length), True), usage(key_cert_sign=True, crl_sign=True))
    return made(name, *usual, *extensions, by=by, **more)  # type: ignore[arg-type]


def leaf(name: str, by: Party | None, *extensions: tuple[x509.ExtensionType, bool], **more: object) -> Party:
    """A client certificate for gw.<name>.example."""
    usual = (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        usage(digital_signature=True),
        CLIENT,
        dns(f"gw.{name}.example"),
    )
    return made(name, *usual, *extensions, by=by, **more)  # type: ignore[arg-type]


def signed_with_sha1(party: Party, by: Party) -> Party:
    """The same certificate under a SHA-1 signature of the same authority, which has an RSA key. The library signs none:
    the two algorithms' names are equally long, so that they can be exchanged in place."""
    assert isinstance(by.key, rsa.RSAPrivateKey)
    sha256, sha1 = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))
    signed = party.certificate.tbs_certificate_bytes.replace(sha256, sha1)
    value = by.key.sign(signed, padding.PKCS1v15(), SHA1())  # noqa: S303  (the point)
    der = party.der.replace(sha256, sha1).replace(party.certificate.signature, value)
    return Party(party.key, x509.load_der_x509_certificate(der))


def revoked(serial: int, *extensions: tuple[x509.ExtensionType, bool], now: datetime = NOW) -> x509.RevokedCertificate:
    """An entry of a list."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(hours=2))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


def crl(
    by: Party,
    *entries: x509.RevokedCertificate | int,
    number: int | None = 1,
    hours: tuple[float, float] = (-1, 24),
    extensions: Extensions = (),
    now: datetime = NOW,
    digest: HashAlgorithm | None = None,
    issuer: x509.Name | None = None,
) -> bytes:
    """A list that revokes these, from `hours[0]` to `hours[1]` from now; DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or by.certificate.subject)
        .last_update(now + timedelta(hours=hours[0]))
        .next_update(now + timedelta(hours=hours[1]))
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for entry in entries:
        builder = builder.add_revoked_certificate(revoked(entry, now=now) if isinstance(entry, int) else entry)
    return builder.sign(by.key, digest or SHA256()).public_bytes(Encoding.DER)


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def other_signature(certificate: x509.Certificate) -> bytes:
    """The same certificate, DER, with n-s for s in its issuer's P-256 signature: who has it can write it so."""
    r, s = decode_dss_signature(certificate.signature)
    value = encode_dss_signature(r, P256_ORDER - s)
    ecdsa_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    body = certificate.tbs_certificate_bytes + ecdsa_sha256 + bytes([3, len(value) + 1, 0]) + value
    return b"\x30\x82" + len(body).to_bytes(2) + body


def renamed(old: Party, name: x509.Name) -> x509.Certificate:
    """A self-signed certificate of the same key and the same dates, under this name."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(old.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.certificate.not_valid_before_utc)
        .not_valid_after(old.certificate.not_valid_after_utc)
    )
    for each in old.certificate.extensions:
        builder = builder.add_extension(each.value, critical=each.critical)
    return builder.sign(old.key, SHA256())
