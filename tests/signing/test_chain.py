"""A certificate that an authority issued counts by its name, over a way on which every link is good."""

import subprocess
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type

from gateway.document.parse import parse
from gateway.errors import GatewayError, Unavailable
from gateway.keys.signer import signer_of
from gateway.signing.certificate import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnreadable,
    CertificateUntrusted,
    WeakKey,
    WrongUsage,
    check,
    content_id,
    fingerprint,
)
from gateway.signing.certificate_name import names_of
from gateway.signing.crl import issuer_id, read_crl
from gateway.signing.enveloped import sign_enveloped, verify_enveloped
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from gateway.signing.revocation import CertificateRevoked, CrlStale, Lists
from gateway.signing.signature import NotSigner
from tests.signing.parties import JAIL, NOTICE, NOW, rsa_key
from tests.signing.pki import (
    CLIENT,
    ODD,
    SERVER,
    Party,
    authority,
    crl,
    dns,
    leaf,
    made,
    named,
    other_signature,
    renamed,
    signed_with_sha1,
    usage,
)

ROOT = authority("State Root")
STATE = authority("State Issuing CA", by=ROOT, path_length=0)
RSA = authority("State RSA CA", by=ROOT, key=rsa_key(2048))
OF_JAIL = "dns:gw.jail.example"


def trust(
    anchor: Party = ROOT, *, names: tuple[str, ...] = (OF_JAIL,), below: tuple[Party, ...] = (), **more: object
) -> TrustedKeys:
    registered = TrustedAuthority(
        certificate=anchor.der, names=frozenset(names), intermediates=tuple(each.der for each in below)
    )
    return TrustedKeys(agency=JAIL, authorities=(registered,), **more)  # type: ignore[arg-type]


def listed(by: Party, data: bytes, *, grace: timedelta | None = timedelta()) -> Lists:
    found, _ = read_crl(data, [by.certificate], now=NOW)
    return Lists(crls={issuer_id(by.certificate): found}, grace=grace)


def test_a_certificate_counts_over_an_authority_that_came_with_it_or_is_registered() -> None:
    jail = leaf("jail", STATE)
    assert check(jail.der, trust(), now=NOW, others=(STATE.der,)) == jail.key.public_key()
    assert check(jail.der, trust(below=(STATE,)), now=NOW) == jail.key.public_key()
    assert check(jail.der, trust(STATE), now=NOW) == jail.key.public_key()


def test_without_the_authority_between_nobody_is_trusted() -> None:
    with pytest.raises(CertificateUntrusted):
        check(leaf("jail", STATE).der, trust(), now=NOW)


def test_an_agency_of_the_same_authority_with_another_name_is_not_taken_for_this_one() -> None:
    police = leaf("police", STATE)
    with pytest.raises(CertificateUntrusted):
        check(police.der, trust(STATE), now=NOW)
    assert check(police.der, trust(STATE, names=("dns:gw.police.example",)), now=NOW)


@pytest.mark.parametrize(
    "name",
    [
        "dns:gw.jail.example.evil.example",
        "dns:example",
        "uri:gw.jail.example",
        "email:gw.jail.example",
        "dns:*.example",
    ],
)
def test_a_name_is_compared_whole_and_in_its_kind(name: str) -> None:
    with pytest.raises(CertificateUntrusted):
        check(leaf("jail", STATE).der, trust(STATE, names=(name,)), now=NOW)


def test_a_subject_counts_whole_whatever_its_case_and_spaces() -> None:
    jail = made("Jail   Gateway", CLIENT, by=STATE)
    assert names_of(jail.certificate) == {"subject:CN=jail gateway,O=invented state,C=US"}
    assert check(jail.der, trust(STATE, names=("subject:CN=jail gateway,O=invented state,C=US",)), now=NOW)
    with pytest.raises(CertificateUntrusted):
        check(jail.der, trust(STATE, names=("subject:CN=jail gateway",)), now=NOW)


def test_a_common_name_that_looks_like_a_host_is_no_host() -> None:
    with pytest.raises(CertificateUntrusted):
        check(made("gw.jail.example", CLIENT, by=STATE).der, trust(STATE), now=NOW)


def test_more_names_than_anybody_needs_are_none() -> None:
    many = made("many", CLIENT, dns("gw.jail.example", *(f"h{each}.example" for each in range(64))), by=STATE)
    with pytest.raises(CertificateUntrusted):
        check(many.der, trust(STATE), now=NOW)


def _late() -> tuple[Party, ...]:
    return leaf("jail", STATE, days=(-30, -1)), STATE


def _early() -> tuple[Party, ...]:
    return leaf("jail", STATE, days=(1, 30)), STATE


def _late_between() -> tuple[Party, ...]:
    between = authority("Late CA", by=ROOT, days=(-30, -1))
    return leaf("jail", between), between


