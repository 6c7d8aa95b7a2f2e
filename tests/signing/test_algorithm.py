"""Only strong algorithms exist here; a weak one cannot even be named."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.signing.algorithm import DigestMethod, SignatureMethod, Transform, fits, is_strong, value_size_bytes
from tests.signing.parties import p256, p384, rsa_key

WEAK = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2009/xmldsig11#dsa-sha256",
]


@pytest.mark.parametrize("uri", WEAK)
def test_a_weak_signature_method_has_no_name(uri: str) -> None:
    with pytest.raises(ValueError, match="not a valid SignatureMethod"):
        SignatureMethod(uri)


def test_sha_1_is_no_digest_and_inclusive_canonicalization_no_transform() -> None:
    assert [method.rpartition("#")[2] for method in DigestMethod] == ["sha256", "sha384", "sha512"]
    assert {transform.rpartition("#")[2] for transform in Transform} == {"enveloped-signature", ""}


def test_p_256_p_384_and_rsa_from_2048_bits_are_strong() -> None:
    assert all(is_strong(key.public_key()) for key in (p256("anyone"), p384(), rsa_key(2048)))


def test_everything_else_is_weak() -> None:
    weak = (
        rsa.generate_private_key(public_exponent=3, key_size=2048),
        rsa_key(1024),
        ec.generate_private_key(ec.SECP192R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    assert not any(is_strong(key.public_key()) for key in weak)


def test_a_method_is_only_for_its_kind_of_key() -> None:
    assert fits(SignatureMethod.ECDSA_SHA256, p384().public_key())
    assert not fits(SignatureMethod.ECDSA_SHA256, rsa_key(2048).public_key())
    assert fits(SignatureMethod.RSA_SHA512, rsa_key(2048).public_key())
    assert not fits(SignatureMethod.RSA_SHA256, p256("anyone").public_key())


def test_a_signature_value_is_as_long_as_its_key_makes_it() -> None:
    sizes = [value_size_bytes(key.public_key()) for key in (p256("anyone"), p384(), rsa_key(2048))]
    assert sizes == [64, 96, 256]
