"""Redecide: a dissemination of the past decided again under the version of then, and held against what was recorded.

The version is read anew from the bytes that the database holds, under the digest that was recorded. Consents are those
that were on file then. Law packs, exchanges and agencies are those of today: whether the laws are those of then is
known by their digest, and whether anything else was configured otherwise by the configuration's number.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from gateway.agency import AgencyId, SignatureForm
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.document.canonical import declared_prefixes, exclusive, sha256_text
from gateway.document.parse import Document
from gateway.errors import Refused, Tampered
from gateway.exchange.configured import Configured
from gateway.exchange.consenting import consents_of
from gateway.exchange.decide import Case, Denied, Release, release_of, withdrawal_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.past import had_of
from gateway.exchange.stored import open_stored
from gateway.finding import errors
from gateway.iepd.facts import evaluate
from gateway.iepd.header import naming
from gateway.iepd.header import read as read_header
from gateway.message import (
    REACHES_PAST_RECIPIENTS,
    DeliveryId,
    Dissemination,
    DisseminationId,
    Message,
    MessageId,
    Redaction,
)
from gateway.policy.consent import Consent, Consents, counting
from gateway.policy.grant import Grant, matches
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.signing.cover import read_cover
from gateway.store.configuration import Agreement
from gateway.store.messages import DisseminationRecord

PAGE = 1000


class DecisionUnknown(Refused):
    """No message, delivery or dissemination has this id."""

    code = "dissemination.unknown"


class VersionGone(Refused):
    """The version something was decided under is not in the database, or does not fit the exchanges of today."""

    code = "mou.version-gone"


class VersionAltered(Tampered):
    """The database's text of a version is not the one that a dissemination was decided under."""

    code = "mou.version-altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What was recorded of a decision besides the dissemination itself. "" and None: nothing was."""

    laws: str = ""
    configuration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One place that fares otherwise: how it fared then and fares now, each "shared" or an outcome and its clause."""

    path: str
    label: str
    then: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """One dissemination decided again.

    code      why it would get nothing at all, "" when it gets something; "mou.version-gone" when nobody can tell
    shared    places shared as they are, then and now
    payload   whether the payload is the same byte for byte; None when that cannot be told, since it was signed inside
    laws, consents, configuration  whether these differ from then
    """

    dissemination: Dissemination
    code: str
    shared: tuple[int, int]
    deviations: tuple[Deviation, ...]
    payload: bool | None
    laws: bool
    consents: bool
    configuration: bool

    @property
    def decided(self) -> bool:
        """Whether it could be decided again at all."""
        return self.code != VersionGone.code

    @property
    def same(self) -> bool:
        """Whether the decision comes out as it was recorded."""
        return not self.code and not self.deviations and self.shared[0] == self.shared[1]


class Versions:
    """Agreements read from the database's bytes, for whoever decides many things again: reading one takes longer than
    deciding by it."""

    def __init__(self) -> None:
        self._read: dict[bytes, Mou] = {}
        self._iepds: object = None

    def read(self, agreement: Agreement, name: str, configured: Configured) -> Mou:
        """The version of these bytes, under the exchanges registered now. Raises `VersionGone`."""
        if self._iepds is not configured.iepds:
            self._read, self._iepds = {}, configured.iepds
        mou = self._read.get(agreement.body)
        if mou is None:
            mou, findings = read_mou(agreement.body, name, configured.iepds)
            if mou is None or errors(findings):
                raise VersionGone(f"{name} cannot be read with the exchanges registered now")
            self._read[agreement.body] = mou
        return mou


async def redecide(gateway: Gateway, id: str, *, actor: str, versions: Versions | None = None) -> tuple[Redecided, ...]:
    """Decide again what is named: one dissemination, by its own id or its delivery's, or all of a message.

    versions  those read before, of whoever asks many times

    That the message is opened is an audit entry, written before. Raises `DecisionUnknown`, `KeyGone`, `VersionAltered`.
    """
    await gateway.refresh()
    records = await _named(gateway, id)
    message = records[0].dissemination.message
    found = await gateway.store.message(message)
    if found is None:
        raise DecisionUnknown(f"nothing is stored under {id}")
    now = gateway.clock.now()
    entry = make(
        EntryType.READ,
        id=gateway.new_id(now),
        at=now,
        parties=(found.message.sender,),
        message=message,
        kind="replay",
        actor=actor,
        count=len(records),
    )
    await gateway.store.record([entry])
    document = open_stored(gateway, found)
    consents = await consents_of(gateway, document, gateway.current.iepds[found.message.exchange])
    then = await _then(gateway, message)
    read = versions or Versions()
    return tuple(
        [
            _again(
                gateway,
                found.message,
                await _as_named(gateway, found.message, document, each),
                each.dissemination,
                consents=consents,
                then=then.get(each.dissemination.id, Then()),
                versions=read,
            )
            for each in records
        ]
    )


async def _as_named(gateway: Gateway, message: Message, document: Document, made: DisseminationRecord) -> Document:
    """What was cut for this recipient: its Cover tells whether another earlier message was named to it."""
    if message.earlier is None:
        return document
    try:
        earlier = read_cover(made.cover).earlier
    except Refused:  # destroyed, or altered: then the payload's digest is compared with what the sender named
        return document
    had = await gateway.store.message(earlier) if earlier not in {None, message.earlier} else None
    if had is None:
        return document
    iepd = gateway.current.iepds[message.exchange]
    written = read_header(document, iepd).earlier
    return naming(document, iepd, had_of(had.message, named=message.earlier, written=written).name)


def _again(
    gateway: Gateway,
    message: Message,
    document: Document,
    made: Dissemination,
    *,
    consents: Consents,
    then: Then,
    versions: Versions,
) -> Redecided:
    """One that was decided under no agreement's version that is here hides none of the others."""
    try:
        return decide_again(
            gateway.current,
            message,
            document,
            made,
            consents=consents,
            then=then,
            now=gateway.clock.now(),
            versions=versions,
        )
    except VersionGone as error:
        return Redecided(
            dissemination=made,
            code=error.code,
            shared=(made.shared, 0),
            deviations=(),
            payload=None,
            laws=then.laws != gateway.current.laws.digest,
            consents=False,
            configuration=then.configuration != gateway.current.version,
        )


