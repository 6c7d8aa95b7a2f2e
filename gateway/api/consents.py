"""Consents over REST: the agency whose records they open hands them in, takes them back, and lists its own."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateway.agency import AgencyId
from gateway.api.body import check_head, read_body
from gateway.api.rest import Caller, Running, json_answer
from gateway.api.schemas import ConsentList, ConsentRequest, ConsentState
from gateway.exchange.consents import (
    PAGE_MAX,
    ConsentRefused,
    NewConsent,
    add_consent,
    as_row,
    list_consents,
    revoke_consent,
)

BODY_SIZE_BYTES_MAX = 32_768

router = APIRouter(prefix="/v1/consents", tags=["consents"], default_response_class=Response)

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ConsentRequest"}}},
    }
}


@router.post("", summary="Hand in a consent", status_code=201, response_model=ConsentList, openapi_extra=_BODY)
async def hand_in(request: Request, gateway: Running, agency: Caller) -> Response:
    """A person signed that your records of them may go to one recipient, for one purpose, for a time.

    The person is hashed under the gateway's key and kept nowhere. One consent is made for each number given. It counts
    for the next message.
    """
    check_head(request, {"application/json"}, BODY_SIZE_BYTES_MAX)
    asked = _read(await read_body(request, BODY_SIZE_BYTES_MAX))
    made = await add_consent(
        gateway,
        NewConsent(
            holder=agency.id,
            person=asked.person.model_dump(exclude_none=True),
            labels=tuple(asked.labels),
            recipient=AgencyId(asked.recipient),
            purpose=asked.purpose,
            since=asked.since,
            until=asked.until,
            document=asked.document,
        ),
    )
    return json_answer({"items": [as_row(each) for each in made], "next": None}, status=201)


@router.post("/{id}/revoke", summary="Take a consent back", response_model=ConsentState)
async def take_back(id: str, gateway: Running, agency: Caller) -> Response:
    """It counts for no message from this moment on. Taking it back again is answered alike."""
    return json_answer(as_row(await revoke_consent(gateway, id, holder=agency.id)))


@router.get("", summary="Your consents", response_model=ConsentList)
async def your_consents(
    gateway: Running,
    agency: Caller,
    before: Annotated[str | None, Query(max_length=36, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> Response:
    """Those you handed in, newest first. Whom they are of is not told, because it is not known here."""
    found = await list_consents(gateway, holder=agency.id, before=before, limit=limit)
    return json_answer(
        {"items": [as_row(each) for each in found], "next": found[-1].id if len(found) == limit else None}
    )


def _read(body: bytes) -> ConsentRequest:
    """Raises `ConsentRefused`, which names the places and never what stands there."""
    try:
        return ConsentRequest.model_validate_json(body)
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in each["loc"]) or "the body" for each in error.errors()})
        raise ConsentRefused(f"missing, unknown or not of its type: {', '.join(places)}") from None
