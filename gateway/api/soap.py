"""SOAP 1.1 and 1.2: the same acts as REST, in envelopes.

A request goes through its stages in this order: head, bytes, tree, envelope, addressing, act; and back as an answer or
a Fault. What the acts do is in `soap_acts.py`.
"""

from dataclasses import dataclass, field

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.body import ClientGone, MediaType, check_head, media_type_of, parsed, read_body
from gateway.api.edge import trace_of
from gateway.api.own_address import soap_addresses
from gateway.api.problem import Problem, problem_of
from gateway.api.rest import idempotency_key, known_caller, refuse_unread, running
from gateway.api.soap_acts import LIMITS, Asked, do, read_act
from gateway.document.parse import Document
from gateway.errors import GatewayError, Refused
from gateway.exchange.gateway import Gateway
from gateway.soap import addressing, envelope, fault, service
from gateway.soap.addressing import ActionDisagrees, Addressing
from gateway.soap.envelope import VERSION_OF_MEDIA_TYPE, Envelope, Version
from gateway.soap.reference import Reference
from gateway.telemetry import log

KEEPS_STATUS = frozenset({401, 413, 415})
"""HTTP statuses that speak of the transport; a fault brings them along. Any other fault has the binding's own."""


class IdsDisagree(Refused):
    """wsa:MessageID and Idempotency-Key are both given and differ: which one would a retry carry?"""

    code = "message.bad-id"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through the stages. It fills as they pass: what an answer or a Fault must know of the
    request is there as soon as it has been read, so that a request refused half-way is answered in its own terms."""

    request: Request
    gateway: Gateway
    media_type: MediaType
    version: Version
    addressing: Addressing = field(default_factory=Addressing)
    operation: str = ""


async def soap(request: Request) -> Response:
    """POST /soap."""
    media_type = media_type_of(request.headers.get("content-type", ""))
    exchange = Exchange(
        request=request,
        gateway=running(request),
        media_type=media_type,
        version=VERSION_OF_MEDIA_TYPE.get(media_type.name, Version.SOAP_12),
    )
    try:
        body = await do(await _asked(exchange))
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001  (a SOAP client is owed a Fault, whatever it was)
        return _fault(exchange, error)
    if exchange.addressing.no_reply:
        return Response(status_code=202)
    return _response(exchange, body, action=service.action_of(f"{exchange.operation}Response"))


# --- the way in -------------------------------------------------------------------------------------------------


async def _asked(exchange: Exchange) -> Asked:
    """What the request asks for. A known caller's request that is refused here is a refused message in the log."""
    request, gateway = exchange.request, exchange.gateway
    agency = await known_caller(request, gateway, "soap")
    try:
        received = _envelope(exchange, await _document(exchange))
        _addressing(exchange, received)
        act = read_act(agency, _message_id(exchange), received.body)
    except GatewayError as error:
        await refuse_unread(gateway, agency.id, error, "soap")
        raise
    return Asked(request=request, gateway=gateway, agency=agency, act=act)


async def _document(exchange: Exchange) -> Document:
    """Head, bytes, tree."""
    size_bytes_max = exchange.gateway.settings.limits.body_bytes_max
    check_head(exchange.request, VERSION_OF_MEDIA_TYPE, size_bytes_max)
    return await parsed(await read_body(exchange.request, size_bytes_max), LIMITS)


def _envelope(exchange: Exchange, document: Document) -> Envelope:
    """The envelope's version, and what it says must be understood."""
    try:
        received = envelope.read(document, exchange.media_type.name)
    except envelope.MediaTypeMismatch as error:
        exchange.version = error.version
        raise
    exchange.version = received.version
    exchange.addressing = addressing.glance(received)
    addressing.check_version(received)
    envelope.check_understood(received, addressing.UNDERSTOOD)
    return received


def _addressing(exchange: Exchange, received: Envelope) -> None:
    """The addressing headers, and the action wherever it is named."""
    exchange.addressing = addressing.read(received)
    addressing.check_to(exchange.addressing, soap_addresses(exchange.request))
    for where in (exchange.addressing.reply_to, exchange.addressing.fault_to):
        if where.elsewhere:
            raise addressing.ReplyElsewhere("the address of an answer is the anonymous or the none address")
    exchange.operation = service.operation_name(received.body)
    wanted = service.action_of(exchange.operation)
    for action in (_action(exchange), exchange.addressing.action):
        if action not in ("", wanted):
            raise ActionDisagrees(f"the action does not agree with the Body, whose action is {wanted}", header="Action")


def _action(exchange: Exchange) -> str:
    if exchange.version is Version.SOAP_12:
        return exchange.media_type.action
    return exchange.request.headers.get("soapaction", "").strip().strip('"')


def _message_id(exchange: Exchange) -> str:
    by_header, by_addressing = idempotency_key(exchange.request), exchange.addressing.message_id
    if by_header and by_addressing and by_header != by_addressing:
        raise IdsDisagree("wsa:MessageID and Idempotency-Key are both given and differ")
    return by_header or by_addressing


# --- the way back -----------------------------------------------------------------------------------------------


def _fault(exchange: Exchange, error: Exception) -> Response:
    problem = problem_of(error)
    trace = trace_of(exchange.request.scope)
    trace.code = problem.code
    if problem.status >= 500:
        log.error("failed", correlation=trace.correlation, code=problem.code, exc_info=error)
    version = exchange.version
    names, header = fault.named_by_addressing(error) if exchange.addressing.present else ((), "")
    told = fault.Fault(
        kind=fault.kind_of(error, callers_fault=problem.callers_fault),
        code=problem.code,
        text=problem.detail,
        correlation=trace.correlation,
        findings=problem.findings,
        recipients=tuple((outcome.agency, outcome.code) for outcome in problem.recipients),
        names=fault.not_understood(error),
        addressing=names,
        header=header,
    )
    status_code = _fault_status(version, told, problem)
    headers = dict(problem.headers)
    if exchange.addressing.no_fault:
        return Response(status_code=status_code, headers=headers)
    return _response(
        exchange,
        fault.body(told, version),
        action=told.action,
        to=exchange.addressing.fault_to,
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
    exchange: Exchange,
    body: etree._Element,
    *,
    action: str,
    to: Reference | None = None,
    more: tuple[etree._Element, ...] = (),
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    gateway = exchange.gateway
    message_id = f"urn:uuid:{gateway.new_id(gateway.clock.now())}"
    blocks = addressing.answer_headers(exchange.addressing, action=action, message_id=message_id, to=to)
    data = envelope.write(exchange.version, body, (*blocks, *more))
    content_type = exchange.version.content_type
    return Response(data, status_code=status_code, media_type=content_type, headers=headers)
