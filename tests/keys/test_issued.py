"""What the own authority issued is on record before anybody has it; what was revoked is on its list."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.keys.certified import fingerprint_of, public_pem
from gateway.keys.crl import Entry, read_list
from gateway.keys.files import KeyStore
from gateway.keys.issued import ISSUED, REVOKED, IssuedFiles
from gateway.keys.secret_file import KeyUnreadable
from gateway.signing.crl import check_newer, read_crl
from tests.keys.clocks import NOW, StoppedClock
from tests.signing.parties import JAIL

NAME = "gateway.test"


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore.create(tmp_path / "keys", name=NAME, clock=StoppedClock())


def issue(keys: KeyStore) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keys.authority.new_agency_key(JAIL, "Jail", now=NOW).certificate)


def test_its_own_certificates_are_the_first_that_are_on_record(keys: KeyStore) -> None:
    issued = keys.issued.issued()
    assert {each.fingerprint for each in issued} == {
        fingerprint_of(keys.certificate(n)) for n in ("cover", "tls", "client")
    }
    assert {each.authority for each in issued} == {fingerprint_of(keys.authority.certificate)}


def test_each_certificate_is_on_record_with_its_serial_number(keys: KeyStore) -> None:
    made = issue(keys)
    last = keys.issued.issued()[-1]
    assert (last.serial, last.fingerprint, last.subject) == (made.serial_number, fingerprint_of(made), JAIL)
    assert last.until == made.not_valid_after_utc


def test_a_certificate_that_cannot_be_recorded_is_not_given(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(keys.issued.issued())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(KeyUnreadable):
            issue(keys)
    assert len(keys.issued.issued()) == count


def test_a_disk_that_takes_half_a_line_has_recorded_nothing(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    count, write = len(keys.issued.issued()), os.write
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
        with pytest.raises(KeyUnreadable, match="No space"):
            keys.issued.record(keys.authority.certificate, keys.authority.certificate)
    assert len(keys.issued.issued()) == count


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_a_stop_cut_off_is_no_line_and_spoils_none_after_it(keys: KeyStore, cut: int) -> None:
    made = issue(keys)
    path = keys.directory / ISSUED
    path.write_bytes(path.read_bytes()[:-cut])
    before = [each.fingerprint for each in keys.issued.issued()]
    assert fingerprint_of(made) not in before or cut == 1
    after = issue(keys)
    assert [each.fingerprint for each in keys.issued.issued()] == [*before, fingerprint_of(after)]


def test_one_is_revoked_once(tmp_path: Path) -> None:
    files = IssuedFiles(tmp_path)
    assert files.revoked() == files.issued() == ()
    assert files.revoke("ab" * 32, NOW, "superseded")
    assert not files.revoke("ab" * 32, NOW + timedelta(days=1), "keyCompromise")
    (only,) = files.revoked()
    assert (only.at, only.reason) == (NOW, "superseded")
    assert (tmp_path / REVOKED).stat().st_mode & 0o777 == 0o644


def test_openssl_refuses_who_is_on_the_list_and_takes_the_others(keys: KeyStore, tmp_path: Path) -> None:
    stolen, good = issue(keys), issue(keys)
    authority = keys.authority.certificate
    entries = [Entry(serial=stolen.serial_number, at=NOW, reason="keyCompromise")]
    pem = keys.lists.sign(authority, entries, now=NOW, until=NOW + timedelta(days=7))
    (tmp_path / "ca.pem").write_bytes(public_pem(authority))
    (tmp_path / "crl.pem").write_bytes(pem)

    def verify(certificate: x509.Certificate) -> str:
        (tmp_path / "leaf.pem").write_bytes(public_pem(certificate))
        at = str(int((NOW + timedelta(hours=1)).timestamp()))
        words = ["-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-crl_check", "-attime", at, "leaf.pem"]
        run = subprocess.run(["openssl", "verify", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        return run.stdout + run.stderr

    assert "leaf.pem: OK" in verify(good)
    assert "certificate revoked" in verify(stolen)


def test_a_list_says_its_number_and_until_when_it_holds(keys: KeyStore) -> None:
    authority = keys.authority.certificate
    first, second = (
        read_list(keys.lists.sign(authority, [], now=NOW + timedelta(days=day), until=NOW + timedelta(days=9)))
        for day in (0, 1)
    )
    assert second.number > first.number
    assert (first.made_at, first.until, first.serials) == (NOW, NOW + timedelta(days=9), frozenset())


def test_the_newest_list_of_each_authority_is_kept(keys: KeyStore) -> None:
    old = keys.authority.certificate
    keys.lists.keep(old, keys.lists.sign(old, [], now=NOW, until=NOW + timedelta(days=7)))
    keys.make_next("ca", clock=StoppedClock())
    keys.succession("ca").take_over(NOW)
    assert [each for each, _ in keys.lists.kept()] == [old]
    new = keys.authority.certificate
    for each in keys.lists.authorities():
        keys.lists.keep(each, keys.lists.sign(each, [], now=NOW, until=NOW + timedelta(days=8)))
    assert {each.serial_number for each, _ in keys.lists.kept()} == {old.serial_number, new.serial_number}
    (before,) = keys.certified("ca").old()
    keys.certified("ca").retire(before)
    assert [each for each, _ in keys.lists.kept()] == [new]


def test_a_gateway_that_trusts_this_one_reads_its_list(keys: KeyStore) -> None:
    gone, held, authority = issue(keys), issue(keys), keys.authority.certificate
    entries = [
        Entry(serial=gone.serial_number, at=NOW, reason="superseded"),
        Entry(serial=held.serial_number, at=NOW, reason="certificateHold"),
    ]
    pem = keys.lists.sign(authority, entries, now=NOW, until=NOW + timedelta(days=7))
    found, _ = read_crl(pem, [authority], now=NOW)
    assert found.serials == {gone.serial_number, held.serial_number}
    assert (found.this_update, found.next_update) == (NOW, NOW + timedelta(days=7))
    keys.lists.keep(authority, pem)
    later = keys.lists.sign(authority, entries, now=NOW + timedelta(days=1), until=NOW + timedelta(days=8))
    assert check_newer(read_crl(later, [authority], now=NOW + timedelta(days=1))[0], found)


def test_numbers_of_lists_grow_also_when_the_clock_was_set_back(keys: KeyStore) -> None:
    authority, numbers = keys.authority.certificate, []
    for moment in (NOW, NOW - timedelta(hours=1), NOW - timedelta(hours=1), NOW + timedelta(seconds=1)):
        pem = keys.lists.sign(authority, [], now=moment, until=NOW + timedelta(days=7))
        keys.lists.keep(authority, pem)
        numbers.append(read_list(pem).number)
    assert numbers == sorted(set(numbers))
