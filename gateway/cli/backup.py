"""`gateway backup` and `gateway restore`: everything into one archive, and back into a folder of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gateway.app import key_store, open_deployment
from gateway.audit.note import NoteKey
from gateway.backup.judge import Undone
from gateway.backup.seal import Unlock
from gateway.cli.acting import FOLDER, Key, acting
from gateway.cli.acting import passphrase as asked
from gateway.cli.run import AsJson, Directory, answer, err, fail, out, run
from gateway.clock import SystemClock, timestamp
from gateway.config import FILE, Settings, read_settings
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting
from gateway.exchange.back_up import BackedUp, Order, back_up, place
from gateway.exchange.erasable import Ended, Lock
from gateway.exchange.restore import REASONS
from gateway.keys.archive_lock import (
    SALT_SIZE_BYTES,
    PassphraseLock,
    read_recovery_key,
    recovery_lock,
    unlock_with_passphrase,
    unlock_with_recovery_key,
)
from gateway.keys.personal import unlock as unlock_personal
from gateway.restoring import Restored, Wanted, finish, unfinished
from gateway.restoring import restore as put_back
from gateway.user import UserId

PASSPHRASE = "GATEWAY_BACKUP_PASSPHRASE"
"""Environment variable with the passphrase of archives, or of the recovery key that opens them."""

ShownStage = Callable[[str, int, int], None]


# --- backup -------------------------------------------------------------------------------------------------------


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="Folder of backups: a dated archive goes into it, and copies of the erasable keys into its folder "
            "`erasable-keys`. Or a file: then only the archive is made.",
        ),
    ],
    user: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="USER",
            help="Your account; the act is signed with your personal key. A timer may go without, when the settings "
            "name a recovery key.",
        ),
    ] = None,
    key: Key = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FOLDER", help="Where copies of the erasable keys go, elsewhere than above."),
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Copy everything into one encrypted archive, while the gateway goes on working.

    The archive holds the database in one state, the settings and the lasting keys, and may be kept for years: it reads
    no payload by itself. Payloads need the erasable keys, whose copies lie apart: each backup brings them to what they
    are now, so that what was destroyed is gone from them too. keep-until.csv beside them says when each copy is to be
    destroyed, wherever else it was carried. Not in it: people's own keys, what stands in the environment, and the
    files of secrets that settings name.

    Locked with a passphrase (asked for, or GATEWAY_BACKUP_PASSPHRASE), or for the recovery key that the setting
    backup.recovery_key names; `gateway keys recovery` makes one.
    """
    settings = _read(directory)
    if user is None and settings.recovery_key is None:
        raise typer.BadParameter("who takes it out? Give --as USER, or set backup.recovery_key", param_hint="--as")
    person = _person(user, key, directory) if user is not None else None
    lock = _lock(settings)
    archive, mirror = place(target, settings, SystemClock().now())
    order = Order(archive=archive, mirror=keys or mirror, lock=lock, by=person)
    with _progress(hidden=json) as told:
        made = run(_back_up(directory, order, told))
    if json:
        answer(_made(made))
    else:
        _tell_made(made, order, settings)


async def _back_up(directory: Path, order: Order, told: ShownStage) -> BackedUp:
    async with open_deployment(directory) as gateway:
        return await back_up(gateway, order, key_store(gateway.settings), told)


def _lock(settings: Settings) -> Lock:
    try:
        if settings.recovery_key is not None:
            return recovery_lock(settings.recovery_key)
        given = asked("Passphrase for the archive", confirm=True, variable=PASSPHRASE)
        return PassphraseLock(given, salt=SystemClock().random(SALT_SIZE_BYTES))
    except GatewayError as error:
        fail(error)


def _tell_made(made: BackedUp, order: Order, settings: Settings) -> None:
    manifest = made.manifest
    opens = f"the recovery key {settings.recovery_key}" if settings.recovery_key else "its passphrase"
    out.print(
        f"[green]backed up[/] to {escape(str(made.archive))}, {made.size_bytes:,} bytes; {escape(opens)} opens it"
    )
    out.print(f"{manifest.messages} messages, log of {manifest.log_size} entries, {made.digest}")
    if order.mirror is None:
        out.print("It reads no payload by itself. Copy the erasable keys too: give a folder, or --keys FOLDER.")
        return
    soonest = min((copy.until for copy in made.copies), default=None)
    until = f"; the first to be destroyed on {soonest:%Y-%m-%d}" if soonest else ""
    out.print(f"{len(made.copies)} copies of erasable keys in {escape(str(order.mirror))}{until}: see keep-until.csv")


