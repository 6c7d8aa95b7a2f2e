"""The folder of a restore: beside its place at first, and in its place in one step."""

import os
import shutil
import socket
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from gateway.app import key_store
from gateway.backup.seal import Unlock
from gateway.clock import SystemClock
from gateway.config import FILE, Settings, read_settings, settings
from gateway.errors import GatewayError, Refused, Unavailable
from gateway.exchange.back_up import KEYS, SETTINGS, Told
from gateway.exchange.restore import (
    Verified,
    database_parts,
)
from gateway.keys.secret_file import DIRECTORY_MODE, FILE_MODE, sync_directory
from gateway.restoring.wanted import Wanted
from gateway.store.copying import copying
from gateway.store.open import migrate

MARK = ".restoring"
CONNECT_SECONDS_MAX = 0.5


class FolderTaken(Refused):
    """A restore goes into a new or empty folder."""

    code = "restore.folder-not-empty"


class StillServing(Refused):
    """The deployment that would be moved aside still answers."""

    code = "restore.still-serving"


class RestoreUnwritable(Unavailable):
    """The folder could not be written: no room, no permission. Nothing stands in its place."""

    code = "restore.unwritable"


def unfinished(directory: Path) -> bool:
    """Whether a restore into this folder got as far as its place and was not finished."""
    return (directory / MARK).exists()


def finish(directory: Path) -> None:
    """Finish it: let the gateway with these keys serve the database."""
    made = read_settings(directory)
    copying(made.database_url).claim(key_store(made).fingerprint)
    (directory / MARK).unlink(missing_ok=True)


def check_folder(wanted: Wanted) -> None:
    directory = wanted.directory
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not wanted.aside:
        raise FolderTaken(
            f"{directory}: not empty. A backup goes into a new folder; --move-aside keeps what is there beside it"
        )
    with suppress(GatewayError):
        listen = read_settings(directory).listen
        if listen.port and _answers(listen.host, listen.port):
            raise StillServing(f"{directory}: its gateway still answers on port {listen.port}; stop it first")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS_MAX):
            return True
    except OSError:
        return False


def staged(stage: Path, wanted: Wanted, archive: Verified) -> Settings:
    """The folder with settings and lasting keys; the bucket keys and the database come later."""
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=DIRECTORY_MODE, parents=True)
    text = _settings_text(archive.small[SETTINGS], stage, wanted.database)
    _write(stage / FILE, text)
    made = read_settings(stage)
    made.keys_directory.mkdir(mode=DIRECTORY_MODE, parents=True)
    for name, content in archive.small.items():
        if name.startswith(KEYS):
            _write(made.keys_directory / Path(name).name, content)
    _write(stage / MARK, f"{archive.manifest.id}\n".encode())
    return made


def _settings_text(text: bytes, stage: Path, database: str | None) -> bytes:
    """The settings, as they are wherever they can stay so: a database or keys outside the folder come into it."""
    raw: dict[str, Any] = tomllib.loads(text.decode())
    made = settings(dict(raw), stage, source=FILE)
    changed: dict[str, Any] = {}
    if database is not None:
        changed["database"] = database
    elif made.sqlite_path is not None and not made.sqlite_path.is_relative_to(stage):
        changed["database"] = "sqlite:///gateway.db"
    if not made.keys_directory.is_relative_to(stage):
        changed["keys"] = raw.get("keys", {}) | {"directory": "keys"}
    return tomli_w.dumps(raw | changed).encode() if changed else text


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def copy_database(made: Settings, wanted: Wanted, archive: Verified, unlock: Unlock, told: Told) -> None:
    manifest = archive.manifest
    copying(made.database_url).into(
        database_parts(wanted.archive, unlock),
        migrations=frozenset(manifest.migrations),
        mark=manifest.id,
        told=lambda done, _: told("database", done, sum(member.size_bytes for member in manifest.members)),
    )
    migrate(made.database_url)


def into_place(stage: Path, wanted: Wanted) -> Path | None:
    """The folder under its name, in one step; what stood there is kept beside it."""
    directory, moved = wanted.directory.resolve(), None
    _sync(stage)
    if directory.exists() and any(directory.iterdir()):
        now = SystemClock().now()
        moved = directory.with_name(f"{directory.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
        directory.rename(moved)
    # If the machine stops here, the old one stands aside, and the restore is run again as into a new folder.
    try:
        stage.rename(directory)
    except OSError:
        if moved is not None:
            moved.rename(directory)
        raise
    sync_directory(directory.parent)
    return moved


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            sync_directory(path)
