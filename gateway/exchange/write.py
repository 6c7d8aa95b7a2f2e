"""Make everything an accepted message writes - sealed, signed, entered - and store it in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId, EndpointKind, SignatureForm
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, commit, make
from gateway.audit.receipt import make_receipt
from gateway.delivery.delivery import Delivery, State
from gateway.document.canonical import declared_prefixes, exclusive, sha256_text
from gateway.exchange.chain import Earlier
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, releases
from gateway.exchange.disclose import Disclosing, disclosures
from gateway.exchange.gateway import SEAL_RANDOM_SIZE_BYTES, Gateway
from gateway.exchange.keeping import due_at, due_of, expires, kept_dissemination, kept_message
from gateway.exchange.reply import answer_of
from gateway.exchange.submission import LISTED_MAX, Accepted, RecipientOutcome, Submission, listed
from gateway.exchange.trial import Decided, trial_entry
from gateway.iepd.header import Header
from gateway.message import (
    REACHES_PAST_RECIPIENTS,
    Action,
    DeliveryId,
    Dissemination,
    DisseminationId,
    Filed,
    Message,
    MessageId,
    Sealed,
    bucket_name,
)
from gateway.policy.journal import counts
from gateway.policy.section import code_of
from gateway.signing.cover import Cover, sign_cover
from gateway.signing.enveloped import sign_enveloped
from gateway.store.messages import Acceptance, NewDissemination, SignatureUse, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What holds while something is written: it was decided under this."""

    configured: Configured
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(Moment):
    """A decided message on its way into the store. `decided`: what goes to whom, and what is only tried."""

    submission: Submission
    case: Case
    header: Header
    earlier: Earlier | None
    content_digest: bytes
    decided: Decided

    @property
    def decisions(self) -> tuple[Release | Denied, ...]:
        """One for each recipient."""
        return self.decided.decisions


def outcomes(
    decisions: Iterable[Release | Denied], deliveries: Mapping[AgencyId, DeliveryId]
) -> tuple[RecipientOutcome, ...]:
    """What the sender is told of each recipient, by name."""
    told = [RecipientOutcome(agency=agency, outcome="accepted", delivery=id) for agency, id in deliveries.items()]
    told += [
        RecipientOutcome(agency=decision.recipient, outcome="refused", code=decision.code)
        for decision in decisions
        if isinstance(decision, Denied)
    ]
    return tuple(sorted(told, key=lambda outcome: outcome.agency))


async def write(gateway: Gateway, writing: Writing) -> tuple[Stored, Accepted]:
    """Store it. The answer counts only when it is STORED.

    Everything is made before the transaction opens: a key may sit in a token, and nothing slow may hold a lock.
    """
    message, proof = _message(gateway, writing), writing.submission.proof
    due = due_of(gateway, writing.configured, releases(writing.decisions), writing.now)
    original, salt = seal(gateway, writing.submission.body, due=due, id=message.id)
    received = _received(gateway, writing, message, salt, due)
    receipt = make_receipt(
        gateway.keys.receipt_signer,
        origin=gateway.settings.name,
        message=message.id,
        sender=message.sender,
        received_at=message.received_at,
        digest=message.digest,
        leaf_hash=received.leaf_hash,
    )
    made = [disseminate(gateway, writing, message, release) for release in releases(writing.decisions)]
    withheld = [_withheld(gateway, writing, message, decision) for decision in writing.decisions]
    deliveries = {new.dissemination.recipient: new.delivery.id for new, _ in made}
    answer = Accepted(
        id=message.id,
        sender_id=message.sender_id,
        received_at=message.received_at,
        digest=message.digest,
        recipients=outcomes(writing.decisions, deliveries),
        entry=received.id,
        receipt=receipt,
    )
    acceptance = Acceptance(
        configuration=writing.configured.version,
        message=message,
        content_digest=writing.content_digest,
        original=original,
        receipt=receipt.encode(),
        disseminations=tuple(new for new, _ in made),
        entries=(
            received,
            *(entry for _, entry in made),
            *(entry for entry in withheld if entry),
            *_tried(gateway, writing, message),
            *_recalled(gateway, writing, message),
        ),
        chain_size=writing.earlier.chain_size if writing.earlier is not None else 0,
        recalls=tuple(past.recipient for past in writing.case.past),
        disclosures=_disclosures(gateway, writing, message, made),
        kept=kept_message(message, original, due),
        reply=answer_of(gateway, writing.submission.replying, answer, writing.now),
        signature=SignatureUse(digest=proof.digest, until=proof.until) if proof is not None else None,
    )
    stored = await gateway.store.accept(acceptance)
    gateway.accepted.set()
    return stored, answer