def _made(made: BackedUp) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "archive": str(made.archive),
        "id": manifest.id,
        "made_at": timestamp(manifest.made_at),
        "size_bytes": made.size_bytes,
        "digest": made.digest,
        "database": manifest.database,
        "messages": manifest.messages,
        "log_size": manifest.log_size,
        "checkpoint": manifest.checkpoint,
        "erasable_keys": [
            {"kind": copy.kind, "name": copy.name, "destroy_on": f"{copy.until:%Y-%m-%d}"} for copy in made.copies
        ],
    }


# --- restore ------------------------------------------------------------------------------------------------------


def restore(
    archive: Annotated[Path, typer.Argument(help="The archive.", exists=True, dir_okay=False)],
    directory: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the deployment: a new or empty one.")],
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Folder with copies of erasable keys.", exists=True, file_okay=False, show_default="beside the archive"
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Another database than the settings name: a new, empty one.", show_default=False),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Recovery key that opens the archive, instead of a passphrase.", exists=True, dir_okay=False),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="A checkpoint kept elsewhere: the log must reach it. Repeatable."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A newer log (`gateway audit export`, all of it): what people did since is listed from it.",
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="A certificate of destruction: what it names is destroyed. Repeatable."
        ),
    ] = None,
    log_key: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The log's key as partners hold it (log.vkey): the archive must have it."
        ),
    ] = None,
    move_aside: Annotated[
        bool, typer.Option("--move-aside", help="Keep what stands in the folder beside it, and read its log.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Go on from here although a longer log is known; needs --reason and --as.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help=f"Why: {', '.join(REASONS)}.", show_default=False, metavar="CODE")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Your account in the backup; the restore is signed.")
    ] = None,
    key: Key = None,
    json: AsJson = False,
) -> None:
    """Put a deployment back: into a new folder and an empty database, judged there before anything stands in its place.

    Every byte of the archive is verified, then the log from entry 0. A restore behind a checkpoint that is known
    elsewhere is refused: give those that partners hold with --checkpoint. What was destroyed before the backup, what is
    past its time by now, what the keys moved aside have forgotten and what a certificate names stays unreadable,
    whatever old keys are brought. At the end it says what people have to do now. A restore that was interrupted is run
    again as it was.
    """
    if unfinished(directory):
        _finish(directory, json=json)
        return
    wanted = Wanted(
        archive=archive,
        directory=directory,
        keys=keys,
        database=database,
        aside=move_aside,
        heads=tuple((str(path), path.read_bytes()) for path in checkpoint or ()),
        newer=log,
        certificates=tuple(path.read_bytes() for path in certificate or ()),
        log_key=_vkey(log_key),
        reason=_forced(reason, user, force=force),
        by=_person(user, key, directory) if user is not None else None,
    )
    with _progress(hidden=json) as told:
        restored = run(put_back(wanted, _unlock(key_file), told))
    if json:
        answer(_restored(restored))
    else:
        _tell_restored(restored)


def _forced(reason: str | None, user: str | None, *, force: bool) -> str | None:
    if reason is not None and reason not in REASONS:
        raise typer.BadParameter(f"a reason is one of {', '.join(REASONS)}", param_hint="--reason")
    if force and (reason is None or user is None):
        raise typer.BadParameter("needs --reason CODE and --as USER: somebody answers for it", param_hint="--force")
    if reason is not None and not force:
        raise typer.BadParameter("is for --force", param_hint="--reason")
    return reason if force else None


def _unlock(key_file: Path | None) -> Unlock:
    if key_file is None:
        return unlock_with_passphrase(lambda: asked("Passphrase of the archive", variable=PASSPHRASE))
    try:
        given = asked(f"Passphrase of {key_file}", variable=PASSPHRASE)
        return unlock_with_recovery_key(read_recovery_key(key_file, given))
    except GatewayError as error:
        fail(error)