def _early_between() -> tuple[Party, ...]:
    between = authority("Early CA", by=ROOT, days=(1, 30))
    return leaf("jail", between), between


def _server() -> tuple[Party, ...]:
    return made("jail", usage(digital_signature=True), SERVER, dns("gw.jail.example"), by=STATE), STATE


def _cannot_sign() -> tuple[Party, ...]:
    return made("jail", usage(key_encipherment=True), CLIENT, dns("gw.jail.example"), by=STATE), STATE


def _authority_as_leaf() -> tuple[Party, ...]:
    return authority("jail", dns("gw.jail.example"), CLIENT, by=STATE), STATE


def _leaf_as_authority() -> tuple[Party, ...]:
    between = leaf("police", ROOT)
    return leaf("jail", between), between


def _plain_as_authority() -> tuple[Party, ...]:
    between = made("Old CA", by=ROOT)
    return leaf("jail", between), between


def _without_cert_sign() -> tuple[Party, ...]:
    between = made("CRL CA", (x509.BasicConstraints(ca=True, path_length=None), True), usage(crl_sign=True), by=ROOT)
    return leaf("jail", between), between


def _path_length() -> tuple[Party, ...]:
    between = authority("County CA", by=STATE)
    return leaf("jail", between), between, STATE


def _authority_for_servers() -> tuple[Party, ...]:
    between = authority("Web CA", SERVER, by=ROOT)
    return leaf("jail", between), between


def _weak() -> tuple[Party, ...]:
    return leaf("jail", STATE, key=rsa_key(1024)), STATE


def _weak_between() -> tuple[Party, ...]:
    between = authority("Small CA", by=ROOT, key=rsa_key(1024))
    return leaf("jail", between), between


def _sha1() -> tuple[Party, ...]:
    return signed_with_sha1(leaf("jail", RSA), RSA), RSA


def _sha1_between() -> tuple[Party, ...]:
    between = signed_with_sha1(authority("Old hash CA", by=RSA), RSA)
    return leaf("jail", between), between, RSA


def _odd() -> tuple[Party, ...]:
    return leaf("jail", STATE, ODD), STATE


def _odd_between() -> tuple[Party, ...]:
    between = authority("Odd CA", ODD, by=ROOT)
    return leaf("jail", between), between


def _constrained() -> tuple[Party, ...]:
    names = x509.NameConstraints(permitted_subtrees=[x509.DNSName("police.example")], excluded_subtrees=None)
    between = authority("Constrained CA", (names, True), by=ROOT)
    return leaf("jail", between), between


def _constrained_softly() -> tuple[Party, ...]:
    names = x509.NameConstraints(permitted_subtrees=[x509.DNSName("police.example")], excluded_subtrees=None)
    between = authority("Softly constrained CA", (names, False), by=ROOT)
    return leaf("jail", between), between


def _explicit_policy() -> tuple[Party, ...]:
    asks = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    between = authority("Policy CA", (asks, True), by=ROOT)
    return leaf("jail", between), between


FAULTS: dict[str, tuple[Callable[[], tuple[Party, ...]], type[GatewayError]]] = {
    "expired": (_late, CertificateExpired),
    "not yet valid": (_early, CertificateNotYetValid),
    "an authority between expired": (_late_between, CertificateExpired),
    "an authority between not yet valid": (_early_between, CertificateNotYetValid),
    "for servers": (_server, WrongUsage),
    "not for signing": (_cannot_sign, WrongUsage),
    "an authority as a client": (_authority_as_leaf, WrongUsage),
    "issued by a client": (_leaf_as_authority, WrongUsage),
    "issued by a certificate without any mark": (_plain_as_authority, WrongUsage),
    "issued without keyCertSign": (_without_cert_sign, WrongUsage),
    "path length exceeded": (_path_length, WrongUsage),
    "an authority for servers alone": (_authority_for_servers, WrongUsage),
    "weak key": (_weak, WeakKey),
    "weak key between": (_weak_between, WeakKey),
    "SHA-1": (_sha1, WeakKey),
    "SHA-1 between": (_sha1_between, WeakKey),
    "critical extension": (_odd, WrongUsage),
    "critical extension between": (_odd_between, WrongUsage),
    "name constraints": (_constrained, WrongUsage),
    "name constraints that are not critical": (_constrained_softly, WrongUsage),
    "policy constraints": (_explicit_policy, WrongUsage),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_link_is_refused_by_its_name(fault: str) -> None:
    make, error = FAULTS[fault]
    first, *others = make()
    with pytest.raises(error):
        check(first.der, trust(), now=NOW, others=[each.der for each in others])


def test_a_faulty_way_beside_a_good_one_is_no_reason_to_refuse() -> None:
    """The authority was renewed: the old certificate of the same name and key comes along too."""
    old = authority("State Issuing CA", by=ROOT, key=STATE.key, days=(-30, -1))
    jail = leaf("jail", STATE)
    assert check(jail.der, trust(), now=NOW, others=(old.der, b"broken", STATE.der))


def test_a_loop_of_authorities_ends() -> None:
    first = authority("Loop A", by=ROOT)
    second = authority("Loop B", by=first)
    again = authority("Loop A", by=second, key=first.key)
    jail = leaf("jail", again)
    assert check(jail.der, trust(), now=NOW, others=(again.der, second.der, first.der))
    lone = authority("Nobody's")
    twins = [authority(f"Loop {each}", by=lone, key=first.key) for each in range(8)]
    with pytest.raises(CertificateUntrusted):
        check(leaf("jail", twins[0]).der, trust(), now=NOW, others=[each.der for each in twins])


def test_a_way_is_bounded() -> None:
    levels = [ROOT]
    for number in range(4):
        levels.append(authority(f"Level {number}", by=levels[-1]))
    way = [each.der for each in levels[:0:-1]]
    with pytest.raises(CertificateUntrusted):
        check(leaf("jail", levels[4]).der, trust(), now=NOW, others=way)
    assert check(leaf("jail", levels[3]).der, trust(), now=NOW, others=way)


def test_an_expired_root_certifies_nothing_more() -> None:
    root = authority("Old Root", days=(-30, -1))
    with pytest.raises(CertificateExpired, match="authority"):
        check(leaf("jail", root).der, trust(root), now=NOW)


def test_policies_that_nobody_asks_for_are_no_hindrance() -> None:
    policy = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier("2.16.840.1.101.3.2.1.3.13"), None)]
    )
    assert check(leaf("jail", STATE, (policy, True)).der, trust(STATE), now=NOW)


