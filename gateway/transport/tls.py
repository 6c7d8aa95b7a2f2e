"""TLS contexts of the gateway as a client: always verified, host name included; no switch turns that off."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Misconfigured


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


def client_context(trust: Trust, identity: ClientIdentity | None = None) -> ssl.SSLContext:
    """A context for connections to partners. Raises `ClientKeyUnusable`, `AuthoritiesUnusable`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
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
