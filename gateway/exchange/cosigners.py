"""Cosigners: which partners' gateways countersign our log, and whose logs we countersign.

Two people compare the key - by telephone, on paper - and one of them enters it under their name. What a key has signed
while it was entered stays verified when it ends.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.cosignature import CosignerKey
from gateway.audit.note import NoteKey
from gateway.errors import Refused
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import KEEPERS
from gateway.store.witness import Watch, WitnessKey
from gateway.transport.ask import Partner

KEY_TYPES: Final = {Watch.COSIGNER: CosignerKey, Watch.LOG: NoteKey}
"""A cosigner's key and a log's have types of their own: one cannot be entered for the other."""


class CosignerUnknown(Refused):
    """No such key is entered for this agency."""

    code = "witness.unknown"


class CosignerTaken(Refused):
    """This key, or its name, is another agency's: what that one signs would be held for this one's word."""

    code = "witness.taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What is entered: a partner's gateway, and its key.

    key          its text form, name+id+key
    url          base URL of the gateway
    authorities  PEM of the authority that vouches for its server
    """

    watch: Watch
    agency: AgencyId
    key: str
    url: str
    private_network: bool = False
    authorities: bytes = b""


async def add_cosigner(gateway: Gateway, wanted: Watching, *, by: Acting) -> WitnessKey:
    """Enter a partner's key. Raises `NoteKeyMalformed`, `AgencyUnknown`, `CosignerTaken` and what `allowed` raises."""
    allowed(gateway, by, KEEPERS, OPERATOR)
    if wanted.agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {wanted.agency}; enter it first: gateway agency add")
    key = KEY_TYPES[wanted.watch].read(wanted.key)
    if wanted.watch is Watch.COSIGNER:
        await _check_own(gateway, key, wanted.agency)
    made = WitnessKey(
        watch=wanted.watch,
        agency=wanted.agency,
        key=str(key),
        url=wanted.url.rstrip("/"),
        since=gateway.clock.now(),
        private_network=wanted.private_network,
        authorities=wanted.authorities,
    )
    for before in await active(gateway, wanted.watch, wanted.agency):
        if before.key != made.key:
            await _put(gateway, replace(before, ended_at=made.since), "remove", by)
    await _put(gateway, made, "add", by)
    return made


async def _check_own(gateway: Gateway, key: NoteKey, agency: AgencyId) -> None:
    """Cosignatures are told apart by the name of their key, and a public key is no secret: a partner could hand in
    another one's."""
    for entered in await active(gateway, Watch.COSIGNER):
        other = CosignerKey.read(entered.key)
        if entered.agency != agency and (other.name == key.name or other.public_bytes == key.public_bytes):
            raise CosignerTaken(f"this key, or a key of this name, countersigns for {entered.agency} already")


async def remove_cosigner(gateway: Gateway, watch: Watch, agency: AgencyId, *, by: Acting) -> WitnessKey:
    """End it. Raises `CosignerUnknown` and what `allowed` raises."""
    allowed(gateway, by, KEEPERS, OPERATOR)
    found = await active(gateway, watch, agency)
    if not found:
        raise CosignerUnknown(f"no key of {agency} is entered as {watch}")
    ended = replace(found[-1], ended_at=gateway.clock.now())
    await _put(gateway, ended, "remove", by)
    return ended


async def active(gateway: Gateway, watch: Watch, agency: AgencyId | None = None) -> list[WitnessKey]:
    """The keys in use for one way; of one agency, or of all."""
    return [
        each
        for each in await gateway.store.witness_keys()
        if each.watch is watch and each.ended_at is None and agency in (None, each.agency)
    ]


async def asked(gateway: Gateway, watch: Watch) -> list[WitnessKey]:
    """Those whose gateways are asked or shown something: of agencies that are not shut out. What a partner
    countersigned before it was goes on to count."""
    agencies = gateway.current.agencies
    return [each for each in await active(gateway, watch) if not agencies[each.agency].suspended]


async def cosigner_keys(gateway: Gateway) -> dict[CosignerKey, WitnessKey]:
    """Every key that cosignatures of our log are verified with."""
    return {CosignerKey.read(each.key): each for each in await active(gateway, Watch.COSIGNER)}


def partner_of(key: WitnessKey) -> Partner:
    """Where its gateway is."""
    return Partner(url=key.url, private_network=key.private_network, authorities=key.authorities)


async def _put(gateway: Gateway, key: WitnessKey, action: str, by: Acting) -> None:
    person = allowed(gateway, by, KEEPERS, OPERATOR)
    now = gateway.clock.now()
    public = KEY_TYPES[key.watch].read(key.key).public_bytes
    fingerprint = hashlib.sha256(public).hexdigest()
    signed = sign_entry(
        gateway,
        EntryType.WITNESS,
        by,
        person,
        digest=f"sha-256:{fingerprint}",
        at=now,
        parties=(key.agency,),
        action=action,
        kind=key.watch.value,
        partner=key.agency,
        key=fingerprint,
    )
    await gateway.store.put_witness_key(key, [signed])