def test_an_authority_that_was_revoked_by_hand_leads_nowhere() -> None:
    gone = trust(revoked=frozenset({content_id(STATE.certificate)}))
    with pytest.raises(CertificateUntrusted):
        check(leaf("jail", STATE).der, gone, now=NOW, others=(STATE.der,))


def test_a_revoked_certificate_counts_no_more_with_its_signature_written_another_way() -> None:
    jail = leaf("jail", STATE)
    again = other_signature(jail.certificate)
    assert fingerprint(again) != fingerprint(jail.der)
    assert check(again, trust(STATE), now=NOW)  # it verifies: nothing but the revocation is in its way
    gone = trust(STATE, revoked=frozenset({content_id(jail.certificate)}))
    for each in (jail.der, again):
        with pytest.raises(CertificateUntrusted, match="revoked"):
            check(each, gone, now=NOW)


def test_a_signature_by_a_method_that_nobody_knows_is_weak() -> None:
    ecdsa_sha256, unknown = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d04037f")
    with pytest.raises(WeakKey, match="SHA-256"):
        check(leaf("jail", STATE).der.replace(ecdsa_sha256, unknown), trust(STATE), now=NOW)


@pytest.mark.parametrize("name", [b"\x0c\x04\xff\xfe\xfd\xfc", b"\x03\x04\x00ail", b"\x02\x04jail"])
def test_a_subject_that_cannot_be_read_is_refused_like_any_other_fault(name: bytes) -> None:
    broken = leaf("jail", STATE).der.replace(b"\x0c\x04jail", name)
    with pytest.raises(CertificateUnreadable):
        check(broken, trust(STATE), now=NOW)


# --- lists ----------------------------------------------------------------------------------------------------------


def test_a_list_that_holds_for_ever_holds() -> None:
    until = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    data = crl(STATE, 7, hours=(-1, (until - NOW) / timedelta(hours=1)))
    held = listed(STATE, data, grace=timedelta(hours=72))
    assert check(leaf("jail", STATE).der, trust(STATE, lists=held), now=NOW)


def test_a_list_counts_for_an_authority_that_writes_its_name_otherwise_since() -> None:
    name = x509.Name([x509.NameAttribute(each.oid, each.value, _ASN1Type.PrintableString) for each in named("CA")])
    before = authority("CA")
    since = Party(before.key, renamed(before, name))
    jail = Party(before.key, leaf("jail", since).certificate)
    data = crl(before, jail.certificate.serial_number, issuer=name)
    knowing = trust(since, below=(), lists=listed(before, data))
    with pytest.raises(CertificateRevoked):
        check(jail.der, knowing, now=NOW)


def test_a_listed_certificate_counts_no_more_and_its_sister_does() -> None:
    jail, sister = leaf("jail", STATE), leaf("jail", STATE)
    knowing = trust(STATE, lists=listed(STATE, crl(STATE, jail.certificate.serial_number)))
    with pytest.raises(CertificateRevoked):
        check(jail.der, knowing, now=NOW)
    assert check(sister.der, knowing, now=NOW)


