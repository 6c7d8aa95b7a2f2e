"""Manifest: what an archive holds, of which gateway, from which moment. Its last member, so that it names them all."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.backup.archive import Member
from gateway.backup.seal import ArchiveAltered
from gateway.clock import timestamp

FORMAT = "gateway-backup/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One archive.

    id          UUIDv7; the audit entry of the backup is bound to it
    gateway     its name: the log's origin
    version     of the program that wrote it
    by          account of the person, "" for a timer's
    database    sqlite or postgres
    migrations  that its database had
    fingerprint of its key directory
    messages    held
    log_size    entries in the tree, under `checkpoint`, a signed note, "" when there is none
    unsequenced entries that were not in the tree yet
    last_at     when the newest entry was written; None when there is none
    members     all but the manifest
    """

    id: str
    gateway: str
    version: str
    made_at: datetime
    by: str
    database: str
    migrations: tuple[str, ...]
    fingerprint: str
    messages: int
    log_size: int
    checkpoint: str
    unsequenced: int
    last_at: datetime | None
    members: tuple[Member, ...]


def write_manifest(manifest: Manifest) -> bytes:
    """Its JSON text."""
    moments = {
        "made_at": timestamp(manifest.made_at),
        "last_at": timestamp(manifest.last_at) if manifest.last_at else None,
    }
    text = json.dumps({"format": FORMAT} | asdict(manifest) | moments, sort_keys=True, indent=1)
    return f"{text}\n".encode()


def read_manifest(text: bytes) -> Manifest:
    """The manifest of a verified archive. Raises `ArchiveAltered` for what this version does not write."""
    try:
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("format") != FORMAT:
            raise ArchiveAltered("the archive's manifest is not in the form of this version")
        moments = {"made_at": _moment(raw["made_at"]), "last_at": _moment(raw["last_at"]) if raw["last_at"] else None}
        lists = {"migrations": tuple(raw["migrations"]), "members": tuple(Member(**each) for each in raw["members"])}
        return Manifest(**(raw | moments | lists))
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveAltered("the archive's manifest is not in the form of this version") from error


def check_members(manifest: Manifest, found: Sequence[Member]) -> None:
    """Raises `ArchiveAltered` unless these are the members that the manifest names, each with its digest."""
    if tuple(found) != manifest.members:
        raise ArchiveAltered("the members of the archive are not those of its manifest")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
