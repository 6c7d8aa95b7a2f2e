"""REST: submit, correct, cancel, status, receipt, inbox. Each act is one call of `gateway.exchange`."""

import functools
import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.agency import AGENCY_ID, Agency, AgencyId
from gateway.api.authenticate import identify
from gateway.api.body import check_charset, check_head, read_body
from gateway.api.edge import trace_of
from gateway.api.problem import recipient_json
from gateway.api.schemas import Acknowledged, InboxPage, MessageState
from gateway.clock import timestamp
from gateway.errors import GatewayError, Refused
from gateway.exchange.accept import accept
from gateway.exchange.access import record_access_refused
from gateway.exchange.gateway import AgencySuspended, CredentialsDisagree, Gateway
from gateway.exchange.inbox import PAGE_MAX, acknowledge, inbox_cover, inbox_notice, inbox_page, inbox_payload
from gateway.exchange.newest_head import newest_head
from gateway.exchange.refuse import record_refusal
from gateway.exchange.reply import Replying
from gateway.exchange.status import DeliveryStatus, receipt, status
from gateway.exchange.submission import Accepted, BadSenderId, Submission
from gateway.message import Action, DeliveryId
from gateway.transport.content_digest import WANT_CONTENT_DIGEST, content_digest_header, wanted
from gateway.transport.log_head import LOG_HEAD, log_head_header, log_head_of

XML_TYPES = frozenset({"application/xml", "text/xml"})
XML_ANSWER = "application/xml"
RECIPIENTS_MAX = 1000


class QueryRefused(Refused):
    """A query parameter nobody reads: a mistyped `to` would widen what was meant to be narrow."""

    code = "request.parameter"


def running(request: Request) -> Gateway:
    """The gateway this application serves."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def gateway_of(request: Request) -> Gateway:
    """`running`, for FastAPI (which would call a plain function in a thread)."""
    return running(request)


async def caller(request: Request) -> Agency:
    """The calling agency, or the request ends here. That a known one was turned away is recorded."""
    return await known_caller(request, running(request), "rest")


Running = Annotated[Gateway, Depends(gateway_of)]
Caller = Annotated[Agency, Depends(caller)]


# --- submitting: plain routes, nothing between the socket and the verb ------------------------------------------


async def submit(request: Request) -> Response:
    """POST /v1/messages."""
    return await _submit(request, None)


async def correct(request: Request) -> Response:
    """POST /v1/messages/{id}/correct: the body replaces the earlier message."""
    return await _submit(request, (Action.CORRECT, request.path_params["id"]))


async def cancel(request: Request) -> Response:
    """POST /v1/messages/{id}/cancel: the body withdraws the earlier message."""
    return await _submit(request, (Action.CANCEL, request.path_params["id"]))


async def _submit(request: Request, act: tuple[Action, str] | None) -> Response:
    gateway = running(request)
    submission = await received(request, act)
    accepted = await accept_measured(request, gateway, submission)
    return json_answer(_accepted(accepted), status=202, headers=_replayed(accepted))


async def received(request: Request, act: tuple[Action, str] | None = None) -> Submission:
    """The message of a known sender. A request that is refused here is a refused message in the log."""
    gateway = running(request)
    sender = await _sender(request, gateway)
    try:
        size_bytes_max = gateway.settings.limits.body_bytes_max
        media_type = check_head(request, XML_TYPES, size_bytes_max)
        sender_id, only = idempotency_key(request), _recipients(request.scope["query_string"])
        body = await read_body(request, size_bytes_max)
        check_charset(media_type, body)
        return Submission(sender=sender.id, sender_id=sender_id, only=only, act=act, body=body)
    except GatewayError as error:
        await refuse_unread(gateway, sender.id, error, "rest")
        raise


async def accept_measured(request: Request, gateway: Gateway, submission: Submission) -> Accepted:
    """`accept`, counted and timed."""
    metrics = request.app.state.metrics
    with metrics.accept_seconds.time():
        accepted = await accept(gateway, submission)
    metrics.accepted.labels(submission.channel).inc()
    gateway.health.written()
    trace_of(request.scope).message = accepted.id
    return accepted


async def _sender(request: Request, gateway: Gateway) -> Agency:
    """The calling agency; a submission of a suspended one is a refused message like others."""
    try:
        agency = identify(request.scope, gateway)
    except AgencySuspended as error:
        trace_of(request.scope).agency = error.agency
        await refuse_unread(gateway, error.agency, error, "rest")
        raise
    except CredentialsDisagree as error:
        await record_access_refused(gateway, error, channel="rest")
        raise
    _admit(request, gateway, agency.id)
    return agency


def _admit(request: Request, gateway: Gateway, agency: AgencyId) -> None:
    """The caller is known: it counts as one more of this agency. Raises `TooManyRequests`."""
    trace = trace_of(request.scope)
    trace.agency = agency
    trace.admitted.enter(agency)
    _note_head(request, gateway, agency)


def _note_head(request: Request, gateway: Gateway, agency: AgencyId) -> None:
    """A head of the sender's own log may come with its message: it is written down later, to be countersigned."""
    note = log_head_of(request.headers.get(LOG_HEAD))
    if note is not None:
        gateway.noted[agency] = note


