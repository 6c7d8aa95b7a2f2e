"""A certificate speaks for an agency when it was registered or issued for it, is in date, and is meant for signing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gateway.keys.authority import Authority, self_signed
from gateway.signing.certificate import (
    CERTIFICATE_SIZE_BYTES_MAX,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnreadable,
    CertificateUntrusted,
    WeakKey,
    WrongUsage,
    check,
    common_name,
    content_id,
    pem_to_der,
    read_certificate,
    to_pem,
)
from gateway.signing.certificate_name import agency_name, names_of
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from tests.signing.parties import (
    JAIL,
    NOW,
    POLICE,
    Key,
    authority,
    bare_certificate,
    certified,
    chained,
    jail,
    of_authority,
    p256,
    p384,
    police,
    rsa_key,
    stranger,
    trusted,
)

KEY_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def pinned(der: bytes) -> TrustedKeys:
    return TrustedKeys(agency=JAIL, pins=frozenset({der}))


def test_a_registered_certificate_gives_its_key() -> None:
    assert check(jail().certificate_der, trusted(jail()), now=NOW) == p256("jail").public_key()


def test_a_certificate_of_the_shared_authority_counts_for_the_agency_it_names() -> None:
    assert check(jail().certificate_der, chained(JAIL), now=NOW) == p256("jail").public_key()


def test_a_certificate_of_the_shared_authority_counts_for_no_other_agency() -> None:
    with pytest.raises(CertificateUntrusted):
        check(police().certificate_der, chained(JAIL), now=NOW)


def test_an_authority_speaks_for_an_agency_by_the_names_that_were_registered_alone() -> None:
    der = authority("jail.example").certificate_der
    signer = certified(p384(), POLICE, by="jail.example")
    registered = TrustedAuthority(certificate=der, names=frozenset({agency_name(POLICE), "dns:jail.example"}))
    own = TrustedKeys(agency=JAIL, authorities=(registered,))
    assert check(signer.certificate_der, own, now=NOW) == p384().public_key()
    with pytest.raises(CertificateUntrusted):
        check(signer.certificate_der, TrustedKeys(agency=JAIL, authorities=(of_authority(der),)), now=NOW)


def test_an_authority_of_the_same_name_with_another_key_certifies_nothing() -> None:
    key = p256("impostor")
    impostor = Authority(key, x509.load_pem_x509_certificate(self_signed(key, "gateway.test", now=NOW)))
    pem = impostor.issue(JAIL, "The jail", p256("jail").public_key(), now=NOW)
    with pytest.raises(CertificateUntrusted):
        check(pem_to_der(pem), chained(JAIL), now=NOW)


def test_a_strangers_certificate_counts_for_nobody() -> None:
    with pytest.raises(CertificateUntrusted) as refused:
        check(stranger().certificate_der, chained(JAIL), now=NOW)
    assert refused.value.code == "certificate.untrusted"


def test_nobody_speaks_for_an_agency_without_registered_certificates() -> None:
    with pytest.raises(CertificateUntrusted):
        check(jail().certificate_der, TrustedKeys(agency=JAIL), now=NOW)


@pytest.mark.parametrize("trust", [trusted(jail()), chained(JAIL)], ids=["pinned", "issued"])
def test_a_revoked_certificate_counts_no_more(trust: TrustedKeys) -> None:
    revoked = replace(trust, revoked=frozenset({content_id(read_certificate(jail().certificate_der))}))
    with pytest.raises(CertificateUntrusted):
        check(jail().certificate_der, revoked, now=NOW)


@pytest.mark.parametrize("trust", [trusted(jail()), chained(JAIL)], ids=["pinned", "issued"])
def test_dates_bind_a_pin_too(trust: TrustedKeys) -> None:
    with pytest.raises(CertificateExpired):
        check(jail().certificate_der, trust, now=NOW + timedelta(days=1096))
    with pytest.raises(CertificateNotYetValid):
        check(jail().certificate_der, trust, now=NOW - timedelta(days=1))


def test_an_expired_authority_certifies_nothing_more() -> None:
    late = NOW + timedelta(days=3700)
    signer = certified(p256("jail"), JAIL, now=late)
    with pytest.raises(CertificateExpired, match="authority"):
        check(signer.certificate_der, chained(JAIL), now=late)


def test_a_leaf_is_no_authority_even_when_registered_as_one() -> None:
    """What an agency's certificate "issued" is nobody's: the mistake of registering it in the wrong place is found."""
    issuer = read_certificate(jail().certificate_der)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "below")])
    below = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject)
        .public_key(p384().public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(p256("jail"), SHA256())
        .public_bytes(Encoding.DER)
    )
    registered = TrustedAuthority(certificate=jail().certificate_der, names=frozenset({"subject:CN=below"}))
    with pytest.raises(WrongUsage):
        check(below, TrustedKeys(agency=JAIL, authorities=(registered,)), now=NOW)
    with pytest.raises(CertificateUntrusted):
        check(below, chained(JAIL), now=NOW)


def test_a_key_usage_without_digital_signature_is_refused() -> None:
    usage = x509.KeyUsage(**{**KEY_USAGE, "key_agreement": True})
    der = bare_certificate(p256("jail"), (usage, True))
    with pytest.raises(WrongUsage, match="digitalSignature"):
        check(der, pinned(der), now=NOW)


def test_a_server_certificate_is_refused() -> None:
    der = bare_certificate(p256("jail"), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
    with pytest.raises(WrongUsage, match="clientAuth"):
        check(der, pinned(der), now=NOW)


def test_the_authoritys_own_certificate_signs_no_message() -> None:
    subject = next(iter(names_of(authority().certificate)))
    registered = TrustedAuthority(certificate=authority().certificate_der, names=frozenset({subject}))
    with pytest.raises(WrongUsage):
        check(authority().certificate_der, TrustedKeys(agency=JAIL, authorities=(registered,)), now=NOW)


def test_a_self_made_certificate_marked_as_authority_may_be_pinned() -> None:
    """`openssl req -x509` marks every certificate so."""
    der = bare_certificate(p256("jail"), (x509.BasicConstraints(ca=True, path_length=None), True))
    assert check(der, pinned(der), now=NOW) == p256("jail").public_key()


def test_a_critical_extension_that_nobody_understands_is_refused() -> None:
    odd = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
    der = bare_certificate(p256("jail"), (odd, True))
    with pytest.raises(WrongUsage, match="critical"):
        check(der, pinned(der), now=NOW)


@pytest.mark.parametrize("key", [rsa_key(1024), ec.generate_private_key(ec.SECP192R1())], ids=["rsa-1024", "p-192"])
def test_a_weak_key_is_refused_even_when_pinned(key: Key) -> None:
    der = bare_certificate(key)
    with pytest.raises(WeakKey):
        check(der, pinned(der), now=NOW)


@pytest.mark.parametrize("der", [b"", b"not a certificate", bytes(CERTIFICATE_SIZE_BYTES_MAX + 1)])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    with pytest.raises(CertificateUnreadable):
        check(der, pinned(der), now=NOW)


def test_a_truncated_certificate_is_refused() -> None:
    with pytest.raises(CertificateUnreadable):
        read_certificate(jail().certificate_der[:-1])


def test_pem_and_der_are_the_same_certificate() -> None:
    assert pem_to_der(to_pem(jail().certificate_der)) == jail().certificate_der
    with pytest.raises(CertificateUnreadable):
        pem_to_der(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_a_certificate_is_shown_by_name() -> None:
    assert common_name(read_certificate(jail().certificate_der)) == JAIL
