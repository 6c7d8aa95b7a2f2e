"""Judging servers: what the gateway's registrations and revocation lists say of a server that it connects to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509

from gateway.clock import Clock
from gateway.exchange.authorities import certificates_of
from gateway.exchange.configured import Configured
from gateway.exchange.trusted import content_of
from gateway.signing.certificate import content_id
from gateway.signing.crl import issuer_id
from gateway.signing.revocation import CertificateRevoked, Lists
from gateway.store.configuration import CredentialKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerJudge:
    """Who says whether a verified server was revoked.

    lists    by their authorities
    issuers  authorities that have a list, those too that speak for nobody any more: they may stand above a server that
             is trusted by itself
    gone     certificates that were revoked here, by `content_id`: of agencies, which have one for both directions, and
             of authorities that speak for no agency any more
    """

    lists: Lists
    issuers: tuple[x509.Certificate, ...]
    gone: frozenset[str]
    clock: Clock
    version: str

    def judge(self, chain: Sequence[x509.Certificate]) -> None:
        """From the server's certificate to what is trusted. Raises `CertificateRevoked`, `CrlStale`."""
        if self.gone and not self.gone.isdisjoint(map(content_id, chain)):
            raise CertificateRevoked("the server's certificate was revoked here")
        self.lists.check_chain(chain, self.issuers, self.clock.now())


def server_judge(configured: Configured, clock: Clock) -> ServerJudge:
    """As the configuration in force has it."""
    lists = configured.lists
    every = (certificate for one in configured.authorities for certificate in certificates_of(one))
    issuers = tuple(dict.fromkeys(each for each in every if issuer_id(each) in lists.crls))
    gone = frozenset(_gone(configured))
    known = (frozenset(crl.digest for crl in lists.crls.values()), frozenset(map(content_id, issuers)), gone)
    version = sha256(repr([*map(sorted, known), lists.grace]).encode()).hexdigest()
    return ServerJudge(lists=lists, issuers=issuers, gone=gone, clock=clock, version=version)


def _gone(configured: Configured) -> Iterator[str]:
    for credential in configured.credentials.values():
        if credential.kind is CredentialKind.CERTIFICATE and credential.revoked_at is not None:
            yield content_of(credential.certificate)
    # One that was revoked for one agency may certify for another; then it still vouches for that one's servers.
    speaking = {content_of(one.certificate) for one in configured.authorities if one.revoked_at is None}
    for one in configured.authorities:
        if one.revoked_at is not None and (content := content_of(one.certificate)) not in speaking:
            yield content


def judging(current: Callable[[], Configured], clock: Clock) -> Callable[[], ServerJudge]:
    """The judge of now, made once for each configuration."""
    known: list[tuple[Configured, ServerJudge]] = []

    def now() -> ServerJudge:
        configured = current()
        if not known or known[0][0] is not configured:
            known[:] = [(configured, server_judge(configured, clock))]
        return known[0][1]

    return now