def _vkey(path: Path | None) -> NoteKey | None:
    try:
        return None if path is None else NoteKey.read(path.read_text(encoding="utf-8").strip())
    except (GatewayError, UnicodeDecodeError, ValueError) as error:
        raise typer.BadParameter(f"{path}: not a verifier key of a log", param_hint="--log-key") from error


def _finish(directory: Path, *, json: bool) -> None:
    try:
        finish(directory)
    except GatewayError as error:
        fail(error)
    if json:
        answer({"directory": str(directory), "finished": True})
    else:
        out.print(f"[green]finished[/] the restore into {escape(str(directory))} that had only its last step left")


def _tell_restored(restored: Restored) -> None:
    manifest = restored.manifest
    where = escape(str(restored.directory))
    out.print(f"[green]restored[/] {manifest.gateway} as of {timestamp(manifest.made_at)} into {where}")
    out.print(f"{manifest.messages} messages; the log of {restored.size} entries verifies from entry 0")
    out.print(f"The log's key: {restored.log_key} - compare it with what partners hold")
    if restored.moved:
        out.print(f"What stood there is kept in {escape(str(restored.moved))}")
    brought = restored.brought
    out.print(f"{len(brought.taken)} files of erasable keys taken back, {len(brought.cut)} of them cut down")
    if restored.due.buckets or restored.due.single:
        whole, single = len(restored.due.buckets), restored.due.single
        out.print(f"Not brought back, their time is up: {whole} whole buckets, {single} single payloads")
    if restored.certified.buckets or restored.certified.single:
        whole, single = len(restored.certified.buckets), restored.certified.single
        out.print(f"Destroyed again by certificates: {whole} whole buckets, {single} single payloads")
    for note in restored.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
    for act in restored.since.undone if restored.since else ():
        out.print(f"  undone: {act.at} {act.act} {escape(act.of)}")
    out.print("\n[bold]Now:[/]")
    for number, sentence in enumerate(restored.todo, 1):
        out.print(f"{number}. {escape(sentence)}")


def _restored(restored: Restored) -> dict[str, Any]:
    manifest, since = restored.manifest, restored.since
    beyond = restored.beyond
    return {
        "directory": str(restored.directory),
        "made_at": timestamp(manifest.made_at),
        "last_entry_at": timestamp(manifest.last_at) if manifest.last_at else None,
        "messages": manifest.messages,
        "log_size": restored.size,
        "log_key": str(restored.log_key),
        "known_size": beyond.checkpoint.size if beyond else None,
        "known_to": beyond.where if beyond else None,
        "erasable_keys": {"taken": restored.brought.taken, "cut": restored.brought.cut, "lost_buckets": restored.lost},
        "past_their_time": _ended(restored.due),
        "destroyed_again": _ended(restored.certified),
        "since": None if since is None else {"entries": since.counts, "undone": [_act(act) for act in since.undone]},
        "moved_aside": str(restored.moved) if restored.moved else None,
        "notes": restored.notes,
        "todo": restored.todo,
    }


def _ended(ended: Ended) -> dict[str, Any]:
    return {"buckets": ended.buckets, "single": ended.single, "left": ended.left}


def _act(act: Undone) -> dict[str, str]:
    return {"act": act.act, "of": act.of, "at": act.at}


# --- both ---------------------------------------------------------------------------------------------------------


def _read(directory: Path) -> Settings:
    try:
        return read_settings(directory)
    except GatewayError as error:
        fail(error)


def _person(user: str, key: Path | None, directory: Path) -> Acting:
    """Who acts. The folder of a restore may be new: then the key is named by hand."""
    try:
        if (directory / FILE).exists():
            return acting(user, key, directory)
        if key is None:
            raise typer.BadParameter(
                f"give your key file: there is no {FOLDER} folder in a new place", param_hint="--key"
            )
        sign, public_key = unlock_personal(key, asked(f"Passphrase of {key}"))
        return Acting(user=UserId(user), sign=sign, public_key=public_key)
    except GatewayError as error:
        fail(error)


@contextmanager
def _progress(*, hidden: bool) -> Iterator[ShownStage]:
    """A bar where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=None)
            progress.update(tasks[stage], completed=done, total=total or None)

        yield told
