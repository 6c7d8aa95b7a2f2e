"""Probing: whether an agency can be reached, and whether what it would show is taken. No record is sent or read."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.agency import Agency, AgencyId, EndpointKind
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.errors import GatewayError
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.destination import destinations
from gateway.exchange.gateway import Gateway
from gateway.signing.certificate import check, fingerprint, pems_to_ders, read_certificate
from gateway.signing.certificate_name import names_of
from gateway.store.configuration import AgencyAuthority
from gateway.transport.connections import Connections
from gateway.transport.probe import ping, probe
from gateway.transport.probe_words import Said, Tried

POLLS_LOOKED_THROUGH = 2000
"""Newest entries of the log in which the last poll is looked for."""

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing that was looked at. tried: whether it is good; code: "" when it is."""

    name: str
    tried: Tried
    text: str
    code: str = ""


def agency_of(gateway: Gateway, id: AgencyId) -> Agency:
    """The agency. Raises `AgencyUnknown`."""
    agency = gateway.current.agencies.get(id)
    if agency is None:
        raise AgencyUnknown(f"there is no agency {id}")
    return agency


async def probe_endpoint(
    gateway: Gateway, id: AgencyId, connections: Connections, *, actor: str, told: Callable[[Said], None]
) -> tuple[Said, ...]:
    """Try the way that deliveries to an agency go, also of one that is suspended. The entry that it is tried is stored
    before anything leaves, and what became of it after.

    Raises `AgencyUnknown`, `Unavailable` when an entry cannot be written, and what the signer raises.
    """
    agency = replace(agency_of(gateway, id), suspended=False)
    far = destinations([agency], gateway.current.authorities)[id]
    now = gateway.clock.now()
    request = ping(far.endpoint, gateway.keys.cover_signer, id=gateway.new_id(now), now=now)
    await _enter(gateway, id, kind="endpoint", outcome="begun", actor=actor)
    deadline = timedelta(seconds=gateway.settings.relay.attempt_seconds_max)
    said = await probe(connections, far, request, deadline=deadline, told=told)
    last = said[-1]
    status = last.status or None
    await _enter(gateway, id, kind="endpoint", outcome=last.tried, actor=actor, code=last.code or None, status=status)
    return said


async def look_at_inbox(gateway: Gateway, id: AgencyId, *, actor: str) -> tuple[Looked, ...]:
    """Of an agency that fetches for itself: whether it could come in, when it last came, and what waits."""
    now = gateway.clock.now()
    looked = (_let_in(gateway, id), *_credentials(gateway, id, now), await _polled(gateway, id))
    wrong = next((each for each in looked if each.tried is not Tried.GOOD), None)
    outcome, code = (wrong.tried, wrong.code) if wrong else (Tried.GOOD, "")
    await _enter(gateway, id, kind="inbox", outcome=outcome, actor=actor, code=code or None)
    return looked


async def judge_certificate(gateway: Gateway, id: AgencyId, pem: bytes, *, actor: str) -> tuple[Looked, ...]:
    """Whether a certificate that the agency would show is taken, for TLS and for signatures, and why not. Others may
    follow in the file, as its system would send them along.

    Raises `AgencyUnknown`, `CertificateUnreadable`.
    """
    agency_of(gateway, id)
    der, *others = pems_to_ders(pem)
    certificate, now = read_certificate(der), gateway.clock.now()
    names = ", ".join(sorted(names_of(certificate))) or "none"
    days = f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
    looked = [
        Looked(name="certificate", tried=Tried.GOOD, text=f"{fingerprint(der)[:16]}, good from {days}"),
        Looked(name="names", tried=Tried.GOOD, text=names),
    ]
    try:
        check(der, gateway.current.trust(id), now=now, others=others)
    except GatewayError as error:
        text = f"{error.text}{_hint(gateway, id, names_of(certificate))}"
        looked.append(Looked(name="taken", tried=Tried.WRONG, text=text, code=error.code))
    else:
        looked.append(_whose(gateway, id, der, others))
    last = looked[-1]
    await _enter(
        gateway,
        id,
        kind="certificate",
        outcome=last.tried,
        actor=actor,
        code=last.code or None,
        fingerprint=fingerprint(der),
    )
    return tuple(looked)


