"""SOAP 1.1 and 1.2: the same acts as REST, in envelopes. Each act is one call of `gateway.exchange`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from gateway.agency import Agency
from gateway.api.body import ClientGone, MediaType, check_head, media_type_of, read_body
from gateway.api.edge import trace_of
from gateway.api.problem import Problem, problem_of
from gateway.api.rest import accept_measured, idempotency_key, known_caller, recipients, refuse_unread, running
from gateway.clock import timestamp
from gateway.document.parse import Document, Limits, parse
from gateway.errors import GatewayError, Refused
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
from gateway.exchange.status import status
from gateway.exchange.submission import Submission
from gateway.message import Action, DeliveryId
from gateway.soap import addressing, envelope, fault, service
from gateway.soap.addressing import Addressing
from gateway.soap.envelope import VERSION_OF_MEDIA_TYPE, Envelope, Version
from gateway.soap.service import Acknowledge, Poll, Status, Submit, node
from gateway.telemetry import log

OFF_LOOP_SIZE_BYTES = 256 * 1024
"""Larger envelopes are parsed outside the event loop."""

POLL_SIZE_BYTES_MAX = 8 * 1024 * 1024
"""A Poll answer stops growing there; what is left comes with the next."""

LIMITS = Limits(depth_max=105, elements_max=51_000)
"""Of a document, and somewhat more for the envelope around one."""

KEEPS_STATUS = frozenset({401, 413, 415})
"""HTTP statuses that speak of the transport; a fault brings them along. Any other fault has the binding's own."""


class ActionDisagrees(Refused):
    """SOAPAction, the action parameter or wsa:Action names another operation than the Body."""

    code = "soap.action-mismatch"


class IdsDisagree(Refused):
    """wsa:MessageID and Idempotency-Key are both given and differ: which one would a retry carry?"""

    code = "message.bad-id"


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """One request on its way: what an answer or a fault needs to know of it."""

    version: Version
    addressing: Addressing = field(default_factory=Addressing)
    operation: str = ""


async def soap(request: Request) -> Response:
    """POST /soap."""
    media_type = media_type_of(request.headers.get("content-type", ""))
    exchange = _Exchange(version=VERSION_OF_MEDIA_TYPE.get(media_type.name, Version.SOAP_12))
    try:
        body = await _answer(request, media_type, exchange)
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001  (a SOAP client is owed a Fault, whatever it was)
        return _fault(request, exchange, error)
    if exchange.addressing.no_reply:
        return Response(status_code=202)
    action = service.action_of(f"{exchange.operation}Response")
    return _response(request, exchange, body, action=action)


async def _answer(request: Request, media_type: MediaType, exchange: _Exchange) -> etree._Element:
    gateway = running(request)
    sender = await known_caller(request, gateway, "soap")
    try:
        received = await _receive(request, gateway, media_type, exchange)
        message_id = _message_id(request, exchange)
        operation = service.read(received.body)
        asked = _submission(sender, message_id, operation) if isinstance(operation, Submit) else None
    except GatewayError as error:
        await refuse_unread(gateway, sender.id, error, "soap")
        raise
    if asked is not None:
        return await _submit(request, gateway, asked)
    return await _ANSWERS[type(operation)](gateway, sender, operation)


async def _receive(request: Request, gateway: Gateway, media_type: MediaType, exchange: _Exchange) -> Envelope:
    """The envelope, judged: its version, what it says must be understood, its addressing, its action."""
    size_bytes_max = gateway.settings.limits.body_bytes_max
    check_head(request, VERSION_OF_MEDIA_TYPE, size_bytes_max)
    data = await read_body(request, size_bytes_max)
    document = await _parse(data)
    try:
        received = envelope.read(document, media_type.name)
    except envelope.MediaTypeMismatch as error:
        exchange.version = error.version
        raise
    exchange.version = received.version
    envelope.check_understood(received, addressing.UNDERSTOOD)
    exchange.addressing = addressing.read(received.headers)
    exchange.operation = service.operation_name(received.body)
    wanted = service.action_of(exchange.operation)
    for action in (_action(request, media_type, received.version), exchange.addressing.action):
        if action not in ("", wanted):
            raise ActionDisagrees(f"the action does not agree with the Body, whose action is {wanted}")
    return received


async def _parse(data: bytes) -> Document:
    if len(data) <= OFF_LOOP_SIZE_BYTES:
        return parse(data, LIMITS, instructions=False)
    return await asyncio.to_thread(parse, data, LIMITS, instructions=False)


