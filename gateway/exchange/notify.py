"""Notify: partners are told that our copies are gone, by the normal outbox; past recipients of what was destroyed early
are asked to destroy theirs and to attest it.

A notice is a message of the owner's that the gateway writes in its name. Its sender id is made of the run and of what
it speaks of, so that a run that is finished after a crash tells nobody twice. For an early destruction it is a
cancellation in the chain of the destroyed message: what still waits of it is recalled by the same transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.agency import AgencyId, EndpointKind
from gateway.audit.catalog import EntryType
from gateway.audit.entry import commit, make
from gateway.audit.receipt import make_receipt
from gateway.delivery.delivery import Delivery, State
from gateway.document.canonical import sha256_text
from gateway.document.parse import parse
from gateway.errors import Unavailable
from gateway.exchange.decide import Release
from gateway.exchange.gateway import Gateway
from gateway.exchange.keeping import due_of, kept_message
from gateway.exchange.write import Moment, disseminate, seal
from gateway.message import Action, DeliveryId, Message, MessageId
from gateway.policy.grant import Grant
from gateway.policy.journal import Journal
from gateway.policy.mou import Clause, Kind, Mou, Retention
from gateway.policy.redact import Cut
from gateway.retention.kept import Kept
from gateway.retention.notice import EXCHANGE, PURPOSE, Notice, notice_xml, told
from gateway.retention.plan import partners
from gateway.store.messages import Acceptance, DisseminationRecord, Stored
from gateway.store.retention import Attestation, Run

KEPT: Final = timedelta(days=30)
"""How long the gateway keeps its copy of a notice."""

TRIES_MAX: Final = 5


class NoticeUnsettled(Unavailable):
    """The configuration, or the chain, changed again and again while a notice was written."""

    code = "retention.notice-unsettled"


@dataclass(frozen=True, slots=True, kw_only=True)
class _To:
    """One recipient of a notice, and the agreement and clause it got what was destroyed under."""

    recipient: AgencyId
    mou: str
    version: int
    digest: str
    clause: str
    disseminations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """A notice about to be written. earlier: the destroyed message, of an early destruction."""

    run: Run
    owner: AgencyId
    key: str
    to: tuple[_To, ...]
    earlier: Message | None = None
    attest_by: datetime | None = None


async def tell_partners(gateway: Gateway, run: Run, items: Sequence[Kept]) -> tuple[DeliveryId, ...]:
    """Time was up: one notice for each owner and agreement, to each recipient."""
    if not gateway.settings.retention.notices:
        return ()
    sent: list[DeliveryId] = []
    for (owner, mou), recipients in partners(each for each in items if each.exchange != EXCHANGE).items():
        id, _, version = mou.rpartition("@")
        known = gateway.current.mous.get((id, int(version)))
        clauses = {each.recipient: each.clause for each in items if each.sender == owner and each.mou == mou}
        to = tuple(
            _To(
                recipient=recipient,
                mou=id,
                version=int(version),
                digest=known.digest if known else run_digest(run),
                clause=clauses[recipient],
                disseminations=gone,
            )
            for recipient, gone in sorted(recipients.items())
            if recipient in gateway.current.agencies
        )
        writing = _Writing(run=run, owner=owner, key=f"destruction-notice/{run.id}/{mou}", to=to)
        sent += [delivery.id for delivery in await _send(gateway, writing)]
    return tuple(sent)


def run_digest(run: Run) -> str:
    """In the place of an agreement's digest, when that is not known here any more."""
    return sha256_text(run.id.encode())


async def tell_past_recipients(
    gateway: Gateway, run: Run, items: Iterable[Kept]
) -> tuple[tuple[DeliveryId, ...], tuple[Attestation, ...]]:
    """Before its time: one notice for each message, to everybody who may have something of it; what they are asked."""
    by = run.at + timedelta(days=gateway.settings.retention.attest_within_days)
    sent: list[DeliveryId] = []
    asked: list[Attestation] = []
    for message in sorted({each.message for each in items if each.exchange != EXCHANGE}):
        record = await gateway.store.message(message)
        if record is None:  # a refused one went to nobody
            continue
        given = [each for each in await gateway.store.disseminations(message) if may_have_it(gateway, each)]
        to = tuple(
            _To(
                recipient=each.dissemination.recipient,
                mou=each.dissemination.mou,
                version=each.dissemination.mou_version,
                digest=each.dissemination.mou_digest,
                clause=each.dissemination.clauses[0],
                disseminations=tuple(
                    other.dissemination.id
                    for other in given
                    if other.dissemination.recipient == each.dissemination.recipient
                ),
            )
            for each in {one.dissemination.recipient: one for one in given}.values()
        )
        writing = _Writing(
            run=run,
            owner=record.message.sender,
            key=f"destruction-notice/{run.id}/{message}",
            to=to,
            earlier=record.message,
            attest_by=by,
        )
        for delivery in await _send(gateway, writing):
            sent.append(delivery.id)
            asked.append(
                Attestation(
                    notice=delivery.dissemination,
                    delivery=delivery.id,
                    run=run.id,
                    message=message,
                    owner=record.message.sender,
                    recipient=delivery.recipient,
                    asked_at=run.at,
                    attest_by=by,
                )
            )
    return tuple(sent), tuple(asked)


