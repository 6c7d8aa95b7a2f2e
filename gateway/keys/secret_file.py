"""Files that hold secrets: written whole or not at all, durable before they are used, closed to everybody else.

A file appears under its name in one step (`link`, which fails when the name is taken), after its bytes are on the disk:
a machine that stops at any line leaves either no file or the whole one, and of two processes that make the same file
one wins and both read the winner's. Replacing is `rename`, with the same promise.
"""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import Misconfigured, Unavailable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
PUBLIC_MODE = 0o644
SIZE_BYTES_MAX = 1024 * 1024

_POSIX = os.name == "posix"
"""Windows knows no modes and no fsync of a directory; there the folder's own access list is what counts."""


class KeyPermissions(Misconfigured):
    """A key can be read by others than the gateway's own account."""

    code = "key.permissions"


class KeyMissing(Misconfigured):
    """A key that must be there is not."""

    code = "key.missing"


class KeyUnreadable(Misconfigured):
    """A key file cannot be read or written: another account's, a full disk, a broken one."""

    code = "key.unreadable"


class KeysBusy(Unavailable):
    """Another process changes these keys at this moment."""

    code = "key.busy"


def make_directory(path: Path) -> None:
    """The directory, for the gateway's account alone. Raises `KeyUnreadable`."""
    try:
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot make the key directory ({error.strerror})") from error


def create(path: Path, content: bytes, *, mode: int = FILE_MODE) -> bool:
    """Put a new file there; False when the name is taken, by a whole file. Raises `KeyUnreadable`."""
    try:
        temporary = _written_beside(path, content, mode)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
            # Also when another process won: its file is durable only once somebody has synced the directory.
            sync_directory(path.parent)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be written ({error.strerror})") from error
    return True


def replace(path: Path, content: bytes, *, mode: int = FILE_MODE) -> None:
    """Put this content in the place of the file's. Raises `KeyUnreadable`."""
    try:
        _written_beside(path, content, mode).replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be written ({error.strerror})") from error


def erase(path: Path) -> None:
    """Overwrite a file with zeros, then remove it; nothing when it is gone. Raises `KeyUnreadable`.

    Overwriting is what can be done from here. A file system that writes elsewhere (copy on write, flash) keeps the old
    blocks until it needs them: that is the disk's own encryption, or the shredder's work.

    A temporary name of the same file goes with it: `create` leaves one when it is killed between its two steps, and the
    secret would live on under it. A file that has a name of its own too loses this one only: there it lives.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            with path.open("r+b") as file:
                _unlink_temporaries(path, os.fstat(file.fileno()))
                if os.fstat(file.fileno()).st_nlink <= 1:
                    _blank(file.fileno())
            path.unlink()
            sync_directory(path.parent)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be erased ({error.strerror})") from error


def replace_erasing(path: Path, content: bytes) -> None:
    """As `replace`; what the file held before is overwritten once its successor is durable. Raises `KeyUnreadable`.

    Whoever was reading the old file at that moment finds zeros, and reads the new one.
    """
    try:
        with path.open("r+b") as old:
            replace(path, content)
            _blank(old.fileno())
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be rewritten ({error.strerror})") from error


def _unlink_temporaries(path: Path, status: os.stat_result) -> None:
    if status.st_nlink <= 1:
        return
    for each in path.parent.glob(".*.tmp"):
        with contextlib.suppress(FileNotFoundError):
            if each != path and os.path.samestat(each.lstat(), status):
                each.unlink()


def _blank(descriptor: int) -> None:
    left = os.fstat(descriptor).st_size
    while left > 0:
        left -= os.write(descriptor, bytes(min(left, SIZE_BYTES_MAX)))
    os.fsync(descriptor)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Alone among all processes and nodes that share the directory. The lock ends with its holder, however that ends.

    Raises `KeysBusy` when somebody else has it and `wait` is False, `KeyUnreadable`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be opened ({error.strerror})") from error
    try:
        try:
            _take(descriptor, wait=wait)
        except OSError as error:
            raise KeysBusy(f"{path.name}: another process is at it; try again in a moment") from error
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, *, wait: bool) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def read_secret(path: Path, *, size_bytes_max: int = SIZE_BYTES_MAX) -> bytes:
    """Content of a secret file. Raises `KeyMissing`, `KeyPermissions`, `KeyUnreadable`."""
    try:
        # Asked of the open file, not of the name: what is checked is what is read.
        with path.open("rb") as file:
            check_closed(path, os.fstat(file.fileno()))
            return file.read(size_bytes_max)
    except FileNotFoundError as error:
        raise KeyMissing(f"{path}: no such key; restore it from the backup of the key directory") from error
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be read ({error.strerror})") from error


def read_public(path: Path) -> bytes:
    """Content of a file that is no secret. Raises `KeyMissing`, `KeyUnreadable`."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KeyMissing(f"{path}: missing; restore it from the backup of the key directory") from error
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be read ({error.strerror})") from error


def check_directory(path: Path) -> None:
    """Raises `KeyMissing`, `KeyPermissions`, `KeyUnreadable`."""
    try:
        check_closed(path, path.stat())
    except FileNotFoundError as error:
        raise KeyMissing(f"{path}: no key directory; `gateway init` makes one") from error
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be read ({error.strerror})") from error


def check_closed(path: Path, status: os.stat_result) -> None:
    """That group and world can do nothing with it. Raises `KeyPermissions` with the command that mends it."""
    if _POSIX and status.st_mode & 0o077:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise KeyPermissions(f"{path}: open to other accounts of this machine; run: chmod {mode} {path}")


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    if not _POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_beside(path: Path, content: bytes, mode: int) -> Path:
    """A durable temporary file in the same directory. A crash leaves it; nobody ever reads one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return temporary
