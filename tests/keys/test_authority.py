"""What the gateway's authority issues, OpenSSL and the gateway itself accept; and nothing more than was asked for."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from gateway.agency import AgencyId
from gateway.keys.authority import Authority, RequestRefused, names_of, read_request, self_signed
from gateway.signing.certificate import check, pem_to_der
from gateway.signing.keyring import TrustedKeys
from tests.keys.clocks import NOW
from tests.signing.parties import of_authority, rsa_key

JAIL = AgencyId("harlan-county-jail")
KEY = ec.generate_private_key(ec.SECP256R1())
AUTHORITY = Authority(KEY, x509.load_pem_x509_certificate(self_signed(KEY, "gateway.test", now=NOW)))


def request(key: CertificateIssuerPrivateKeyTypes, name: str = "anything at all") -> x509.CertificateSigningRequest:
    """A request that asks for more than it should get."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )


def load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


@pytest.mark.parametrize(("wants_rsa", "bits"), [(False, 256), (True, 3072)])
def test_an_agencys_certificate_names_it_and_serves_to_sign(wants_rsa: bool, bits: int) -> None:
    made = AUTHORITY.new_agency_key(JAIL, "Harlan County Jail", now=NOW, wants_rsa=wants_rsa)
    key = serialization.load_pem_private_key(made.key, None)
    assert isinstance(key, rsa.RSAPrivateKey if wants_rsa else ec.EllipticCurvePrivateKey)
    assert key.key_size == bits
    assert key.public_key() == load(made.certificate).public_key()
    certificate = load(made.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:agency:harlan-county-jail"]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    trust = TrustedKeys(agency=JAIL, authorities=(of_authority(AUTHORITY.certificate_der),))
    assert check(pem_to_der(made.certificate), trust, now=NOW) == certificate.public_key()


def test_the_new_key_is_the_certificates() -> None:
    made = AUTHORITY.new_agency_key(JAIL, "Harlan County Jail", now=NOW)
    key = serialization.load_pem_private_key(made.key, None)
    assert key.public_key() == load(made.certificate).public_key()


@pytest.mark.parametrize("form", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_of_a_request_only_the_key_is_taken(form: serialization.Encoding) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = load(AUTHORITY.issue(JAIL, "Harlan County Jail", request(key).public_bytes(form), now=NOW))
    assert certificate.public_key() == key.public_key()
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == JAIL


def test_a_bare_public_key_will_do() -> None:
    public = KEY.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert read_request(pem) == public


def test_a_weak_key_gets_no_certificate() -> None:
    weak = rsa_key(1024)
    with pytest.raises(RequestRefused, match="2048") as refused:
        AUTHORITY.issue(JAIL, "A jail", request(weak).public_bytes(serialization.Encoding.PEM), now=NOW)
    assert refused.value.code == "certificate.request"
    with pytest.raises(RequestRefused):
        AUTHORITY.issue(JAIL, "A jail", weak.public_key(), now=NOW)


def test_a_request_not_signed_by_its_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    der = request(KEY).public_bytes(serialization.Encoding.DER)
    mine, theirs = (
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        for key in (KEY, other)
    )
    with pytest.raises(RequestRefused, match="own key"):
        read_request(der.replace(mine, theirs))


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\n", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(RequestRefused):
        read_request(data)


def test_what_is_no_agency_id_gets_no_certificate() -> None:
    with pytest.raises(ValueError, match="agency id"):
        AUTHORITY.issue(AgencyId("Harlan County Jail"), "A jail", KEY.public_key(), now=NOW)


def test_serial_numbers_are_random() -> None:
    serials = {load(AUTHORITY.issue(JAIL, "A jail", KEY.public_key(), now=NOW)).serial_number for _ in range(20)}
    assert len(serials) == 20
    assert max(serials).bit_length() > 100


def test_a_name_of_any_length_fits() -> None:
    certificate = load(
        AUTHORITY.issue(JAIL, "Harlan County Detention and Community Corrections " * 3, KEY.public_key(), now=NOW)
    )
    organization = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    assert len(organization) == 64


def test_the_server_certificate_is_good_for_its_names_by_a_strict_verifier() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = load(AUTHORITY.issue_server(["gateway.example.gov", "127.0.0.1"], key.public_key(), now=NOW))
    assert list(names_of(certificate)) == ["gateway.example.gov", "127.0.0.1"]
    verifier = (
        PolicyBuilder()
        .store(Store([AUTHORITY.certificate]))
        .time(NOW + timedelta(days=1))
        .build_server_verifier(x509.DNSName("gateway.example.gov"))
    )
    assert verifier.verify(certificate, []) == [certificate, AUTHORITY.certificate]


def test_openssl_takes_certificate_and_authority(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "certificate").write_bytes(AUTHORITY.issue_server(["localhost"], key.public_key(), now=NOW))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
    assert len(context.get_ca_certs()) == 1


def test_a_server_needs_a_name() -> None:
    with pytest.raises(ValueError, match="host name"):
        AUTHORITY.issue_server([], KEY.public_key(), now=NOW)
