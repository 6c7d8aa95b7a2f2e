"""Secret files appear whole, durable and closed, or not at all."""

import os
from pathlib import Path

import pytest

from gateway.keys.secret_file import (
    KeyMissing,
    KeyPermissions,
    KeyUnreadable,
    check_directory,
    create,
    make_directory,
    read_public,
    read_secret,
    replace,
)


def no_leftovers(directory: Path) -> bool:
    return not [path for path in directory.iterdir() if path.suffix == ".tmp"]


def test_a_new_file_is_for_the_gateways_account_alone(tmp_path: Path) -> None:
    assert create(tmp_path / "k", b"secret")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert read_secret(tmp_path / "k") == b"secret"
    assert no_leftovers(tmp_path)


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    assert create(tmp_path / "k", b"first")
    assert not create(tmp_path / "k", b"second")
    assert read_secret(tmp_path / "k") == b"first"
    assert no_leftovers(tmp_path)


def test_a_replaced_file_is_whole_and_closed(tmp_path: Path) -> None:
    create(tmp_path / "k", b"first")
    replace(tmp_path / "k", b"second")
    assert read_secret(tmp_path / "k") == b"second"
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert no_leftovers(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_file_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    create(tmp_path / "k", b"secret")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(KeyPermissions, match="chmod 600") as refused:
        read_secret(tmp_path / "k")
    assert refused.value.code == "key.permissions"


def test_a_directory_others_can_look_into_is_refused(tmp_path: Path) -> None:
    make_directory(tmp_path / "keys")
    check_directory(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o755)
    with pytest.raises(KeyPermissions, match=f"chmod 700 {tmp_path}/keys"):
        check_directory(tmp_path / "keys")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for read in (read_secret, read_public, check_directory):
        with pytest.raises(KeyMissing, match="nowhere"):
            read(tmp_path / "nowhere")


def test_a_disk_that_fails_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyUnreadable, match="No space left"):
        create(tmp_path / "k", b"secret")
    with pytest.raises(KeyUnreadable, match="No space left"):
        replace(tmp_path / "k", b"secret")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_where_a_file_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    for read in (read_secret, read_public):
        with pytest.raises(KeyUnreadable):
            read(tmp_path / "k")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyUnreadable):
        make_directory(tmp_path / "file" / "keys")
