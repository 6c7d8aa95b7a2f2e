"""Which network addresses the gateway connects to.

Checked on the very address a socket is opened to, after every name lookup, so that a name which changes its answer
between check and use (DNS rebinding) gains nothing. A list of what is allowed, not of what is forbidden.
Source: OWASP SSRF prevention; the ranges are IANA's special-purpose registries.
"""

import ipaddress
import socket
from enum import StrEnum
from typing import Any

from gateway.agency import Endpoint

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
PRIVATE = (
    *LOOPBACK,
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("172.16.0.0/12"),
    ipaddress.ip_network("192.168.0.0/16"),
    ipaddress.ip_network("100.64.0.0/10"),  # carrier and cloud inner networks, RFC 6598
    ipaddress.ip_network("fc00::/7"),
)
"""Link-local is not among them: cloud metadata servers live there, agencies do not."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Reach(StrEnum):
    """How far a connection may go."""

    PUBLIC = "public"  # addresses of the public Internet only
    PRIVATE = "private"  # an administrator allowed private ones too
    LOOPBACK = "loopback"  # plain HTTP: this machine only


class AddressRefused(OSError):
    """The endpoint's name leads to an address that its registration does not allow.

    An OSError, because sockets are made deep inside the HTTP client, which lets only those through.
    """


def reach(endpoint: Endpoint) -> Reach | None:
    """How far a connection to this endpoint may go; None when it may not be made at all.

    Plain HTTP is for an allowed loopback address only.
    """
    scheme = endpoint.url.partition("://")[0].lower()
    if scheme == "https":
        return Reach.PRIVATE if endpoint.private_network else Reach.PUBLIC
    return Reach.LOOPBACK if scheme == "http" and endpoint.private_network else None


def allowed(text: str, reach: Reach) -> bool:
    """Whether a connection of this reach may go to this numeric address."""
    try:
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if reach is Reach.LOOPBACK:
        return _within(address, LOOPBACK)
    public = address.is_global and not address.is_multicast
    return public or (reach is Reach.PRIVATE and _within(address, PRIVATE))


def _within(address: Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, 6to4 or NAT64. It is where the packet ends up."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class SocketMaker:
    """Opens sockets for one reach; raises `AddressRefused` before anything is sent."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def __call__(self, addr_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, where = addr_info
        if not allowed(str(where[0]), self._reach):
            raise AddressRefused("the address is outside what the endpoint's registration allows")
        return socket.socket(family=family, type=kind, proto=protocol)
