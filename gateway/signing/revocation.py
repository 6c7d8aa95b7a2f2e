"""Revocation: whether an authority has taken back a certificate, by the newest lists that are held.

An authority without a list refuses nothing. One whose list is past its time, and past the grace that the operator
allows, vouches for nobody: whoever can keep the next list away must not keep a stolen key alive by that. Source:
RFC 5280, section 6.3, cut down to whole lists.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from gateway.errors import Refused, Unavailable
from gateway.signing.crl import Crl, is_over, issuer_id


class CertificateRevoked(Refused):
    """Its authority has taken it back."""

    code = "certificate.revoked"


class CrlStale(Unavailable):
    """Nobody knows any more whether its authority has taken it back: the operator must fetch the list. What waits is
    sent again."""

    code = "certificate.crl-stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The newest revocation lists that are held.

    crls   of each authority that has one, by `issuer_id`
    grace  how long after its time a list is still believed; None = for ever
    """

    crls: Mapping[str, Crl] = field(default_factory=dict)
    grace: timedelta | None = timedelta()

    def check_link(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """One link of a way up, judged by its issuer's list. Raises `CertificateRevoked`, `CrlStale`."""
        crl = self.crls.get(issuer_id(issuer)) if self.crls else None
        if crl is None:
            return
        if certificate.serial_number in crl.serials:
            raise CertificateRevoked("the certificate, or one of an authority above it, was revoked by its authority")
        if self.grace is not None and is_over(crl, now - self.grace):
            raise CrlStale("the revocation list of the certificate's authority is out of date here: fetch the next one")

    def check_not_named(self, certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> None:
        """A certificate that is trusted by itself: a list past its time does not shut it out, one that names it does.
        Raises `CertificateRevoked`."""
        for issuer in issuers:
            crl = self.crls.get(issuer_id(issuer))
            if crl is not None and certificate.serial_number in crl.serials and is_signed_by(certificate, issuer):
                raise CertificateRevoked("the certificate was revoked by its authority")

    def check_chain(
        self, chain: Sequence[x509.Certificate], issuers: Iterable[x509.Certificate], now: datetime
    ) -> None:
        """A way up that somebody else has verified, from a certificate to what is trusted, which may be the certificate
        itself. Raises `CertificateRevoked`, `CrlStale`.

        issuers  authorities that are known and may stand above the last of the chain
        """
        for certificate, issuer in pairwise(chain):
            self.check_link(certificate, issuer, now)
        self.check_not_named(chain[-1], issuers)


@lru_cache(maxsize=1024)
def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's key signed the certificate; which never changes."""
    if certificate.issuer != authority.subject:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
