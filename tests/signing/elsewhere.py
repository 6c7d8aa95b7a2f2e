"""An authority elsewhere, such as a county's, that certifies what it is asked to - rightly or wrongly."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass
class County:
    """A root and an authority below it that issues."""

    now: datetime

    def __post_init__(self) -> None:
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self._authority("County Root", "County Root", self._root_key, self._root_key)
        self.issuing = self._authority("County Issuing", "County Root", self._key, self._root_key)

    def answer(
        self,
        request: bytes | ec.EllipticCurvePublicKey,
        *,
        days: tuple[int, int] = (0, 90),
        purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
        names: tuple[str, ...] | None = None,
        ca: bool = False,
        usage: bool = True,
        behind: tuple[x509.Certificate, ...] | None = None,
    ) -> bytes:
        """The certificate, PEM, with those behind it."""
        asked = x509.load_pem_x509_csr(request) if isinstance(request, bytes) else None
        if asked is not None:
            assert asked.is_signature_valid
        key = asked.public_key() if asked is not None else request
        builder = self._builder("gateway", "County Issuing", key, days)
        if names is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        elif asked is not None:
            found = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            builder = builder.add_extension(found, critical=False)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(_usage(digital_signature=usage), critical=True)
        leaf = builder.sign(self._key, hashes.SHA256())
        chain = (leaf, *((self.issuing, self.root) if behind is None else behind))
        return b"".join(each.public_bytes(Encoding.PEM) for each in chain)

    def _authority(
        self, name: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        builder = self._builder(name, issuer, key.public_key(), (-30, 3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(by, hashes.SHA256())

    def _builder(self, name: str, issuer: str, key: object, days: tuple[int, int]) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
        )


def _usage(*, digital_signature: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=not digital_signature,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
