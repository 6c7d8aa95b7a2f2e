"""Names of certificates are compared in one form, whole, never by pattern."""

from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.signing.certificate import read_certificate
from gateway.signing.certificate_name import NameUnreadable, agency_name, names_of, read_name
from tests.signing.parties import JAIL, jail
from tests.signing.pki import dns, made, renamed


def test_our_own_authority_calls_an_agency_by_its_id() -> None:
    assert agency_name(JAIL) in names_of(read_certificate(jail().certificate_der))


def test_a_name_that_a_person_writes_is_the_one_a_certificate_has() -> None:
    alternative = x509.SubjectAlternativeName(
        [
            x509.DNSName("GW.Jail.Example"),
            x509.RFC822Name("Gateway@jail.example"),
            x509.UniformResourceIdentifier("urn:x:Jail"),
            x509.IPAddress(ip_address("192.0.2.1")),
        ]
    )
    found = names_of(made('Jail, the "first"', (alternative, False)).certificate)
    written = {
        read_name("dns:gw.jail.EXAMPLE"),
        read_name("email:gateway@Jail.example"),
        read_name("uri:urn:x:Jail"),
        read_name('subject:CN=jail\\, the \\"FIRST\\",O=Invented  State,C=us'),
    }
    assert found == written
    assert read_name("uri:urn:x:jail") not in found


def test_the_order_of_a_subject_counts() -> None:
    assert read_name("subject:CN=a,O=b") != read_name("subject:O=b,CN=a")


def test_a_comma_in_a_value_does_not_make_another_subject() -> None:
    sly = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway,O=Jail")])
    assert read_name("subject:CN=gateway,O=Jail") != read_name(f"subject:{sly.rfc4514_string()}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gw.jail.example",
        "dns:",
        "dns:*.jail.example",
        "dns:gw jail",
        "ip:192.0.2.1",
        "subject:",
        "subject:gateway",
        "subject:/C=US/CN=gateway",
        "uri:urn:x\x00",
        f"dns:{'a' * 500}",
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(NameUnreadable):
        read_name(text)


def test_one_host_of_several_is_enough() -> None:
    assert read_name("dns:b.example") in names_of(made("x", dns("a.example", "b.example")).certificate)


def test_a_subject_that_says_a_thing_twice_is_no_name_and_no_fault() -> None:
    twice = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in ("gw", "GW")])
    odd = renamed(made("x", dns("a.example")), x509.Name([twice]))
    assert names_of(odd) == {"dns:a.example"}
    with pytest.raises(NameUnreadable):
        read_name("subject:CN=gw+CN=GW")
