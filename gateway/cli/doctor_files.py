"""What the doctor says of who may read the deployment's files."""

import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.doctor_check import Check
from gateway.config import FILE, Settings

NAME = "file permissions"
OTHERS = 0o077


def permissions(settings: Settings) -> Check:
    """Whether keys are closed to other accounts, and the settings and the database, which may hold secrets too."""
    if sys.platform == "win32":
        return Check(name=NAME, state="ok", text="not looked at on Windows: keep the folder to the gateway's account")
    keys = [path for path in _keys(settings.keys_directory) if _is_open(path)]
    if keys:
        return Check(name=NAME, state="error", text=_said(keys))
    beside = [path for path in _beside(settings) if _is_open(path)]
    if beside:
        return Check(name=NAME, state="warning", text=_said(beside))
    return Check(name=NAME, state="ok", text=f"{settings.keys_directory}: every key 600, its folders 700")


def _keys(directory: Path) -> Iterator[Path]:
    """Folders, and files that hold secrets: all but certificates, lists and signed heads, which anybody may have."""
    yield directory
    for path in sorted(directory.rglob("*")):
        if path.is_dir() or path.name.endswith((".key", ".key.pem")):
            yield path


def _beside(settings: Settings) -> Iterator[Path]:
    yield settings.directory / FILE
    if settings.sqlite_path is not None:
        yield settings.sqlite_path


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:  # gone meanwhile, or not there yet: that is said elsewhere
        return False


def _said(paths: list[Path]) -> str:
    mode = "700" if paths[0].is_dir() else "600"
    more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]} is open to other accounts of this machine{more}; run: chmod {mode} {paths[0]}"
