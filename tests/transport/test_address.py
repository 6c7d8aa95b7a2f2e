import socket

import pytest

from gateway.agency import Endpoint, EndpointKind
from gateway.transport.address import AddressRefused, Reach, SocketMaker, allowed, reach


def endpoint(url: str, *, private: bool) -> Endpoint:
    return Endpoint(kind=EndpointKind.REST, url=url, private_network=private)


@pytest.mark.parametrize(
    ("url", "private", "far"),
    [
        ("https://rms.example/in", False, Reach.PUBLIC),
        ("https://rms.example/in", True, Reach.PRIVATE),
        ("HTTPS://rms.example/in", False, Reach.PUBLIC),
        ("http://127.0.0.1/in", True, Reach.LOOPBACK),
        ("http://rms.example/in", False, None),
        ("ftp://rms.example/in", True, None),
        ("", True, None),
    ],
)
def test_how_far_a_connection_may_go(url: str, private: bool, far: Reach | None) -> None:
    assert reach(endpoint(url, private=private)) is far


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_reached_over_tls(address: str) -> None:
    assert allowed(address, Reach.PUBLIC)
    assert allowed(address, Reach.PRIVATE)
    assert not allowed(address, Reach.LOOPBACK)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"],
)
def test_private_addresses_need_an_administrators_leave(address: str) -> None:
    assert not allowed(address, Reach.PUBLIC)
    assert allowed(address, Reach.PRIVATE)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # cloud metadata
        "fe80::1%eth0",
        "0.0.0.0",  # noqa: S104
        "::",
        "224.0.0.1",
        "ff0e::1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",  # NAT64 of the metadata address
        "2002:a9fe:a9fe::1",  # 6to4 of it
        "not-an-address",
    ],
)
def test_no_leave_opens_link_local_unspecified_multicast_or_reserved_addresses(address: str) -> None:
    assert not any(allowed(address, far) for far in Reach)


@pytest.mark.parametrize("address", ["64:ff9b::a01:203", "2002:a01:203::1", "::ffff:127.0.0.1"])
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_by_where_it_leads(address: str) -> None:
    assert not allowed(address, Reach.PUBLIC)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
def test_plain_http_goes_to_this_machine_only(address: str) -> None:
    assert allowed(address, Reach.LOOPBACK)
    assert not allowed("10.0.0.1", Reach.LOOPBACK)


def test_no_socket_is_made_for_an_address_that_is_not_allowed() -> None:
    where = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))
    with pytest.raises(AddressRefused):
        SocketMaker(Reach.PUBLIC)(where)
    SocketMaker(Reach.PRIVATE)(where).close()
