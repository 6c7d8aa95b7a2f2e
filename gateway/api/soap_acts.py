"""What the operations do, and the element each is answered with. Each act is one call of `gateway.exchange`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lxml import etree
from starlette.requests import Request

from gateway.agency import Agency
from gateway.api.body import parsed
from gateway.api.edge import trace_of
from gateway.api.rest import accept_measured, recipients
from gateway.api.sandbox import outcome_of
from gateway.clock import timestamp
from gateway.document.parse import Limits
from gateway.errors import GatewayError, Unavailable
from gateway.exchange.gateway import Gateway
from gateway.exchange.inbox import (
    DeliveryHeld,
    DeliveryRecalled,
    InboxItem,
    acknowledge,
    inbox_cover,
    inbox_page,
    inbox_payload,
)
from gateway.exchange.rehearse import WouldReceive, rehearse
from gateway.exchange.status import status
from gateway.exchange.submission import Accepted, Submission
from gateway.message import Action, DeliveryId
from gateway.signing.proof import Proof
from gateway.soap.service import Acknowledge, Poll, Preview, Status, Submit, node, read
from gateway.telemetry import log

POLL_SIZE_BYTES_MAX = 8 * 1024 * 1024
"""A Poll answer stops growing there; what is left comes with the next."""

LIMITS = Limits(depth_max=105, elements_max=51_000)
"""Of a document, and somewhat more for the envelope around one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A message to be tried, not to be submitted."""

    submission: Submission


Act = Submission | Tried | Poll | Acknowledge | Status
"""One of the operations, ready to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An act that a request asks for, once the request has passed every check of its envelope."""

    request: Request
    gateway: Gateway
    agency: Agency
    act: Act


def read_act(sender: Agency, message_id: str, body: etree._Element, proof: Proof | None = None) -> Act:
    """The act in a Body.

    message_id  the sender's id of a message: Idempotency-Key or wsa:MessageID, "" for none
    proof       of the signature over the Body

    Raises `UnknownOperation`, `OperationMalformed`, `QueryRefused`, `BadSenderId`.
    """
    operation = read(body)
    match operation:
        case Submit():
            return _submission(sender, message_id, operation, proof)
        case Preview():
            return Tried(submission=_submission(sender, message_id, operation.message, proof))
        case _:
            return operation


async def do(asked: Asked) -> etree._Element:
    """Do it; the answer's element. Raises what the act raises."""
    return await _ACTS[type(asked.act)](asked, asked.act)


def _submission(sender: Agency, message_id: str, operation: Submit, proof: Proof | None) -> Submission:
    act = None
    if operation.corrects:
        act = (Action.CORRECT, operation.corrects)
    elif operation.cancels:
        act = (Action.CANCEL, operation.cancels)
    return Submission(
        sender=sender.id,
        sender_id=message_id,
        body=operation.payload,
        only=recipients(operation.to),
        act=act,
        channel="soap",
        proof=proof,
    )


async def _submit(asked: Asked, submission: Submission) -> etree._Element:
    return submit_response(await accept_measured(asked.request, asked.gateway, submission))


def submit_response(accepted: Accepted) -> etree._Element:
    """What a submission is answered with."""
    answer = node(
        "SubmitResponse",
        node("Id", accepted.id),
        node("SenderId", accepted.sender_id),
        node("ReceivedAt", timestamp(accepted.received_at)),
        node("Digest", accepted.digest),
    )
    for outcome in accepted.recipients:
        recipient = node("Recipient", node("Agency", outcome.agency), node("Outcome", outcome.outcome))
        _add(recipient, "Code", outcome.code)
        _add(recipient, "Delivery", outcome.delivery)
        answer.append(recipient)
    answer.append(node("Entry", accepted.entry))
    answer.append(node("Receipt", accepted.receipt))
    answer.append(node("Repeated", "true" if accepted.repeated else "false"))
    return answer


async def _preview(asked: Asked, tried: Tried) -> etree._Element:
    rehearsed = await rehearse(asked.gateway, tried.submission)
    return node(
        "PreviewResponse",
        node("Exchange", rehearsed.exchange),
        node("TriedAt", timestamp(rehearsed.at)),
        *[await _would(each) for each in rehearsed.recipients],
        node("Entry", rehearsed.entry),
    )


