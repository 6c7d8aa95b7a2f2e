"""Valid values for the store's tests, in one line each. The store sees no content, so neither is there any here."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from gateway.agency import Agency, AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.reply import KEPT, Reply, ReplyId
from gateway.message import (
    Action,
    DeliveryId,
    Dissemination,
    DisseminationId,
    Filed,
    Message,
    MessageId,
    Redaction,
    Sealed,
    uuid7,
)
from gateway.retention.kept import Kept, Kind
from gateway.store.disclosures import Expunging
from gateway.store.interface import Store
from gateway.store.log import NewLeaves, TreeHead
from gateway.store.messages import Acceptance, EmergencyRelease, NewDissemination, RefusedMessage
from gateway.store.replies import NewReply, ReplyClaim

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")
PROBATION = AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")
EVERYBODY = frozenset({POLICE, PROBATION, FUSION})

_numbers = count()


def new_id() -> str:
    """A UUIDv7, later than all before it."""
    number = next(_numbers)
    return uuid7(NOW + timedelta(milliseconds=number), number.to_bytes(10))


def sealed(size_bytes: int = 64) -> Sealed:
    return Sealed(bucket="2027-W05", index=next(_numbers), nonce=b"n" * 12, ciphertext=b"\x00\xff" * (size_bytes // 2))


def entry(message: str | None = None, type: str = "receive", at: datetime = NOW) -> AuditEntry:
    key = new_id()
    body = f'{{"id":"{key}","type":"{type}"}}'.encode()
    return AuditEntry(
        id=key,
        type=type,
        at=at,
        body=body,
        leaf_hash=hashlib.sha256(b"\x00" + body).digest(),
        parties=(JAIL, POLICE),
        message=None if message is None else MessageId(message),
    )


def agency(id: AgencyId = JAIL, kind: EndpointKind = EndpointKind.INBOX) -> Agency:
    url = "" if kind is EndpointKind.INBOX else "https://records.example.gov/in"
    return Agency(id=id, name=id.title(), kind=AgencyKind.POLICE, endpoint=Endpoint(kind=kind, url=url))


def new_dissemination(
    message: Message, recipient: AgencyId, *, due_at: datetime = NOW, urgent: bool = False, size_bytes: int = 64
) -> NewDissemination:
    dissemination = Dissemination(
        id=DisseminationId(new_id()),
        message=message.id,
        recipient=recipient,
        mou="JAIL-PD-2026-01",
        mou_version=1,
        mou_digest="sha-256:" + "ab" * 32,
        clauses=("E1", "E1 share[2]"),
        purpose="public-safety",
        shared=12,
        redactions=(
            Redaction(
                path="/cr:CustodyRelease/cr:Subject[1]",
                field="medical.need",
                label="medical.need",
                outcome="withheld",
                clause="default",
            ),
        ),
        payload_digest="sha-256:" + "cd" * 32,
    )
    delivery = Delivery(
        id=DeliveryId(new_id()),
        dissemination=dissemination.id,
        message=message.id,
        first=message.first,
        recipient=recipient,
        state=State.WAITING,
        urgent=urgent,
        created_at=message.received_at,
        due_at=due_at,
        expires_at=due_at + timedelta(days=3),
    )
    return NewDissemination(
        dissemination=dissemination, payload=sealed(size_bytes), cover=b"<Cover/>", delivery=delivery
    )


def acceptance(
    *recipients: AgencyId,
    sender_id: str | None = None,
    after: Acceptance | None = None,
    recalls: tuple[AgencyId, ...] = (),
    chain_size: int | None = None,
    configuration: int = 0,
    urgent: bool = False,
    due_at: datetime = NOW,
    size_bytes: int = 64,
) -> Acceptance:
    """A message to these recipients (the police when none is named). `after` makes it a cancellation of that one, which
    is the newest of its chain unless a `chain_size` is given."""
    key = MessageId(new_id())
    message = Message(
        id=key,
        sender=JAIL,
        sender_id=sender_id or f"jms-{key}",
        exchange="custody-release/1.0",
        action=Action.NEW if after is None else Action.CANCEL,
        first=key if after is None else after.message.first,
        received_at=NOW,
        digest="sha-256:" + "ef" * 32,
        earlier=None if after is None else after.message.id,
        as_of=NOW - timedelta(minutes=5),
    )
    return Acceptance(
        configuration=configuration,
        message=message,
        content_digest=hashlib.sha256(message.sender_id.encode()).digest(),
        original=sealed(size_bytes),
        receipt=b"receipt " + key.encode(),
        disseminations=tuple(
            new_dissemination(message, recipient, urgent=urgent, due_at=due_at, size_bytes=size_bytes)
            for recipient in recipients or (POLICE,)
        ),
        entries=(entry(key), entry(key, "disseminate")),
        chain_size=0
        if after is None
        else after.chain_size + 1 + len(after.disseminations)
        if chain_size is None
        else chain_size,
        recalls=recalls,
    )


def release(of: Acceptance, *, configuration: int = 0, chain_size: int | None = None) -> EmergencyRelease:
    """An emergency release of this message to a fusion center, with word to the sender. Nothing else of the chain
    is stored after the message unless a `chain_size` is given."""
    return EmergencyRelease(
        configuration=configuration,
        message=of.message,
        chain_size=of.chain_size + 1 + len(of.disseminations) if chain_size is None else chain_size,
        disseminations=(
            new_dissemination(of.message, FUSION, urgent=True),
            new_dissemination(of.message, JAIL, urgent=True),
        ),
        entries=(entry(of.message.id, "emergency"),),
        because=sealed(),
    )


def filed(*tokens: int, generation: str = "2026-Q1.1") -> Filed:
    """A row of the disclosure index."""
    number = next(_numbers)
    ciphertext = b"\x00" + number.to_bytes(4)
    return Filed(generation=generation, index=2**40 - 1 - number, nonce=b"n" * 12, tokens=tokens, ciphertext=ciphertext)


def order(count: int = 1) -> Expunging:
    """An order to forget somebody."""
    return Expunging(id=new_id(), points=(("2026-Q1.1", (7, 2**40 - 1)),), count=count)


def refused(sender: AgencyId = JAIL, *, size_bytes: int = 64) -> RefusedMessage:
    key = MessageId(new_id())
    return RefusedMessage(
        id=key,
        sender=sender,
        at=NOW,
        code="message.invalid",
        original=sealed(size_bytes),
        entries=(entry(key, "refuse"),),
    )


AGAIN = "again-"
"""What the id of an entry begins with that tells of a reply begun once more; the reply's follows."""


