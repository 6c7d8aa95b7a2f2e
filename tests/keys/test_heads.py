"""Heads kept beside the keys only grow, whatever stops and whoever writes at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.keys import heads, secret_file
from gateway.keys.heads import Kept, KeptHeads
from gateway.keys.secret_file import KeyUnreadable


def test_the_largest_head_is_kept_and_the_others_go(tmp_path: Path) -> None:
    kept = KeptHeads(tmp_path / "heads")
    assert kept.newest(Kept.SIGNED) is None
    for size in (5, 1200, 7, 1200):
        kept.keep(Kept.SIGNED, size, b"head of %d" % size)
    assert kept.newest(Kept.SIGNED) == b"head of 1200"
    assert len(list(kept.directory.iterdir())) == 1


def test_what_was_signed_and_what_was_verified_are_kept_apart(tmp_path: Path) -> None:
    kept = KeptHeads(tmp_path)
    kept.keep(Kept.SIGNED, 9, b"signed")
    kept.keep(Kept.VERIFIED, 5, b"verified")
    assert (kept.newest(Kept.SIGNED), kept.newest(Kept.VERIFIED)) == (b"signed", b"verified")


def test_it_starts_anew_where_people_have_decided(tmp_path: Path) -> None:
    kept = KeptHeads(tmp_path)
    kept.keep(Kept.SIGNED, 9, b"signed")
    kept.keep(Kept.VERIFIED, 5, b"verified")
    kept.restart(5)
    assert (kept.newest(Kept.SIGNED), kept.newest(Kept.VERIFIED)) == (None, b"verified")


def test_many_at_once_never_take_it_back(tmp_path: Path) -> None:
    kept = KeptHeads(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda size: kept.keep(Kept.SIGNED, size, b"%d" % size), range(1, 200)))
    assert kept.newest(Kept.SIGNED) == b"199"


def test_a_write_that_fails_leaves_the_head_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptHeads(tmp_path)
    kept.keep(Kept.SIGNED, 5, b"five")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secret_file.os, "link", full)
    with pytest.raises(KeyUnreadable):
        kept.keep(Kept.SIGNED, 6, b"six")
    assert kept.newest(Kept.SIGNED) == b"five"


def test_a_crash_before_the_smaller_ones_are_removed_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptHeads(tmp_path)
    kept.keep(Kept.SIGNED, 5, b"five")
    monkeypatch.setattr(heads.KeptHeads, "_remove", lambda *_, **__: None)
    kept.keep(Kept.SIGNED, 6, b"six")
    assert len(list(tmp_path.iterdir())) == 2
    assert KeptHeads(tmp_path).newest(Kept.SIGNED) == b"six"