async def _named(gateway: Gateway, id: str) -> tuple[DisseminationRecord, ...]:
    if records := await gateway.store.disseminations(MessageId(id)):
        return records
    if (record := await gateway.store.delivery(DeliveryId(id))) is not None:
        return (record,)
    after = ""
    # Disseminations are found by their messages; the log knows which it was. The id says when that was.
    made = made_at(id)
    since, until = (made, made + timedelta(seconds=1)) if made is not None else (None, None)
    while made is not None and (
        page := await gateway.store.entries_of_types(
            (EntryType.DISSEMINATE.value,), since=since, until=until, after=after, limit=PAGE
        )
    ):
        for each in page:
            body = json.loads(each.entry.body)
            if body["dissemination"] == id:
                records = await gateway.store.disseminations(MessageId(body["message"]))
                return tuple(one for one in records if one.dissemination.id == id)
        after = page[-1].entry.id
    raise DecisionUnknown(f"no message, delivery or dissemination with disseminations has the id {id}")


async def _then(gateway: Gateway, message: MessageId) -> dict[DisseminationId, Then]:
    entries = await gateway.store.entries_of(message)
    bodies: list[dict[str, Any]] = [json.loads(each.entry.body) for each in entries]
    numbers = [each.get("configuration") for each in bodies if each["type"] == EntryType.RECEIVE]
    number = next(iter(numbers), None)
    return {
        DisseminationId(each["dissemination"]): Then(laws=each.get("laws", ""), configuration=number)
        for each in bodies
        if each["type"] == EntryType.DISSEMINATE
    }


def decide_again(
    configured: Configured,
    message: Message,
    document: Document,
    made: Dissemination,
    *,
    consents: Consents,
    then: Then,
    now: datetime,
    versions: Versions | None = None,
) -> Redecided:
    """The same decision once more, as of the moment of the message. Pure. Raises `VersionGone`, `VersionAltered`."""
    mou = _version(configured, made, versions or Versions())
    as_then = configured.deciding_only([(mou, message.received_at)])  # this version alone, as it did then
    iepd = configured.iepds[message.exchange]
    on_file = known_then(consents, message.received_at)
    case = Case(
        document=document,
        iepd=iepd,
        sender=message.sender,
        action=message.action,
        only=frozenset(),
        consents=on_file,
    )
    decision = _decided(case, as_then, mou, made, message.received_at)
    release = decision if isinstance(decision, Release) else None
    holding = partial(counting, sender=message.sender, recipient=made.recipient, purpose=made.purpose)
    return Redecided(
        dissemination=made,
        code=decision.code if isinstance(decision, Denied) else "",
        shared=(made.shared, release.cut.shared if release is not None else 0),
        deviations=_deviations(made.redactions, release.cut.redactions) if release is not None else (),
        payload=_same_payload(configured, made, release),
        laws=then.laws != configured.laws.digest,
        consents=_ids(holding(on_file, now=message.received_at)) != _ids(holding(consents, now=now)),
        configuration=then.configuration != configured.version,
    )


