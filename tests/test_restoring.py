"""A deployment comes back from its backup: whole, judged, and without what was destroyed. On both kinds of database."""

import asyncio
import contextlib
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from gateway.app import RestoreUnfinished
from gateway.audit import verifier
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.entry import make
from gateway.audit.note import NoteKey
from gateway.backup.seal import ArchiveAltered, ArchiveTruncated, NotAnArchive
from gateway.cli.backup import PASSPHRASE as BACKUP_PASSPHRASE
from gateway.config import FILE
from gateway.errors import GatewayError
from gateway.exchange.accept import accept
from gateway.exchange.acting import NotAllowed, UserUnknown
from gateway.exchange.back_up import BackupTaken, BackupUnwritable
from gateway.exchange.cosigned import LastSeen
from gateway.exchange.evidence import export_log, verify_log
from gateway.exchange.keep_log import keep_log
from gateway.exchange.restore import LogUnsound, RollBack, verified
from gateway.exchange.submission import Submission
from gateway.keys.archive_lock import (
    WrongOpener,
    make_recovery_key,
    read_recovery_key,
    unlock_with_passphrase,
    unlock_with_recovery_key,
)
from gateway.keys.secret_file import KeysBusy, locked
from gateway.message import MessageId
from gateway.restoring import MARK, FolderTaken, KeysUnlike, Wanted, elsewhere, finish, put_back, restore, unfinished
from gateway.retention.hold import Cause, Hold, Scope
from gateway.store.copying import KEY_DIRECTORY, NotEmpty, copying
from gateway.user import UserId
from tests.compiled import compiled_once
from tests.exchange.deployed import JAIL, NAME, POLICE, clock_of, release
from tests.exchange.gateways import SetClock
from tests.restores import (
    OPERATOR,
    PASSPHRASE,
    Scene,
    Template,
    make_template,
    opens,
    order,
    payload_keys,
    sealed_of,
    told,
)
from tests.store.postgres_server import fresh_database

KILLS = int(os.environ.get("GATEWAY_BACKUP_KILLS", "4"))
"""Of a backup, and of a restore, on each kind of database."""

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", autouse=True)
def _compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="module")
def sqlite_deployment(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """To be copied."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("made") / "deployment", "sqlite:///gateway.db"))


@pytest.fixture(scope="module")
def postgres_deployment(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """To be copied, its database too."""
    with fresh_database(postgres_server) as url:
        yield asyncio.run(make_template(tmp_path_factory.mktemp("made") / "deployment", url))


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A deployment; each test runs once on each kind of database."""
    if request.param == "sqlite":
        made: Template = request.getfixturevalue("sqlite_deployment")
        yield made.copy(tmp_path / "deployment", made.database, lambda: None)
        return
    server: str = request.getfixturevalue("postgres_server")
    made = request.getfixturevalue("postgres_deployment")
    with ExitStack() as stack:
        own = stack.enter_context(fresh_database(server, urlsplit(made.database).path[1:]))
        yield made.copy(tmp_path / "deployment", own, lambda: stack.enter_context(fresh_database(server)))


async def bodies(scene: Scene, directory: Path) -> list[dict[str, Any]]:
    async with scene.open(directory) as gateway:
        return [json.loads(each.entry.body) for each in await gateway.store.entries(0, 10_000)]


def left_in(scene: Scene) -> set[str]:
    """What lies in the folders around the deployment that is no deployment."""
    around = {path.name for path in scene.backups.parent.iterdir() if path.suffix != ".lock"}
    around -= {"deployment", "backups", "export"}
    return around | {path.name for path in scene.backups.iterdir()} - {"erasable-keys", ".backup.lock"}


# --- there and back -----------------------------------------------------------------------------------------------


async def test_everything_comes_back_and_goes_on(scene: Scene) -> None:
    sent = await scene.send(3)
    made = await scene.backup(by=scene.operator)
    restored = await scene.restore(made)
    assert (restored.size, restored.lost, restored.beyond) == (made.manifest.log_size, 0, None)
    assert restored.brought.taken == tuple(copy.name for copy in made.copies) != ()
    async with scene.open(restored.directory) as gateway:
        assert [await opens(gateway, message) for message in sent] == [True] * 3
        key = NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)
        assert (await verify_log(gateway.store, [key], origin=NAME)).verified
        # The same message again is known; another one is taken.
        again = await accept(gateway, Submission(sender=JAIL, sender_id="S-0", body=scene.sent[sent[0]]))
        assert again.id == sent[0]
        fresh = await accept(gateway, Submission(sender=JAIL, sender_id="NEW", body=release(given="Fresh")))
        assert await opens(gateway, MessageId(fresh.id))
        await order(gateway)
        assert (await verify_log(gateway.store, [key], origin=NAME)).verified
    assert not (restored.directory / MARK).exists()


