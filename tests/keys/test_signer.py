"""Signers give values as XML-DSig and signed notes want them."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.keys.authority import self_signed
from gateway.keys.signer import EcdsaSigner, Ed25519Signer, RsaSigner, signer_of
from gateway.signing.algorithm import SignatureMethod
from tests.keys.clocks import NOW

ANY = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE = x509.load_pem_x509_certificate(self_signed(ANY, "any", now=NOW))


@pytest.mark.parametrize(("curve", "size"), [(ec.SECP256R1(), 32), (ec.SECP384R1(), 48)], ids=["p-256", "p-384"])
def test_ecdsa_values_are_r_and_s_side_by_side(curve: ec.EllipticCurve, size: int) -> None:
    key = ec.generate_private_key(curve)
    signer = signer_of(key, CERTIFICATE)
    assert isinstance(signer, EcdsaSigner)
    assert signer.algorithm is SignatureMethod.ECDSA_SHA256
    # Often enough for a value that begins with a zero byte, which must not be left out.
    for number in range(300):
        value = signer.sign(b"%d" % number)
        assert len(value) == 2 * size
        der = encode_dss_signature(int.from_bytes(value[:size]), int.from_bytes(value[size:]))
        key.public_key().verify(der, b"%d" % number, ec.ECDSA(SHA256()))


def test_rsa_values_are_pkcs_1() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = signer_of(key, CERTIFICATE)
    assert isinstance(signer, RsaSigner)
    assert signer.algorithm is SignatureMethod.RSA_SHA256
    key.public_key().verify(signer.sign(b"data"), b"data", PKCS1v15(), SHA256())


def test_a_signer_shows_its_certificate() -> None:
    assert signer_of(ANY, CERTIFICATE).certificate_der == CERTIFICATE.public_bytes(Encoding.DER)


def test_a_note_signer_has_a_name_and_a_raw_key() -> None:
    signer = Ed25519Signer(Ed25519PrivateKey.generate(), "gateway.test")
    assert signer.name == "gateway.test"
    assert len(signer.public_bytes) == 32
    Ed25519PublicKey.from_public_bytes(signer.public_bytes).verify(signer.sign(b"note"), b"note")
