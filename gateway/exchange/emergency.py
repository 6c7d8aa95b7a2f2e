"""Emergency release: two people let one stored message go to one agency that no agreement covers, at once.

What goes is cut anew (`policy/emergency.py` says to what), goes ahead of the queue, and its owner gets the same, told
why. Release, word to the owner and the entry with both signatures are one transaction.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agency import Agency, AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.clock import timestamp
from gateway.document.canonical import sha256_text
from gateway.document.parse import Document, parse
from gateway.errors import Refused
from gateway.exchange.accept import TRIES_MAX, ConfigurationUnsettled
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.chain import superseded
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Release
from gateway.exchange.disclose import Disclosing, disclosures
from gateway.exchange.gateway import AgencySuspended, Gateway
from gateway.exchange.keeping import due_of, kept_because
from gateway.exchange.releasable import Emergency, decide_emergency, shared_counts
from gateway.exchange.status import MessageUnknown
from gateway.exchange.write import Moment, disseminate, seal
from gateway.iepd.package import Iepd
from gateway.message import DeliveryId, DisseminationId, Message, MessageId
from gateway.policy.emergency import (
    check_labels,
    owner_mou,
)
from gateway.policy.grant import Grant
from gateway.policy.journal import counts
from gateway.policy.mou import Mou
from gateway.signing.enveloped import has_signature, verify_enveloped
from gateway.store.messages import EmergencyRelease, MessageRecord, NewDissemination, Stored
from gateway.telemetry import log
from gateway.user import User, UserRole

FIRST = (UserRole.PRIVACY_OFFICER, UserRole.COMPLIANCE_OFFICER)
SECOND = (UserRole.SUPERVISOR, UserRole.PRIVACY_OFFICER)

BECAUSE_LENGTH_MAX = 2_000


class SecondPersonNeeded(Refused):
    """One person, or one key, stands for both."""

    code = "emergency.second-person"


class BecauseRefused(Refused):
    """What was written of it is too long."""

    code = "emergency.because"


class OwnData(Refused):
    """The recipient is the owner: it has the record."""

    code = "emergency.own-data"


class Superseded(Refused):
    """The message was corrected or canceled since: what it says does not hold."""

    code = "emergency.superseded"


class NothingReleased(Refused):
    """Law lets nothing of it go, or what it leaves is no message. Which of these is not told: that a record is sealed,
    or a juvenile's, is for nobody who does not have it."""

    code = "emergency.not-releasable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What went.

    owner_delivery  by which the owner is told
    counts          per label, places that went as they were
    """

    message: MessageId
    sender: AgencyId
    recipient: AgencyId
    dissemination: DisseminationId
    delivery: DeliveryId
    owner_delivery: DeliveryId
    entry: str
    at: datetime
    counts: dict[str, int]
    withheld: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    first: Acting
    second: Acting
    one: User
    other: User


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """Both disseminations with their entries, before anybody signed."""

    given: NewDissemination
    given_entry: AuditEntry
    told: NewDissemination
    told_entry: AuditEntry
    due: datetime
    counts: dict[str, int]


async def release_in_emergency(gateway: Gateway, asked: Emergency, *, first: Acting, second: Acting) -> Released:
    """Release it. Durable, and its owner is told, when this returns.

    Raises `MessageUnknown`, `AgencyUnknown`, `AgencySuspended`, `SecondPersonNeeded`, `LabelNotReleased`, `OwnData`,
    `Superseded`, `NothingReleased`, what `allowed` raises, and "key.destroyed" when the message is gone.
    """
    if len(asked.because) > BECAUSE_LENGTH_MAX:
        raise BecauseRefused(f"what is written of it has at most {BECAUSE_LENGTH_MAX} characters")
    await gateway.refresh()
    for _ in range(TRIES_MAX):
        released = await _try(gateway, asked, first, second)
        if released is not None:
            gateway.accepted.set()
            log.warning(
                "emergency release",
                message=released.message,
                delivery=released.delivery,
                sender=released.sender,
                recipient=released.recipient,
                code=asked.reason.value,
            )
            return released
        await gateway.refresh()
    raise ConfigurationUnsettled("what the message is decided by is being changed; try again")


async def _try(gateway: Gateway, asked: Emergency, first: Acting, second: Acting) -> Released | None:
    """None when the configuration or the chain changed meanwhile."""
    moment = Moment(configured=gateway.current, now=gateway.clock.now())
    record = await gateway.store.message(asked.message)
    if record is None:
        raise MessageUnknown("there is no message with this id; it is the gateway's own id that is asked for")
    message = record.message
    people = _two_people(gateway, message.sender, first, second)
    _recipient(moment.configured, message.sender, asked.to)
    chain_size = await gateway.store.chain_size(message.first)
    if superseded(message, await gateway.store.chain_messages(message.first)):
        raise Superseded("a later message corrects or cancels this one; release that one, or nothing")
    document, iepd = _open(gateway, moment.configured, record)
    check_labels(asked.labels, iepd.catalog)
    release = decide_emergency(moment.configured, document, iepd, sender=message.sender, asked=asked, now=moment.now)
    if release is None:
        await gateway.store.record([_refused(gateway, moment, message, asked)])
        raise NothingReleased(
            "law lets nothing of this message go to them in an emergency, or what it leaves is no message"
        )
    made = _make(gateway, moment, message, iepd, release, asked, people)
    entry = _entry(gateway, moment, message, made, asked, people)
    storing = _storing(gateway, moment, message, chain_size, made, entry, asked)
    # Of what the owner gets back of its own there is no row: it is no disclosure.
    disclosing = Disclosing(
        configured=moment.configured,
        message=message,
        document=document,
        iepd=iepd,
        made=[(release, made.given.dissemination, made.given_entry)],
        now=moment.now,
    )
    stored = await gateway.store.release(replace(storing, disclosures=disclosures(gateway, disclosing)))
    if stored is not Stored.STORED:
        return None
    return Released(
        message=message.id,
        sender=message.sender,
        recipient=asked.to,
        dissemination=made.given.dissemination.id,
        delivery=made.given.delivery.id,
        owner_delivery=made.told.delivery.id,
        entry=entry.id,
        at=moment.now,
        counts=made.counts,
        withheld=counts(made.given.dissemination.redactions)[0],
    )


def _two_people(gateway: Gateway, owner: AgencyId, first: Acting, second: Acting) -> _People:
    """Both speak for the owner or for the gateway's operator: whoever wants the data does not release it to itself."""
    one = allowed(gateway, first, FIRST, OPERATOR, owner)
    other = allowed(gateway, second, SECOND, OPERATOR, owner)
    if one.id == other.id or one.public_key == other.public_key:
        raise SecondPersonNeeded("an emergency release takes two people, each with an account and a key of their own")
    return _People(first=first, second=second, one=one, other=other)