def may_have_it(gateway: Gateway, record: DisseminationRecord) -> bool:
    """Whether the recipient may have something of it: it arrived, it was tried, or it lay in an inbox to be read."""
    delivery = record.delivery
    agency = gateway.current.agencies.get(delivery.recipient)
    if agency is None or delivery.recipient == record.sender or record.exchange == EXCHANGE:
        return False
    in_inbox = agency.endpoint.kind is EndpointKind.INBOX
    return delivery.state is State.DELIVERED or delivery.attempts > 0 or in_inbox


async def _send(gateway: Gateway, writing: _Writing) -> tuple[Delivery, ...]:
    """Store the notice; the deliveries of the one that is stored, whoever stored it. Nothing for nobody."""
    if not writing.to and writing.earlier is None:
        return ()
    for _ in range(TRIES_MAX):
        known = await gateway.store.known(writing.owner, writing.key)
        if known is not None:
            return tuple(each.delivery for each in await gateway.store.disseminations(known.message))
        if writing.owner not in gateway.current.agencies:
            return ()
        acceptance = await _acceptance(gateway, writing)
        if await gateway.store.accept(acceptance) is Stored.STORED:
            gateway.accepted.set()
            return tuple(new.delivery for new in acceptance.disseminations)
        await gateway.refresh()
    raise NoticeUnsettled("what a notice is written under is being changed; try again")


async def _acceptance(gateway: Gateway, writing: _Writing) -> Acceptance:
    moment = Moment(configured=gateway.current, now=gateway.clock.now())
    earlier = writing.earlier
    chain_size = await gateway.store.chain_size(earlier.first) if earlier else 0
    chain = await gateway.store.chain_messages(earlier.first) if earlier else ()
    id = MessageId(gateway.new_id(moment.now, after=chain[-1].id if chain else ""))
    body = notice_xml(_notice(writing, id, moment.now, None))
    message = Message(
        id=id,
        sender=writing.owner,
        sender_id=writing.key,
        exchange=EXCHANGE,
        action=Action.CANCEL if earlier else Action.NEW,
        first=earlier.first if earlier else id,
        received_at=moment.now,
        digest=sha256_text(body),
        earlier=earlier.id if earlier else None,
    )
    parts = [_release(writing, _notice(writing, id, moment.now, to), to, moment.now) for to in writing.to]
    due = due_of(gateway, moment.configured, parts, moment.now)
    original, salt = seal(gateway, body, due=due, id=id)
    received = make(
        EntryType.RECEIVE,
        id=gateway.new_id(moment.now),
        at=moment.now,
        parties=(writing.owner,),
        message=id,
        sender=writing.owner,
        exchange=EXCHANGE,
        action=message.action,
        first=message.first,
        earlier=message.earlier,
        commit=commit(salt, message.sender_id, body),
        recipients=tuple(to.recipient for to in writing.to)[:64],
        configuration=moment.configured.version,
        size_bytes=len(body),
        channel="gateway",
        due_at=due,
    )
    receipt = make_receipt(
        gateway.keys.receipt_signer,
        origin=gateway.settings.name,
        message=id,
        sender=writing.owner,
        received_at=moment.now,
        digest=message.digest,
        leaf_hash=received.leaf_hash,
    )
    made = [disseminate(gateway, moment, message, each) for each in parts]
    return Acceptance(
        configuration=moment.configured.version,
        message=message,
        content_digest=sha256_text(body).encode()[-32:],
        original=original,
        receipt=receipt.encode(),
        disseminations=tuple(new for new, _ in made),
        entries=(received, *(entry for _, entry in made)),
        chain_size=chain_size,
        recalls=await _open_recipients(gateway, earlier) if earlier else (),
        kept=kept_message(message, original, due),
    )


async def _open_recipients(gateway: Gateway, earlier: Message) -> tuple[AgencyId, ...]:
    """For whom something of the message is still on its way."""
    records = await gateway.store.disseminations(earlier.id)
    waiting = {State.WAITING, State.SENDING}
    return tuple(sorted({each.delivery.recipient for each in records if each.delivery.state in waiting}))


def _notice(writing: _Writing, id: MessageId, now: datetime, to: _To | None) -> Notice:
    gone = to.disseminations if to else tuple(each for one in writing.to for each in one.disseminations)
    mous = sorted({f"{one.mou}@{one.version}" for one in ((to,) if to else writing.to)})
    return Notice(
        id=id,
        why=writing.run.why,
        at=now,
        owner=writing.owner,
        mou=" ".join(mous),
        disseminations=gone,
        message=writing.earlier.id if writing.earlier else None,
        attest_by=writing.attest_by.date() if writing.attest_by else None,
    )


def _release(writing: _Writing, notice: Notice, to: _To, now: datetime) -> Release:
    """In the form in which everything is released, so that it is sealed, signed and entered as everything is."""
    clause = Clause(
        id=to.clause,
        exchange=EXCHANGE,
        sender=writing.owner,
        recipients=(to.recipient,),
        purpose=PURPOSE,
        role="",
        retention=Retention(gateway_copy=KEPT),
        notices=(told(notice),),
    )
    mou = Mou(
        id=to.mou,
        version=to.version,
        title="Destruction notice",
        kind=Kind.LETTER,
        parties=(writing.owner, to.recipient),
        since=now.date(),
        until=now.date(),
        exchanges=(clause,),
        digest=to.digest,
    )
    cut = Cut(document=parse(notice_xml(notice)), shared=0, journal=Journal({}))
    # It goes whatever has become of the agreement: it takes something back.
    return Release(
        grant=Grant(mou=mou, clause=clause, recipient=to.recipient),
        cut=cut,
        urgent=True,
        withdrawal=bool(writing.earlier),
    )
