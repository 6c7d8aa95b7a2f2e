"""Whom an address counts for: whoever has one IPv6 address has 2^64 of them."""

import ipaddress
from functools import lru_cache

PREFIX_BITS = 64
"""What one customer, or one machine, is given at least. Source: RFC 6177; RFC 4291, section 2.5.4."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The address of IPv4 as it is, also where a socket of IPv6 shows it; of IPv6 its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a test's, or a local socket's
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), PREFIX_BITS), strict=False))