def _version(configured: Configured, made: Dissemination, versions: Versions) -> Mou:
    """The version from the database's bytes, not from what was compiled of them."""
    key = (made.mou, made.mou_version)
    agreement: Agreement | None = next((one for one in configured.agreements if (one.mou, one.version) == key), None)
    name = f"{made.mou} version {made.mou_version}"
    if agreement is None:
        raise VersionGone(f"{name} is not in the database")
    mou = versions.read(agreement, name, configured)
    if mou.digest != made.mou_digest:
        raise VersionAltered(f"the text of {name} in the database is not the one this was decided under")
    return mou


def _decided(case: Case, configured: Configured, mou: Mou, made: Dissemination, moment: datetime) -> Release | Denied:
    """As it was decided then: by the same clause; a correction or cancellation maybe as a withdrawal."""
    facts = evaluate(case.document, case.iepd)
    spoken = configured.in_force.spoken(case.sender, case.iepd.id, configured.day(moment)).grants.get(
        made.recipient, ()
    )
    reaches = case.action in REACHES_PAST_RECIPIENTS
    tried: list[Release | Denied] = [
        release_of(case, configured, facts, grant, moment)
        for grant in spoken
        if grant.clause.id in made.clauses and (reaches or matches(grant.clause.route, facts))
    ]
    clause = next((each for each in mou.exchanges if each.id in made.clauses), None)
    if reaches and clause is not None:
        grant = Grant(mou=mou, clause=clause, recipient=made.recipient)
        tried.append(withdrawal_of(case, configured, facts, grant))
    same = (
        each for each in tried if isinstance(each, Release) and sorted(each.cut.redactions) == sorted(made.redactions)
    )
    found = next(same, tried[0] if tried else None)
    return found or Denied(recipient=made.recipient, code="policy.not-routed")


def known_then(consents: Consents, moment: datetime) -> Consents:
    """Those taken in before this moment: a consent's id says when it was."""
    return tuple(tuple(each for each in own if _taken_in(each) <= moment.timestamp() * 1000) for own in consents)


def _taken_in(consent: Consent) -> int:
    """Milliseconds of a UUIDv7 (RFC 9562, section 5.7)."""
    return int(consent.id.replace("-", "")[:12], 16)


def made_at(id: str) -> datetime | None:
    """When one of our ids was made, to the millisecond; None for a text that is none."""
    try:
        return datetime.fromtimestamp((UUID(id).int >> 80) / 1000, UTC) if UUID(id).version == 7 else None
    except (ValueError, OverflowError, OSError):
        return None


def _ids(consents: Consents) -> frozenset[str]:
    return frozenset(each.id for own in consents for each in own)


def _deviations(then: Iterable[Redaction], now: Iterable[Redaction]) -> tuple[Deviation, ...]:
    """Every place that fares otherwise, in the order of places."""
    old, new = ({each.path: each for each in side} for side in (then, now))
    return tuple(
        Deviation(
            path=path, label=(old.get(path) or new[path]).label, then=_fate(old.get(path)), now=_fate(new.get(path))
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


def _fate(redaction: Redaction | None) -> str:
    return "shared" if redaction is None else f"{redaction.outcome} by {redaction.clause}"


def _same_payload(configured: Configured, made: Dissemination, release: Release | None) -> bool | None:
    if release is None:
        return False
    root = release.cut.document.root
    if sha256_text(exclusive(root, prefixes=declared_prefixes(root))) == made.payload_digest:
        return True
    agency = configured.agencies.get(AgencyId(made.recipient))
    enveloped = agency is not None and agency.endpoint.signature is SignatureForm.ENVELOPED
    return None if enveloped else False
