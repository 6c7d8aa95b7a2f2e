"""Row to value and back, for both databases. The law: value to row to value gives the same value.

Rows hold texts, whole numbers and bytes only, so that one mapping serves both. A moment is the number of whole
microseconds since 1970 in UTC, exact both ways; a list is canonical JSON.
"""

import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.clock import timestamp
from gateway.delivery.delivery import Delivery, State
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
)
from gateway.store.agency_text import json_text
from gateway.store.answers import Tallied
from gateway.store.disclosures import Expunging, FiledRow
from gateway.store.log import StoredEntry
from gateway.store.messages import Acceptance, DisseminationRecord, EmergencyRelease, MessageRecord, RefusedMessage

Row = Sequence[Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970. Exact, unlike `timestamp()`, which is a float."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(number: int) -> datetime:
    """The moment of a number of microseconds, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


_words = lru_cache(maxsize=4096)(json_text)
"""A short list of ids as JSON: of parties, of clauses. Nearly every message has those of one before it."""


FIRST, LAST = 0, 2**62
"""Bounds of a period that has none."""


def bounds(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """A period as numbers: from the first up to, not including, the second."""
    return FIRST if since is None else micros(since), LAST if until is None else micros(until)


def timestamp_bounds(since: datetime | None, until: datetime | None) -> tuple[str, str]:
    """A period as texts, as bodies of entries hold moments; "9999-…Z" sorts before ":"."""
    return "" if since is None else timestamp(since), ":" if until is None else timestamp(until)


def micros_or_none(value: datetime | None) -> int | None:
    """`micros`, of a moment that may be missing."""
    return None if value is None else micros(value)


def moment_or_none(number: int | None) -> datetime | None:
    """`moment`, of a number that may be missing."""
    return None if number is None else moment(number)


# --- messages ---------------------------------------------------------------------------------------------------


def signature_rows(acceptance: Acceptance) -> tuple[Row, ...]:
    """sender, digest, message, until; none of a message that came without a signature"""
    message, used = acceptance.message, acceptance.signature
    return () if used is None else ((message.sender, used.digest.hex(), message.id, micros(used.until)),)


def message_row(message: Message) -> Row:
    """id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of"""
    return (
        message.id,
        message.sender,
        message.sender_id,
        message.exchange,
        message.action.value,
        message.first,
        micros(message.received_at),
        message.digest,
        message.earlier,
        micros_or_none(message.as_of),
    )


def message_of(row: Row) -> Message:
    """The message of `message_row`."""
    key, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of = row
    return Message(
        id=MessageId(key),
        sender=AgencyId(sender),
        sender_id=sender_id,
        exchange=exchange,
        action=Action(action),
        first=MessageId(first),
        received_at=moment(received_at),
        digest=digest,
        earlier=None if earlier is None else MessageId(earlier),
        as_of=moment_or_none(as_of),
    )


def sealed_row(sealed: Sealed) -> Row:
    """bucket, key_index, nonce, ciphertext"""
    return sealed.bucket, sealed.index, sealed.nonce, sealed.ciphertext


def sealed_of(row: Row) -> Sealed:
    """The sealed payload of `sealed_row`."""
    bucket, index, nonce, ciphertext = row
    return Sealed(bucket=bucket, index=index, nonce=nonce, ciphertext=ciphertext)


def message_record_of(row: Row) -> MessageRecord:
    """The columns of `message_row`, then of `sealed_row`, then the receipt."""
    return MessageRecord(message=message_of(row[:10]), original=sealed_of(row[10:14]), receipt=row[14])


def because_rows(release: EmergencyRelease) -> tuple[Row, ...]:
    """dissemination, then the columns of `sealed_row`; () when nobody wrote anything."""
    if release.because is None:
        return ()
    return ((release.disseminations[0].dissemination.id, *sealed_row(release.because)),)


def refused_row(refused: RefusedMessage) -> Row:
    """id, sender, at, code, then the columns of `sealed_row`, null when nothing was kept."""
    sealed: Row = (None, None, None, None) if refused.original is None else sealed_row(refused.original)
    return refused.id, refused.sender, micros(refused.at), refused.code, *sealed


def _redactions_of(text: str) -> tuple[Redaction, ...]:
    return tuple(Redaction(*each) for each in json.loads(text))


def dissemination_row(dissemination: Dissemination) -> Row:
    """id, message, recipient, mou, mou_version, mou_digest, clauses, purpose, shared, payload_digest, redactions"""
    return (
        dissemination.id,
        dissemination.message,
        dissemination.recipient,
        dissemination.mou,
        dissemination.mou_version,
        dissemination.mou_digest,
        _words(dissemination.clauses),
        dissemination.purpose,
        dissemination.shared,
        dissemination.payload_digest,
        json_text(dissemination.redactions),
    )


def dissemination_of(row: Row) -> Dissemination:
    """The dissemination of `dissemination_row`."""
    key, message, recipient, mou, mou_version, mou_digest, clauses, purpose, shared, payload_digest, redactions = row
    return Dissemination(
        id=DisseminationId(key),
        message=MessageId(message),
        recipient=AgencyId(recipient),
        mou=mou,
        mou_version=mou_version,
        mou_digest=mou_digest,
        clauses=tuple(json.loads(clauses)),
        purpose=purpose,
        shared=shared,
        redactions=_redactions_of(redactions),
        payload_digest=payload_digest,
    )


# --- deliveries -------------------------------------------------------------------------------------------------


def delivery_row(delivery: Delivery) -> Row:
    """id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline"""
    return (
        delivery.id,
        delivery.dissemination,
        delivery.message,
        delivery.first,
        delivery.recipient,
        delivery.state.value,
        int(delivery.urgent),
        micros(delivery.created_at),
        micros(delivery.due_at),
        micros(delivery.expires_at),
        delivery.attempts,
        micros_or_none(delivery.delivered_at),
        delivery.last_error,
        delivery.evidence,
        micros_or_none(delivery.deadline),
    )


def delivery_of(row: Row) -> Delivery:
    """The delivery of `delivery_row`."""
    key, dissemination, message, first, recipient, state, urgent, created_at, due_at, *rest = row
    expires_at, attempts, delivered_at, last_error, evidence, deadline = rest
    return Delivery(
        id=DeliveryId(key),
        dissemination=DisseminationId(dissemination),
        message=MessageId(message),
        first=MessageId(first),
        recipient=AgencyId(recipient),
        state=State(state),
        urgent=bool(urgent),
        created_at=moment(created_at),
        due_at=moment(due_at),
        expires_at=moment(expires_at),
        attempts=attempts,
        delivered_at=moment_or_none(delivered_at),
        last_error=last_error,
        evidence=evidence,
        deadline=moment_or_none(deadline),
    )


def outcome_row(delivery: Delivery) -> Row:
    """What a try or an officer may change of a delivery: state, urgent, due_at, expires_at, attempts, delivered_at,
    last_error, evidence."""
    row = delivery_row(delivery)
    return row[5], row[6], *row[8:14]


def record_of(row: Row) -> DisseminationRecord:
    """The columns of `delivery_row`, then of `dissemination_row`, then of `sealed_row`, then cover, sender, exchange,
    position."""
    cover, sender, exchange, position = row[30:34]
    return DisseminationRecord(
        dissemination=dissemination_of(row[15:26]),
        sender=AgencyId(sender),
        exchange=exchange,
        payload=sealed_of(row[26:30]),
        cover=cover,
        delivery=delivery_of(row[:15]),
        position=position,
    )


# --- audit entries ----------------------------------------------------------------------------------------------


def entry_row(entry: AuditEntry) -> Row:
    """id, type, at, leaf_hash, parties, message, body"""
    return (
        entry.id,
        entry.type,
        micros(entry.at),
        entry.leaf_hash,
        _words(entry.parties),
        entry.message,
        entry.body,
    )


def entry_of(row: Row) -> AuditEntry:
    """The entry of `entry_row`."""
    key, kind, at, leaf_hash, parties, message, body = row
    return AuditEntry(
        id=key,
        type=kind,
        at=moment(at),
        body=body,
        leaf_hash=leaf_hash,
        parties=tuple(AgencyId(party) for party in json.loads(parties)),
        message=None if message is None else MessageId(message),
    )


def stored_entry_of(row: Row) -> StoredEntry:
    """The columns of `entry_row`, then the leaf's index or null."""
    return StoredEntry(entry=entry_of(row[:7]), index=row[7])


def tallied_of(row: Row) -> Tallied:
    """type, code, count, first, last"""
    kind, code, count, first, last = row
    return Tallied(type=kind, code=code, count=count, first=moment(first), last=moment(last))


# --- the disclosure index ---------------------------------------------------------------------------------------


def filed_row(filed: Filed) -> Row:
    """generation, key_index, nonce, tokens, ciphertext; a token has eight bytes"""
    tokens = struct.pack(f">{len(filed.tokens)}q", *filed.tokens)
    return filed.generation, filed.index, filed.nonce, tokens, filed.ciphertext


def tokens_of(packed: bytes) -> tuple[int, ...]:
    """The tokens of a row of `filed_row`."""
    return struct.unpack(f">{len(packed) // 8}q", packed)


def filed_row_of(row: Row) -> FiledRow:
    """The row's number, then the columns of `filed_row`."""
    number, generation, index, nonce, tokens, ciphertext = row
    filed = Filed(generation=generation, index=index, nonce=nonce, tokens=tokens_of(tokens), ciphertext=ciphertext)
    return FiledRow(number=number, filed=filed)


def expunging_row(expunging: Expunging) -> Row:
    """id, points, count"""
    return expunging.id, json_text(expunging.points), expunging.count


def expunging_of(row: Row) -> Expunging:
    """The order of `expunging_row`."""
    key, points, count = row
    found = tuple((generation, tuple(own)) for generation, own in json.loads(points))
    return Expunging(id=key, points=found, count=count)