def _recipient(configured: Configured, owner: AgencyId, to: AgencyId) -> Agency:
    recipient = configured.agencies.get(to)
    if recipient is None:
        raise AgencyUnknown(f"there is no agency {to}")
    if recipient.id == owner:
        raise OwnData(f"{to} sent this message: it has the record")
    if recipient.suspended:
        raise AgencySuspended(to)
    return recipient


def _open(gateway: Gateway, configured: Configured, record: MessageRecord) -> tuple[Document, Iepd]:
    """The message as it was accepted."""
    message = record.message
    document = parse(gateway.payloads.open(record.original, aad=message.id.encode()))
    if has_signature(document):
        document = verify_enveloped(document, configured.trust(message.sender), now=message.received_at)
    return document, configured.registry.find(document)


def _told(mou: Mou, asked: Emergency, people: _People, now: datetime) -> Mou:
    who = f"{people.one.id} and {people.other.id}"
    notice = (
        f"Emergency release of your data: at {timestamp(now)}, {who} released what is attached to {asked.to} "
        f"({asked.reason}), under no agreement. Ask the gateway's operator for the reasons they wrote down."
    )
    return owner_mou(mou, notices=(notice,))


def _make(
    gateway: Gateway,
    moment: Moment,
    message: Message,
    iepd: Iepd,
    release: Release,
    asked: Emergency,
    people: _People,
) -> _Made:
    shared = shared_counts(release.cut.document, iepd)
    mou = _told(release.grant.mou, asked, people, moment.now)
    (clause,) = mou.exchanges
    # A copy: an enveloped signature is put into the tree.
    twin = replace(release.cut, document=Document(deepcopy(release.cut.document.root)))
    word = Release(grant=Grant(mou=mou, clause=clause, recipient=message.sender), cut=twin, urgent=True)
    due = due_of(gateway, moment.configured, (release, word), moment.now)
    given, given_entry = disseminate(gateway, moment, message, release)
    told, told_entry = disseminate(gateway, moment, message, word)
    return _Made(given=given, given_entry=given_entry, told=told, told_entry=told_entry, due=due, counts=shared)


def _entry(
    gateway: Gateway, moment: Moment, message: Message, made: _Made, asked: Emergency, people: _People
) -> AuditEntry:
    """Both sign it. The Cover, whose digest it has, names the payload's digest, the recipient and the reason."""
    given = made.given.dissemination
    cover_digest = sha256_text(made.given.cover)
    withheld, reduced = counts(given.redactions)
    return sign_entry(
        gateway,
        EntryType.EMERGENCY,
        people.first,
        people.one,
        at=moment.now,
        parties=(message.sender,),
        message=message.id,
        dissemination=given.id,
        delivery=made.given.delivery.id,
        owner_delivery=made.told.delivery.id,
        sender=message.sender,
        recipient=asked.to,
        exchange=message.exchange,
        reason=asked.reason.value,
        mou=f"{given.mou}@{given.mou_version}",
        mou_digest=given.mou_digest,
        counts=made.counts,
        shared=given.shared,
        withheld=withheld,
        reduced=reduced,
        cover_digest=cover_digest,
        second=(people.second, people.other),
        laws=moment.configured.laws.digest,
        configuration=moment.configured.version,
    )


def _storing(
    gateway: Gateway,
    moment: Moment,
    message: Message,
    chain_size: int,
    made: _Made,
    entry: AuditEntry,
    asked: Emergency,
) -> EmergencyRelease:
    because = kept = None
    if asked.because:
        id = because_id(made.given.dissemination.id)
        because, _ = seal(gateway, asked.because.encode(), due=made.due, id=id)
        kept = kept_because(message, id, because, made.due, moment.now)
    return EmergencyRelease(
        configuration=moment.configured.version,
        message=message,
        chain_size=chain_size,
        disseminations=(made.given, made.told),
        entries=(made.given_entry, made.told_entry, entry),
        because=because,
        kept=kept,
    )


def because_id(dissemination: DisseminationId) -> str:
    """What the sealed text is bound to: it opens with its own release only."""
    return f"{dissemination}/because"


def _refused(gateway: Gateway, moment: Moment, message: Message, asked: Emergency) -> AuditEntry:
    return make(
        EntryType.WITHHOLD,
        id=gateway.new_id(moment.now),
        at=moment.now,
        parties=(message.sender,),
        message=message.id,
        sender=message.sender,
        recipient=asked.to,
        code=NothingReleased.code,
        exchange=message.exchange,
        kind="emergency",
    )
