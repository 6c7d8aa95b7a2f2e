"""SOAP 1.1 and 1.2: the same acts as REST, in envelopes.

A request goes through its stages in this order: head, bytes, tree (with the parts of an MTOM message in their places),
envelope, addressing, security, act; and back as an answer or a Fault. What the acts do is in `soap_acts.py`.
"""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from gateway.agency import Agency
from gateway.api.body import OFF_LOOP_SIZE_BYTES, ClientGone, check_charset, check_head, parsed, read_body
from gateway.api.edge import trace_of
from gateway.api.own_address import soap_addresses
from gateway.api.problem import Problem, problem_of
from gateway.api.rest import idempotency_key, known_caller, refuse_unread, running
from gateway.api.soap_acts import LIMITS, Asked, do, read_act
from gateway.api.soap_fault import fault_told
from gateway.api.soap_mtom import MEDIA_TYPES, packed, reads_parts, unpacked
from gateway.api.soap_one_way import OneWay, one_way_of
from gateway.api.soap_security import UNDERSTOOD as SECURITY
from gateway.api.soap_security import Secured, address_of, secured, security_of, sign_answer, username_of
from gateway.document.parse import Document
from gateway.errors import GatewayError, Refused
from gateway.exchange.gateway import Gateway
from gateway.exchange.reply import goes_elsewhere, put_answer, put_fault
from gateway.exchange.submission import Submission
from gateway.exchange.username import asks_username, check_username
from gateway.media_type import MediaType, media_type_of, quoted
from gateway.signing.security import Security
from gateway.soap import addressing, envelope, fault, mtom, service
from gateway.soap.addressing import ActionDisagrees, Addressing
from gateway.soap.envelope import VERSION_OF_MEDIA_TYPE, Envelope, Version
from gateway.soap.reference import CONNECTION, Reference
from gateway.soap.service import Poll
from gateway.telemetry import log

KEEPS_STATUS = frozenset({401, 413, 415})
"""HTTP statuses that speak of the transport; a fault brings them along. Any other fault has the binding's own."""


UNDERSTOOD = addressing.UNDERSTOOD | SECURITY


class IdsDisagree(Refused):
    """wsa:MessageID and Idempotency-Key are both given and differ: which one would a retry carry?"""

    code = "message.bad-id"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through the stages. It fills as they pass: what an answer or a Fault must know of the
    request is there as soon as it has been read, so that a request refused half-way is answered in its own terms.

    one_way  how its answers are written, when one of them goes elsewhere
    actions  each one that the media types inside an MTOM message name
    signs    the answer is signed, as the request was, or as the agency wants it
    """

    request: Request
    gateway: Gateway
    media_type: MediaType
    version: Version
    addressing: Addressing = field(default_factory=Addressing)
    operation: str = ""
    one_way: OneWay | None = None
    actions: frozenset[str] = frozenset()
    size_bytes: int = 0
    signs: bool = False


async def soap(request: Request) -> Response:
    """POST /soap."""
    media_type = media_type_of(request.headers.get("content-type", ""))
    exchange = Exchange(
        request=request,
        gateway=running(request),
        media_type=media_type,
        version=VERSION_OF_MEDIA_TYPE.get(media_type.name) or mtom.version_meant(media_type) or Version.SOAP_12,
    )
    try:
        asked = await _asked(exchange)
        body = await _done(exchange, asked)
        if exchange.addressing.no_reply or exchange.addressing.reply_to.elsewhere:
            return Response(status_code=202)
        answer = _Answer.of(exchange, body, action=service.action_of(f"{exchange.operation}Response"))
        await answer.sign_if(exchange)
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001  (a SOAP client is owed a Fault, whatever it was)
        if goes_elsewhere(exchange.one_way, error):  # and is kept already
            trace_of(request.scope).code = problem_of(error).code
            return Response(status_code=202)
        return await _fault(exchange, error)
    # Photos are in what is polled. Other answers hold none, and plain XML is what every client reads.
    if isinstance(asked.act, Poll) and reads_parts(request, media_type):
        return await answer.in_parts()
    return answer.whole()


async def _done(exchange: Exchange, asked: Asked) -> etree._Element:
    """The act, done. Where its answer goes elsewhere, that is kept: a submission's with the message, others' here."""
    one_way = exchange.one_way
    if one_way is None or isinstance(asked.act, Submission):
        return await do(asked)
    try:
        body = await do(asked)
    except GatewayError as error:
        await put_fault(exchange.gateway, one_way, error)
        raise
    if one_way.reply_to:
        await put_answer(exchange.gateway, one_way, lambda message_id: one_way.enveloped(message_id, body))
    return body


# --- the way in -------------------------------------------------------------------------------------------------


async def _asked(exchange: Exchange) -> Asked:
    """What the request asks for. A known caller's request that is refused here is a refused message in the log."""
    request, gateway = exchange.request, exchange.gateway
    agency = await known_caller(request, gateway, "soap")
    exchange.signs = agency.sign_answers
    try:
        document = await _document(exchange)
        received = _envelope(exchange, document)
        _addressing(exchange, received)
        found = await _security(exchange, agency, document, received)
        # After the signature: nothing goes anywhere because of a request whose signature is wrong.
        exchange.one_way = await _one_way(exchange, agency, found)
        act = read_act(agency, _message_id(exchange, found), found.received.body, found.proof)
        if isinstance(act, Submission) and exchange.one_way is not None:
            act = replace(act, replying=exchange.one_way)
    except GatewayError as error:
        await refuse_unread(gateway, agency.id, error, "soap", exchange.one_way)
        raise
    return Asked(request=request, gateway=gateway, agency=agency, act=act)


