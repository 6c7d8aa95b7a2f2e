"""A revocation list counts when its authority signed it, whole, and it is newer than the one that is held."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import Refused
from gateway.signing.crl import (
    CRL_SIZE_BYTES_MAX,
    Crl,
    CrlOfAnother,
    CrlOlder,
    CrlPartial,
    CrlUndated,
    CrlUnreadable,
    check_newer,
    issuer_id,
    read_crl,
)
from tests.signing.parties import NOW, rsa_key
from tests.signing.pki import ODD, Party, authority, crl, made, named, revoked, usage

STATE = authority("State CA")


def read(data: bytes, *authorities: Party) -> Crl:
    found, _ = read_crl(data, [each.certificate for each in authorities or (STATE,)], now=NOW)
    return found


def test_a_list_says_what_is_revoked_and_when_the_next_is_due() -> None:
    data = crl(STATE, 7, 2**150, number=2**130, hours=(-1, 24))
    found, der = read_crl(data, [authority("Other CA").certificate, STATE.certificate], now=NOW)
    assert (found.serials, found.number, der) == ({7, 2**150}, 2**130, data)
    assert found.this_update < NOW < found.next_update
    assert found.issuer == issuer_id(STATE.certificate)
    pem = x509.load_der_x509_crl(data).public_bytes(Encoding.PEM)
    assert read_crl(b"\n" + pem, [STATE.certificate], now=NOW) == (found, der)


def test_a_list_of_another_authority_is_refused_whatever_name_it_has() -> None:
    other = authority("Other CA")
    for data in (crl(other), crl(other, issuer=named("State CA")), crl(authority("State CA"))):
        with pytest.raises(CrlOfAnother):
            read(data)


def test_a_list_that_was_changed_is_refused() -> None:
    data = bytearray(crl(STATE, 7))
    data[-1] ^= 1
    with pytest.raises(CrlOfAnother):
        read(bytes(data))


def test_a_list_that_is_damaged_anywhere_is_refused_like_any_other_fault() -> None:
    data, refused, tried = crl(STATE, 7, number=4), 0, 0
    for place, byte in enumerate(data):
        for other in {0, 12, 0xFF, byte ^ 1} - {byte}:
            tried += 1
            try:
                # How many bits of the signature's last byte count is not signed, and changes nothing that is.
                assert read(data[:place] + bytes([other]) + data[place + 1 :]).serials == {7}
            except Refused:
                refused += 1
    assert tried - 1 <= refused <= tried


def test_an_authority_that_may_sign_no_lists_or_has_a_weak_key_revokes_nothing() -> None:
    certifies = made("Half a CA", (x509.BasicConstraints(ca=True, path_length=None), True), usage(key_cert_sign=True))
    small = authority("Small CA", key=rsa_key(1024))
    old = authority("Old CA", key=ec.generate_private_key(ec.SECP192R1()))
    for each in (certifies, small, old):
        with pytest.raises(CrlOfAnother):
            read(crl(each), each)


def test_a_delta_is_refused() -> None:
    with pytest.raises(CrlPartial, match="delta"):
        read(crl(STATE, 7, number=2, extensions=[(x509.DeltaCRLIndicator(1), True)]))


@pytest.mark.parametrize("kind", ["indirect", "only clients", "only authorities", "a part"])
def test_a_list_of_some_certificates_is_refused(kind: str) -> None:
    part = [x509.UniformResourceIdentifier("http://ca.example/part-1.crl")] if kind == "a part" else None
    point = x509.IssuingDistributionPoint(
        full_name=part,
        relative_name=None,
        only_contains_user_certs=kind == "only clients",
        only_contains_ca_certs=kind == "only authorities",
        only_some_reasons=None,
        indirect_crl=kind == "indirect",
        only_contains_attribute_certs=False,
    )
    with pytest.raises(CrlPartial):
        read(crl(STATE, 7, extensions=[(point, True)]))


def test_an_entry_for_another_authority_is_refused() -> None:
    issuer = x509.CertificateIssuer([x509.DirectoryName(named("Other CA"))])
    with pytest.raises(CrlPartial, match="other authorities"):
        read(crl(STATE, revoked(7, (issuer, True))))


def test_what_is_critical_and_not_understood_is_refused() -> None:
    with pytest.raises(CrlPartial):
        read(crl(STATE, extensions=[ODD]))
    with pytest.raises(CrlPartial):
        read(crl(STATE, revoked(7, ODD)))


def test_reasons_change_nothing_a_certificate_on_hold_is_revoked() -> None:
    hold = (x509.CRLReason(x509.ReasonFlags.certificate_hold), False)
    assert read(crl(STATE, revoked(7, hold))).serials == {7}


def test_a_list_of_the_future_is_refused_and_one_past_its_time_is_read() -> None:
    with pytest.raises(CrlUndated):
        read(crl(STATE, hours=(1, 24)))
    assert read(crl(STATE, 7, hours=(-48, -24))).serials == {7}


@pytest.mark.parametrize("data", [b"", b"no list", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(CrlUnreadable):
        read(data)


def test_a_certificate_is_no_list_nor_is_one_without_end() -> None:
    for data in (STATE.der, bytes(CRL_SIZE_BYTES_MAX + 1)):
        with pytest.raises(CrlUnreadable):
            read(data)


def test_a_list_never_goes_back() -> None:
    held = read(crl(STATE, 7, number=5, hours=(-5, 24)))
    assert check_newer(held, None)
    assert not check_newer(held, held)
    assert check_newer(read(crl(STATE, number=6, hours=(-4, 24))), held)
    older = (
        crl(STATE, number=4, hours=(-4, 24)),  # rolled back, though dated later
        crl(STATE, number=5, hours=(-4, 24)),  # the same number for something else
        crl(STATE, number=None, hours=(-4, 24)),  # no number any more
        crl(STATE, 7, number=6, hours=(-6, 24)),  # a later number of an earlier day
    )
    for data in older:
        with pytest.raises(CrlOlder):
            check_newer(read(data), held)


def test_lists_without_numbers_go_by_their_dates() -> None:
    held = read(crl(STATE, 7, number=None, hours=(-5, 24)))
    assert check_newer(read(crl(STATE, 7, number=None, hours=(-4, 24))), held)
    assert check_newer(read(crl(STATE, 7, number=1, hours=(-4, 24))), held)
    with pytest.raises(CrlOlder):
        check_newer(read(crl(STATE, number=None, hours=(-6, 24))), held)
