"""The TLS context of the agencies' listener: who may shake hands.

A client certificate is asked for, not demanded: a bearer token does as well. One that is shown must verify against
the gateway's own authority, an agency's authority (perhaps by authorities that it sends along), or be itself registered
(a pin, self-signed or not); any other ends the handshake. The handshake only proves that the peer holds the key; which
agency it is, if any, is said by `Gateway.identify_certificate`, for each request: by name, revocation lists and all.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Misconfigured
from gateway.exchange.configured import Configured
from gateway.store.configuration import CredentialKind

CIPHERS_TLS12 = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secret and authenticated; all of TLS 1.3 is. Source: RFC 9325, section 4.2."""


Files = tuple[Path, Path, bytes | None]
"""Certificate chain, key, and the key's passphrase if it has one."""


class TlsUnusable(Misconfigured):
    """The server's certificate and key do not load."""

    code = "tls.unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedClients:
    """Certificates a client's certificate may be, or chain to.

    version  of the configuration they come from: another version makes another context
    pem      one text, PEM blocks one after the other
    """

    version: int
    pem: str


def trusted_clients(configured: Configured) -> TrustedClients:
    """What the configuration in force registers, and the gateway's own authority."""
    pinned = (
        credential.certificate
        for credential in configured.credentials.values()
        if credential.kind is not CredentialKind.TOKEN and credential.revoked_at is None
    )
    above = (
        part
        for authority in configured.authorities
        if authority.revoked_at is None
        for part in (authority.certificate, authority.intermediates)
    )
    registered = b"\n".join(dict.fromkeys((*pinned, *above))).decode("ascii")
    pem = "\n".join((ssl.DER_cert_to_PEM_cert(configured.authority), registered))
    return TrustedClients(version=configured.version, pem=pem)


def server_context(
    certificate: Path,
    key: Path,
    trusted: Callable[[], TrustedClients] | None = None,
    on_failure: Callable[[], None] = lambda: None,
    *,
    passphrase: bytes | None = None,
) -> ssl.SSLContext:
    """The listener's context. `trusted` is asked at each handshake; without it no client certificate is asked for.

    When a later rebuild fails (a file that is being replaced), the context before it stays and `on_failure` is
    called. Raises `TlsUnusable` when the first one cannot be made.
    """
    files = certificate, key, passphrase
    try:
        if trusted is None:
            return _context(files)
        built = trusted()
        context = _context(files, built.pem)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TlsUnusable(f"{certificate}, {key}: cannot serve TLS with these") from error
    context.sni_callback = _Rebuild(files, trusted, on_failure, built.version, context)
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The server's certificate with its chain, its key, and what opens the key's file."""

    certificate: Path
    key: Path
    passphrase: bytes | None = field(repr=False)


class _Rebuild:
    """Called at each handshake (OpenSSL calls it without a server name too): swaps in a context of now."""

    def __init__(
        self,
        files: Files,
        trusted: Callable[[], TrustedClients],
        on_failure: Callable[[], None],
        version: int,
        context: ssl.SSLContext,
    ) -> None:
        self._files = files
        self._trusted = trusted
        self._on_failure = on_failure
        self._version = version
        self._context = context

    def __call__(self, tls: ssl.SSLObject, _name: str | None, context: ssl.SSLContext) -> None:
        now = self._trusted()
        if now.version != self._version:
            try:
                self._context = _context(self._files, now.pem)
            except (OSError, ssl.SSLError, ValueError):
                self._on_failure()
            self._version = now.version
        if self._context is not context:
            tls.context = self._context


def _context(files: Files, trusted_pem: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_TLS12)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    certificate, key, passphrase = files
    # An empty passphrase, not None: OpenSSL must not ask for one on the terminal.
    context.load_cert_chain(certificate, key, password=passphrase or b"")
    if trusted_pem is not None:
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