async def _document(exchange: Exchange) -> Document:
    """Head, bytes, tree."""
    size_bytes_max = exchange.gateway.settings.limits.body_bytes_max
    check_head(exchange.request, MEDIA_TYPES, size_bytes_max)
    data = await read_body(exchange.request, size_bytes_max)
    exchange.size_bytes = len(data)
    if exchange.media_type.name != mtom.MULTIPART:
        check_charset(exchange.media_type, data)
        return await parsed(data, LIMITS)
    found = await unpacked(data, exchange.media_type, size_bytes_max)
    exchange.actions = found.actions
    return found.document


def _envelope(exchange: Exchange, document: Document) -> Envelope:
    """The envelope's version, and what it says must be understood. What the media types inside an MTOM message say of
    the version is not always so (`mtom`)."""
    media_type = "" if exchange.media_type.name == mtom.MULTIPART else exchange.media_type.name
    try:
        received = envelope.read(document, media_type)
    except envelope.MediaTypeMismatch as error:
        exchange.version = error.version
        raise
    exchange.version = received.version
    exchange.addressing = addressing.glance(received)
    addressing.check_version(received)
    envelope.check_understood(received, UNDERSTOOD)
    return received


def _addressing(exchange: Exchange, received: Envelope) -> None:
    """The addressing headers, and the action wherever it is named."""
    exchange.addressing = addressing.read(received)
    addressing.check_to(exchange.addressing, soap_addresses(exchange.request))
    exchange.operation = service.operation_name(received.body)
    wanted = service.action_of(exchange.operation)
    if not _actions(exchange) <= {"", wanted}:
        raise ActionDisagrees(f"the action does not agree with the Body, whose action is {wanted}", header="Action")


async def _security(exchange: Exchange, agency: Agency, document: Document, received: Envelope) -> Secured:
    """What is in wsse:Security. Of a signed request only what is signed goes on: addressing is read again from that."""
    security = security_of(received)
    asked = asks_username(exchange.gateway, agency.id)
    if security is None and not asked:
        return Secured(received=received)
    exchange.signs |= security is not None and security.signature is not None
    shown = username_of(security)
    found = await _verified(exchange, agency, document, received, security)
    if asked or shown is not None:
        await check_username(exchange.gateway, agency.id, shown, address=address_of(exchange.request))
    return found


async def _verified(
    exchange: Exchange, agency: Agency, document: Document, received: Envelope, security: Security | None
) -> Secured:
    if security is None:
        return Secured(received=received)
    found = await secured(exchange.gateway, agency.id, document, received, security, exchange.size_bytes)
    if found.proof is not None:
        _addressing(exchange, found.received)
    return found


async def _one_way(exchange: Exchange, agency: Agency, found: Secured) -> OneWay | None:
    """How its answers are written elsewhere, if any goes there."""
    correlation = trace_of(exchange.request.scope).correlation
    if exchange.size_bytes <= OFF_LOOP_SIZE_BYTES:
        return one_way_of(agency, found.received, exchange.addressing, correlation)
    return await asyncio.to_thread(one_way_of, agency, found.received, exchange.addressing, correlation)