async def known_caller(request: Request, gateway: Gateway, channel: str) -> Agency:
    """The calling agency. Over SOAP nothing tells a submission from a question before the body is read."""
    try:
        agency = identify(request.scope, gateway)
    except (AgencySuspended, CredentialsDisagree) as error:
        if isinstance(error, AgencySuspended):
            trace_of(request.scope).agency = error.agency
        await record_access_refused(gateway, error, channel=channel)
        raise
    _admit(request, gateway, agency.id)
    return agency


async def refuse_unread(
    gateway: Gateway, sender: AgencyId, error: GatewayError, channel: str, replying: Replying | None = None
) -> None:
    """Record that a known sender's request was refused before there was a message in hand."""
    submission = Submission(sender=sender, sender_id="", body=b"", channel=channel, replying=replying)
    await record_refusal(gateway, submission, error, gateway.clock.now())


def idempotency_key(request: Request) -> str:
    """The sender's own id of the message; "" when it gives none.

    A key in quotation marks, as draft-ietf-httpapi-idempotency-key-header writes it, is the key between them.

    Raises `BadSenderId` for an empty one: its sender believes that repeats are known by it.
    """
    header = request.headers.get("idempotency-key")
    if header is None:
        return ""
    key = header[1:-1] if len(header) >= 2 and header[0] == header[-1] == '"' else header
    if not key:
        raise BadSenderId("an Idempotency-Key is not empty; without the header the gateway makes an id")
    return key


@functools.lru_cache(maxsize=256)
def _recipients(query: bytes) -> frozenset[AgencyId]:
    """Who is asked for. A sender's system asks for the same ones each time."""
    parameters = QueryParams(query).multi_items()
    if len(parameters) > RECIPIENTS_MAX or any(name != "to" for name, _ in parameters):
        raise QueryRefused(f"the only query parameter is `to`, at most {RECIPIENTS_MAX} times")
    return recipients(value for _, value in parameters)


def recipients(ids: Any) -> frozenset[AgencyId]:
    """The agencies asked for. Raises `QueryRefused` for what cannot be an agency's id."""
    asked = frozenset(AgencyId(each) for each in ids)
    if any(len(each) > 63 or not AGENCY_ID.fullmatch(each) for each in asked):
        raise QueryRefused("a recipient is named by its agency id: lower case words joined by hyphens")
    return asked


def _replayed(accepted: Accepted) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if accepted.repeated else {}


def _accepted(accepted: Accepted) -> dict[str, Any]:
    return {
        "id": accepted.id,
        "sender_id": accepted.sender_id,
        "received_at": timestamp(accepted.received_at),
        "digest": accepted.digest,
        "recipients": [recipient_json(outcome) for outcome in accepted.recipients],
        "entry": accepted.entry,
        "receipt": accepted.receipt,
    }


def json_answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Without blanks, which nobody reads; with its digest."""
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = content_digest_header(content) | (headers or {})
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


# --- asking: FastAPI routes ----------------------------------------------------------------------------------------

router = APIRouter(prefix="/v1", default_response_class=Response)


# `path`: a sender's own id may hold slashes. So the receipt comes first: "/receipt" would be part of an id.
@router.get(
    "/messages/{id:path}/receipt", tags=["messages"], summary="The signed receipt", response_class=PlainTextResponse
)
async def message_receipt(id: str, gateway: Running, agency: Caller) -> Response:
    """The receipt as it was first answered: a signed note that names the audit entry's leaf hash."""
    return PlainTextResponse(await receipt(gateway, agency.id, id))


