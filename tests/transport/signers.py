"""A signer of a test: a P-256 key with a certificate of its own."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from gateway.signing.algorithm import SignatureMethod


class TestSigner:
    """`Signer` with a fresh key."""

    __test__ = False

    def __init__(self, now: datetime = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.test")])
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign")
        usage = dict.fromkeys((*others, "crl_sign", "encipher_only", "decipher_only"), False)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), True)
            .sign(self._key, hashes.SHA256())
        )
        self._der = certificate.public_bytes(serialization.Encoding.DER)

    @property
    def algorithm(self) -> SignatureMethod:
        """ECDSA with SHA-256."""
        return SignatureMethod.ECDSA_SHA256

    @property
    def certificate_der(self) -> bytes:
        """Its certificate."""
        return self._der

    def sign(self, data: bytes) -> bytes:
        """r and s side by side."""
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
