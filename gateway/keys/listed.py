"""KeyFile: a key of the gateway as people are shown it, and all of a directory's in one list."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.note import NoteKey
from gateway.keys.certified import AUTHORITY, CertifiedKey, fingerprint_of
from gateway.keys.log_key import LogKeyFiles
from gateway.keys.private_key import algorithm_name
from gateway.keys.receipt_key import ReceiptKeyFiles
from gateway.keys.succession import key_print


class KeyState(StrEnum):
    """What a key does."""

    IN_USE = "in-use"
    NEXT = "next"  # made; it takes over later
    OLD = "old"  # signs nothing more; what it signed counts, an authority's certificates too
    RETIRED = "retired"  # an authority before, whose certificates count no more


USED_AS = {
    "ca": "authority",
    "cover": "signs Covers and WS-Security headers",
    "tls": "server certificate",
    "client": "client certificate for pushes",
    "log": "signs the log",
    "receipt": "signs receipts",
    "digest": "tells repeats, cosigns partners' logs",
    "wrap": "encrypts key files",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """One key, for people: no part of it is secret.

    fingerprint  SHA-256 of its SubjectPublicKeyInfo, hex
    certificate  SHA-256 of its certificate, hex; "" for a key without one
    path         of the key; of the certificate, for an old one
    valid_from   first day of its certificate
    expires      end of its certificate; None for a key without one
    issuer       who issued the certificate, by common name
    until        of an old receipts' key: when it signed last
    until_size   of an old log key: the size of the log at which it signed last
    since        of a next key: from when it is to take over; None = nobody has said
    """

    name: str
    algorithm: str
    fingerprint: str
    path: Path
    state: KeyState = KeyState.IN_USE
    created: datetime | None = None
    certificate: str = ""
    valid_from: datetime | None = None
    expires: datetime | None = None
    issuer: str = ""
    until: datetime | None = None
    until_size: int | None = None
    since: datetime | None = None

    @property
    def subject(self) -> str:
        """What an alert about it is about."""
        return self.name if self.state is KeyState.IN_USE else f"{self.name}.{self.state}"

    @property
    def counts(self) -> bool:
        """Whether its end is of interest to anybody: old certificates may end, an old authority's matter."""
        return self.state in (KeyState.IN_USE, KeyState.NEXT) or (self.state is KeyState.OLD and self.name == AUTHORITY)


def certified_keys(directory: Path, name: str, key: CertifiedKey) -> Iterator[KeyFile]:
    """The key in use, the next one, and the certificates before."""
    held = key.current()
    yield _certified(name, held.certificate, _key_path(directory, name), state=KeyState.IN_USE)
    following, certificate = key.next(), key.next_certificate()
    path = _key_path(directory, f"{name}.next")
    if following is not None and certificate is not None:
        yield _certified(name, certificate, path, state=KeyState.NEXT, since=following.since)
    elif following is not None:
        yield KeyFile(
            name=name, algorithm="", fingerprint=following.fingerprint, path=path, state=KeyState.NEXT, since=None
        )
    for old in key.old():
        retired = name == AUTHORITY and old.key is None
        state = KeyState.RETIRED if retired else KeyState.OLD
        yield _certified(name, old.certificate, old.path, state=state)


def receipt_keys(directory: Path, key: ReceiptKeyFiles) -> Iterator[KeyFile]:
    """The receipts' keys."""
    yield note_key(directory, "receipt", NoteKey(key.signer.name, key.signer.public_bytes))
    following = key.next()
    if following is not None:
        path = _key_path(directory, "receipt.next")
        yield KeyFile(
            name="receipt",
            algorithm="Ed25519",
            fingerprint=following.fingerprint,
            path=path,
            state=KeyState.NEXT,
            created=_made(path),
            since=following.since,
        )
    for each in key.every()[:-1]:
        yield KeyFile(
            name="receipt",
            algorithm="Ed25519",
            fingerprint=_print(each.key),
            path=directory / "receipt.retired",
            state=KeyState.OLD,
            until=each.until,
        )


def log_keys(directory: Path, key: LogKeyFiles) -> Iterator[KeyFile]:
    """The log's keys."""
    *before, present = key.every()
    yield note_key(directory, "log", present.key)
    for each in before:
        yield KeyFile(
            name="log",
            algorithm="Ed25519",
            fingerprint=_print(each.key),
            path=directory / "log.retired",
            state=KeyState.OLD,
            until_size=each.until,
        )


def note_key(directory: Path, name: str, key: NoteKey) -> KeyFile:
    """A key in use that has no certificate."""
    path = _key_path(directory, name)
    return KeyFile(name=name, algorithm="Ed25519", fingerprint=_print(key), path=path, created=_made(path))


def _certified(
    name: str, certificate: x509.Certificate, path: Path, *, state: KeyState, since: datetime | None = None
) -> KeyFile:
    public = certificate.public_key()
    return KeyFile(
        name=name,
        algorithm=algorithm_name(public),  # type: ignore[arg-type]  # a key of ours: its kind was checked when it was read
        fingerprint=key_print(public),  # type: ignore[arg-type]
        path=path,
        state=state,
        created=_made(path),
        certificate=fingerprint_of(certificate),
        valid_from=certificate.not_valid_before_utc,
        expires=certificate.not_valid_after_utc,
        issuer=_common_name(certificate.issuer),
        since=since,
    )


def _common_name(name: x509.Name) -> str:
    """Printable, and short: an outside authority chose it."""
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return re.sub(r"[^ -~]", "?", str(found[0].value))[:64] if found else ""


def _print(key: NoteKey) -> str:
    return key_print(Ed25519PublicKey.from_public_bytes(key.public_bytes))


def _made(path: Path) -> datetime | None:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


def _key_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.key.pem"
