"""A refused submission: recorded, and its bytes kept sealed for seven days so that somebody can look into it."""

from datetime import datetime, timedelta

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import commit, make
from gateway.errors import GatewayError
from gateway.exchange.gateway import SEAL_RANDOM_SIZE_BYTES, Gateway
from gateway.exchange.reply import fault_of
from gateway.exchange.submission import InvalidMessage, NoRecipient, Submission, listed
from gateway.exchange.trial import trial_entry
from gateway.message import MessageId, bucket_name
from gateway.retention.kept import Kept, Kind
from gateway.store.messages import RefusedMessage

KEPT = timedelta(days=7)


async def record_refusal(gateway: Gateway, submission: Submission, error: GatewayError, now: datetime) -> None:
    """Write the refusal. It does not occupy the sender's id: the mended message may come under the same one.

    Raises `Unavailable` when it cannot be written: no log, no answer that pretends there is one.
    """
    id = MessageId(gateway.new_id(now))
    original, salt = gateway.payloads.seal_salted(
        submission.body,
        bucket=bucket_name(now + KEPT),
        aad=id.encode(),
        random=gateway.clock.random(SEAL_RANDOM_SIZE_BYTES),
    )
    told = error.outcomes if isinstance(error, NoRecipient) else None
    refused = listed((each.agency for each in told), gateway.current.agencies) if told is not None else None
    entry = make(
        EntryType.REFUSE,
        id=gateway.new_id(now),
        at=now,
        parties=(submission.sender,),
        message=id,
        sender=submission.sender,
        code=error.code,
        commit=commit(salt, submission.sender_id, submission.body),
        configuration=gateway.current.version,
        size_bytes=len(submission.body),
        channel=submission.channel,
        fingerprint=submission.proof.fingerprint if submission.proof is not None else None,
        count=_count(error, refused),
        refused=refused,
    )
    tried = error.tried if isinstance(error, NoRecipient) else ()
    entries = [
        trial_entry(
            each,
            id=gateway.new_id(now),
            now=now,
            message=id,
            sender=submission.sender,
            configured=gateway.current,
        )
        for each in tried
    ]
    await gateway.store.refuse(
        RefusedMessage(
            id=id,
            sender=submission.sender,
            at=now,
            code=error.code,
            original=original,
            kept=Kept(
                id=id,
                kind=Kind.REFUSED,
                message=id,
                sender=submission.sender,
                exchange="",
                at=now,
                counts_from=now,
                due_at=now + KEPT,
                bucket=original.bucket,
                index=original.index,
            ),
            entries=(entry, *entries),
            reply=fault_of(gateway, submission.replying, error, now, id),
        )
    )


def _count(error: GatewayError, named: tuple[AgencyId, ...] | None) -> int | None:
    """How many findings; how many recipients, when they are more than the entry names."""
    if isinstance(error, InvalidMessage):
        return len(error.findings)
    return len(error.outcomes) if isinstance(error, NoRecipient) and len(error.outcomes) > len(named or ()) else None
