"""Key and certificate in the forms that toolkits want."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from gateway.agency import AgencyId
from gateway.integrate.identity import IdentityUnusable, as_pkcs12, together
from gateway.keys.authority import AgencyKey, Authority, self_signed

NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def issued() -> AgencyKey:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = Authority(key, x509.load_pem_x509_certificate(self_signed(key, "authority", now=NOW, days=30)))
    return authority.new_agency_key(AgencyId("millbrook-police"), "Millbrook Police", now=NOW)


def test_a_pkcs12_file_opens_with_its_password_alone(issued: AgencyKey) -> None:
    data = as_pkcs12(issued.key, issued.certificate, name="millbrook-police", password="s3cret")
    key, certificate, more = pkcs12.load_key_and_certificates(data, b"s3cret")
    assert certificate == x509.load_pem_x509_certificate(issued.certificate)
    assert key is not None
    assert certificate is not None
    assert key.public_key() == certificate.public_key()
    assert more == []
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_key_and_certificates(data, b"other")


def test_the_old_encryption_is_the_one_that_mono_reads(issued: AgencyKey) -> None:
    data = as_pkcs12(issued.key, issued.certificate, name="millbrook-police", password="s3cret", is_old=True)
    key, certificate, _ = pkcs12.load_key_and_certificates(data, b"s3cret")
    assert key is not None
    assert certificate == x509.load_pem_x509_certificate(issued.certificate)
    pbe_sha1_3des, pbes2 = bytes.fromhex("060a2a864886f70d010c0103"), bytes.fromhex("06092a864886f70d01050d")
    assert pbe_sha1_3des in data
    assert pbes2 not in data
    assert pbes2 in as_pkcs12(issued.key, issued.certificate, name="millbrook-police", password="s3cret")


def test_one_pem_file_holds_the_certificate_and_its_key(issued: AgencyKey) -> None:
    data = together(issued.key, issued.certificate)
    assert x509.load_pem_x509_certificate(data) == x509.load_pem_x509_certificate(issued.certificate)
    assert load_pem_private_key(data[data.index(b"-----BEGIN PRIVATE") :], None)


def test_a_key_of_somebody_else_makes_no_file(issued: AgencyKey) -> None:
    with pytest.raises(IdentityUnusable):
        as_pkcs12(b"no key", issued.certificate, name="x", password="y")
