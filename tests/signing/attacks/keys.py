"""Whose keys the vectors are signed with: the jail's, good and faulty, and those of others. Made once for a run.

Registered for the jail are its good certificates and every faulty one too, as if it had been good on the day it was
registered: only then is a vector refused for its fault.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gateway.agency import AgencyId
from gateway.signing.certificate import content_id, read_certificate
from gateway.signing.certificate_name import agency_uri
from gateway.signing.keyring import TrustedKeys
from tests.signing.attacks.forge import PrivateKey, b64
from tests.signing.parties import of_authority, p256, p384, rsa_key

JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
"""The day the vectors are judged on. The libraries go by the real clock: certificates are good in both until 2035."""

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2035, 1, 1, tzinfo=UTC)

USAGES = (
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


@dataclass(frozen=True)
class Party:
    """A key and the certificate that goes with it."""

    key: PrivateKey
    der: bytes

    @property
    def x509_data(self) -> str:
        """Content of ds:KeyInfo."""
        return x509_data(self.der)


def x509_data(der: bytes) -> str:
    return f"<ds:X509Data><ds:X509Certificate>{b64(der)}</ds:X509Certificate></ds:X509Data>"


def subject(agency: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, agency)])


def certificate(
    key: PrivateKey,
    *,
    agency: str = JAIL,
    issuer: Party | None = None,
    dates: tuple[datetime, datetime] = (BEGAN, ENDS),
    usage: str = "digital_signature",
    purpose: ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    authority: bool = False,
    odd: bool = False,
) -> bytes:
    """A certificate, DER; self-made without an issuer. `odd`: with a critical extension nobody knows."""
    issued_by = x509.load_der_x509_certificate(issuer.der).subject if issuer else subject(agency)
    issuing = issuer.key if issuer else key
    assert isinstance(issuing, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | dsa.DSAPrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(agency))
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{each: each == usage for each in USAGES}), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not authority:
        uri = x509.UniformResourceIdentifier(agency_uri(AgencyId(agency)))
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
    if odd:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    return builder.sign(issuing, SHA256()).public_bytes(Encoding.DER)


@cache
def authority(who: str = "regional authority") -> Party:
    """Whoever certifies agencies of the region; the libraries are told to trust it."""
    key = p256(f"key of the {who}")
    dates = (BEGAN, datetime(2036, 1, 1, tzinfo=UTC))
    return Party(key, certificate(key, agency=who, dates=dates, usage="key_cert_sign", authority=True))


@cache
def k1() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256K1())


@cache
def p521() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP521R1())


@cache
def dsa_key() -> dsa.DSAPrivateKey:
    return dsa.generate_private_key(2048)


def _party(key: PrivateKey, **more: object) -> Party:
    return Party(key, certificate(key, issuer=authority(), **more))  # type: ignore[arg-type]


@cache
def jail() -> Party:
    return _party(p256("the jail's key"))


@cache
def jail_rsa() -> Party:
    return _party(rsa_key(2048))


@cache
def jail_384() -> Party:
    return _party(p384())


@cache
def faulty() -> dict[str, Party]:
    """Certificates that were registered for the jail and cannot be used, by what is wrong with them."""
    past, future = (datetime(2024, 1, 1, tzinfo=UTC), BEGAN), (ENDS, datetime(2035, 12, 1, tzinfo=UTC))
    return {
        "expired": _party(p256("expired"), dates=past),
        "not-yet": _party(p256("not yet"), dates=future),
        "encipherment": _party(p256("encipherment"), usage="key_encipherment"),
        "server": _party(p256("server"), purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        "odd": _party(p256("odd"), odd=True),
        "rsa-1024": _party(rsa_key(1024)),
        "rsa-e3": _party(rsa.generate_private_key(public_exponent=3, key_size=2048)),
        "k1": _party(k1()),
        "p521": _party(p521()),
        "dsa": _party(dsa_key()),
    }


@cache
def revoked() -> Party:
    """Was registered for the jail, and is revoked."""
    return _party(p256("revoked"))


@cache
def police() -> Party:
    """Registered for the police."""
    return _party(p256("the police's key"), agency=POLICE)


@cache
def unregistered() -> Party:
    """Certified for the jail by the authority, and never registered."""
    return _party(p256("unregistered"))


@cache
def namesake() -> Party:
    """Self-made, with the jail's own subject."""
    key = p256("namesake")
    return Party(key, certificate(key))


@cache
def county() -> Party:
    """The jail's own authority, registered for it."""
    return authority("authority of Harlan County")


@cache
def by_county() -> Party:
    """Certified by the jail's own authority, and registered nowhere."""
    key = p256("by county")
    return Party(key, certificate(key, issuer=county()))


@cache
def below_leaf() -> Party:
    """Certified by a certificate that is none of an authority: the jail's own leaf."""
    key = p256("below a leaf")
    return Party(key, certificate(key, issuer=by_county()))


@cache
def below_intermediate() -> tuple[Party, Party]:
    """Certified by an authority that a known one certified, but none that is registered for the jail; and that
    authority."""
    key, own = p256("intermediate"), p256("below an intermediate")
    middle = Party(
        key, certificate(key, agency="detachment", issuer=authority(), usage="key_cert_sign", authority=True)
    )
    return Party(own, certificate(own, issuer=middle)), middle


@cache
def impostor() -> Party:
    """Certified by an authority of the right name with another key."""
    key, own = p256("impostor authority"), p256("impostor's jail")
    made = Party(key, certificate(key, agency="authority of Harlan County", usage="key_cert_sign", authority=True))
    return Party(own, certificate(own, issuer=made))


def pins() -> list[bytes]:
    """Certificates registered for the jail and not revoked."""
    return [each.der for each in (jail(), jail_rsa(), jail_384(), *faulty().values())]


def trusted() -> TrustedKeys:
    """What is registered for the jail."""
    return TrustedKeys(
        agency=JAIL,
        pins=frozenset(pins()),
        authorities=(of_authority(county().der),),
        revoked=frozenset({content_id(read_certificate(revoked().der))}),
    )