async def _would(would: WouldReceive) -> etree._Element:
    made = node("Would", node("Agency", would.agency), node("Outcome", outcome_of(would)))
    if would.code:
        _add(made, "Code", would.code)
        return made
    made.append(node("Mou", would.mou))
    made.extend(node("Clause", clause) for clause in would.clauses)
    made.extend((node("Purpose", would.purpose), node("Role", would.role), node("Shared", str(would.shared))))
    for name, counts in (("Withheld", would.withheld), ("Reduced", would.reduced)):
        made.extend(node(name, node("Label", label), node("Places", str(counts[label]))) for label in sorted(counts))
    made.append(node("Withdrawal", str(would.withdrawal).lower()))
    made.append(node("ConsentDecides", str(would.consent_decides).lower()))
    _add(made, "Omitted", would.omitted)
    if would.payload is not None:
        made.append(node("Payload", (await parsed(would.payload, LIMITS)).root))
    return made


async def _poll(asked: Asked, poll: Poll) -> etree._Element:
    gateway, agency = asked.gateway, asked.agency
    answer, size_bytes, position = node("PollResponse"), 0, poll.after
    for item in await inbox_page(gateway, agency.id, after=poll.after, limit=poll.limit, channel="soap"):
        if size_bytes > POLL_SIZE_BYTES_MAX:
            break
        position = item.position
        try:
            cover = await inbox_cover(gateway, agency.id, item.delivery, channel="soap")
            payload = await inbox_payload(gateway, agency.id, item.delivery, channel="soap")
            element = await _item(item, cover, payload)
        except (DeliveryRecalled, DeliveryHeld):  # since it was listed, or with its agreement: it is not to be had
            continue
        except Unavailable:  # so are the others
            raise
        except GatewayError as error:  # damaged: those behind it are to be had all the same
            correlation = trace_of(asked.request.scope).correlation
            log.error("failed", correlation=correlation, code=error.code, delivery=item.delivery, exc_info=error)
            continue
        size_bytes += len(payload)
        answer.append(element)
    answer.append(node("Next", str(position)))
    return answer


async def _item(item: InboxItem, cover: bytes, payload: bytes) -> etree._Element:
    return node(
        "Item",
        node("Delivery", item.delivery),
        node("Message", item.message),
        node("Exchange", item.exchange),
        node("Mou", item.mou),
        node("ReceivedAt", timestamp(item.received_at)),
        node("Cover", (await parsed(cover, LIMITS)).root),
        node("Payload", (await parsed(payload, LIMITS)).root),
    )


async def _acknowledge(asked: Asked, arrived: Acknowledge) -> etree._Element:
    gateway, agency = asked.gateway, asked.agency
    # One after the other: when one is refused, those before it are done, and doing them again changes nothing.
    done = [await acknowledge(gateway, agency.id, DeliveryId(delivery)) for delivery in arrived.deliveries]
    return node("AcknowledgeResponse", *(node("Delivery", each.id) for each in done))


async def _status(asked: Asked, wanted: Status) -> etree._Element:
    found = await status(asked.gateway, asked.agency.id, wanted.id, channel="soap")
    message = found.message
    answer = node(
        "StatusResponse",
        node("Id", message.id),
        node("SenderId", message.sender_id),
        node("Exchange", message.exchange),
        node("Action", message.action.value),
        node("ReceivedAt", timestamp(message.received_at)),
        node("Digest", message.digest),
    )
    for each in found.deliveries:
        delivery = node("Delivery", node("Delivery", each.delivery), node("Recipient", each.recipient))
        delivery.append(node("State", each.state.value))
        delivery.append(node("Attempts", str(each.attempts)))
        _add(delivery, "DeliveredAt", timestamp(each.delivered_at) if each.delivered_at else None)
        _add(delivery, "Code", each.last_error)
        answer.append(delivery)
    return answer


_ACTS: dict[type, Callable[..., Awaitable[etree._Element]]] = {
    Submission: _submit,
    Tried: _preview,
    Poll: _poll,
    Acknowledge: _acknowledge,
    Status: _status,
}


def _add(parent: etree._Element, name: str, text: str | None) -> None:
    """An optional element: left out when there is nothing to say."""
    if text:
        parent.append(node(name, text))
