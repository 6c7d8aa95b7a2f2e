"""Who signs, and which certificates speak for an agency."""

from dataclasses import dataclass, field
from typing import Protocol

from gateway.agency import AgencyId
from gateway.signing.algorithm import SignatureMethod


class Signer(Protocol):
    """A private key and its certificate. The key may sit in a file, a token or a service.

    Safe to use from several threads. A signer that cannot sign raises `Unavailable` or `Misconfigured`.
    """

    @property
    def algorithm(self) -> SignatureMethod:
        """The method its values are of."""

    @property
    def certificate_der(self) -> bytes:
        """X.509 certificate of the key, DER."""

    def sign(self, data: bytes) -> bytes:
        """XML-DSig signature value: r and s side by side, each as long as the curve's field, or the RSA block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """The certificates registered for one agency. Nothing registered: nobody speaks for it.

    pins                certificates of the agency, DER; old and new side by side while a key is rotated
    authorities         certificates, DER, of authorities that certify for this agency alone
    shared_authorities  those that certify for several (the gateway's own): the certificate must name the agency
                        as a URI, urn:agency:<id>, in its alternative names
    revoked             SHA-256 fingerprints, hex, of certificates that speak for nobody any more
    """

    agency: AgencyId
    pins: frozenset[bytes] = field(default_factory=frozenset)
    authorities: tuple[bytes, ...] = ()
    shared_authorities: tuple[bytes, ...] = ()
    revoked: frozenset[str] = field(default_factory=frozenset)


def agency_uri(agency: AgencyId) -> str:
    """An agency's name in certificates."""
    return f"urn:agency:{agency}"
