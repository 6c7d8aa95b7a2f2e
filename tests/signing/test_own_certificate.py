"""A certificate that an authority elsewhere issued is judged before partners do."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.keys.authority import request_own, request_server
from gateway.signing.certificate import CertificateUnreadable, WeakKey
from gateway.signing.own_certificate import CHAIN_MAX, Use, check_own, host_name, read_chain, to_pem
from tests.keys.clocks import NOW
from tests.signing.elsewhere import County

KEY = ec.generate_private_key(ec.SECP256R1())
HOST = "gateway.example.gov"
REQUEST = request_server(KEY, [HOST, "10.1.2.3"])
COUNTY = County(NOW)


def judge(pem: bytes, use: Use = Use.SERVER, names: tuple[str, ...] = (HOST,), **more: Any) -> object:
    return check_own(read_chain(pem), [KEY.public_key()], use, names=names, **{"now": NOW, **more})


def test_a_certificate_with_its_chain_fits() -> None:
    assert judge(COUNTY.answer(REQUEST)) == KEY.public_key()
    assert judge(COUNTY.answer(REQUEST), names=(HOST, "10.1.2.3")) == KEY.public_key()
    assert judge(COUNTY.answer(REQUEST, behind=())) == KEY.public_key()
    assert judge(COUNTY.answer(REQUEST, purpose=None)) == KEY.public_key()


def test_one_for_signing_needs_no_name_and_no_purpose() -> None:
    request = request_own(KEY, "gateway cover")
    assert judge(COUNTY.answer(request, purpose=ExtendedKeyUsageOID.CLIENT_AUTH), Use.CLIENT) == KEY.public_key()
    assert judge(COUNTY.answer(request), Use.SIGNATURE) == KEY.public_key()


WRONG: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("certificate.expired", {"days": (-90, -1)}, {}),
    ("certificate.not-yet-valid", {"days": (1, 90)}, {}),
    ("certificate.usage", {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}, {}),
    ("certificate.usage", {"ca": True}, {}),
    ("certificate.usage", {"usage": False}, {}),
    ("certificate.names", {"names": ("other.example.gov",)}, {}),
    ("certificate.names", {"names": ()}, {}),
    ("certificate.names", {}, {"names": (HOST, "www.example.gov")}),
    ("certificate.chain", {"behind": (COUNTY.root,)}, {}),
    ("certificate.chain", {"behind": (COUNTY.root, COUNTY.issuing)}, {}),
    ("certificate.chain", {"behind": (County(NOW).issuing,)}, {}),
    ("certificate.expired", {}, {"now": NOW + timedelta(days=91)}),
]


@pytest.mark.parametrize(("code", "answered", "asked"), WRONG)
def test_what_partners_would_refuse_is_refused_first(
    code: str, answered: dict[str, Any], asked: dict[str, Any]
) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011  (its code is compared)
        judge(COUNTY.answer(REQUEST, **answered), **asked)
    assert getattr(refused.value, "code", "") == code


def test_one_of_another_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Exception) as refused:  # noqa: PT011
        judge(COUNTY.answer(request_server(other, [HOST])))
    assert getattr(refused.value, "code", "") == "certificate.other-key"


def test_one_that_is_signed_in_a_way_nobody_knows_is_refused() -> None:
    ecdsa_sha256, unknown = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d04037f")
    (leaf, *_) = x509.load_pem_x509_certificates(COUNTY.answer(REQUEST))
    odd = x509.load_der_x509_certificate(leaf.public_bytes(Encoding.DER).replace(ecdsa_sha256, unknown))
    with pytest.raises(WeakKey):
        judge(odd.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(pem: bytes) -> None:
    with pytest.raises(CertificateUnreadable):
        read_chain(pem)


def test_a_chain_without_an_end_is_refused() -> None:
    with pytest.raises(CertificateUnreadable):
        read_chain(COUNTY.answer(REQUEST) * CHAIN_MAX)
    with pytest.raises(CertificateUnreadable):
        read_chain(b"x" * 200_000)


def test_what_else_the_file_held_is_not_kept() -> None:
    pem = COUNTY.answer(REQUEST)
    assert to_pem(read_chain(b"subject: gateway\n" + pem + b"\nbye\n")) == pem


@pytest.mark.parametrize(("host", "name"), [("GATEWAY.example.gov", HOST), ("[::1]", "::1"), ("10.1.2.3", "10.1.2.3")])
def test_hosts_are_named_as_certificates_do(host: str, name: str) -> None:
    assert host_name(host) == name
