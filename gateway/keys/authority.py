"""The gateway's own small certificate authority: certificates for agencies, for its TLS name, and for its own keys.

It issues leaves only (path length 0), P-256 with SHA-256. Which certificate speaks for whom is what the database has
registered; that it was issued at all is recorded beside the keys first (`issued.py`).
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gateway.agency import AGENCY_ID, AgencyId
from gateway.errors import Refused
from gateway.keys.private_key import MessageKey
from gateway.signing.algorithm import PublicKey, is_strong
from gateway.signing.certificate_name import agency_uri

AUTHORITY_DAYS = 3652
AGENCY_DAYS = 1095
TLS_DAYS = 397
"""What browsers and many stacks accept at most for a server (CA/Browser Forum ballot SC31)."""

CLOCKS_DIFFER = timedelta(hours=1)
"""A certificate is valid from an hour ago: partners' clocks lag."""

NAME_LENGTH_MAX = 64
"""Upper bounds ub-common-name and ub-organization-name of RFC 5280."""


REQUEST_SIZE_BYTES_MAX = 64 * 1024


class RequestRefused(Refused):
    """A certificate request that cannot be read, is not signed by its own key, or has a weak key."""

    code = "certificate.request"


RSA_BITS = 3072
"""As strong as P-256, says NIST SP 800-57 part 1, table 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyKey:
    """A new private key and its certificate, PEM. The key is shown once and kept nowhere."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """What a certificate is for."""

    common_name: str
    organization: str
    names: tuple[x509.GeneralName, ...]
    purposes: tuple[ObjectIdentifier, ...]


class Authority:
    """An authority with its private key at hand.

    record  is told of each certificate before anybody gets it
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        record: Callable[[x509.Certificate, x509.Certificate], None] = lambda _issued, _by: None,
    ) -> None:
        self._key = key
        self.certificate = certificate
        self._record = record

    @property
    def certificate_der(self) -> bytes:
        """Its certificate, DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        """Its certificate, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self, agency: AgencyId, name: str, public: PublicKey | bytes, *, now: datetime, days: int = AGENCY_DAYS
    ) -> bytes:
        """PEM certificate of an agency: client in TLS, and signer of its messages.

        public      its public key, or a certificate request (PEM or DER); of a request only the key is taken

        Raises `RequestRefused`.
        """
        if not AGENCY_ID.fullmatch(agency):
            raise ValueError("not an agency id")
        key = read_request(public) if isinstance(public, bytes) else public
        leaf = _Leaf(
            common_name=agency,
            organization=name,
            names=(x509.UniformResourceIdentifier(agency_uri(agency)),),
            purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,),
        )
        return self._issue(leaf, key, now=now, days=days)

    def certify(self, agency: AgencyId, name: str, request: bytes, *, now: datetime, days: int = AGENCY_DAYS) -> bytes:
        """PEM certificate for the key of a request, which shows that whoever asks has the private key. Names and
        extensions that it asks for are not taken: what an agency is called is ours to say.

        Raises `RequestRefused`.
        """
        return self.issue(agency, name, _requested(request), now=now, days=days)

    def new_agency_key(
        self, agency: AgencyId, name: str, *, now: datetime, days: int = AGENCY_DAYS, wants_rsa: bool = False
    ) -> AgencyKey:
        """A fresh key with its certificate, for an agency that cannot make a request of its own.

        wants_rsa  RSA instead of P-256, for toolkits that sign under nothing else
        """
        key = rsa.generate_private_key(65537, RSA_BITS) if wants_rsa else ec.generate_private_key(ec.SECP256R1())
        return AgencyKey(
            key=key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            certificate=self.issue(agency, name, key.public_key(), now=now, days=days),
        )

    def issue_server(self, hosts: Sequence[str], public: PublicKey, *, now: datetime, days: int = TLS_DAYS) -> bytes:
        """PEM certificate of a TLS server with these host names and addresses."""
        return self._issue(_server_leaf(hosts), public, now=now, days=days)

    def issue_own(self, name: str, public: PublicKey, *, now: datetime, days: int = AGENCY_DAYS) -> bytes:
        """PEM certificate for one of the gateway's own keys: Covers, or its client key."""
        return self._issue(_own_leaf(name), public, now=now, days=days)

    def _issue(self, leaf: _Leaf, public: PublicKey, *, now: datetime, days: int) -> bytes:
        if not is_strong(public):
            raise RequestRefused("the key must be P-256, P-384, or RSA of at least 2048 bits")
        own_id = _key_id(self._key.public_key())
        builder = _builder(_subject(leaf.common_name, leaf.organization), public, now, days)
        certificate = (
            builder.issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(leaf.purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(leaf.names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
            .sign(self._key, SHA256())
        )
        self._record(certificate, self.certificate)
        return certificate.public_bytes(serialization.Encoding.PEM)


def self_signed(
    key: ec.EllipticCurvePrivateKey, name: str, *, now: datetime, days: int = AUTHORITY_DAYS, distinct: bool = False
) -> bytes:
    """PEM certificate of a new authority.

    distinct  part of its key's id stands in its name: of two authorities of one name no revocation list could be told
              whose it is
    """
    mark = f" authority {_key_id(key.public_key()).digest.hex()[:8]}" if distinct else " authority"
    subject = _subject(name[: NAME_LENGTH_MAX - len(mark)] + mark, "gateway")
    certificate = (
        _builder(subject, key.public_key(), now, days)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _server_leaf(hosts: Sequence[str]) -> _Leaf:
    if not hosts:
        raise ValueError("a server certificate needs a host name or address")
    return _Leaf(
        common_name=hosts[0],
        organization="gateway",
        names=tuple(_host(host) for host in hosts),
        purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
    )


def _own_leaf(name: str) -> _Leaf:
    uri = x509.UniformResourceIdentifier(f"urn:gateway:{name}")
    return _Leaf(common_name=name, organization="gateway", names=(uri,), purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))


def request_server(key: MessageKey, hosts: Sequence[str]) -> bytes:
    """PEM certificate request (PKCS #10) for a server's key, for an authority elsewhere."""
    return _request(key, _server_leaf(hosts))


def request_own(key: MessageKey, name: str) -> bytes:
    """The same for the key of Covers, or the client key."""
    return _request(key, _own_leaf(name))


def _request(key: MessageKey, leaf: _Leaf) -> bytes:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_subject(leaf.common_name, leaf.organization))
        .add_extension(x509.SubjectAlternativeName(leaf.names), critical=False)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(leaf.purposes), critical=False)
        .sign(key, SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM)


