"""What is left of a signature once it is verified: who signed, and what tells this signature from every other."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from gateway.signing.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One verified signature.

    digest       SHA-256 of the canonical SignedInfo, 32 bytes: the same however often the signature is shown. Not of
                 its value: of one ECDSA value anybody can make a second that verifies as well
    certificate  the signer's, DER
    until        from then on it is stale and refused anyway
    """

    digest: bytes
    certificate: bytes = field(repr=False)
    until: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 hex digits."""
        return sha256(self.certificate).hexdigest()


def proof_of(shape: Shape, certificate: bytes, *, until: datetime) -> Proof:
    """The proof that a verified signature is."""
    return Proof(digest=sha256(shape.signed_info).digest(), certificate=certificate, until=until)