def test_a_listed_authority_leads_nowhere() -> None:
    knowing = trust(lists=listed(ROOT, crl(ROOT, STATE.certificate.serial_number)))
    with pytest.raises(CertificateRevoked):
        check(leaf("jail", STATE).der, knowing, now=NOW, others=(STATE.der,))


def test_the_serial_number_of_another_authority_revokes_nothing() -> None:
    jail = leaf("jail", STATE)
    knowing = trust(lists=listed(ROOT, crl(ROOT, jail.certificate.serial_number)))
    assert check(jail.der, knowing, now=NOW, others=(STATE.der,))


def test_a_list_of_before_an_authority_renewed_its_certificate_goes_on_to_count() -> None:
    jail = leaf("jail", STATE)
    renewed = authority("State Issuing CA", by=ROOT, key=STATE.key)
    knowing = trust(renewed, lists=listed(STATE, crl(STATE, jail.certificate.serial_number)))
    with pytest.raises(CertificateRevoked):
        check(jail.der, knowing, now=NOW)


def test_a_list_past_its_time_is_believed_for_as_long_as_the_setting_says() -> None:
    jail = leaf("jail", STATE)
    late = listed(STATE, crl(STATE, hours=(-30, -6)), grace=timedelta(hours=12))
    knowing = trust(STATE, lists=late)
    assert check(jail.der, knowing, now=NOW)
    with pytest.raises(CrlStale) as refused:
        check(jail.der, knowing, now=NOW + timedelta(hours=7))
    assert isinstance(refused.value, Unavailable)
    assert check(jail.der, trust(STATE, lists=replace(late, grace=None)), now=NOW + timedelta(hours=7))
    with pytest.raises(CrlStale):
        check(jail.der, trust(STATE, lists=replace(late, grace=timedelta())), now=NOW)


def test_a_stale_list_still_revokes() -> None:
    jail = leaf("jail", STATE)
    stale = listed(STATE, crl(STATE, jail.certificate.serial_number, hours=(-30, -6)))
    with pytest.raises(CertificateRevoked):
        check(jail.der, trust(STATE, lists=stale), now=NOW)


def test_a_pin_stands_by_itself_until_its_authority_names_it() -> None:
    jail = leaf("jail", STATE)
    pinned = replace(trust(STATE), pins=frozenset({jail.der}))
    stale = listed(STATE, crl(STATE, hours=(-30, -6)))
    assert check(jail.der, replace(pinned, lists=stale), now=NOW)
    with pytest.raises(CertificateRevoked):
        check(
            jail.der,
            replace(pinned, lists=listed(STATE, crl(STATE, jail.certificate.serial_number, number=2))),
            now=NOW,
        )


# --- signatures of messages -----------------------------------------------------------------------------------------


def test_a_signature_counts_by_the_same_rules_with_the_authorities_that_stand_in_it() -> None:
    jail = leaf("jail", STATE)
    assert isinstance(jail.key, ec.EllipticCurvePrivateKey)
    signed = sign_enveloped(parse(NOTICE), signer_of(jail.key, jail.certificate))
    assert verify_enveloped(parse(signed), trust(below=(STATE,)), now=NOW)
    with pytest.raises(NotSigner):
        verify_enveloped(parse(signed), trust(), now=NOW)
    own = b64encode(jail.der)
    along = signed.replace(own, own + b"</ds:X509Certificate><ds:X509Certificate>" + b64encode(STATE.der))
    assert along != signed
    assert verify_enveloped(parse(along), trust(), now=NOW)
    gone = listed(STATE, crl(STATE, jail.certificate.serial_number))
    with pytest.raises(CertificateRevoked):
        verify_enveloped(parse(signed), trust(below=(STATE,), lists=gone), now=NOW)


# --- another opinion ------------------------------------------------------------------------------------------------


def openssl_takes(folder: Path, first: Party, others: tuple[Party, ...]) -> bool:
    """What `openssl verify` says of the same way, at the same moment."""
    (folder / "leaf.pem").write_bytes(first.pem)
    (folder / "root.pem").write_bytes(ROOT.pem)
    (folder / "between.pem").write_bytes(b"".join(each.pem for each in others) or ROOT.pem)
    words = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-auth_level", "2"]
    words += ["-attime", str(int(NOW.timestamp())), "-CAfile", "root.pem", "-untrusted", "between.pem", "leaf.pem"]
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=30, check=False)
    return done.returncode == 0


STRICTER = {"not for signing", "name constraints that are not critical", "policy constraints"}
"""What openssl takes, or takes sometimes: a key usage for key agreement; constraints that it judges and we do not."""


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - STRICTER))
def test_openssl_refuses_the_same(fault: str, tmp_path: Path) -> None:
    first, *others = FAULTS[fault][0]()
    assert not openssl_takes(tmp_path, first, tuple(others))