def new_reply(
    asked: str = "one", *, agency: AgencyId = JAIL, at: datetime = NOW, message: MessageId | None = None
) -> NewReply:
    key, content = ReplyId(new_id()), sealed()
    return NewReply(
        reply=Reply(
            id=key,
            agency=agency,
            message=message,
            address="https://rms.example.gov/replies",
            state=State.WAITING,
            created_at=at,
            due_at=at,
            expires_at=at + timedelta(days=3),
        ),
        content=content,
        asked=hashlib.sha256(asked.encode()).digest(),
        fresh=at - timedelta(days=3),
        entry=entry(message, "reply"),
        again=lambda first: replace(entry(message, "reply"), id=AGAIN + first),
        kept=Kept(
            id=key,
            kind=Kind.REPLY,
            message=message or MessageId(key),
            sender=agency,
            exchange="",
            at=at,
            counts_from=at,
            due_at=at + KEPT,
            bucket=content.bucket,
            index=content.index,
        ),
    )


async def claim_reply(store: Store, *, now: datetime = NOW, lease: timedelta = timedelta(minutes=2)) -> ReplyClaim:
    """The one reply that is due."""
    (claim,) = await store.claim_replies(
        now=now, lease_until=now + lease, limit=1, per_agency=4, push=frozenset({JAIL, POLICE})
    )
    return claim


def arrived(reply: Reply) -> Reply:
    return replace(reply, state=State.DELIVERED, delivered_at=NOW, evidence="transport")


def delivered(delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.DELIVERED, delivered_at=NOW, evidence="transport", last_error="")


def failed(delivery: Delivery, *, due_at: datetime = NOW + timedelta(minutes=1)) -> Delivery:
    return replace(delivery, state=State.WAITING, due_at=due_at, last_error="delivery.refused")


@dataclass(kw_only=True)
class Sequencer:
    """A pretended sequencer: a checkpoint names the size and the hash of all leaf hashes, so that order shows."""

    seen: list[str] = field(default_factory=list)
    heads: list[TreeHead] = field(default_factory=list)

    def __call__(self, head: TreeHead, entries: "tuple[AuditEntry, ...]") -> NewLeaves:
        self.heads.append(head)
        self.seen += [each.id for each in entries]
        size = head.size + len(entries)
        leaves = list(head.hashes(0, 0, head.size)) + [each.leaf_hash for each in entries]
        subtrees = tuple(
            (1, index, hashlib.sha256(b"".join(leaves[index * 256 : index * 256 + 256])).digest())
            for index in range(head.size // 256, size // 256)
        )
        digest = hashlib.sha256(b"".join(leaves)).hexdigest()
        return NewLeaves(subtrees=subtrees, size=size, checkpoint=f"{size} {digest}".encode())


async def claim_one(store: Store, *, now: datetime = NOW, lease: timedelta = timedelta(minutes=2)):
    """The one delivery that is due."""
    (claim,) = await store.claim(now=now, lease_until=now + lease, limit=1, per_recipient=4, push=EVERYBODY)
    return claim
