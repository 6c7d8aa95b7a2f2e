"""Rows of replies to values and back, for both databases; as in `rows.py`."""

from typing import Any

from gateway.agency import AgencyId
from gateway.delivery.course import State
from gateway.delivery.reply import Reply, ReplyId
from gateway.message import MessageId
from gateway.store.replies import NewReply, ReplyClaim, ReplyRecord
from gateway.store.rows import Row, micros, micros_or_none, moment, moment_or_none, sealed_of


def reply_values(reply: Reply) -> dict[str, Any]:
    """The columns of a reply by name."""
    return {
        "id": reply.id,
        "agency": reply.agency,
        "message": reply.message,
        "address": reply.address,
        "code": reply.code,
        "state": reply.state.value,
        "created_at": micros(reply.created_at),
        "due_at": micros(reply.due_at),
        "expires_at": micros(reply.expires_at),
        "attempts": reply.attempts,
        "delivered_at": micros_or_none(reply.delivered_at),
        "last_error": reply.last_error,
        "evidence": reply.evidence,
    }


def new_reply_values(new: NewReply) -> dict[str, Any]:
    """The columns of a new one, and since when one that has ended is fresh."""
    return {
        **reply_values(new.reply),
        "asked": new.asked,
        "fresh": micros(new.fresh),
        "bucket": new.content.bucket,
        "key_index": new.content.index,
        "nonce": new.content.nonce,
        "ciphertext": new.content.ciphertext,
    }


def reply_of(row: Row) -> Reply:
    """The order of `reply_values`."""
    key, agency, message, address, code, state, created_at, due_at, expires_at, *rest = row
    attempts, delivered_at, last_error, evidence = rest
    return Reply(
        id=ReplyId(key),
        agency=AgencyId(agency),
        message=None if message is None else MessageId(message),
        address=address,
        code=code,
        state=State(state),
        created_at=moment(created_at),
        due_at=moment(due_at),
        expires_at=moment(expires_at),
        attempts=attempts,
        delivered_at=moment_or_none(delivered_at),
        last_error=last_error,
        evidence=evidence,
    )


def reply_record_of(row: Row) -> ReplyRecord:
    """The columns of `reply_values`, then those of its sealed content."""
    return ReplyRecord(reply=reply_of(row[:13]), content=sealed_of(row[13:17]))


def reply_claim_of(row: Row) -> ReplyClaim:
    """The columns of `reply_record_of`, then the fence."""
    return ReplyClaim(record=reply_record_of(row), lease=f"{row[0]}.{row[17]}")
