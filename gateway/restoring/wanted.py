"""What a restore is asked for."""

from dataclasses import dataclass
from pathlib import Path

from gateway.audit.note import NoteKey
from gateway.exchange.acting import Acting


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be put back, and what is known from elsewhere.

    keys      folder of the copies of erasable keys; None = the one beside the archive, if there is one
    database  URL instead of the one in the settings
    aside     a deployment that stands in the folder is moved aside and kept
    heads     checkpoints kept elsewhere, as they are
    newer     export of a newer log; certificates: of destruction, as they were signed
    log_key   verifier key of the log as partners hold it; None = the one in the archive is believed
    reason    why somebody goes back behind what others remember; needs `by`
    """

    archive: Path
    directory: Path
    keys: Path | None = None
    database: str | None = None
    aside: bool = False
    heads: tuple[tuple[str, bytes], ...] = ()
    newer: Path | None = None
    certificates: tuple[bytes, ...] = ()
    log_key: NoteKey | None = None
    reason: str | None = None
    by: Acting | None = None
