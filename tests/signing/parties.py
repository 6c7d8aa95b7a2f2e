"""Who signs in these tests: a gateway's authority, two agencies, and a stranger."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.agency import AgencyId
from gateway.document.parse import Document, parse
from gateway.keys.authority import Authority, self_signed
from gateway.keys.signer import EcdsaSigner, RsaSigner, signer_of
from gateway.message import Action, DisseminationId, MessageId
from gateway.signing.certificate_name import agency_name
from gateway.signing.cover import Cover
from gateway.signing.keyring import TrustedAuthority, TrustedKeys

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")

NOTICE = (
    b'<r:Release xmlns:r="https://example.org/release/" r:id="R1"><r:Name>Ada Example</r:Name>'
    b"<r:On>2026-03-04</r:On></r:Release>"
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def p256(owner: str) -> ec.EllipticCurvePrivateKey:
    """One key per owner and run."""
    del owner
    return ec.generate_private_key(ec.SECP256R1())


@cache
def p384() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def authority(name: str = "gateway.test") -> Authority:
    """The authority of a gateway of this name."""
    key = p256(f"authority of {name}")
    return Authority(key, x509.load_pem_x509_certificate(self_signed(key, name, now=NOW)))


def certified(key: Key, agency: AgencyId, *, by: str = "gateway.test", now: datetime = NOW) -> EcdsaSigner | RsaSigner:
    """A signer of the agency with a certificate issued at `now`."""
    pem = authority(by).issue(agency, "An agency", key.public_key(), now=now)
    return signer_of(key, x509.load_pem_x509_certificate(pem))


@cache
def jail() -> EcdsaSigner | RsaSigner:
    return certified(p256("jail"), JAIL)


@cache
def police() -> EcdsaSigner | RsaSigner:
    return certified(p256("police"), POLICE)


@cache
def stranger() -> EcdsaSigner | RsaSigner:
    """Calls itself the jail, certified by an authority of its own."""
    return certified(p256("stranger"), JAIL, by="gateway.elsewhere")


def trusted(*signers: EcdsaSigner | RsaSigner, agency: AgencyId = JAIL) -> TrustedKeys:
    """What is registered for an agency: these certificates."""
    return TrustedKeys(agency=agency, pins=frozenset(signer.certificate_der for signer in signers))


def chained(agency: AgencyId = JAIL) -> TrustedKeys:
    """What is registered for an agency: an authority that it shares with all others, and its name there."""
    return TrustedKeys(agency=agency, authorities=(of_authority(authority().certificate_der, agency),))


def of_authority(der: bytes, agency: AgencyId = JAIL) -> TrustedAuthority:
    """An authority whose certificates speak for an agency when they name it."""
    return TrustedAuthority(certificate=der, names=frozenset({agency_name(agency)}))


def bare_certificate(key: Key, *extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    """A self-made certificate with just these extensions (and whether each is critical), DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-made")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def notice() -> Document:
    return parse(NOTICE)


def cover(**changes: object) -> Cover:
    """A Cover with a bit of everything."""
    values: dict[str, object] = {
        "dissemination": DisseminationId("0195579e-0000-7000-8000-000000000001"),
        "message": MessageId("0195579e-0000-7000-8000-000000000002"),
        "action": Action.CORRECT,
        "earlier": MessageId("0195579e-0000-7000-8000-000000000000"),
        "sender": JAIL,
        "recipient": POLICE,
        "exchange": "custody-release/1.0",
        "mou": "JAIL-PD-2026-01",
        "mou_version": 3,
        "mou_digest": "sha-256:" + "5" * 64,
        "clauses": ("E1", "E1.share"),
        "purpose": "public-safety",
        "role": "patrol",
        "keep_until": NOW + timedelta(days=90),
        "onward_sharing": "prosecutors <of this county> & nobody else",
        "notices": ('42 CFR part 2 prohibits\nunauthorized "disclosure" of these records.', "Second notice"),
        "fields_withheld": True,
        "contact": "liaison 555-0134",
        "created": NOW,
        "payload_digest": "sha-256:" + "7" * 64,
    }
    return Cover(**{**values, **changes})  # type: ignore[arg-type]
