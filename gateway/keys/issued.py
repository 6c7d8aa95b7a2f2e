"""What the own authority has issued and revoked, in two files of the key directory that only grow.

    ca.issued    a line for each certificate: authority, serial number, fingerprint, last moment, whose; durable before
                 the certificate is given to anybody, so that whatever has its signature can be revoked
    ca.revoked   a line for each that was revoked here: fingerprint, when, why

Agencies' certificates are revoked in the database (`gateway agency revoke`); the second file is for the gateway's own,
and for those that no agency was registered with. A line that a stop cut off is no line: what it stood for was not done.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from gateway.clock import timestamp
from gateway.keys.certified import fingerprint_of
from gateway.keys.secret_file import PUBLIC_MODE, KeyMissing, KeyUnreadable, read_public, sync_directory

ISSUED, REVOKED = "ca.issued", "ca.revoked"

KEY_COMPROMISE = "keyCompromise"
"""Reason of RFC 5280, section 5.3.1: somebody else has the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that the authority has signed. authority, fingerprint: SHA-256 of certificates, hex."""

    authority: str
    serial: int
    fingerprint: str
    until: datetime
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """One that was revoked here. reason: a word of RFC 5280, section 5.3.1, as `x509.ReasonFlags` has it."""

    fingerprint: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class IssuedFiles:
    """The two files of one key directory. Any number of processes may write."""

    directory: Path

    def record(self, certificate: x509.Certificate, authority: x509.Certificate) -> None:
        """It is about to be given to somebody. Durable when this returns. Raises `KeyUnreadable`."""
        until = timestamp(certificate.not_valid_after_utc)
        words = (fingerprint_of(authority), f"{certificate.serial_number:x}", fingerprint_of(certificate), until)
        _append(self.directory / ISSUED, " ".join((*words, _word(certificate))))

    def issued(self) -> tuple[Issued, ...]:
        """Every one, as it was issued. Raises `KeyUnreadable`."""
        return tuple(
            Issued(authority=authority, serial=int(serial, 16), fingerprint=own, until=_moment(until), subject=subject)
            for authority, serial, own, until, subject in _lines(self.directory / ISSUED, 5)
        )

    def revoke(self, fingerprint: str, at: datetime, reason: str) -> bool:
        """Durably; False when it was before. Raises `KeyUnreadable`."""
        if any(each.fingerprint == fingerprint for each in self.revoked()):
            return False
        _append(self.directory / REVOKED, f"{fingerprint} {timestamp(at)} {reason}")
        return True

    def revoked(self) -> tuple[Revoked, ...]:
        """Every one. Raises `KeyUnreadable`."""
        return tuple(
            Revoked(fingerprint=fingerprint, at=_moment(at), reason=reason)
            for fingerprint, at, reason in _lines(self.directory / REVOKED, 3)
        )


def _append(path: Path, line: str) -> None:
    """One write: lines of two processes never mix. It begins with a line's end too: what a stop cut off before it is
    then a line of its own, which no reader takes for one."""
    try:
        new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PUBLIC_MODE)
        try:
            data = f"\n{line}.\n".encode()
            if os.write(descriptor, data) < len(data):  # a disk that is nearly full takes a part, and says no more
                raise KeyUnreadable(f"{path}: cannot be written ({os.strerror(errno.ENOSPC)})")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_directory(path.parent)
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be written ({error.strerror})") from error


def _lines(path: Path, count: int) -> Iterator[list[str]]:
    """Whole lines: each ends with a point, which is the last thing written of it."""
    try:
        text = read_public(path).decode("ascii", errors="replace")
    except KeyMissing:
        return
    for line in text.splitlines():
        words = line.removesuffix(".").split(" ")
        if line.endswith(".") and len(words) == count:
            yield words


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _word(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(names[0].value) if names else ""
    return "".join(sign if (sign.isascii() and sign.isalnum()) or sign in "-_" else "_" for sign in text) or "_"
