"""Hand heads of the log to agencies that only fetch: whoever keeps one can show later what the log had to hold.

Who was given which is remembered and entered. A head is no secret: it says how many entries there are, and their root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.agency import AgencyId, EndpointKind
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.entry import make
from gateway.errors import Misconfigured
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.cosigned import checkpoint_with_cosignatures
from gateway.exchange.evidence import EntryNotInTree
from gateway.exchange.gateway import Gateway
from gateway.store.witness import GivenHead
from gateway.telemetry import log
from gateway.transport.interface import GiveHead

KIND = "checkpoint"


class FolderUnusable(Misconfigured):
    """The folder for heads cannot be written to."""

    code = "audit.checkpoint-folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A head that was handed out. addresses: where mail about it goes, by agency; there may be none."""

    size: int
    note: bytes
    agencies: tuple[AgencyId, ...]
    addresses: tuple[tuple[AgencyId, str], ...]


def who_only_fetches(gateway: Gateway) -> tuple[AgencyId, ...]:
    """Agencies with an inbox: nothing is pushed to them, so no head reaches them with a delivery."""
    let_in = [each for each in gateway.current.agencies.values() if not each.suspended]
    return tuple(sorted(each.id for each in let_in if each.endpoint.kind is EndpointKind.INBOX))


async def hand_out(gateway: Gateway, agencies: Sequence[AgencyId], *, way: str, actor: str) -> Handed:
    """The newest head, remembered as given to these agencies. way: file, folder, mail.

    The caller carries it: to a file, a folder, a mail. Raises `AgencyUnknown`, `EntryNotInTree`.
    """
    for agency in agencies:
        if agency not in gateway.current.agencies:
            raise AgencyUnknown(f"there is no agency {agency}")
    note = await checkpoint_with_cosignatures(gateway.store)
    if note is None:
        raise EntryNotInTree("nothing is in the log yet")
    size, now = unverified_checkpoint(note).size, gateway.clock.now()
    entries = [
        make(
            EntryType.EXPORT,
            id=gateway.new_id(now),
            at=now,
            parties=(agency,),
            kind=KIND,
            agency=agency,
            actor=actor,
            log_size=size,
            reason=way,
        )
        for agency in agencies
    ]
    given = [GivenHead(agency=agency, size=size, way=way, at=now) for agency in agencies]
    await gateway.store.give_heads(given, entries)
    return Handed(size=size, note=note, agencies=tuple(agencies), addresses=_addresses(gateway, agencies))


def _addresses(gateway: Gateway, agencies: Sequence[AgencyId]) -> tuple[tuple[AgencyId, str], ...]:
    return tuple(
        (agency, contact.email)
        for agency in agencies
        for contact in gateway.current.agencies[agency].contacts
        if contact.email
    )


async def hand_out_by_mail(gateway: Gateway, mail: GiveHead) -> Handed | None:
    """A mail to the contacts of each agency that only fetches; None when nobody could be given one.

    Those whose mail was taken are remembered; of the others the operator reads, and they are tried the next time.
    """
    note = await checkpoint_with_cosignatures(gateway.store)
    if note is None:
        return None
    size, now = unverified_checkpoint(note).size, gateway.clock.now()
    reached: list[AgencyId] = []
    for agency in who_only_fetches(gateway):
        to = [address for _, address in _addresses(gateway, [agency])]
        code = await mail.give(note, size=size, to=to, now=now) if to else "witness.no-address"
        if code:
            log.warning("head.not-mailed", agency=agency, code=code)
        else:
            reached.append(agency)
    return await hand_out(gateway, reached, way="mail", actor="worker") if reached else None


async def hand_out_to_folder(gateway: Gateway, folder: Path) -> Handed | None:
    """A file for each agency that only fetches, FOLDER/AGENCY/SIZE.checkpoint; None when there is no such agency.

    Written before it is remembered: what is listed as given was there. Raises `FolderUnusable` and as `hand_out`.
    """
    agencies = who_only_fetches(gateway)
    note = await checkpoint_with_cosignatures(gateway.store)
    if not agencies or note is None:
        return None
    size = unverified_checkpoint(note).size
    try:
        for agency in agencies:
            (folder / agency).mkdir(parents=True, exist_ok=True)
            (folder / agency / f"{size:012d}.checkpoint").write_bytes(note)
    except OSError as error:
        raise FolderUnusable(f"{folder}: heads of the log cannot be written there ({error.strerror})") from error
    return await hand_out(gateway, agencies, way="folder", actor="worker")