async def test_the_restored_log_says_so_first(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup(by=scene.operator)
    restored = await scene.restore(made, by=scene.operator)
    entry = (await bodies(scene, restored.directory))[made.manifest.log_size]
    assert entry["type"] == "restore"
    assert (entry["digest"], entry["log_size"], entry["actor"]) == (made.digest, made.manifest.log_size, OPERATOR)
    assert "known_size" not in entry
    assert "reason" not in entry


async def test_a_backup_is_signed_and_in_the_log_before_it_has_its_name(scene: Scene) -> None:
    made = await scene.backup(by=scene.operator)
    async with scene.open() as gateway:
        stored = await gateway.store.newest_backup()
        assert stored is not None
        body = json.loads(stored.entry.body)
        assert (body["digest"], body["actor"], body["log_size"]) == (made.digest, OPERATOR, made.manifest.log_size)
        verifier.check_act(body, bytes.fromhex(gateway.current.users[OPERATOR].public_key))


async def test_a_backup_that_the_log_does_not_take_is_not_handed_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.open() as gateway:
        store = type(gateway.store)

    async def full(*_: object) -> None:
        raise BackupUnwritable("no room for the entry")

    monkeypatch.setattr(store, "record", full)
    with pytest.raises(BackupUnwritable):
        await scene.backup()
    assert left_in(scene) == set()


async def test_who_may_not_take_it_out_does_not(scene: Scene) -> None:
    async with scene.open() as gateway:
        officer = next(user.id for user in gateway.current.users.values() if user.agency == JAIL)
        assert scene.operator is not None
        key = gateway.current.users[officer].public_key
    with pytest.raises(NotAllowed):
        await scene.backup(by=replace(scene.operator, user=UserId(officer), public_key=key))
    assert left_in(scene) == set()


async def test_a_backup_is_not_written_over(scene: Scene) -> None:
    file = scene.backups / "by-hand.backup"
    await scene.backup(file)
    with pytest.raises(BackupTaken):
        await scene.backup(file)


async def test_an_archive_without_bucket_keys_reads_no_payload_and_the_gateway_goes_on(scene: Scene) -> None:
    sent = await scene.send(2)
    made = await scene.backup(scene.backups / "alone.backup")
    assert made.copies == ()
    restored = await scene.restore(made)
    assert restored.lost == 1
    assert any("--keys" in sentence for sentence in restored.todo)
    async with scene.open(restored.directory) as gateway:
        fresh = await accept(gateway, Submission(sender=JAIL, sender_id="NEW", body=release(given="Fresh")))
        assert await opens(gateway, MessageId(fresh.id))
        # Not "tampered": their keys are gone, and new ones of the same week do not pass for them.
        assert [await opens(gateway, message) for message in sent] == [False, False]


# --- what was destroyed stays destroyed ---------------------------------------------------------------------------


async def test_an_old_archive_with_the_newest_bucket_keys_does_not_read_what_was_destroyed(scene: Scene) -> None:
    gone, kept = await scene.send(2)
    old = await scene.backup()
    await scene.destroy(gone)
    await scene.backup()
    restored = await scene.restore(old)
    async with scene.open(restored.directory) as gateway:
        assert not await opens(gateway, gone)
        assert await opens(gateway, kept)


async def test_old_copies_of_keys_are_cut_down_to_what_the_archive_says_was_there(scene: Scene) -> None:
    gone, kept = await scene.send(2)
    await scene.backup()
    shutil.copytree(scene.backups / "erasable-keys", scene.backups.parent / "stick")
    await scene.destroy(gone)
    newer = await scene.backup(scene.backups / "newer.backup")
    restored = await scene.restore(newer, keys=scene.backups.parent / "stick")
    assert len(restored.brought.cut) == 1
    async with scene.open(restored.directory) as gateway:
        assert not await opens(gateway, gone)
        assert await opens(gateway, kept)


async def test_a_certificate_destroys_again_what_old_keys_would_read(scene: Scene) -> None:
    gone, kept = await scene.send(2)
    old = await scene.backup()
    stick = scene.backups.parent / "stick"
    shutil.copytree(scene.backups / "erasable-keys", stick)
    certificate = await scene.destroy(gone)
    without = await scene.restore(old, keys=stick)
    async with scene.open(without.directory) as gateway:
        assert await opens(gateway, gone)  # nobody told this restore; it says so
    assert any("--certificate" in sentence for sentence in without.todo)
    restored = await scene.restore(old, keys=stick, certificates=(certificate,))
    assert restored.certified.single >= 2  # the original and what was made of it
    async with scene.open(restored.directory) as gateway:
        assert not await opens(gateway, gone)
        assert await opens(gateway, kept)
    with pytest.raises(GatewayError):
        await scene.restore(old, keys=stick, certificates=(certificate.replace(b"expunged", b"sealed"),))


async def test_a_newer_log_says_what_was_done_since_and_which_certificates_are_missing(scene: Scene) -> None:
    gone, _ = await scene.send(2)
    old = await scene.backup()
    certificate = await scene.destroy(gone)
    export = scene.backups.parent / "export"
    async with scene.open() as gateway:
        with export.open("wb") as file, zipfile.ZipFile(file, "w") as files:
            files.writestr("log.jsonl", "".join([line async for line in export_log(gateway.store)]))
            files.writestr("checkpoint", await gateway.store.checkpoint() or b"")
    with pytest.raises(RollBack):
        await scene.restore(old, newer=export)
    forced = {"newer": export, "by": scene.operator, "reason": "exercise"}
    restored = await scene.restore(old, **forced)
    assert restored.since is not None
    assert [act.act for act in restored.since.undone] == ["destroy", "destroy"]
    assert any("1 runs of destruction" in sentence for sentence in restored.todo)
    restored = await scene.restore(old, certificates=(certificate,), **forced)
    assert not any("runs of destruction whose" in sentence for sentence in restored.todo)


async def test_the_keys_that_are_moved_aside_say_what_was_forgotten_since(scene: Scene) -> None:
    gone, kept = await scene.send(2)
    old = await scene.backup()
    stick = scene.backups.parent / "stick"
    shutil.copytree(scene.backups / "erasable-keys", stick)
    await scene.destroy(gone)
    with pytest.raises(FolderTaken):
        await scene.restore(old, directory=scene.directory)
    with pytest.raises(RollBack):
        await scene.restore(old, directory=scene.directory, aside=True)
    async with scene.open() as gateway:  # it was not touched
        assert await opens(gateway, kept)
    restored = await scene.restore(
        old, directory=scene.directory, aside=True, keys=stick, by=scene.operator, reason="database-damaged"
    )
    assert restored.moved is not None
    assert len(restored.brought.cut) == 1
    async with scene.open() as gateway:
        assert not await opens(gateway, gone)
        assert await opens(gateway, kept)
    async with scene.open(restored.moved) as gateway:
        assert await opens(gateway, kept)


async def test_the_residue_of_a_restored_old_backup_holds_no_key_of_what_was_destroyed(scene: Scene) -> None:
    gone, kept = await scene.send(2)
    async with scene.open() as gateway:
        secrets = {
            message: [
                key
                for sealed in await sealed_of(gateway, message)
                for key in payload_keys(gateway).secrets_of(sealed.bucket, sealed.index)
            ]
            for message in (gone, kept)
        }
    old = await scene.backup()
    await scene.destroy(gone)
    await scene.backup()
    restored = await scene.restore(old)
    async with scene.open(restored.directory) as gateway:
        for sealed in await sealed_of(gateway, gone):
            assert payload_keys(gateway).secrets_of(sealed.bucket, sealed.index) == ()
        for sealed in await sealed_of(gateway, kept):
            assert set(payload_keys(gateway).secrets_of(sealed.bucket, sealed.index)) <= set(secrets[kept])
    files = [path for top in (restored.directory, scene.backups) for path in top.rglob("*") if path.is_file()]
    for secret in secrets[gone]:
        assert not [path for path in files if secret in path.read_bytes()]


async def test_what_is_past_its_time_is_not_brought_back_unless_a_hold_keeps_it(scene: Scene) -> None:
    past, held = await scene.send(2)
    async with scene.open() as gateway:
        now = gateway.clock.now()
        hold = Hold(
            id=gateway.new_id(now),
            scope=Scope(message=held),
            cause=Cause.LITIGATION,
            authority="An invented court",
            by=OPERATOR,
            agency=JAIL,
            at=now,
        )
        await gateway.store.place_hold(hold, [])
    made = await scene.backup()
    clock = SetClock()
    clock.moment = max(copy.until for copy in made.copies if copy.kind == "bucket") + timedelta(days=1)
    with clock_of(clock), pytest.MonkeyPatch.context() as patch:
        patch.setattr(put_back, "SystemClock", lambda: clock)
        restored = await scene.restore(made)
        async with scene.open(restored.directory) as gateway:
            assert await opens(gateway, held)
            assert not await opens(gateway, past)
        assert restored.due.single >= 2
        assert restored.due.left == 0


async def test_a_hold_that_was_placed_after_the_backup_is_not_undone_with_the_keys_of_what_it_holds(
    scene: Scene,
) -> None:
    (held,) = await scene.send()
    made = await scene.backup()
    async with scene.open() as gateway:
        now = gateway.clock.now()
        hold = Hold(
            id=gateway.new_id(now),
            scope=Scope(message=held),
            cause=Cause.LITIGATION,
            authority="An invented court",
            by=OPERATOR,
            agency=JAIL,
            at=now,
        )
        entry = make(
            EntryType.HOLD,
            id=gateway.new_id(now),
            at=now,
            hold=hold.id,
            actor=OPERATOR,
            reason="litigation",
            message=held,
        )
        await gateway.store.place_hold(hold, [entry])
        await order(gateway)
    clock = SetClock()
    clock.moment = max(copy.until for copy in made.copies if copy.kind == "bucket") + timedelta(days=1)
    with clock_of(clock), pytest.MonkeyPatch.context() as patch:
        patch.setattr(put_back, "SystemClock", lambda: clock)
        restored = await scene.restore(
            made, directory=scene.directory, aside=True, by=scene.operator, reason="database-damaged"
        )
        assert any("Place them again" in note for note in restored.notes)
        async with scene.open() as gateway:
            assert await opens(gateway, held)


async def test_a_bucket_file_that_was_lost_is_not_taken_for_forgotten(scene: Scene) -> None:
    (kept,) = await scene.send()
    made = await scene.backup()
    for path in (scene.directory / "keys").rglob("*-W*.key"):
        path.unlink()
    await scene.restore(made, directory=scene.directory, aside=True, by=scene.operator, reason="database-damaged")
    async with scene.open() as gateway:
        assert await opens(gateway, kept)


async def test_a_bucket_that_was_made_after_the_archive_takes_what_is_sealed_after_the_restore(scene: Scene) -> None:
    made = await scene.backup()
    await scene.send()
    await scene.backup(scene.backups / "newer.backup")
    mirrored = await scene.backup()
    assert [copy for copy in mirrored.copies if copy.kind == "bucket"]
    restored = await scene.restore(made)
    async with scene.open(restored.directory) as gateway:
        accepted = await accept(gateway, Submission(sender=JAIL, sender_id="S-again", body=release(given="Calvin")))
        assert await opens(gateway, MessageId(accepted.id))


async def test_what_a_killed_backup_left_half_written_among_the_copies_is_erased(scene: Scene) -> None:
    await scene.send()
    await scene.backup()
    mirror = scene.backups / "erasable-keys"
    one = next(mirror.glob("*.bucket"))
    half = one.with_name(f".{one.name}.0123456789abcdef.tmp")
    half.write_bytes(one.read_bytes())
    await scene.backup()
    assert not half.exists()
    assert one.exists()


async def test_a_bucket_whose_week_is_over_and_that_nothing_keeps_is_refused_whole(scene: Scene) -> None:
    (past,) = await scene.send()
    made = await scene.backup()
    clock = SetClock()
    clock.moment = max(copy.until for copy in made.copies if copy.kind == "bucket") + timedelta(days=1)
    with clock_of(clock), pytest.MonkeyPatch.context() as patch:
        patch.setattr(put_back, "SystemClock", lambda: clock)
        restored = await scene.restore(made)
        assert restored.due.buckets == tuple(copy.name for copy in made.copies if copy.kind == "bucket")
        async with scene.open(restored.directory) as gateway:
            assert not await opens(gateway, past)


async def test_the_disclosure_index_comes_back_with_its_keys_and_goes_on_without(scene: Scene) -> None:
    await scene.send()
    async with scene.open() as gateway:
        assert gateway.subjects is not None
        generations = gateway.subjects.generations()
        assert generations
    made = await scene.backup()
    restored = await scene.restore(made)
    async with scene.open(restored.directory) as gateway:
        assert gateway.subjects is not None
        assert gateway.subjects.generations() == generations
    alone = await scene.restore(await scene.backup(scene.backups / "alone.backup"), keys=scene.backups.parent / "no")
    async with scene.open(alone.directory) as gateway:
        assert gateway.subjects is not None
        # A successor: new rows do not pass for the old ones, whose keys are gone.
        assert set(gateway.subjects.generations()).isdisjoint(generations)
        assert gateway.subjects.generations()


# --- the log ------------------------------------------------------------------------------------------------------


async def test_a_restore_behind_a_checkpoint_that_is_known_elsewhere_is_refused(scene: Scene) -> None:
    await scene.send()
    old = await scene.backup()
    await scene.send()
    known = await scene.checkpoint()
    with pytest.raises(RollBack) as refused:
        await scene.restore(old, heads=(("the partner's file", known),))
    assert "the partner's file" in refused.value.text
    assert left_in(scene) == {old.archive.name}


async def test_a_forced_restore_is_signed_and_names_both_sizes_and_says_what_to_tell_partners(scene: Scene) -> None:
    await scene.send()
    old = await scene.backup()
    await scene.send()
    heads = (("the partner's file", await scene.checkpoint()),)
    assert scene.operator is not None
    nobody = replace(scene.operator, user=UserId("nobody"))
    with pytest.raises(UserUnknown):
        await scene.restore(old, heads=heads, reason="exercise", by=nobody)
    restored = await scene.restore(old, heads=heads, reason="hardware-lost", by=scene.operator)
    assert restored.beyond is not None
    entry = (await bodies(scene, restored.directory))[old.manifest.log_size]
    assert (entry["type"], entry["reason"]) == ("restore", "hardware-lost")
    assert (entry["log_size"], entry["known_size"]) == (old.manifest.log_size, restored.beyond.checkpoint.size)
    assert entry["actor"] == OPERATOR
    assert any("fork" in sentence for sentence in restored.todo)
    assert any("Call each partner" in sentence for sentence in restored.todo)


async def test_a_checkpoint_of_another_log_or_key_is_not_believed(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup()
    note = await scene.checkpoint()
    with pytest.raises(GatewayError):
        await scene.restore(made, heads=(("a forged file", note.replace(NAME.encode(), b"gateway.fake")),))
    async with scene.open() as gateway:
        key = NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)
        foreign = NoteKey(gateway.keys.receipt_signer.name, gateway.keys.receipt_signer.public_bytes)  # type: ignore[attr-defined]
    with pytest.raises(KeysUnlike):
        await scene.restore(made, log_key=foreign)
    assert (await scene.restore(made, log_key=key)).size == made.manifest.log_size


async def test_a_backup_of_a_changed_log_is_not_put_in_place(scene: Scene) -> None:
    await scene.send()
    async with scene.open() as gateway:
        url = gateway.settings.database_url
    change_an_entry(url)
    made = await scene.backup()
    with pytest.raises(LogUnsound):
        await scene.restore(made)
    assert left_in(scene) == {made.archive.name}


def change_an_entry(url: str) -> None:
    """As somebody with the database's password would."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            db.execute("DROP TRIGGER entry_is_not_changed")
            db.execute("UPDATE entry SET body = CAST(replace(body, '\"at\"', '\"aT\"') AS BLOB) WHERE number = 3")
            db.commit()
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        changed = "convert_to(replace(convert_from(body, 'UTF8'), '\"at\"', '\"aT\"'), 'UTF8')"
        connection.execute(f"UPDATE entry SET body = {changed} WHERE number = 3")  # type: ignore[arg-type] # noqa: S608


async def test_a_broken_deployment_does_not_stop_its_own_restore(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup()
    (scene.directory / "keys" / "log.key.pem").write_bytes(b"broken")
    restored = await scene.restore(made, directory=scene.directory, aside=True)
    assert restored.since is None
    assert len(restored.notes) == 2  # neither its log nor its keys could be asked
    async with scene.open() as gateway:
        assert (await gateway.store.counts()).messages == 1


async def test_a_key_directory_whose_database_is_lost_still_says_how_long_the_log_was(scene: Scene) -> None:
    await scene.send()
    old = await scene.backup()
    async with scene.open() as gateway:
        before = gateway.settings.database_url
        await accept(gateway, Submission(sender=JAIL, sender_id="LATE", body=release(given="Late")))
        await keep_log(gateway)
    if before.startswith("sqlite"):
        Path(before.removeprefix("sqlite:///")).unlink()  # noqa: ASYNC240
    with pytest.raises(RollBack, match="the key directory that stood here"):
        await scene.restore(old, directory=scene.directory, aside=True)


async def test_a_partner_who_cosigned_more_is_believed_and_one_who_is_away_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.send()
    old = await scene.backup()
    await scene.send()
    note = await scene.checkpoint()
    seen = LastSeen(agency=POLICE, head=unverified_checkpoint(note), note=note)

    def saying(*found: LastSeen) -> None:
        async def last_seen(*_: object) -> tuple[LastSeen, ...]:
            return found

        monkeypatch.setattr(elsewhere, "last_seen_by_cosigners", last_seen)

    saying(seen)
    with pytest.raises(RollBack, match=f"{POLICE}, which cosigns, remembers"):
        await scene.restore(old)
    saying(LastSeen(agency=POLICE, code="partner.no-answer"))
    restored = await scene.restore(old)
    assert "partner.no-answer" in restored.notes[0]


async def test_two_restores_into_one_folder_do_not_meet(scene: Scene) -> None:
    await scene.send()
    made, into = await scene.backup(), scene.backups.parent / "one-folder"
    with locked(into.with_name(".one-folder.restoring.lock")), pytest.raises(KeysBusy):
        await scene.restore(made, directory=into)
    assert not into.exists()
    await scene.restore(made, directory=into)


# --- archives that are not whole ----------------------------------------------------------------------------------


async def test_truncated_altered_and_foreign_archives_and_wrong_passphrases_leave_nothing(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup()
    whole = made.archive.read_bytes()
    bad = scene.backups / "bad.backup"
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for content, error in (
        (whole[: len(whole) // 2], (ArchiveTruncated, ArchiveAltered)),
        (whole[:-1], (ArchiveTruncated, ArchiveAltered)),
        (bytes(changed), (ArchiveAltered, ArchiveTruncated)),
        (b"SQLite format 3\x00" + whole, NotAnArchive),
        (b"", NotAnArchive),
    ):
        bad.write_bytes(content)
        with pytest.raises(error):
            await scene.restore(bad)
    wanted = Wanted(archive=made.archive, directory=scene.backups.parent / "none", database=scene.new_database())
    with pytest.raises(WrongOpener):
        await restore(wanted, unlock_with_passphrase(lambda: b"not the passphrase"), told)
    assert left_in(scene) == {made.archive.name, bad.name}


async def test_a_renamed_or_foreign_copy_of_bucket_keys_is_not_taken(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup()
    copy = next((scene.backups / "erasable-keys").glob("*.bucket"))
    copy.rename(copy.with_name("2031-W01.bucket"))
    with pytest.raises(ArchiveAltered):
        await scene.restore(made)
    assert left_in(scene) == {made.archive.name}


# --- stopped in the middle ----------------------------------------------------------------------------------------


async def test_an_unfinished_restore_is_not_served_and_is_finished(scene: Scene) -> None:
    sent = await scene.send()
    made = await scene.backup()
    restored = await scene.restore(made)
    async with scene.open(restored.directory) as gateway:
        url = gateway.settings.database_url
    (restored.directory / MARK).write_text("as if the machine had stopped before the last step")
    copying(url).claim("restoring:as-before")
    with pytest.raises(RestoreUnfinished):
        async with scene.open(restored.directory):
            pass
    assert unfinished(restored.directory)
    finish(restored.directory)
    assert not unfinished(restored.directory)
    async with scene.open(restored.directory) as gateway:
        assert await gateway.store.fact(KEY_DIRECTORY) == payload_keys(gateway).fingerprint()
        assert await opens(gateway, sent[0])


def gateway_command(*words: object, limit_bytes: int = 0, kill_after: float | None = None) -> tuple[int, str]:
    """A command in a process of its own: exit status and what it wrote.

    limit_bytes  no file may grow larger: what a full disk looks like
    kill_after   seconds; then kill -9
    """

    def limited() -> None:
        if limit_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=os.environ | {BACKUP_PASSPHRASE: PASSPHRASE.decode()},
        preexec_fn=limited,  # noqa: PLW1509 (a limit of the system, set between fork and exec)
    )
    try:
        output, _ = process.communicate(timeout=90 if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate(timeout=20)
    text = output.decode()
    assert "Traceback" not in text, text
    return process.returncode, text


@pytest.fixture
async def by_recovery_key(scene: Scene) -> Path:
    """The deployment makes backups without anybody, for a recovery key; the private half."""
    private = scene.backups.parent / "recovery" / "key"
    private.parent.mkdir()
    public = make_recovery_key(private, PASSPHRASE)
    with (scene.directory / FILE).open("a") as file:
        file.write(f'\n[backup]\nrecovery_key = "{public}"\n')
    return private


async def test_a_backup_killed_at_any_moment_leaves_nothing_half(scene: Scene, by_recovery_key: Path) -> None:
    await scene.send(5)
    began = time.monotonic()
    assert_well(gateway_command("backup", scene.backups, "-C", scene.directory))
    whole_seconds = time.monotonic() - began
    chance = random.Random(7)  # noqa: S311
    for _ in range(KILLS):
        gateway_command(
            "backup", scene.backups, "-C", scene.directory, kill_after=chance.uniform(0.6, 1.0) * whole_seconds
        )
        assert not list(scene.directory.glob(".*.copying"))
    assert_well(gateway_command("backup", scene.backups, "-C", scene.directory))
    names = {path.name for path in scene.backups.iterdir()}
    assert not [name for name in names if name.endswith("-part")]
    for archive in scene.backups.glob("*.backup"):  # whatever has a name is whole
        verified(archive, _unlock(by_recovery_key), told)
    async with scene.open() as gateway:
        assert (await gateway.store.counts()).messages == 5


def assert_well(done: tuple[int, str]) -> None:
    status, output = done
    assert status == 0, output


def _unlock(private: Path) -> Any:
    return unlock_with_recovery_key(read_recovery_key(private, PASSPHRASE))


async def test_a_restore_killed_at_any_moment_leaves_nothing_half_and_is_run_again(scene: Scene) -> None:
    sent = await scene.send(5)
    made = await scene.backup()
    target = scene.backups.parent / "target"
    database = scene.new_database()
    words: list[object] = ["restore", made.archive, target, *(("--database", database) if database else ())]
    began = time.monotonic()
    elsewhere = scene.new_database()
    trial = ("--database", elsewhere) if elsewhere else ()
    assert_well(gateway_command("restore", made.archive, scene.backups.parent / "trial", *trial))
    whole_seconds = time.monotonic() - began
    chance = random.Random(11)  # noqa: S311
    for _ in range(KILLS):
        gateway_command(*words, kill_after=chance.uniform(0.6, 1.0) * whole_seconds)
        if target.exists():
            break
    if not target.exists() or unfinished(target):
        assert_well(gateway_command(*words))
    assert not (target.parent / f".{target.name}.restoring").exists() or not unfinished(target)
    async with scene.open(target) as gateway:
        assert [await opens(gateway, message) for message in sent] == [True] * 5
        restores = [entry for entry in await bodies(scene, target) if entry["type"] == EntryType.RESTORE]
        assert len(restores) == 1


async def test_a_full_disk_leaves_nothing_half(scene: Scene, by_recovery_key: Path) -> None:
    await scene.send(3)
    made = await scene.backup()
    before = left_in(scene)
    status, output = gateway_command("backup", scene.backups, "-C", scene.directory, limit_bytes=100_000)
    assert status == 3, output
    assert left_in(scene) == before
    target = scene.backups.parent / "target"
    database = scene.new_database()
    words = ["restore", made.archive, target, *(("--database", database) if database else ())]
    if database is None:
        status, output = gateway_command(*words, limit_bytes=100_000)
        assert status == 3, output
        assert not target.exists()
        assert left_in(scene) == before
    assert_well(gateway_command(*words))


async def test_a_database_that_holds_a_gateway_is_not_restored_over(scene: Scene) -> None:
    await scene.send()
    made = await scene.backup()
    async with scene.open() as gateway:
        own = gateway.settings.database_url
    if own.startswith("sqlite"):
        pytest.skip("its database lies in the folder, which must be new")
    with pytest.raises(NotEmpty):
        await scene.restore(made, database=own)
    async with scene.open() as gateway:
        assert (await gateway.store.counts()).messages == 1
