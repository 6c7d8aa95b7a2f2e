"""The one table from an error to what a caller is told: HTTP status, RFC 9457 problem, SOAP fault.

What a caller gets is the error's public code, its text for people, the findings on its own message, and a
correlation id. Never a stack trace, a path of this machine, text of a library, or a piece of the request.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gateway.errors import GatewayError, Misconfigured, Refused, Tampered, Unavailable
from gateway.exchange.submission import InvalidMessage, NoRecipient, RecipientOutcome
from gateway.finding import Finding
from gateway.transport.content_digest import WANT_CONTENT_DIGEST, WANTED, DigestUnsupported

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:justice-gateway:problem:"
"""A problem's `type` is this and its code. RFC 9457, section 3.1.1: it need not be a locator."""

RETRY_AFTER_SECONDS = 5
"""A store that restarts or a configuration that settles takes about that long."""

STATUS_OF_CODE = {
    "agency.suspended": 403,
    "audit.entry-unknown": 404,
    "audit.no-checkpoint": 404,
    "audit.size-unknown": 404,
    "audit.tile-unknown": 404,
    "receipt.unknown": 404,
    "certificate.*": 403,
    "delivery.held": 403,
    "delivery.not-found": 404,
    "delivery.recalled": 410,
    "delivery.unknown": 404,
    "document.*": 400,
    "document.too-large": 413,
    "identity.*": 401,
    "key.destroyed": 410,
    "message.action-mismatch": 409,
    "message.already-canceled": 409,
    "message.bad-id": 400,
    "message.id-conflict": 409,
    "message.unknown": 404,
    "consent.unknown": 404,
    "consent.refused": 422,
    "mtom.*": 400,
    "mtom.media-type": 415,
    "policy.*": 403,
    "request.*": 400,
    "request.content-encoding": 415,
    "request.media-type": 415,
    "request.method": 405,
    "request.not-found": 404,
    "request.too-large": 413,
    "request.too-many": 429,
    "signature.*": 403,
    "signature.replayed": 409,
    "soap.*": 400,
    "soap.media-type": 415,
}
"""Status of a code, or of all codes of an area that have none of their own. Others go by their family."""

STATUS_OF_FAMILY: tuple[tuple[type[GatewayError], int], ...] = (
    (Refused, 422),
    (Tampered, 403),
    (Unavailable, 503),
    (Misconfigured, 500),
)

TITLES = {
    400: "The request is malformed",
    401: "Not authenticated",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long",
    409: "In conflict with what is stored",
    410: "No longer available",
    413: "Too large",
    415: "Media type not supported",
    417: "Expectation not supported",
    422: "The message is not acceptable",
    429: "Too many requests",
    431: "Headers too large",
    500: "The gateway failed",
    503: "Try again later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a caller is told about an error.

    detail      the error's text for people
    recipients  what became of each recipient, when nobody may have the message
    headers     more response headers: Retry-After, WWW-Authenticate, Allow
    """

    status: int
    code: str
    detail: str
    findings: tuple[Finding, ...] = ()
    recipients: tuple[RecipientOutcome, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """The kind of problem, the same for all of one status."""
        return TITLES.get(self.status) or HTTPStatus(self.status).phrase

    @property
    def callers_fault(self) -> bool:
        """The caller must change something; otherwise the same request may be good later."""
        return self.status < 500 and self.status != 429

    def to_json(self, correlation: str) -> bytes:
        """Body of media type application/problem+json. Source: RFC 9457, section 3."""
        body: dict[str, Any] = {
            "type": TYPE + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "correlation": correlation,
            "findings": [finding_json(finding) for finding in self.findings],
        }
        if self.recipients:
            body["recipients"] = [recipient_json(outcome) for outcome in self.recipients]
        return json.dumps(body, separators=(",", ":")).encode()


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding on the caller's message."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "path": finding.path,
        "line": finding.line,
        "text": finding.text,
    }


def recipient_json(outcome: RecipientOutcome) -> dict[str, Any]:
    """What became of the message for one recipient."""
    return {
        "agency": outcome.agency,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "delivery": outcome.delivery,
    }


def problem_of(error: BaseException) -> Problem:
    """What a caller is told about this error. One that we did not foresee says nothing of itself."""
    if not isinstance(error, GatewayError):
        return Problem(status=500, code=GatewayError.code, detail=_BROKEN)
    status = status_of(error)
    return Problem(
        status=status,
        code=error.code,
        detail=_TEXT_OF_STATUS.get(status, error.text),
        findings=error.findings if isinstance(error, InvalidMessage) else (),
        recipients=error.outcomes if isinstance(error, NoRecipient) else (),
        headers=tuple(_headers(status, error.code)),
    )


def status_of(error: GatewayError) -> int:
    """HTTP status: by code, else by the code's area, else by family."""
    code = error.code
    status = STATUS_OF_CODE.get(code) or STATUS_OF_CODE.get(code.partition(".")[0] + ".*")
    # The table speaks of callers' mistakes; an area may also hold the operator's ("key.permissions").
    if isinstance(error, Unavailable | Misconfigured):
        status = None
    return status or next((status for family, status in STATUS_OF_FAMILY if isinstance(error, family)), 500)


_BROKEN = "The gateway failed and has logged why; its operator finds it by the correlation id"
_TEXT_OF_STATUS = {500: _BROKEN, 503: "The gateway cannot do this at the moment; try again with the same message id"}
"""Texts of these families are for the operator: they may name files and hosts."""


def _headers(status: int, code: str) -> Iterable[tuple[str, str]]:
    if status in (429, 503):
        yield "Retry-After", str(RETRY_AFTER_SECONDS)
    if status == 401:
        yield "WWW-Authenticate", 'Bearer realm="gateway"'
    if code == DigestUnsupported.code:  # RFC 9530, section 4: which would do
        yield WANT_CONTENT_DIGEST, WANTED
