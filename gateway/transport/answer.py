"""What an HTTP answer says about a delivery: one table.

For good are only those codes that judge the message itself. Codes that speak of the address, the credentials or the
state of the server (401, 404, 405, 408, 429, 5xx ...) are tried again: an operator mends those without touching the
message, and what waits is not lost. Nothing here reads text from the partner.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gateway.delivery.outcome import Outcome, acknowledged, duplicate, failed, refused, retry_later, unknown

REFUSED_FOR_GOOD = {
    400: "the request is malformed",
    403: "the recipient may not or will not have it",
    410: "the resource is gone and will not be back",
    413: "too large",
    415: "a media type the recipient does not take",
    422: "the content is invalid",
    451: "unavailable for legal reasons",
}
CONFLICT = 409
"""The recipient has this Idempotency-Key already; with Retry-After it is still busy with the earlier try."""

WITHOUT_ANSWER = frozenset({502, 504})
"""A proxy handed it on and got no answer that it could use: it may have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as far as it was read.

    content_type the whole header: where an answer in parts says how it is put together
    whole        False when the body is longer than the bound, or its end did not come in time
    retry_after  as asked; not bounded yet
    """

    status: int
    media_type: str = ""
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    whole: bool = True
    retry_after: timedelta | None = None


def outcome(answer: Answer) -> Outcome:
    """The outcome that the status stands for."""
    code = f"delivery.http-{answer.status}"
    if 200 <= answer.status < 300:
        return acknowledged()
    if answer.status in REFUSED_FOR_GOOD:
        return refused(code)
    if answer.retry_after is not None:
        return retry_later(code, answer.retry_after)
    if answer.status == CONFLICT:
        return duplicate(code)
    if answer.status in WITHOUT_ANSWER:
        return unknown(code)
    return failed(code)


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The time asked for; None when there is none or it cannot be read. Source: RFC 9110, section 10.2.3."""
    if not header:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return timedelta(seconds=int(header))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000": UTC, of no named place
        until = until.replace(tzinfo=UTC)
    return max(until - now, timedelta())
