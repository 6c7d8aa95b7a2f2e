"""The TLS context of the agencies' listener: who may shake hands.

A client certificate is asked for, not demanded: a bearer token does as well. One that is shown must verify against
the gateway's own authority, an agency's authority (perhaps by authorities that it sends along), or be itself registered
(a pin, self-signed or not); any other ends the handshake. The handshake only proves that the peer holds the key; which
agency it is, if any, is said by `Gateway.identify_certificate`, for each request: by name, revocation lists and all.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.x509 import Certificate

from gateway.errors import Misconfigured
from gateway.exchange.configured import Configured
from gateway.keys.certified import fingerprint_of, public_pem
from gateway.keys.files import TlsFiles
from gateway.store.configuration import CredentialKind

CIPHERS_TLS12 = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secret and authenticated; all of TLS 1.3 is. Source: RFC 9325, section 4.2."""


class TlsUnusable(Misconfigured):
    """The server's certificate and key do not load."""

    code = "tls.unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedClients:
    """Certificates a client's certificate may be, or chain to.

    version  of the configuration and the authorities they come from: another version makes another context
    pem      one text, PEM blocks one after the other
    """

    version: object
    pem: str


def trusted_clients(configured: Configured, authorities: Sequence[Certificate]) -> TrustedClients:
    """What the configuration in force registers, and the gateway's own authorities."""
    pinned = (
        credential.certificate
        for credential in configured.credentials.values()
        if credential.kind not in (CredentialKind.TOKEN, CredentialKind.USERNAME) and credential.revoked_at is None
    )
    above = (
        part
        for authority in configured.authorities
        if authority.revoked_at is None
        for part in (authority.certificate, authority.intermediates)
    )
    pem = b"\n".join(dict.fromkeys((*map(public_pem, authorities), *pinned, *above))).decode("ascii")
    return TrustedClients(version=(configured.version, *map(fingerprint_of, authorities)), pem=pem)


def server_context(
    own: Callable[[], TlsFiles],
    trusted: Callable[[], TrustedClients],
    on_failure: Callable[[], None] = lambda: None,
) -> ssl.SSLContext:
    """The listener's context. Both are asked at each handshake, so that a changed certificate is shown to the next
    client, and connections that are open go on under the one they began with.

    When a later rebuild fails (a file that is being replaced), the context before it stays and `on_failure` is
    called. Raises `TlsUnusable` when the first one cannot be made.
    """
    files = own()
    try:
        built = trusted()
        context = _context(files, built.pem)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TlsUnusable(f"{files.certificate}, {files.key}: cannot serve TLS with these") from error
    context.sni_callback = _Rebuild(own, trusted, on_failure, (files.looks, built.version), context)
    return context


class _Rebuild:
    """Called at each handshake (OpenSSL calls it without a server name too): swaps in a context of now."""

    def __init__(
        self,
        own: Callable[[], TlsFiles],
        trusted: Callable[[], TrustedClients],
        on_failure: Callable[[], None],
        version: object,
        context: ssl.SSLContext,
    ) -> None:
        self._own = own
        self._trusted = trusted
        self._on_failure = on_failure
        self._version = version
        self._context = context

    def __call__(self, tls: ssl.SSLObject, _name: str | None, context: ssl.SSLContext) -> None:
        try:
            files, now = self._own(), self._trusted()
            if (version := (files.looks, now.version)) != self._version:
                # The version last: what failed, were it for want of a file descriptor, is tried by the next one again.
                self._context = _context(files, now.pem)
                self._version = version
        except (Misconfigured, OSError, ssl.SSLError, ValueError):
            self._on_failure()
        if self._context is not context:
            tls.context = self._context


def _context(files: TlsFiles, trusted_pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_TLS12)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # An empty passphrase, not None: OpenSSL must not ask for one on the terminal.
    context.load_cert_chain(files.certificate, files.key, password=files.passphrase or b"")
    context.verify_mode = ssl.CERT_OPTIONAL
    # A registered certificate is an anchor though nobody trusts its issuer: that is what a pin is.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=trusted_pem)
    # A resumed session remembers the client's certificate and not what came with it, and verifies neither again.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    return context


def client_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """What the client sent beside its own certificate, DER; of no more worth than that it was sent."""
    if hasattr(tls, "get_unverified_chain"):  # Python 3.13
        return tuple(tls.get_unverified_chain()[1:])
    inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  (where Python before 3.13 has it)
    sent = inner.get_unverified_chain() or []
    return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in sent[1:])
