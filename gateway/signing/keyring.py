"""Who signs, and which certificates speak for an agency."""

from dataclasses import dataclass, field
from typing import Protocol

from gateway.agency import AgencyId
from gateway.signing.algorithm import SignatureMethod
from gateway.signing.revocation import Lists


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
class TrustedAuthority:
    """An authority whose certificates speak for an agency when they have one of these names: never all of them, for an
    authority that certifies for one agency today certifies for its neighbor tomorrow.

    certificate    DER
    intermediates  DER, authorities below it that partners do not send along
    names          as `certificate_name` writes them
    """

    certificate: bytes
    names: frozenset[str]
    intermediates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """The certificates registered for one agency. Nothing registered: nobody speaks for it.

    pins         certificates of the agency, DER; old and new side by side while a key is rotated
    authorities  those whose certificates speak for it, by their names
    revoked      certificates that speak for nobody any more, by `content_id`
    lists        the revocation lists that are held
    """

    agency: AgencyId
    pins: frozenset[bytes] = field(default_factory=frozenset)
    authorities: tuple[TrustedAuthority, ...] = ()
    revoked: frozenset[str] = field(default_factory=frozenset)
    lists: Lists = field(default_factory=Lists)
