"""The key directory is made once, whole, and opened only when it is as it should be."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.audit.note import NoteKey
from gateway.errors import Misconfigured
from gateway.keys.authority import names_of
from gateway.keys.files import KeyStore
from gateway.keys.private_key import WeakKey, WrongPassphrase
from gateway.keys.secret_file import KeyMissing, KeyPermissions, KeyUnreadable
from gateway.signing import certificate_name
from gateway.signing.certificate import check, pem_to_der, read_certificate
from gateway.signing.cover import sign_cover, verify_cover
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from tests.keys.clocks import NOW, StoppedClock
from tests.signing.parties import JAIL, cover, of_authority, rsa_key

NAME = "gateway.test"
SECRET_FILES = ["ca", "cover", "tls", "client", "log", "receipt", "digest", "wrap"]


def made(directory: Path, **options: object) -> KeyStore:
    return KeyStore.create(directory / "keys", name=NAME, clock=StoppedClock(), **options)  # type: ignore[arg-type]


def opened(directory: Path, passphrase: bytes | None = None) -> KeyStore:
    return KeyStore.open(directory / "keys", name=NAME, passphrase=passphrase)


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / "keys").iterdir()}


def test_the_first_start_makes_every_key(tmp_path: Path) -> None:
    keys = made(tmp_path)
    assert {key.name: key.algorithm for key in keys.list()} == {
        "ca": "ECDSA P-256",
        "cover": "ECDSA P-256",
        "tls": "ECDSA P-256",
        "client": "ECDSA P-256",
        "log": "Ed25519",
        "receipt": "Ed25519",
        "digest": "Ed25519",
        "wrap": "Ed25519",
    }
    assert len({key.fingerprint for key in keys.list()}) == 8
    assert len(keys.digest_key) == 32
    assert {key.name for key in keys.list() if key.expires} == {"ca", "cover", "tls", "client"}


def test_the_directory_and_its_keys_are_closed_to_others(tmp_path: Path) -> None:
    made(tmp_path)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    modes = {name: (tmp_path / "keys" / f"{name}.key.pem").stat().st_mode & 0o777 for name in SECRET_FILES}
    assert set(modes.values()) == {0o600}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = made(tmp_path)
    before = snapshot(tmp_path)
    second = made(tmp_path, cover="rsa2048")
    assert snapshot(tmp_path) == before
    assert second.fingerprint == first.fingerprint == opened(tmp_path).fingerprint
    assert second.digest_key == first.digest_key
    assert second.cover_signer.certificate_der == first.cover_signer.certificate_der


def test_a_first_start_that_was_interrupted_goes_on_where_it_stopped(tmp_path: Path) -> None:
    made(tmp_path)
    before = snapshot(tmp_path)
    for name in ("directory-id", "client.cert.pem", "wrap.key.pem"):
        (tmp_path / "keys" / name).unlink()
    with pytest.raises(KeyMissing, match="gateway init"):
        opened(tmp_path)
    made(tmp_path)
    after = snapshot(tmp_path)
    assert set(after) == set(before)
    assert all(after[name] == before[name] for name in ("ca.key.pem", "cover.key.pem", "cover.cert.pem"))


@pytest.mark.parametrize("name", [*(f"{each}.key.pem" for each in SECRET_FILES), "ca.cert.pem", "cover.cert.pem"])
def test_a_key_that_is_lost_later_is_named_and_never_made_anew(tmp_path: Path, name: str) -> None:
    made(tmp_path)
    (tmp_path / "keys" / name).unlink()
    for start in (made, opened):
        with pytest.raises(KeyMissing, match=name) as refused:
            start(tmp_path)
        assert refused.value.code == "key.missing"
    assert not (tmp_path / "keys" / name).exists()


@pytest.mark.parametrize("name", SECRET_FILES)
def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, name: str) -> None:
    made(tmp_path)
    path = tmp_path / "keys" / f"{name}.key.pem"
    path.chmod(0o644)
    with pytest.raises(KeyPermissions, match=f"chmod 600 {path}"):
        opened(tmp_path)
    path.chmod(0o600)
    opened(tmp_path)


def test_a_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(KeyPermissions, match=f"chmod 700 {tmp_path / 'keys'}"):
        opened(tmp_path)
    with pytest.raises(KeyPermissions):
        made(tmp_path)


def test_no_directory_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match="gateway init"):
        opened(tmp_path)


def test_a_weak_cover_key_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    weak = rsa_key(1024)
    (tmp_path / "keys" / "cover.key.pem").write_bytes(
        weak.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(WeakKey, match=r"cover\.key\.pem"):
        opened(tmp_path)


def test_an_authority_with_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    made(tmp_path, cover="rsa2048")
    (tmp_path / "keys" / "ca.key.pem").write_bytes((tmp_path / "keys" / "cover.key.pem").read_bytes())
    with pytest.raises(WeakKey, match=r"ca\.key\.pem"):
        opened(tmp_path)


def test_a_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "keys" / "cover.cert.pem").write_bytes((tmp_path / "keys" / "client.cert.pem").read_bytes())
    with pytest.raises(KeyUnreadable, match="cover"):
        opened(tmp_path)
    (tmp_path / "keys" / "cover.cert.pem").write_bytes(b"nothing")
    with pytest.raises(KeyUnreadable, match="cover"):
        opened(tmp_path)


def test_a_passphrase_closes_every_key(tmp_path: Path) -> None:
    keys = made(tmp_path, passphrase=b"correct horse battery staple")
    assert all(b"ENCRYPTED" in (tmp_path / "keys" / f"{name}.key.pem").read_bytes() for name in SECRET_FILES)
    assert opened(tmp_path, b"correct horse battery staple").digest_key == keys.digest_key
    for passphrase in (None, b"wrong"):
        with pytest.raises(WrongPassphrase) as refused:
            opened(tmp_path, passphrase)
        assert isinstance(refused.value, Misconfigured)


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_partners_verify_covers_with_what_they_are_given(tmp_path: Path, kind: str) -> None:
    keys = made(tmp_path, cover=kind)
    pinned = TrustedKeys(agency=JAIL, pins=frozenset({pem_to_der(keys.public_parts()["cover.pem"])}))
    above = TrustedAuthority(
        certificate=pem_to_der(keys.public_parts()["authority.pem"]),
        names=certificate_name.names_of(read_certificate(keys.cover_signer.certificate_der)),
    )
    certified = TrustedKeys(agency=JAIL, authorities=(above,))
    data = sign_cover(cover(), keys.cover_signer)
    assert verify_cover(data, pinned, now=NOW) == verify_cover(data, certified, now=NOW) == cover()


def test_the_public_parts_hold_no_secret_and_name_the_logs_key(tmp_path: Path) -> None:
    keys = made(tmp_path)
    parts = keys.public_parts()
    assert not any(b"PRIVATE" in part for part in parts.values())
    log = NoteKey.read(parts["log.vkey"].decode())
    assert (log.name, log.public_bytes) == (NAME, keys.log_signer.public_bytes)
    assert NoteKey.read(parts["receipt.vkey"].decode()).name == f"{NAME}/receipt"


def test_an_agency_certified_by_the_authority_is_trusted_under_its_own_name(tmp_path: Path) -> None:
    authority = made(tmp_path).authority
    issued = authority.new_agency_key(JAIL, "Harlan County Jail", now=NOW)
    trust = TrustedKeys(agency=JAIL, authorities=(of_authority(authority.certificate_der),))
    assert check(pem_to_der(issued.certificate), trust, now=NOW)


@pytest.mark.parametrize("passphrase", [None, b"correct horse battery staple"])
def test_tls_loads_the_files(tmp_path: Path, passphrase: bytes | None) -> None:
    keys = made(tmp_path, passphrase=passphrase)
    for files in (keys.tls_files, keys.client_files):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key, files.passphrase)
    assert list(names_of(keys.tls_certificate)) == ["localhost", "127.0.0.1", "::1"]


def test_payloads_are_read_by_another_process_of_the_same_directory(tmp_path: Path) -> None:
    sealed = (
        made(tmp_path)
        .payload_keys(StoppedClock())
        .seal(b"payload", bucket="2027-W05", aad=b"id", random=bytes(range(17)))
    )
    again = opened(tmp_path).payload_keys(StoppedClock())
    assert again.open(sealed, aad=b"id") == b"payload"
    assert again.fingerprint() == opened(tmp_path).fingerprint
    assert again.fingerprint().startswith("sha-256:")


def test_two_directories_have_two_fingerprints(tmp_path: Path) -> None:
    assert made(tmp_path / "a").fingerprint != made(tmp_path / "b").fingerprint


RACER = """
import sys
from pathlib import Path
from tests.keys.test_files import made
sys.stdin.read(1)
keys = made(Path(sys.argv[1]))
print(keys.fingerprint, keys.digest_key.hex(), keys.cover_signer.certificate_der.hex())
print(keys.log_signer.public_bytes.hex())
"""


def test_nodes_that_start_on_one_empty_directory_at_once_have_the_same_keys(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("g")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert opened(tmp_path).fingerprint in outputs[0]