def _message(gateway: Gateway, writing: Writing) -> Message:
    earlier = writing.earlier.message if writing.earlier else None
    # In a chain, ids sort as the messages were stored: nothing else of it is stored after `newest` and before this one.
    id = MessageId(gateway.new_id(writing.now, after=writing.earlier.newest if writing.earlier else ""))
    return Message(
        id=id,
        sender=writing.submission.sender,
        sender_id=writing.submission.sender_id or id,
        exchange=writing.case.iepd.id,
        action=writing.header.action,
        first=earlier.first if earlier else id,
        received_at=writing.now,
        digest=sha256_text(writing.submission.body),
        earlier=earlier.id if earlier else None,
        as_of=writing.header.as_of,
    )


def seal(gateway: Gateway, plaintext: bytes, *, due: datetime, id: str) -> tuple[Sealed, bytes]:
    """Seal a payload until it is due, bound to its id; and the salt of its commitment."""
    return gateway.payloads.seal_salted(
        plaintext, bucket=bucket_name(due), aad=id.encode(), random=gateway.clock.random(SEAL_RANDOM_SIZE_BYTES)
    )


def _received(gateway: Gateway, writing: Writing, message: Message, salt: bytes, due: datetime) -> AuditEntry:
    known, count = writing.configured.agencies, len(writing.decisions)
    given = listed((release.grant.recipient for release in releases(writing.decisions)), known)
    denied = listed((each.recipient for each in writing.decisions if isinstance(each, Denied)), known)
    return make(
        EntryType.RECEIVE,
        id=gateway.new_id(writing.now),
        at=writing.now,
        parties=(message.sender,),
        message=message.id,
        sender=message.sender,
        exchange=message.exchange,
        action=message.action,
        first=message.first,
        earlier=message.earlier,
        commit=commit(salt, message.sender_id, writing.submission.body),
        # Agencies that are cut off here have entries of their own: each dissemination, each that is withheld.
        recipients=given,
        refused=denied or None,
        count=count if count > min(len(given) + len(denied), LISTED_MAX) else None,
        configuration=writing.configured.version,
        size_bytes=len(writing.submission.body),
        channel=writing.submission.channel,
        fingerprint=proof.fingerprint if (proof := writing.submission.proof) is not None else None,
        due_at=due,
    )


def disseminate(
    gateway: Gateway, moment: Moment, message: Message, release: Release
) -> tuple[NewDissemination, AuditEntry]:
    """One recipient's payload, Cover, delivery and entry."""
    grant, cut = release.grant, release.cut
    clause = grant.clause
    endpoint = moment.configured.agencies[grant.recipient].endpoint
    signer = gateway.keys.cover_signer  # once: it may be replaced between the two signatures
    prefixes: tuple[str, ...] = ()
    if endpoint.signature is SignatureForm.ENVELOPED and endpoint.kind is not EndpointKind.SOAP:
        payload = sign_enveloped(cut.document, signer)
    else:
        # Canonical, so that a recipient of SOAP, who gets it inside an envelope, can make the same bytes again.
        prefixes = declared_prefixes(cut.document.root)
        payload = exclusive(cut.document.root, prefixes=prefixes)
    id = DisseminationId(gateway.new_id(moment.now))
    dissemination = Dissemination(
        id=id,
        message=message.id,
        recipient=grant.recipient,
        mou=grant.mou.id,
        mou_version=grant.mou.version,
        mou_digest=grant.mou.digest,
        clauses=(clause.id,),
        purpose=clause.purpose,
        shared=cut.shared,
        redactions=cut.redactions,
        payload_digest=sha256_text(payload),
    )
    due = due_at(gateway, moment.configured, release, moment.now)
    sealed, salt = seal(gateway, payload, due=due, id=id)
    cover = sign_cover(_cover(moment, message, dissemination, release, prefixes), signer)
    delivery = _delivery(gateway, moment, message, dissemination, release)
    withheld, reduced = counts(cut.redactions)
    entry = make(
        EntryType.DISSEMINATE,
        id=gateway.new_id(moment.now),
        at=moment.now,
        parties=(message.sender,),  # not the recipient: that there was something to withhold is a disclosure too
        message=message.id,
        dissemination=id,
        delivery=delivery.id,
        sender=message.sender,
        recipient=grant.recipient,
        exchange=message.exchange,
        action=message.action,
        mou=f"{grant.mou.id}@{grant.mou.version}",
        mou_digest=grant.mou.digest,
        clauses=dissemination.clauses,
        purpose=clause.purpose,
        shared=cut.shared,
        withheld=withheld,
        reduced=reduced,
        commit=commit(salt, message.sender_id, payload),
        cover_digest=sha256_text(cover),
        bucket=sealed.bucket,
        due_at=due,
        laws=moment.configured.laws.digest,
        deadline=delivery.deadline,
        deadlines={term.rule: int(term.until.timestamp()) for term in release.terms} or None,
        counts=dict(release.special) or None,
        consents=release.consents or None,
        handling=tuple(sorted({code_of(law) for law in release.handed.laws})) or None,
        kind="trial" if moment.configured.is_tried(grant.mou) else None,
    )
    kept = kept_dissemination(message, dissemination, sealed, counts_from=delivery.expires_at, due=due)
    made = NewDissemination(dissemination=dissemination, payload=sealed, cover=cover, delivery=delivery, kept=kept)
    return made, entry


