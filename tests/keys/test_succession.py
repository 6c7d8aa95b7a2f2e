"""A key gives way to the next one so that a stop at any line, or a write that fails, leaves keys that work."""

import contextlib
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.keys.authority import names_of
from gateway.keys.certified import public_pem
from gateway.keys.files import KeyStore
from gateway.keys.secret_file import KeysBusy, KeyUnreadable
from gateway.keys.succession import NoNextKey
from gateway.signing import certificate_name
from gateway.signing.certificate import check, pem_to_der, read_certificate
from gateway.signing.cover import sign_cover, verify_cover
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from tests.keys.clocks import NOW, StoppedClock
from tests.signing.parties import JAIL, cover, of_authority

NAME = "gateway.test"
PASSPHRASE = b"a passphrase of the test"
ROLES = ("cover", "tls", "client", "ca", "receipt")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    KeyStore.create(tmp_path / "keys", name=NAME, clock=StoppedClock())
    return tmp_path / "keys"


def opened(directory: Path) -> KeyStore:
    return KeyStore.open(directory, name=NAME)


def change(directory: Path, role: str) -> None:
    """The whole of it, as a command does; what a try before has done is not done again."""
    keys = opened(directory)
    keys.make_next(role, clock=StoppedClock())
    keys.succession(role).order(NOW)
    keys.succession(role).take_over(NOW)


def in_use(directory: Path, role: str) -> str:
    return next(each.fingerprint for each in opened(directory).list() if each.name == role)


def works(directory: Path) -> None:
    """Every key is whole: it signs, its certificate is its own, TLS loads it."""
    keys = opened(directory)
    assert keys.receipt_signer.sign(b"text")
    own = certificate_name.names_of(read_certificate(keys.cover_signer.certificate_der))
    above = (TrustedAuthority(certificate=pem_to_der(public_pem(each)), names=own) for each in keys.authorities)
    trust = TrustedKeys(agency=JAIL, authorities=tuple(above))
    assert verify_cover(sign_cover(cover(), keys.cover_signer), trust, now=NOW) == cover()
    for files in (keys.tls_files, keys.client_files):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key, files.passphrase)
    issued = keys.authority.new_agency_key(JAIL, "Jail", now=NOW)
    shared = TrustedKeys(agency=JAIL, authorities=(of_authority(keys.authority.certificate_der),))
    assert check(pem_to_der(issued.certificate), shared, now=NOW)


STEPS = ("link", "rename", "replace", "unlink", "open", "fsync")
"""What changes a file system, and what makes it durable."""


