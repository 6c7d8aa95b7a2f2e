"""The log's key changes hands on disk so that a stop at any line is finished by whoever comes next."""

from pathlib import Path

import pytest

from gateway.audit.handover import LogKey
from gateway.audit.note import NoteKey
from gateway.keys.files import KeyStore
from gateway.keys.log_key import CURRENT, NEXT, RETIRED, LogKeyFiles
from gateway.keys.secret_file import KeyUnreadable
from tests.keys.clocks import StoppedClock

NAME = "gateway.test"
PASSPHRASE = b"a passphrase of the test"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    KeyStore.create(tmp_path / "keys", name=NAME, clock=StoppedClock(), passphrase=PASSPHRASE)
    return tmp_path / "keys"


def opened(directory: Path) -> LogKeyFiles:
    return LogKeyFiles(directory, name=NAME, passphrase=PASSPHRASE)


def key_of(signer: object) -> NoteKey:
    return NoteKey(signer.name, signer.public_bytes)  # type: ignore[attr-defined]


def test_the_first_key_signs_from_the_beginning(directory: Path) -> None:
    files = opened(directory)
    assert files.every() == (LogKey(key=key_of(files.signer)),)
    assert files.next() is None


def test_the_next_key_takes_over_and_the_old_public_half_is_kept(directory: Path) -> None:
    files, other = opened(directory), opened(directory)
    old, new = key_of(files.signer), key_of(files.make_next())
    assert key_of(files.signer) == old
    assert key_of(files.make_next()) == new
    files.take_over(120)
    assert files.every() == (LogKey(key=old, until=120), LogKey(key=new, first=120))
    assert key_of(other.signer) == new  # a running process sees that the file was replaced
    assert other.every() == files.every() == opened(directory).every()
    assert files.next() is None
    files.take_over(130)  # nobody is waiting: of no effect
    assert files.every()[-1].first == 120


def test_keys_follow_each_other(directory: Path) -> None:
    files = opened(directory)
    for size in (10, 20, 30):
        files.make_next()
        files.take_over(size)
    assert [(each.first, each.until) for each in files.every()] == [(0, 10), (10, 20), (20, 30), (30, None)]


def test_the_old_private_key_is_nowhere_any_more(directory: Path) -> None:
    old = (directory / CURRENT).read_bytes()
    files = opened(directory)
    files.make_next()
    files.take_over(10)
    assert all(old not in path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert not [path for path in directory.iterdir() if "leaving" in path.name]


def test_a_stop_before_the_old_key_is_retired_leaves_it_in_use(directory: Path) -> None:
    files = opened(directory)
    old, new = key_of(files.signer), key_of(files.make_next())
    again = opened(directory)
    assert (key_of(again.signer), key_of(again.make_next())) == (old, new)


def test_a_stop_after_the_old_key_is_retired_is_finished_when_the_keys_are_opened(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = opened(directory)
    new = key_of(files.make_next())
    with monkeypatch.context() as stopped:
        stopped.setattr(LogKeyFiles, "_finish", lambda _: None)
        files.take_over(10)
    assert (directory / NEXT).exists()
    again = opened(directory)
    assert key_of(again.signer) == new
    assert not (directory / NEXT).exists()
    assert [each.until for each in again.every()] == [10, None]


def test_a_list_of_retired_keys_that_was_spoiled_is_refused(directory: Path) -> None:
    (directory / RETIRED).write_text("nothing\n")
    with pytest.raises(KeyUnreadable):
        opened(directory)
