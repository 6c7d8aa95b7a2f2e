"""What a person may do with an answer that did not arrive: send it once more, or give it up. Both are audited, and
signed when the person says who they are."""

from dataclasses import replace

from gateway.audit.catalog import EntryType
from gateway.delivery.after import discarded, requeued
from gateway.delivery.reply import Reply, ReplyId
from gateway.delivery.transition import Event, knows
from gateway.errors import Refused
from gateway.exchange.acting import Acting, Signer, entry_by
from gateway.exchange.gateway import Gateway
from gateway.exchange.reply import said_of
from gateway.exchange.requeue import NotPossibleNow, check_reason
from gateway.exchange.schedules import schedule_of


class ReplyUnknown(Refused):
    """No answer that went elsewhere has this id; or it has been destroyed since."""

    code = "reply.unknown"


class TooLate(Refused):
    """The answer's content is about to be destroyed: there is no time to send it again."""

    code = "reply.too-late"


async def requeue_reply(gateway: Gateway, id: ReplyId, *, by: Acting | None = None, actor: str = "cli") -> Reply:
    """Send it once more, with all its tries anew.

    by  who signs it; None = nobody does, and the entry names `actor`

    Raises `ReplyUnknown`, `NotPossibleNow`, `TooLate`, and what `allowed` raises.
    """
    reply, schedule, now = await _reply(gateway, id, Event.REQUEUED), schedule_of(gateway.settings), gateway.clock.now()
    until = reply.begun_again_until(now, schedule)
    if until <= now:
        raise TooLate("what it says is destroyed within a day; whoever asked may ask again, under the same id")
    again = replace(requeued(reply, now=now, schedule=schedule), expires_at=until)
    return await _moved(gateway, reply, again, "requeued", Signer(by=by, actor=actor))


async def discard_reply(
    gateway: Gateway, id: ReplyId, *, reason: str, by: Acting | None = None, actor: str = "cli"
) -> Reply:
    """Give it up. Raises `ReplyUnknown`, `NotPossibleNow`, `BadReason`, and what `allowed` raises."""
    check_reason(reason)
    reply = await _reply(gateway, id, Event.DISCARDED)
    return await _moved(gateway, reply, discarded(reply), "discarded", Signer(by=by, actor=actor), reason=reason)


async def _reply(gateway: Gateway, id: ReplyId, event: Event) -> Reply:
    record = await gateway.store.reply(id)
    if record is None:
        raise ReplyUnknown("no answer that goes elsewhere has this id")
    if not knows(record.reply.state, event):
        raise NotPossibleNow(f"a reply that is {record.reply.state} cannot be {event}")
    return record.reply


async def _moved(gateway: Gateway, before: Reply, reply: Reply, action: str, signer: Signer, **fields: str) -> Reply:
    entry = entry_by(
        gateway,
        EntryType.REPLY,
        signer,
        at=gateway.clock.now(),
        attempts=before.attempts,
        **said_of(reply, action),
        **fields,
    )
    if not await gateway.store.move_reply(reply, expected=before.state, entries=(entry,)):
        raise NotPossibleNow("the reply was changed by somebody else meanwhile; look at it again")
    return reply
