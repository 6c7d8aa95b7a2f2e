"""Answers that go elsewhere: kept in the transaction of what they answer, and sent by `reply_relay`.

A request may ask, by wsa:ReplyTo and wsa:FaultTo, for its answer at an address that is registered for whoever sent it.
It is told "taken" on its connection only when the answer is kept, so that nothing is acknowledged and then lost; and a
retry of it, under the same wsa:MessageID, finds the answer that is on its way. Source: WS-Addressing 1.0, section 3.4.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from gateway.agency import Agency, AgencyId, Endpoint
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.delivery.course import State
from gateway.delivery.reply import BUDGET_MAX, KEPT, Reply, ReplyId, budget, message_id_of
from gateway.errors import GatewayError, Refused, Tampered
from gateway.exchange.gateway import SEAL_RANDOM_SIZE_BYTES, AgencySuspended, Gateway
from gateway.exchange.schedules import schedule_of
from gateway.exchange.submission import Accepted
from gateway.message import MessageId, bucket_name
from gateway.retention.kept import Kept, Kind
from gateway.soap.address import same
from gateway.store.replies import NewReply, Put

ANSWER: Final = ""
"""In the place of a refusal's code."""


class Replying(Protocol):
    """How an edge writes the answers of one request that asks for them elsewhere."""

    @property
    def agency(self) -> AgencyId:
        """Who asks."""

    @property
    def request(self) -> str:
        """wsa:MessageID of the request."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what it asks: another content under the same id is another request."""

    @property
    def reply_to(self) -> str:
        """Where the answer goes, as it is registered; "" = not elsewhere."""

    @property
    def fault_to(self) -> str:
        """Where a fault goes, as it is registered; "" = not elsewhere."""

    def answer(self, message_id: str, accepted: Accepted) -> bytes:
        """The answer to a submission, under this wsa:MessageID."""

    def fault(self, message_id: str, error: GatewayError) -> bytes:
        """The fault that says why not."""


def registered(agency: Agency, address: str) -> Endpoint | None:
    """The agency's address that this names; None when it has none such. What is called is what was registered."""
    return next((each for each in agency.reply_to if same(each.url, address)), None)


def goes_elsewhere(replying: Replying | None, error: BaseException) -> bool:
    """Whether this error goes to a registered address, as a fault. What may be good later is said where it was asked:
    nothing was decided, and the request is to come again."""
    decided = isinstance(error, Refused | Tampered) and not isinstance(error, AgencySuspended)
    return replying is not None and bool(replying.fault_to) and decided


def answer_of(gateway: Gateway, replying: Replying | None, accepted: Accepted, now: datetime) -> NewReply | None:
    """The answer to a submission that is stored with it, or was."""
    if replying is None or not replying.reply_to:
        return None
    asks = _Asks(replying=replying, address=replying.reply_to, message=accepted.id, content=accepted.id.encode())
    return _made(gateway, asks, lambda message_id: replying.answer(message_id, accepted), now)


def fault_of(
    gateway: Gateway, replying: Replying | None, error: GatewayError, now: datetime, message: MessageId | None = None
) -> NewReply | None:
    """The fault that says why something was refused."""
    if replying is None or not goes_elsewhere(replying, error):
        return None
    asks = _Asks(
        replying=replying, address=replying.fault_to, message=message, code=error.code, content=replying.digest
    )
    return _made(gateway, asks, lambda message_id: replying.fault(message_id, error), now)


async def put_answer(gateway: Gateway, replying: Replying, write: Callable[[str], bytes]) -> Put:
    """Keep the answer to a question. Raises `StoreUnavailable`: then nothing is acknowledged."""
    asks = _Asks(replying=replying, address=replying.reply_to, content=replying.digest)
    return await gateway.store.put_reply(_made(gateway, asks, write, gateway.clock.now()))


async def put_fault(gateway: Gateway, replying: Replying, error: GatewayError) -> None:
    """Keep the fault that an act ended in which is no submission."""
    new = fault_of(gateway, replying, error, gateway.clock.now())
    if new is not None:
        await gateway.store.put_reply(new)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asks:
    """What is wanted. content: what tells this answer from others to requests of the same id."""

    replying: Replying
    address: str
    content: bytes
    message: MessageId | None = None
    code: str = ANSWER


def _made(gateway: Gateway, asks: _Asks, write: Callable[[str], bytes], now: datetime) -> NewReply:
    agency = asks.replying.agency
    id = ReplyId(gateway.new_id(now))
    due = now + KEPT
    sealed, _ = gateway.payloads.seal_salted(
        write(message_id_of(id)),
        bucket=bucket_name(due),
        aad=id.encode(),
        random=gateway.clock.random(SEAL_RANDOM_SIZE_BYTES),
    )
    reply = Reply(
        id=id,
        agency=agency,
        message=asks.message,
        address=asks.address,
        code=asks.code,
        state=State.WAITING,
        created_at=now,
        due_at=now,
        expires_at=now + budget(schedule_of(gateway.settings)),
    )
    kept = Kept(
        id=id,
        kind=Kind.REPLY,
        message=asks.message or MessageId(id),
        sender=agency,
        exchange="",
        at=now,
        counts_from=now,
        due_at=due,
        bucket=sealed.bucket,
        index=sealed.index,
    )
    entry_id = gateway.new_id(now)

    def entry(about: Reply, action: str, **fields: Any) -> AuditEntry:
        said = said_of(about, action)
        return make(EntryType.REPLY, id=entry_id, at=now, code=asks.code or None, **said, **fields)

    parts = (agency, asks.replying.request, asks.address, asks.code, asks.content.hex())
    asked = hmac.digest(gateway.keys.digest_key, "\0".join(("reply", *parts)).encode(), "sha256")
    return NewReply(
        reply=reply,
        content=sealed,
        asked=asked,
        fresh=now - BUDGET_MAX,
        entry=entry(reply, "kept", bucket=sealed.bucket, until=due),
        again=lambda first: entry(replace(reply, id=first), "again"),
        kept=kept,
    )


def said_of(reply: Reply, action: str) -> dict[str, Any]:
    """What each entry about a reply has."""
    return {
        "parties": (reply.agency,),
        "message": reply.message,
        "reply": reply.id,
        "agency": reply.agency,
        "action": action,
    }
