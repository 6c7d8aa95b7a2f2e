"""Destruction certificate: what was destroyed, how, by whom, and what was looked for afterwards. Text to be signed.

Two lines of text and one of canonical JSON, signed as a note (c2sp.org/signed-note), so that anybody with the gateway's
receipt key reads and verifies it at home, without us:

    gateway.example.gov/destruction
    {"at":"2026-03-02T12:00:00.00Z","classes":[...], ...}

It names no person whose data it was, and no value.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.clock import timestamp
from gateway.errors import Refused
from gateway.retention.kept import Kept
from gateway.retention.plan import Plan, Why, classes

METHOD = "cryptographic erase, NIST SP 800-88r2"
VERSION = "gateway/destruction-certificate@v1"
LISTED_MAX = 200
"""Keys and classes that are listed one by one: a signed note holds 64 KiB. The digest is over all of them."""

LIMITS = (
    "Overwriting the key files is the last step that software can do: sanitizing worn-out media stays with people",
    "Backups of the key directory made before are to be destroyed with the bucket they hold",
)


class CertificateMalformed(Refused):
    """Not the text of a destruction certificate."""

    code = "retention.certificate-malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What was looked for afterwards, and found.

    tried, opened    payloads that were tried to open, and those that still opened
    needles          keys and pieces of content, taken before the destruction, that were searched for in the raw bytes
    files, scanned_bytes  where; found: how many of the needles were there
    unreachable      what could not be searched from here, in words; "" = nothing
    """

    tried: int
    opened: int
    needles: int = 0
    files: int = 0
    scanned_bytes: int = 0
    found: int = 0
    unreachable: str = ""

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.opened and not self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who stood for it. name: account, or the program's; agency "" = the gateway's operator; fingerprint of the key."""

    name: str
    agency: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """All that a certificate says.

    log  entry id, index and leaf hash (hex) of the intent in the audit log
    """

    id: str
    gateway: str
    why: Why
    intended_at: datetime
    done_at: datetime
    operator: Person
    second: Person | None
    items: Sequence[Kept]
    whole: Sequence[str]
    held: Mapping[str, int]
    spared: int
    residue: Residue
    plan_digest: str
    log: tuple[str, int | None, str]


def of_plan(plan: Plan) -> dict[str, Any]:
    """What of a plan a certificate repeats later: kept with the run, for whoever has to finish it."""
    return {"held": dict(sorted(plan.held.items())), "digest": plan.digest, "asks": [each.value for each in plan.asks]}


def keys_digest(items: Sequence[Kept]) -> str:
    """SHA-256 over the lines "<payload id> <bucket>/<address>", sorted: anybody with the list makes it again."""
    lines = "".join(f"{line}\n" for line in sorted(f"{each.id} {each.key_id}" for each in items))
    return f"sha-256:{sha256(lines.encode()).hexdigest()}"


def certificate_text(made: Certified) -> str:
    """The text to be signed."""
    return f"{made.gateway}/destruction\n{json.dumps(_body(made), sort_keys=True, separators=(',', ':'))}\n"


def _body(made: Certified) -> dict[str, Any]:
    counted = list(classes(made.items).items())
    punctured = [each.key_id for each in made.items if each.bucket not in set(made.whole)]
    entry, index, leaf = made.log
    return {
        "type": VERSION,
        "id": made.id,
        "gateway": made.gateway,
        "reason": made.why.value,
        "intended_at": timestamp(made.intended_at),
        "at": timestamp(made.done_at),
        "method": METHOD,
        "count": len(made.items),
        "classes": [
            {"kind": one.kind.value, "exchange": one.exchange, "mou": one.mou, "count": count}
            for one, count in counted[:LISTED_MAX]
        ],
        "classes_more": max(0, len(counted) - LISTED_MAX),
        "keys": {
            "buckets": sorted(made.whole),
            "single": sorted(punctured)[:LISTED_MAX],
            "single_count": len(punctured),
            "digest": keys_digest(made.items),
        },
        "held": [{"hold": hold, "count": count} for hold, count in sorted(made.held.items())][:LISTED_MAX],
        "spared": made.spared,
        "operator": _person(made.operator),
        "second": _person(made.second) if made.second else None,
        "residue": {
            "result": "none" if made.residue.clean else "found",
            "tried": made.residue.tried,
            "opened": made.residue.opened,
            "searched_for": made.residue.needles,
            "files": made.residue.files,
            "scanned_bytes": made.residue.scanned_bytes,
            "found": made.residue.found,
            "unreachable": made.residue.unreachable,
        },
        "plan": made.plan_digest,
        "log": {"entry": entry, "index": index, "leaf": leaf},
        "limits": list(LIMITS),
    }


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "agency": person.agency, "fingerprint": person.fingerprint}


def read_certificate(text: str) -> dict[str, Any]:
    """What the text of a certificate says, its signature verified by whoever calls. Raises `CertificateMalformed`."""
    try:
        head, body = text.splitlines()
        read = json.loads(body)
    except ValueError as error:
        raise CertificateMalformed("a destruction certificate is two lines, the second of them JSON") from error
    if not isinstance(read, dict) or read.get("type") != VERSION or head != f"{read.get('gateway')}/destruction":
        raise CertificateMalformed(f"this is no certificate of the form {VERSION}")
    return read