def read_request(data: bytes) -> PublicKey:
    """The key of a certificate request, PEM or DER, or of a public key in PEM. Raises `RequestRefused`."""
    if b"-----BEGIN PUBLIC KEY-----" not in data:
        return _requested(data)
    try:
        return _strong(serialization.load_pem_public_key(data))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RequestRefused("neither a certificate request nor a public key") from error


def _requested(data: bytes) -> PublicKey:
    if len(data) > REQUEST_SIZE_BYTES_MAX:
        raise RequestRefused(f"a certificate request has at most {REQUEST_SIZE_BYTES_MAX} bytes")
    try:
        pem = b"-----BEGIN" in data
        request = x509.load_pem_x509_csr(data) if pem else x509.load_der_x509_csr(data)
        key, signed = request.public_key(), request.is_signature_valid
    except Exception as error:
        # The parser raises ValueError, UnsupportedAlgorithm, InvalidVersion and others, all meaning this.
        raise RequestRefused("not a certificate request (PKCS #10)") from error
    if not signed:
        raise RequestRefused("the certificate request is not signed by its own key")
    return _strong(key)


def _strong(key: object) -> PublicKey:
    if not is_strong(key):
        raise RequestRefused("the key must be P-256, P-384, or RSA of at least 2048 bits")
    return key  # type: ignore[return-value]  # is_strong has settled the kind


def _builder(subject: x509.Name, public: PublicKey, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(_key_id(public), critical=False)
    )


def _key_id(public: PublicKey) -> x509.SubjectKeyIdentifier:
    """SHA-256 of the key, shortened (RFC 7093, section 2): the usual SHA-1 is not there on a FIPS machine."""
    data = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return x509.SubjectKeyIdentifier(sha256(data).digest()[:20])


def _subject(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:NAME_LENGTH_MAX] or "agency"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:NAME_LENGTH_MAX]),
        ]
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


def names_of(certificate: x509.Certificate) -> Iterable[str]:
    """Host names and addresses of a server certificate."""
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    yield from extension.get_values_for_type(x509.DNSName)
    yield from map(str, extension.get_values_for_type(x509.IPAddress))
