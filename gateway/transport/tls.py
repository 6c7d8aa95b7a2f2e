"""TLS contexts of the gateway as a client: always verified, host name included; no switch turns that off.

OpenSSL finds the way from the server's certificate up to what is trusted. Whether an authority on it has taken one of
the links back is then judged by the lists that are held, before the handshake counts as done: no byte of a request was
sent yet.
OpenSSL's own look at lists was weighed: it wants one of every authority, and most partners' authorities publish none.
"""

import _ssl
import ssl
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography import x509

from gateway.errors import Misconfigured
from gateway.signing.revocation import CertificateRevoked, CrlStale

REVOKED: Final = 23
LIST_STALE: Final = 12
UNREADABLE: Final = 1
"""As OpenSSL numbers its errors of certificates (X509_V_ERR_…): revoked, a list out of date, anything else."""


class ClientKeyUnusable(Misconfigured):
    """The gateway's client certificate or its key cannot be read."""

    code = "tls.client-key"


class AuthoritiesUnusable(Misconfigured):
    """Certificates to trust that are not certificates."""

    code = "tls.authorities"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdentity:
    """Files of the gateway's client certificate (with its chain) and key, both PEM, and the key's passphrase.

    looks  how the files looked: with others they hold another certificate
    """

    certificate: Path
    key: Path
    passphrase: bytes | None = field(default=None, repr=False)
    looks: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who vouches for servers.

    authorities  PEM: certificate authorities, or pinned certificates of servers themselves
    system       the operating system's authorities too
    """

    authorities: bytes = b""
    system: bool = False


class Judge(Protocol):
    """Has the last word on a server whose certificate OpenSSL has verified."""

    @property
    def version(self) -> Hashable:
        """Of two that judge alike, the same; small, for it outlives what the judge knows."""

    def judge(self, chain: Sequence[x509.Certificate]) -> None:
        """From the server's certificate to what is trusted. Raises `CertificateRevoked`, `CrlStale`."""


NowJudge = Callable[[], Judge | None]
"""The judge of now: a context stays longer than what a judge knew when it was made."""


class _JudgedConnection(ssl.SSLObject):
    """A handshake that ends well only when the judge says so. asyncio knows how it ended by this method alone."""

    def do_handshake(self) -> None:
        super().do_handshake()
        context = self.context
        if isinstance(context, _JudgedContext) and (judge := context.judge()) is not None:
            try:
                judge.judge(_verified_chain(self))
            except Exception as error:
                # What the library cannot read it says in many ways. asyncio takes no other error than OpenSSL's here.
                raise _not_verified(error) from error


class _JudgedContext(ssl.SSLContext):
    """A context whose connections are judged."""

    sslobject_class = _JudgedConnection
    judge: NowJudge = staticmethod(lambda: None)

    def wrap_socket(self, *_: Any, **__: Any) -> ssl.SSLSocket:
        """Not for blocking sockets, whose handshakes nobody would judge."""
        raise NotImplementedError


def _verified_chain(tls: ssl.SSLObject) -> tuple[x509.Certificate, ...]:
    if hasattr(tls, "get_verified_chain"):  # Python 3.13
        return tuple(map(x509.load_der_x509_certificate, tls.get_verified_chain()))
    inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  (where Python before 3.13 has it)
    ders = (each.public_bytes(_ssl.ENCODING_DER) for each in inner.get_verified_chain())
    return tuple(map(x509.load_der_x509_certificate, ders))


def _not_verified(error: Exception) -> ssl.SSLCertVerificationError:
    """As OpenSSL would have said it."""
    match error:
        case CertificateRevoked():
            number = REVOKED
        case CrlStale():
            number = LIST_STALE
        case _:
            number = UNREADABLE
    made = ssl.SSLCertVerificationError(1, "the server's certificate does not count")
    made.verify_code = number
    made.reason = "CERTIFICATE_VERIFY_FAILED"
    return made


_CODES: Final = {REVOKED: "delivery.certificate-revoked", LIST_STALE: "delivery.crl-stale"}


def certificate_code(error: BaseException) -> str:
    """The code of a try that ended at the server's certificate."""
    return _CODES.get(getattr(error, "verify_code", 0), "delivery.certificate-untrusted")


def client_context(
    trust: Trust, identity: ClientIdentity | None = None, judge: NowJudge = lambda: None
) -> ssl.SSLContext:
    """A context for connections to partners. Raises `ClientKeyUnusable`, `AuthoritiesUnusable`."""
    context = _JudgedContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    context.judge = judge
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a certificate that came in one would be judged by nobody
    # A pinned server certificate, or the partner's own issuing authority without the root above it, is an anchor.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    if trust.system:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if trust.authorities:
        try:
            context.load_verify_locations(cadata=trust.authorities.decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            raise AuthoritiesUnusable("a registered certificate authority is not a PEM certificate") from error
    if identity is not None:
        try:
            context.load_cert_chain(identity.certificate, identity.key, password=identity.passphrase or b"")
        except (ssl.SSLError, OSError) as error:
            raise ClientKeyUnusable(f"{identity.certificate}: the client certificate and key do not load") from error
    return context