@router.get(
    "/messages/{id:path}",
    tags=["messages"],
    summary="How a message stands",
    response_model=MessageState,
    name="status",
)
async def message_status(id: str, gateway: Running, agency: Caller) -> Response:
    """The message and each of its deliveries; `id` is the gateway's or your own. Only its sender may ask."""
    found = await status(gateway, agency.id, id)
    message = found.message
    return json_answer(
        {
            "id": message.id,
            "sender_id": message.sender_id,
            "exchange": message.exchange,
            "action": message.action.value,
            "earlier": message.earlier,
            "received_at": timestamp(message.received_at),
            "as_of": _moment(message.as_of),
            "digest": message.digest,
            "deliveries": [_stands(each) for each in found.deliveries],
            "emergency": [
                {"at": timestamp(each.at), "reason": each.reason, **_stands(each.delivery)}
                for each in found.emergencies
            ],
        },
        headers=log_head_header(await newest_head(gateway)),
    )


def _stands(delivery: DeliveryStatus) -> dict[str, Any]:
    return {
        "delivery": delivery.delivery,
        "recipient": delivery.recipient,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "delivered_at": _moment(delivery.delivered_at),
        "code": delivery.last_error,
    }


@router.get("/inbox", tags=["inbox"], summary="What waits for you", response_model=InboxPage)
async def inbox(
    gateway: Running,
    agency: Caller,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    urgent: Annotated[bool, Query(description="only what is urgent; its `next` is good for such pages alone")] = False,
) -> Response:
    """Deliveries that wait, oldest first, without content. They wait until you acknowledge them. Where many wait, ask
    for the urgent ones first: corrections, cancellations and emergency releases."""
    items = await inbox_page(gateway, agency.id, after=after, limit=limit, urgent=urgent)
    return json_answer(
        {
            "items": [
                {
                    "delivery": item.delivery,
                    "message": item.message,
                    "sender": item.sender,
                    "exchange": item.exchange,
                    "mou": item.mou,
                    "received_at": timestamp(item.received_at),
                    "urgent": item.urgent,
                    "payload_url": f"/v1/inbox/{item.delivery}/payload",
                    "cover_url": f"/v1/inbox/{item.delivery}/cover",
                    "notice_url": f"/v1/inbox/{item.delivery}/notice",
                }
                for item in items
            ],
            "next": items[-1].position if items else after,
        }
    )


_XML_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {XML_ANSWER: {}}, "description": "the document"}}


@router.get("/inbox/{delivery}/payload", tags=["inbox"], summary="The payload", responses=_XML_ANSWER)
async def delivery_payload(delivery: str, request: Request, gateway: Running, agency: Caller) -> Response:
    """The message as you may see it, valid as it stands. Every reading is recorded."""
    return _document(request, await inbox_payload(gateway, agency.id, DeliveryId(delivery)), "payload")


@router.get("/inbox/{delivery}/cover", tags=["inbox"], summary="The signed Cover", responses=_XML_ANSWER)
async def delivery_cover(delivery: str, request: Request, gateway: Running, agency: Caller) -> Response:
    """Agreement, purpose, duties and the payload's digest, signed by the gateway."""
    return _document(request, await inbox_cover(gateway, agency.id, DeliveryId(delivery)), "cover")


@router.get("/inbox/{delivery}/notice", tags=["inbox"], summary="The handling notice", response_class=PlainTextResponse)
async def delivery_notice(delivery: str, gateway: Running, agency: Caller) -> Response:
    """What the Cover and the agreement say of it, in words for whoever opens the record."""
    return PlainTextResponse(await inbox_notice(gateway, agency.id, DeliveryId(delivery)))


def _document(request: Request, content: bytes, name: str) -> Response:
    digest = content_digest_header(content, wanted(request.headers.getlist(WANT_CONTENT_DIGEST)))
    # As a file: a browser that is shown a partner's XML must not run what a stylesheet in it says.
    headers = digest | {"Content-Disposition": f'attachment; filename="{name}.xml"'}
    return Response(content, media_type=XML_ANSWER, headers=headers)


@router.post("/inbox/{delivery}/ack", tags=["inbox"], summary="Acknowledge", response_model=Acknowledged)
async def delivery_ack(delivery: str, gateway: Running, agency: Caller) -> Response:
    """You have it, safely: it leaves the inbox. Acknowledging again is answered alike."""
    done = await acknowledge(gateway, agency.id, DeliveryId(delivery))
    return json_answer(
        {"delivery": done.id, "state": done.state.value, "delivered_at": _moment(done.delivered_at)},
        headers=log_head_header(await newest_head(gateway)),
    )