def _cover(
    moment: Moment, message: Message, dissemination: Dissemination, release: Release, prefixes: tuple[str, ...]
) -> Cover:
    clause, handed = release.grant.clause, release.handed
    kept = min((each for each in (clause.retention.recipient_copy, handed.keep) if each is not None), default=None)
    contact = next((each for each in moment.configured.agencies[message.sender].contacts), None)
    return Cover(
        dissemination=dissemination.id,
        message=message.id,
        earlier=release.earlier or message.earlier,
        action=Action.CANCEL if release.withdrawal else message.action,
        sender=message.sender,
        recipient=dissemination.recipient,
        exchange=message.exchange,
        mou=dissemination.mou,
        mou_version=dissemination.mou_version,
        mou_digest=dissemination.mou_digest,
        clauses=dissemination.clauses,
        purpose=clause.purpose,
        role=clause.role,
        keep_until=moment.now + kept if kept else None,
        onward_sharing="" if handed.no_onward else clause.onward_sharing,
        notices=clause.notices + handed.notices + release.grant.duties,
        fields_withheld=bool(dissemination.redactions),
        contact=" ".join(part for part in (contact.role, contact.phone or contact.email) if part) if contact else "",
        created=moment.now,
        payload_digest=dissemination.payload_digest,
        payload_prefixes=prefixes,
    )


def _delivery(
    gateway: Gateway, moment: Moment, message: Message, dissemination: Dissemination, release: Release
) -> Delivery:
    # What is urgent goes out whatever has become of its agreement. That is not for content decided on trial: it may go
    # to test endpoints only, as long as the trial lasts. That something is void always goes.
    only_tried = moment.configured.is_tried(release.grant.mou) and not release.withdrawal
    return Delivery(
        id=DeliveryId(gateway.new_id(moment.now)),
        dissemination=dissemination.id,
        message=message.id,
        first=message.first,
        recipient=dissemination.recipient,
        state=State.WAITING,
        urgent=release.urgent or (message.action in REACHES_PAST_RECIPIENTS and not only_tried),
        created_at=moment.now,
        due_at=moment.now,
        expires_at=expires(gateway, moment.configured, release, moment.now),
        deadline=min((term.until for term in release.terms), default=None),
    )


def _disclosures(
    gateway: Gateway, writing: Writing, message: Message, made: Sequence[tuple[NewDissemination, AuditEntry]]
) -> tuple[Filed, ...]:
    disclosing = Disclosing(
        configured=writing.configured,
        message=message,
        document=writing.case.document,
        iepd=writing.case.iepd,
        made=[
            (release, new.dissemination, entry)
            for release, (new, entry) in zip(releases(writing.decisions), made, strict=True)
        ],
        now=writing.now,
    )
    return disclosures(gateway, disclosing)


def _recalled(gateway: Gateway, writing: Writing, message: Message) -> Iterator[AuditEntry]:
    """An entry for each delivery of the chain that is recalled. One that arrives at this very moment has an entry of
    its arrival after it."""
    recalled = writing.earlier.open if writing.earlier is not None and writing.case.past else ()
    for delivery in recalled:
        yield make(
            EntryType.RECALL,
            id=gateway.new_id(writing.now),
            at=writing.now,
            parties=(message.sender, delivery.recipient),
            message=delivery.message,
            dissemination=delivery.dissemination,
            delivery=delivery.id,
            recipient=delivery.recipient,
            action=message.action,
            deadline=delivery.missed(writing.now),
        )


def _tried(gateway: Gateway, writing: Writing, message: Message) -> Iterator[AuditEntry]:
    for each in writing.decided.tried:
        yield trial_entry(
            each,
            id=gateway.new_id(writing.now),
            now=writing.now,
            message=message.id,
            sender=message.sender,
            configured=writing.configured,
        )


def _withheld(gateway: Gateway, writing: Writing, message: Message, decision: Release | Denied) -> AuditEntry | None:
    if isinstance(decision, Release) or decision.recipient not in writing.configured.agencies:
        return None
    return make(
        EntryType.WITHHOLD,
        id=gateway.new_id(writing.now),
        at=writing.now,
        parties=(message.sender,),
        message=message.id,
        sender=message.sender,
        recipient=decision.recipient,
        code=decision.code,
        exchange=message.exchange,
        action=message.action,
    )
