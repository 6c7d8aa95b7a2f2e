"""Law packs in force: taken in by a signed act, each version kept. What binds is what the database holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, Acting, Signer, entry_by
from gateway.exchange.activate import change, decided_anew
from gateway.exchange.gateway import Gateway
from gateway.exchange.lawful import read_pack
from gateway.policy.law import LawPack
from gateway.store.configuration import Law


class LawVersionPassed(Refused):
    """The pack is held in this version or a later one: a changed law is a new version of its pack."""

    code = "law.version-passed"


@decided_anew
async def add_laws(gateway: Gateway, files: Sequence[tuple[str, bytes]], *, by: Acting | None = None) -> list[LawPack]:
    """Take packs in, by file name and bytes; they bind from the next decision on. A version held as it is stays.

    by  the officer; None when a deployment is made, with the packs that come with the gateway

    Raises `LawsRefused` with every finding, `LawVersionPassed` and what `allowed` raises.
    """
    packs = [(read_pack(file, data), data) for file, data in files]
    now = gateway.clock.now()
    held = {(law.id, law.version): law.digest for law in (await gateway.store.configuration()).laws}
    new = [each for each in packs if held.get((each[0].id, each[0].version)) != each[0].digest]
    for pack, _ in new:
        if any(id == pack.id and version >= pack.version for id, version in held):
            text = f"{pack.id} is held in version {pack.version} or later; raise the version in the file"
            raise LawVersionPassed(text)
    changes = [
        Law(id=pack.id, version=pack.version, digest=pack.digest, body=data, changed_at=now) for pack, data in new
    ]
    await change(gateway, changes, [_entry(gateway, pack, by, now) for pack, _ in new])
    return [pack for pack, _ in new]


def _entry(gateway: Gateway, pack: LawPack, by: Acting | None, now: datetime) -> AuditEntry:
    fields: dict[str, Any] = {"kind": "law", "law": f"{pack.id}@{pack.version}"}
    signer = Signer(by=by, actor="init", roles=OFFICERS)
    return entry_by(gateway, EntryType.REGISTER, signer, digest=pack.digest, at=now, **fields)
