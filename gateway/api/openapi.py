"""The OpenAPI document: what FastAPI derives from its routes, and by hand what stands beside them for speed."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gateway.api.problem import MEDIA_TYPE, TITLES
from gateway.api.schemas import Accepted, ConsentRequest, ProblemOut, Rehearsed
from gateway.exchange.configured import Configured

INTRODUCTION = """
You send one XML message; every agency that may have it under a signed agreement gets exactly the part it may have.

**Your first message.** Ask the gateway's operator for a token. Take a sample of your exchange below and send it:

```
curl -X POST $GATEWAY/v1/messages -H "Authorization: Bearer $TOKEN" \\
     -H "Content-Type: application/xml" -H "Idempotency-Key: release-2026-0001" --data-binary @message.xml
```

**202** means stored, durably, and on its way: keep the receipt. **422** lists everything that is wrong, each with
line and path. **403** `policy.no-mou-in-force` means that no agreement lets anyone have this message.

**Try again with the same Idempotency-Key.** When an answer does not arrive, send the same message with the same key:
you get the first receipt, and nothing is delivered twice. The same key with other content, other recipients or another
message to correct or cancel is refused (409). Without a key the gateway makes one, and cannot tell a repeat from a new
message: do not retry such a request.

**Try first.** `POST /v1/sandbox/messages` takes the same body, says what each partner would receive of it, and does
nothing else.

**Receive without a server.** `GET /v1/inbox`, fetch `payload_url` and `cover_url`, store them, then acknowledge.
The Cover is signed: it names the agreement, the purpose, your duties, and the payload's digest.

**Withdraw or mend.** `POST /v1/messages/{id}/cancel` or `/correct` reaches everyone who got the first message.