def _actions(exchange: Exchange) -> frozenset[str]:
    """Every action that is named anywhere. All count for both versions: what somebody on the way goes by (a firewall
    reads SOAPAction) is not another operation than what is done."""
    header = exchange.request.headers.get("soapaction", "").strip()
    if len(header) > 1 and header[0] == header[-1] and header[0] in "\"'":
        header = header[1:-1]
    return exchange.actions | {header.strip(), exchange.media_type.action, exchange.addressing.action}


def _message_id(exchange: Exchange, found: Secured) -> str:
    """The sender's id of what it sends. Of a signed request that names none it is the signature's own: shown again, it
    is the same message."""
    by_header, by_addressing = idempotency_key(exchange.request), exchange.addressing.message_id
    if by_header and by_addressing and by_header != by_addressing:
        raise IdsDisagree("wsa:MessageID and Idempotency-Key are both given and differ")
    by_signature = f"urn:sha-256:{found.proof.digest.hex()}" if found.proof is not None else ""
    return by_header or by_addressing or by_signature


# --- the way back -----------------------------------------------------------------------------------------------


async def _fault(exchange: Exchange, error: Exception) -> Response:
    problem = problem_of(error)
    trace = trace_of(exchange.request.scope)
    trace.code = problem.code
    if problem.status >= 500:
        log.error("failed", correlation=trace.correlation, code=problem.code, exc_info=error)
    version = exchange.version
    told = fault_told(error, exchange.addressing, trace.correlation)
    status_code = _fault_status(version, told, problem)
    headers = dict(problem.headers)
    if exchange.addressing.no_fault:
        return Response(status_code=status_code, headers=headers)
    answer = _Answer.of(
        exchange,
        fault.body(told, version),
        action=told.action,
        to=CONNECTION if exchange.addressing.fault_to.elsewhere else exchange.addressing.fault_to,
        more=fault.headers(told, version),
    )
    try:
        await answer.sign_if(exchange)
    except GatewayError as trouble:  # the key is away: what is wrong is told all the same
        log.warning("fault.unsigned", correlation=trace.correlation, code=trouble.code)
    return answer.whole(status_code, headers)


def _fault_status(version: Version, told: fault.Fault, problem: Problem) -> int:
    """SOAP 1.1 over HTTP knows 500 only (section 6.2); 1.2 has 400 for the sender's faults (part 2, table 20)."""
    if problem.status in KEEPS_STATUS:
        return problem.status
    return 400 if version is Version.SOAP_12 and told.kind is fault.FaultCode.SENDER else 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An envelope on its way out. Whoever signs it does so before it is written either way."""

    version: Version
    root: etree._Element
    action: str
    id: str

    @classmethod
    def of(
        cls,
        exchange: Exchange,
        body: etree._Element,
        *,
        action: str,
        to: Reference | None = None,
        more: tuple[etree._Element, ...] = (),
    ) -> "_Answer":
        """With the addressing headers that this request is owed."""
        gateway = exchange.gateway
        id = gateway.new_id(gateway.clock.now())
        blocks = addressing.answer_headers(exchange.addressing, action=action, message_id=f"urn:uuid:{id}", to=to)
        root = envelope.build(exchange.version, body, (*blocks, *more))
        return cls(version=exchange.version, root=root, action=action, id=id)

    async def sign_if(self, exchange: Exchange) -> None:
        """Sign it, when it is to be. Raises what the signer raises, and then it is as before."""
        if exchange.signs:
            act = partial(sign_answer, self.root, self.version, exchange.gateway)
            await asyncio.to_thread(act) if exchange.operation == "Poll" else act()

    def whole(self, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
        """As one document."""
        content_type = self.version.content_type
        if self.version is Version.SOAP_12:
            content_type += f"; action={quoted(self.action)}"
        return Response(
            envelope.serialize(self.root), status_code=status_code, media_type=content_type, headers=headers
        )

    async def in_parts(self) -> Response:
        """With its large binaries beside it, if it has any."""
        message = await packed(self.root, self.version, action=self.action, token=self.id)
        return Response(message.body, media_type=message.content_type) if message.parts else self.whole()
