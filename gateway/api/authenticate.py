"""Who calls: a bearer token, a client certificate, or both when they agree. Known before the body is read."""

import hashlib
from collections.abc import Iterable

from starlette.types import Scope

from gateway.agency import Agency
from gateway.api.callers import Speaks
from gateway.exchange.gateway import CredentialsDisagree, Gateway, NotIdentified

TOKEN_LENGTH_MAX = 512


def identify(scope: Scope, gateway: Gateway) -> Agency:
    """The calling agency. Every credential that is shown must be good: a bad one beside a good one is refused.

    Raises `NotIdentified`, `AgencySuspended`, `CredentialsDisagree`, `CrlStale`.
    """
    token = _token(scope["headers"])
    tls = scope.get("extensions", {}).get("tls", {})
    certificate = tls.get("client_certificate")
    by_token = gateway.identify_token(token) if token is not None else None
    by_certificate = gateway.identify_certificate(certificate, tls.get("client_chain", ())) if certificate else None
    if token is not None and by_token is not None and by_certificate is not None and by_token.id != by_certificate.id:
        raise CredentialsDisagree(
            by_token=by_token.id,
            by_certificate=by_certificate.id,
            token_fingerprint=hashlib.sha256(token.encode()).hexdigest(),
        )
    agency = by_token or by_certificate
    if agency is None:
        raise NotIdentified("no credential: a bearer token or a registered client certificate is needed")
    if (speaks := scope.get("extensions", {}).get("speaks")) is not None:
        shown = (token.encode() if token is not None else b"", certificate or b"")
        prints = tuple(hashlib.sha256(each).hexdigest() for each in shown if each)
        speaks(Speaks(agency.id, prints, certificate or b"", tuple(tls.get("client_chain", ()))))
    return agency


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The bearer token; None when there is no Authorization at all. Source: RFC 6750, section 2.1."""
    authorization = next((value for name, value in headers if name == b"authorization"), None)
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise NotIdentified("Authorization is not a bearer token")
    return token.decode("ascii")