**SOAP** has the same acts: `/soap?wsdl`. A client certificate does instead of a token, everywhere.
"""

SCHEMA_REF = "#/components/schemas/{model}"

_ERRORS = {
    400: "Malformed: not XML, a DTD, a bad parameter, or not the body its Content-Digest was made of",
    401: "No credential, or one that is not known, expired or revoked",
    403: "No agreement lets anyone have it; or the agency is suspended; or a signature is wrong",
    404: "Not there, or not yours",
    409: "The key was used for other content or recipients; or address and message contradict each other",
    410: "Withdrawn, or destroyed when its time was up",
    413: "Larger than 10 MB",
    415: "Another Content-Type, or compressed",
    422: "The message breaks its schema or its rules; `findings` say where",
    429: "You, or your address, ask faster than one may: wait for Retry-After seconds",
    503: "Not now: try again after Retry-After seconds with the same key",
}
SUBMIT_ERRORS = (400, 401, 403, 409, 413, 415, 422, 429, 503)
READ_ERRORS = (400, 401, 403, 404, 410, 429, 503)
BODY_ERRORS = (413, 415, 422)
"""Besides those of reading, for what is sent with a body that is no message."""

_SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"certificate": []}]
_OPEN_PATHS = ("/v1/audit/checkpoint", "/v1/audit/keys", "/v1/audit/tile/{level}/{path}")


def openapi(api: FastAPI, configured: Configured) -> dict[str, Any]:
    """The whole document, with samples of the exchanges in force as examples."""
    document = get_openapi(
        title="Gateway",
        version=api.version,
        summary="Justice records, shared under agreements",
        description=INTRODUCTION,
        routes=api.routes,
        tags=[
            {"name": "messages", "description": "Send, mend, withdraw, ask how it stands."},
            {"name": "inbox", "description": "Receive by asking."},
            {"name": "consents", "description": "What persons signed, so that law lets their records go."},
            {"name": "audit", "description": "Verify that the log was not altered (C2SP tlog-tiles)."},
        ],
    )
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _finish(operation, is_open=path in _OPEN_PATHS, has_body=method == "post")
    examples = samples(configured)
    document["paths"] |= {
        "/v1/messages": {"post": _submit("submit", "Send a message", "", examples)},
        "/v1/messages/{id}/correct": {"post": _submit("correct", "Correct a message", _CORRECT, examples)},
        "/v1/messages/{id}/cancel": {"post": _submit("cancel", "Withdraw a message", _CANCEL, examples)},
        "/v1/sandbox/messages": {"post": _try_out(examples)},
    }
    _, definitions = models_json_schema(
        [
            (Accepted, "serialization"),
            (Rehearsed, "serialization"),
            (ProblemOut, "serialization"),
            (ConsentRequest, "validation"),
        ],
        ref_template=SCHEMA_REF,
    )
    components = document.setdefault("components", {})
    schemas = {**components.get("schemas", {}), **definitions["$defs"]}
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "a token of your agency"},
        "certificate": {"type": "mutualTLS", "description": "a client certificate registered for your agency"},
    }
    return document


def samples(configured: Configured) -> dict[str, str]:
    """One sample of each exchange in force."""
    found = {}
    for exchange in sorted(configured.registry.ids()):
        named = sorted(configured.registry.by_id(exchange).samples.items())
        if named:
            found[exchange] = named[0][1].decode()
    return found


_CORRECT = "The body is the corrected message; its action is `correct`. Everyone who got the first one gets this."
_TRY = (
    "Says what would become of the message if it were sent now, and what each partner would receive of it. Nothing is "
    "kept, shared or delivered; there is no receipt. It is refused for whatever would refuse a real one."
)
_CANCEL = "The body is the message with action `cancel`. Everyone who got the first one is told."


def _finish(operation: dict[str, Any], *, is_open: bool, has_body: bool) -> None:
    if not is_open:
        operation["security"] = _SECURITY
    operation["responses"].pop("422", None)  # FastAPI's own; our 422 is for messages
    operation["responses"] |= _problems((*READ_ERRORS, *(BODY_ERRORS if has_body else ())))
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _submit(id: str, summary: str, description: str, examples: dict[str, str]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Your own id of the message: printable ASCII without spaces, at most 255 characters.",
            "schema": {"type": "string", "maxLength": 255},
            "example": "release-2026-0001",
        },
        {
            "name": "Content-Digest",
            "in": "header",
            "required": False,
            "description": "Digest of the body (RFC 9530), sha-256 or sha-512: a body that does not fit is refused "
            "before it is read (400 `request.digest-mismatch`).",
            "schema": {"type": "string", "maxLength": 1000},
            "example": "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        },
        {
            "name": "to",
            "in": "query",
            "required": False,
            "description": "Agency ids. Only narrows: nobody gets a message by being named here.",
            "schema": {"type": "array", "items": {"type": "string"}},
            "style": "form",
            "explode": True,
        },
    ]
    if id != "submit":
        path = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        parameters.insert(0, path | {"description": "of the earlier message: the gateway's id or your own"})
    content = {"schema": {"type": "string"}, "examples": {name: {"value": xml} for name, xml in examples.items()}}
    accepted = {"application/json": {"schema": {"$ref": SCHEMA_REF.format(model="Accepted")}}}
    replayed = {"description": "true: answered before, nothing was done again", "schema": {"type": "string"}}
    return {
        "operationId": id,
        "tags": ["messages"],
        "summary": summary,
        "description": description,
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/xml": content, "text/xml": content}},
        "responses": {
            "202": {
                "description": "Stored, durably. `recipients` says who gets a part of it.",
                "headers": {"Idempotency-Replayed": replayed},
                "content": accepted,
            },
            **_problems(SUBMIT_ERRORS),
        },
        "security": _SECURITY,
    }


def _try_out(examples: dict[str, str]) -> dict[str, Any]:
    """As submitting, but for what comes of it."""
    made = _submit("submit", "Try a message", _TRY, examples)
    made["operationId"] = "try"
    made["parameters"] = [each for each in made["parameters"] if each["name"] != "Idempotency-Key"]
    del made["responses"]["202"], made["responses"]["409"]
    rehearsed = {"application/json": {"schema": {"$ref": SCHEMA_REF.format(model="Rehearsed")}}}
    made["responses"]["200"] = {"description": "What each partner would receive.", "content": rehearsed}
    made["responses"] = dict(sorted(made["responses"].items()))
    return made


def _problems(statuses: Iterable[int]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": SCHEMA_REF.format(model="ProblemOut")}}}
    return {str(each): {"description": f"{TITLES[each]}. {_ERRORS[each]}", "content": content} for each in statuses}