@contextlib.contextmanager
def stopping(number: int, stop: object) -> Iterator[list[str]]:
    """While the block runs, the step of this number ends with `stop` in its place."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            real = getattr(os, name)

            def step(*args: object, _name: str = name, _real: object = real, **named: object) -> object:
                if not (_name == "open" and not int(args[1]) & os.O_CREAT):  # type: ignore[call-overload]
                    seen.append(_name)
                    if len(seen) == number:
                        stop()  # type: ignore[operator]
                return _real(*args, **named)  # type: ignore[operator]

            patch.setattr(os, name, step)
        yield seen


def full() -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("role", ROLES)
def test_a_write_that_fails_leaves_the_old_key_or_the_new_one_and_the_same_again_finishes(
    directory: Path, tmp_path: Path, role: str
) -> None:
    old, number = in_use(directory, role), 0
    while True:
        number += 1
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(directory, copy)
        with stopping(number, full) as seen:
            try:
                change(copy, role)
            except (KeyUnreadable, OSError):
                stopped = True
            else:
                stopped = len(seen) >= number  # a step whose failing does no harm
        works(copy)
        before = in_use(copy, role)
        change(copy, role)
        works(copy)
        assert in_use(copy, role) != old
        assert before == old or opened(copy).succession(role).next() is None
        assert not [path for path in copy.iterdir() if "leaving" in path.name]
        if not stopped:
            break
    assert number > 8


KILLER = """
import os, shutil, signal, sys
from pathlib import Path
from tests.keys.test_succession import change, in_use, opened, stopping, works
directory, role = Path(sys.argv[1]), sys.argv[2]
old, number, killed = in_use(directory, role), 0, True
while killed:
    number += 1
    copy = directory.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    child = os.fork()
    if not child:
        with stopping(number, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            change(copy, role)
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    works(copy)
    before = in_use(copy, role)
    if before == old:
        change(copy, role)
        works(copy)
    new = in_use(copy, role)
    assert new != old and (before in (old, new)), number
    assert not [path for path in copy.iterdir() if "leaving" in path.name], number
print(number)
"""


@pytest.mark.parametrize("role", ROLES)
def test_a_kill_at_any_step_is_finished_by_whoever_opens_the_keys(directory: Path, role: str) -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(directory), role],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 8


@pytest.mark.parametrize("role", ROLES)
def test_the_old_private_key_is_nowhere_any_more(directory: Path, role: str) -> None:
    old = (directory / f"{role}.key.pem").read_bytes()
    change(directory, role)
    where = [path.name for path in directory.rglob("*") if path.is_file() and old in path.read_bytes()]
    assert where == [name for name in where if role == "ca" and name.startswith("ca.old-") and name.endswith("key.pem")]
    assert len(where) == (role == "ca")  # it signs its revocation list until it is retired


@pytest.mark.parametrize("role", ROLES)
def test_the_old_private_key_is_gone_also_under_the_name_that_a_kill_left_it(directory: Path, role: str) -> None:
    left = directory / f".{role}.next.key.pem.0123456789abcdef.tmp"
    os.link(directory / f"{role}.key.pem", left)
    old = (directory / f"{role}.key.pem").open("rb")
    change(directory, role)
    if role == "ca":
        (before,) = opened(directory).certified(role).old()
        opened(directory).certified(role).retire(before)
    with old:
        assert set(old.read()) == {0}
    assert not left.exists()


def test_the_key_of_an_authority_before_is_destroyed_when_it_is_retired(directory: Path) -> None:
    old = (directory / "ca.key.pem").read_bytes()
    change(directory, "ca")
    keys = opened(directory)
    (before,) = keys.certified("ca").old()
    assert len(keys.authorities) == 2
    keys.certified("ca").retire(before)
    assert not [path for path in directory.rglob("*") if path.is_file() and old in path.read_bytes()]
    assert len(opened(directory).authorities) == 1
    assert len(keys.every_authority) == 2  # to read what was signed under it


def test_running_processes_take_the_new_keys_up(directory: Path) -> None:
    running = opened(directory)
    covers, receipts, authority = running.cover_signer, running.receipt_signer, running.authority.certificate
    looks = running.tls_files.looks, running.client_files.looks
    for role in ROLES:
        change(directory, role)
    assert running.cover_signer.certificate_der != covers.certificate_der
    assert running.receipt_signer.public_bytes != receipts.public_bytes
    assert running.authority.certificate != authority
    assert authority in running.authorities
    assert (running.tls_files.looks, running.client_files.looks) != looks
    works(directory)


def test_the_next_key_is_made_once_and_keeps_the_names_of_the_server(directory: Path) -> None:
    keys = opened(directory)
    made = keys.make_next("tls", clock=StoppedClock())
    again = keys.make_next("tls", clock=StoppedClock(NOW + timedelta(days=1)))
    assert made == again == opened(directory).succession("tls").next()
    assert made.since is None
    change(directory, "tls")
    assert list(names_of(opened(directory).tls_certificate)) == ["localhost", "127.0.0.1", "::1"]


def test_nothing_takes_over_that_was_not_made(directory: Path) -> None:
    for role in ROLES:
        with pytest.raises(NoNextKey):
            opened(directory).succession(role).take_over(NOW)
    works(directory)


def test_one_change_at_a_time(directory: Path) -> None:
    with opened(directory).alone(), pytest.raises(KeysBusy), opened(directory).alone():
        pass


def test_a_spoiled_moment_is_said(directory: Path) -> None:
    opened(directory).make_next("cover", clock=StoppedClock())
    (directory / "cover.next.from").write_text("tomorrow\n")
    with pytest.raises(KeyUnreadable, match=r"cover\.next\.from"):
        opened(directory).succession("cover").next()


def test_every_receipt_key_is_remembered_with_its_last_moment(directory: Path) -> None:
    first = opened(directory).receipt_signer.public_bytes
    change(directory, "receipt")
    every = opened(directory).receipt_keys.every()
    assert [each.until for each in every] == [NOW, None]
    assert every[0].key.public_bytes == first
    change(directory, "receipt")
    assert [each.until for each in opened(directory).receipt_keys.every()] == [NOW, NOW, None]
    (directory / "receipt.retired").write_text("nothing\n")
    with pytest.raises(KeyUnreadable, match="retired"):
        opened(directory)


def test_partners_are_given_the_next_key_ahead_and_the_old_one_afterwards(directory: Path) -> None:
    keys = opened(directory)
    for role in ROLES:
        keys.make_next(role, clock=StoppedClock())
    ahead = keys.public_parts()
    assert {name for name in ahead if ".next." in name} == {
        *(f"{each}.next.pem" for each in ("authority", "cover", "client", "tls")),
        "receipt.next.vkey",
    }
    for role in ROLES:
        keys.succession(role).take_over(NOW)
    given = keys.public_parts()
    for now, before in (("authority.pem", "authority.next.pem"), ("receipt.vkey", "receipt.next.vkey")):
        assert given[now] == ahead[before]
    assert {name.partition("-")[0] for name in given if "old" in name} == {
        "authority.old",
        "cover.old",
        "receipt.old",
    }
    assert not any(b"PRIVATE" in part for part in given.values())


def test_with_a_passphrase_the_next_key_is_closed_by_it_too(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    keys = KeyStore.create(directory, name=NAME, clock=StoppedClock(), passphrase=PASSPHRASE)
    for role in ROLES:
        keys.make_next(role, clock=StoppedClock())
        assert b"ENCRYPTED" in (directory / f"{role}.next.key.pem").read_bytes()
        keys.succession(role).take_over(NOW)
    assert KeyStore.open(directory, name=NAME, passphrase=PASSPHRASE).cover_signer.sign(b"text")