def _whose(gateway: Gateway, id: AgencyId, der: bytes, others: list[bytes]) -> Looked:
    """It is taken for the agency; of TLS it must be nobody else's too."""
    try:
        found = gateway.identify_certificate(der, others).id
    except GatewayError as error:
        text = "for signatures it is taken; for TLS not: " + error.text
        return Looked(name="taken", tried=Tried.WRONG, text=text, code=error.code)
    if found != id:
        text = f"for TLS it is that of {found}"
        return Looked(name="taken", tried=Tried.WRONG, text=text, code="identity.disagree")
    return Looked(name="taken", tried=Tried.GOOD, text=f"it speaks for {id}, in TLS and under messages")


def _hint(gateway: Gateway, id: AgencyId, names: frozenset[str]) -> str:
    """Which names would count, where it has none of them."""
    wanted = sorted({name for each in gateway.current.trust(id).authorities for name in each.names})
    if not wanted:
        return "; the agency has no authority: pin it with --certificate, or register its authority with --authority"
    return "" if names.intersection(wanted) else f"; registered are: {', '.join(wanted)}"


def _let_in(gateway: Gateway, id: AgencyId) -> Looked:
    if agency_of(gateway, id).suspended:
        return Looked(name="let in", tried=Tried.WRONG, text="the agency is suspended", code="agency.suspended")
    return Looked(name="let in", tried=Tried.GOOD, text="the agency is not suspended")


def _credentials(gateway: Gateway, id: AgencyId, now: datetime) -> list[Looked]:
    held = [one for one in gateway.current.held(id) if one.revoked_at is None]
    good = [one for one in held if one.not_before <= now < one.not_after]
    looked = []
    for one in good:
        kind = "authority" if isinstance(one, AgencyAuthority) else one.kind.value
        ends = "; it ends soon" if one.not_after - now < SOON else ""
        text = f"{kind} {one.fingerprint[:16]}, until {one.not_after:%Y-%m-%d}{ends}"
        looked.append(Looked(name="credential", tried=Tried.GOOD, text=text))
    if not good:
        text = f"none that counts today, of {len(held)}: gateway agency add --id {id}"
        looked.append(Looked(name="credential", tried=Tried.WRONG, text=text, code="credential.none"))
    return looked


async def _polled(gateway: Gateway, id: AgencyId) -> Looked:
    """When the agency last asked for its inbox, as far back as is looked."""
    counts = await gateway.store.counts()
    start = max(0, counts.log_size - POLLS_LOOKED_THROUGH)
    last = ""
    for each in await gateway.store.entries(start, POLLS_LOOKED_THROUGH):
        if each.entry.type == EntryType.READ:
            said = json.loads(each.entry.body)
            if said["kind"] == "inbox" and said.get("recipient", said.get("agency")) == id:
                last = f"{each.entry.at:%Y-%m-%d %H:%M} UTC"
    waiting = sum(count for recipient, state, count in counts.deliveries if recipient == id and state == "waiting")
    when = f"last asked on {last}" if last else f"not asked, in the newest {counts.log_size - start} entries of the log"
    return Looked(name="polled", tried=Tried.GOOD, text=f"{when}; {waiting} deliveries wait")


def is_pushed(agency: Agency) -> bool:
    """Whether deliveries go to the agency, or it fetches them."""
    return agency.endpoint.kind is not EndpointKind.INBOX


async def _enter(gateway: Gateway, id: AgencyId, **fields: Any) -> None:
    now = gateway.clock.now()
    entry = make(EntryType.PROBE, id=gateway.new_id(now), at=now, parties=(id,), agency=id, **fields)
    await gateway.store.record([entry])