def _action(request: Request, media_type: MediaType, version: Version) -> str:
    if version is Version.SOAP_12:
        return media_type.action
    return request.headers.get("soapaction", "").strip().strip('"')


def _message_id(request: Request, exchange: _Exchange) -> str:
    by_header, by_addressing = idempotency_key(request), exchange.addressing.message_id
    if by_header and by_addressing and by_header != by_addressing:
        raise IdsDisagree("wsa:MessageID and Idempotency-Key are both given and differ")
    return by_header or by_addressing


# --- the operations ---------------------------------------------------------------------------------------------


def _submission(sender: Agency, message_id: str, operation: Submit) -> Submission:
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
    )


async def _submit(request: Request, gateway: Gateway, submission: Submission) -> etree._Element:
    accepted = await accept_measured(request, gateway, submission)
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


async def _poll(gateway: Gateway, agency: Agency, poll: Poll) -> etree._Element:
    answer, size_bytes, position = node("PollResponse"), 0, poll.after
    for item in await inbox_page(gateway, agency.id, after=poll.after, limit=poll.limit, channel="soap"):
        if size_bytes > POLL_SIZE_BYTES_MAX:
            break
        position = item.position
        try:
            cover = await inbox_cover(gateway, agency.id, item.delivery, channel="soap")
            payload = await inbox_payload(gateway, agency.id, item.delivery, channel="soap")
        except (DeliveryRecalled, DeliveryHeld):  # since it was listed, or with its agreement: it is not to be had
            continue
        size_bytes += len(payload)
        answer.append(await _item(item, cover, payload))
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
        node("Cover", (await _parse(cover)).root),
        node("Payload", (await _parse(payload)).root),
    )


async def _acknowledge(gateway: Gateway, agency: Agency, asked: Acknowledge) -> etree._Element:
    # One after the other: when one is refused, those before it are done, and doing them again changes nothing.
    done = [await acknowledge(gateway, agency.id, DeliveryId(delivery)) for delivery in asked.deliveries]
    return node("AcknowledgeResponse", *(node("Delivery", each.id) for each in done))


async def _status(gateway: Gateway, agency: Agency, asked: Status) -> etree._Element:
    found = await status(gateway, agency.id, asked.id, channel="soap")
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


_ANSWERS: dict[type, Callable[..., Awaitable[etree._Element]]] = {
    Poll: _poll,
    Acknowledge: _acknowledge,
    Status: _status,
}


def _add(parent: etree._Element, name: str, text: str | None) -> None:
    """An optional element: left out when there is nothing to say."""
    if text:
        parent.append(node(name, text))


# --- the way back -----------------------------------------------------------------------------------------------


def _fault(request: Request, exchange: _Exchange, error: Exception) -> Response:
    problem = problem_of(error)
    trace = trace_of(request.scope)
    trace.code = problem.code
    if problem.status >= 500:
        log.error("failed", correlation=trace.correlation, code=problem.code, exc_info=error)
    version = exchange.version
    told = fault.Fault(
        kind=fault.kind_of(error, callers_fault=problem.callers_fault),
        code=problem.code,
        text=problem.detail,
        correlation=trace.correlation,
        findings=problem.findings,
        recipients=tuple((outcome.agency, outcome.code) for outcome in problem.recipients),
        names=error.names if isinstance(error, envelope.MustUnderstand) else (),
    )
    status_code = _fault_status(version, told, problem)
    headers = dict(problem.headers)
    if exchange.addressing.no_fault:
        return Response(status_code=status_code, headers=headers)
    return _response(
        request,
        exchange,
        fault.body(told, version),
        action=addressing.FAULT_ACTION,
        more=fault.headers(told, version),
        status_code=status_code,
        headers=headers,
    )


def _fault_status(version: Version, told: fault.Fault, problem: Problem) -> int:
    """SOAP 1.1 over HTTP knows 500 only (section 6.2); 1.2 has 400 for the sender's faults (part 2, table 20)."""
    if problem.status in KEEPS_STATUS:
        return problem.status
    return 400 if version is Version.SOAP_12 and told.kind is fault.FaultCode.SENDER else 500


def _response(
    request: Request,
    exchange: _Exchange,
    body: etree._Element,
    *,
    action: str,
    more: tuple[etree._Element, ...] = (),
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    gateway = running(request)
    message_id = f"urn:uuid:{gateway.new_id(gateway.clock.now())}"
    blocks = addressing.answer_headers(exchange.addressing, action=action, message_id=message_id)
    data = envelope.write(exchange.version, body, (*blocks, *more))
    content_type = exchange.version.content_type
    return Response(data, status_code=status_code, media_type=content_type, headers=headers)
