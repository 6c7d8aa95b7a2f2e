"""An archive opens with the passphrase or recovery key it was locked with, and with nothing else."""

import os
from pathlib import Path

import pytest

from gateway.keys import archive_lock
from gateway.keys.archive_lock import (
    NotARecoveryKey,
    PassphraseLock,
    WrongOpener,
    make_recovery_key,
    read_recovery_key,
    recovery_lock,
    unlock_with_passphrase,
    unlock_with_recovery_key,
)
from gateway.keys.personal import KeyTaken, WeakPassphrase
from gateway.keys.private_key import WrongPassphrase
from tests.backup.archives import archive, read

PASSPHRASE = b"a long enough passphrase"
KEY = os.urandom(32)
QUICK = 4
"""log N of a test; what is measured elsewhere is not measured here."""


def lock(passphrase: bytes = PASSPHRASE) -> PassphraseLock:
    return PassphraseLock(passphrase, salt=b"s" * 16, log_n=QUICK)


def test_a_passphrase_opens_what_it_locked() -> None:
    assert unlock_with_passphrase(lambda: PASSPHRASE)(lock()(KEY)) == KEY


def test_the_passphrase_is_asked_for_once_for_all_archives_of_one_lock() -> None:
    asked: list[bytes] = []

    def ask() -> bytes:
        asked.append(PASSPHRASE)
        return PASSPHRASE

    unlock, locking = unlock_with_passphrase(ask), lock()
    assert [unlock(locking(bytes([n]) * 32))[0] for n in range(3)] == [0, 1, 2]
    assert len(asked) == 1


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(WrongOpener) as refused:
        unlock_with_passphrase(lambda: b"another long passphrase")(lock()(KEY))
    assert refused.value.code == "backup.wrong-key"


def test_a_short_passphrase_locks_nothing() -> None:
    with pytest.raises(WeakPassphrase):
        lock(b"short")


def test_a_header_cannot_ask_for_endless_work() -> None:
    header = {**lock()(KEY), "log_n": 40}
    with pytest.raises(WrongOpener):
        unlock_with_passphrase(lambda: PASSPHRASE)(header)


def test_the_default_costs_a_guesser_what_owasp_asks_for() -> None:
    assert archive_lock.SCRYPT_LOG_N >= 17


def test_the_public_half_locks_and_only_the_private_half_opens(tmp_path: Path) -> None:
    public = make_recovery_key(tmp_path / "recovery", PASSPHRASE)
    header = recovery_lock(public)(KEY)
    key = read_recovery_key(tmp_path / "recovery", PASSPHRASE)
    assert unlock_with_recovery_key(key)(header) == KEY
    assert KEY.hex() not in str(header)

    make_recovery_key(tmp_path / "other", PASSPHRASE)
    with pytest.raises(WrongOpener, match="another recovery key"):
        unlock_with_recovery_key(read_recovery_key(tmp_path / "other", PASSPHRASE))(header)
    with pytest.raises(WrongOpener, match="recovery key"):
        unlock_with_passphrase(lambda: PASSPHRASE)(header)
    with pytest.raises(WrongOpener, match="passphrase"):
        unlock_with_recovery_key(key)(lock()(KEY))


@pytest.mark.parametrize("field", ["ephemeral", "wrapped", "key"])
def test_a_damaged_header_opens_nothing(tmp_path: Path, field: str) -> None:
    header = dict(recovery_lock(make_recovery_key(tmp_path / "recovery", PASSPHRASE))(KEY))
    unlock = unlock_with_recovery_key(read_recovery_key(tmp_path / "recovery", PASSPHRASE))
    for value in ("", "zz", str(header[field])[:-2], "00" * 65):
        with pytest.raises(WrongOpener):
            unlock({**header, field: value})


def test_a_whole_archive_is_locked_and_opened(tmp_path: Path) -> None:
    locking = recovery_lock(make_recovery_key(tmp_path / "recovery", PASSPHRASE))
    written = archive({"settings": b"name"}, key=KEY, header=locking(KEY))
    unlock = unlock_with_recovery_key(read_recovery_key(tmp_path / "recovery", PASSPHRASE))
    assert read(written, unlock) == {"settings": b"name"}


def test_a_recovery_key_is_not_written_over_and_not_read_without_its_passphrase(tmp_path: Path) -> None:
    make_recovery_key(tmp_path / "recovery", PASSPHRASE)
    with pytest.raises(KeyTaken):
        make_recovery_key(tmp_path / "recovery", PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        read_recovery_key(tmp_path / "recovery", b"another passphrase")
    assert (tmp_path / "recovery").stat().st_mode & 0o077 == 0


def test_only_the_public_half_of_a_recovery_key_is_a_lock(tmp_path: Path) -> None:
    make_recovery_key(tmp_path / "recovery", PASSPHRASE)
    with pytest.raises(NotARecoveryKey):
        recovery_lock(tmp_path / "recovery")
