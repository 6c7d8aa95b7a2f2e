"""Judging servers: what the gateway's registrations and revocation lists say of a server that it connects to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from gateway.clock import Clock
from gateway.exchange.authorities import certificates_of
from gateway.exchange.configured import Configured
from gateway.signing.certificate import content_id, pem_to_der, read_certificate
from gateway.signing.crl import issuer_id
from gateway.signing.revocation import CertificateRevoked, Lists
from gateway.store.configuration import CredentialKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerJudge:
    """Who says whether a verified server was revoked; equal to another that knows the same.

    digests  of the lists
    lists    by their authorities
    issuers  registered authorities that have a list: they may stand above a server that is trusted by itself
    gone     certificates that were revoked here, by `content_id`: agencies have one for both directions
    """

    digests: frozenset[str]
    lists: Lists = field(compare=False)
    issuers: tuple[x509.Certificate, ...] = field(compare=False)
    gone: frozenset[str]
    clock: Clock = field(compare=False)

    def judge(self, chain: Sequence[x509.Certificate]) -> None:
        """From the server's certificate to what is trusted. Raises `CertificateRevoked`, `CrlStale`."""
        if not self.gone.isdisjoint(map(content_id, chain)):
            raise CertificateRevoked("the server's certificate was revoked here")
        self.lists.check_chain(chain, self.issuers, self.clock.now())


def server_judge(configured: Configured, clock: Clock) -> ServerJudge:
    """As the configuration in force has it."""
    lists = configured.lists
    registered = (
        certificate
        for one in configured.authorities
        if one.revoked_at is None
        for certificate in certificates_of(one)
        if issuer_id(certificate) in lists.crls
    )
    return ServerJudge(
        digests=frozenset(crl.digest for crl in lists.crls.values()),
        lists=lists,
        issuers=tuple(dict.fromkeys(registered)),
        gone=frozenset(
            content_id(read_certificate(pem_to_der(one.certificate)))
            for one in configured.credentials.values()
            if one.kind is CredentialKind.CERTIFICATE and one.revoked_at is not None
        ),
        clock=clock,
    )


def judging(current: Callable[[], Configured], clock: Clock) -> Callable[[], ServerJudge]:
    """The judge of now, made once for each configuration."""
    known: list[tuple[Configured, ServerJudge]] = []

    def now() -> ServerJudge:
        configured = current()
        if not known or known[0][0] is not configured:
            known[:] = [(configured, server_judge(configured, clock))]
        return known[0][1]

    return now
