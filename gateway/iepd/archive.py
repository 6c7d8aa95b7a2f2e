"""Files as one zip and back: how an exchange lies in the database. Always the same bytes for the same files."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping

from gateway.finding import Finding
from gateway.iepd.refused import IepdRefused

FILES_MAX = 2_000
SIZE_BYTES_MAX = 64 * 1024 * 1024
"""Of all files together, unpacked. The largest published NIEM release is 25 MB of schema documents."""

_STEP = r"[A-Za-z0-9_(](?:[A-Za-z0-9_.+\-() ,&=~@]*[A-Za-z0-9_.+\-)])?"
"""Of a file's name: blanks and brackets are common in what people publish; no step begins with a dot or ends blank."""

_NAME = re.compile(rf"{_STEP}(?:/{_STEP})*")
_NAME_LENGTH_MAX = 255


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files: sorted, one date, no attributes of any machine.

    Raises `IepdRefused` for files that `unpack` would refuse: what cannot be read back must not get into the database.
    """
    check_files(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def is_name(name: str) -> bool:
    """Whether a file of an exchange may have this name: relative, with "/", and of ordinary characters."""
    return len(name) <= _NAME_LENGTH_MAX and _NAME.fullmatch(name) is not None


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a zip that `pack` made. Raises `IepdRefused`: names outside of iepd/ and xsd/, and as `unzip`."""
    files = _unzipped(data, lambda _: False)
    if not all(name.startswith(("iepd/", "xsd/")) for name in files):
        raise _refused("iepd.archive-name", "a file's name in the archive leaves iepd/ and xsd/")
    return files


def unzip(data: bytes) -> dict[str, bytes]:
    """The files of any zip. Raises `IepdRefused`: names that leave the folder, doubles, sizes that lie, encryption."""
    return _unzipped(data, _is_clutter)


def _unzipped(data: bytes, leaves_out: Callable[[str], bool]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not (entry.is_dir() or leaves_out(entry.filename))]
            _check(entries)
            return {entry.filename: _content(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _refused("iepd.archive-broken", "the archive is not a zip file, or it is damaged") from error


def unwrap(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files without the one folder that all of them lie in: published zips are often made so."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        return unwrap({name.partition("/")[2]: data for name, data in files.items()})
    return dict(files)


def _is_clutter(name: str) -> bool:
    """What operating systems put into zips besides the files."""
    return any((step.startswith(".") and step.strip(".")) or step == "__MACOSX" for step in name.split("/"))


def check_files(files: Mapping[str, bytes]) -> None:
    """Refuse what no archive takes: too many files, too large, names that are unusual or the same. `IepdRefused`."""
    _check_size(len(files), sum(map(len, files.values())))
    _check_names(files)


def _check_size(count: int, size_bytes: int) -> None:
    if count > FILES_MAX:
        raise _refused("iepd.archive-too-large", f"there are more than {FILES_MAX} files")
    if size_bytes > SIZE_BYTES_MAX:
        raise _refused("iepd.archive-too-large", f"the files are larger than {SIZE_BYTES_MAX >> 20} MiB together")


def _check_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not is_name(name):
            raise _refused("iepd.archive-name", "a file's name leaves its folder or is unusual")
        # Names that differ in case only would fall together on some disks.
        if name.lower() in seen:
            raise _refused("iepd.archive-name", "two files have the same name, case aside")
        seen.add(name.lower())


def _check(entries: list[zipfile.ZipInfo]) -> None:
    _check_size(len(entries), sum(entry.file_size for entry in entries))
    _check_names(entry.filename for entry in entries)
    for entry in entries:
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or entry.flag_bits & 0x1:
            raise _refused("iepd.archive-broken", "the archive is encrypted or packed in an unusual way")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The file, never more than its entry promises: zipfile stops there and then compares the checksum."""
    with archive.open(entry) as file:
        return file.read(entry.file_size + 1)


def _refused(code: str, text: str) -> IepdRefused:
    return IepdRefused([Finding(code=code, text=text)])
