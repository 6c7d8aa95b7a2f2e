"""REST: a message tried. What each partner would receive is said, and nothing comes of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.rest import json_answer, received, running
from gateway.clock import timestamp
from gateway.exchange.rehearse import Rehearsed, WouldReceive, rehearse


async def try_out(request: Request) -> Response:
    """POST /v1/sandbox/messages. The body is a message as for `POST /v1/messages`; its Idempotency-Key is not used."""
    return json_answer(_rehearsed(await rehearse(running(request), await received(request))))


def _rehearsed(rehearsed: Rehearsed) -> dict[str, Any]:
    return {
        "exchange": rehearsed.exchange,
        "tried_at": timestamp(rehearsed.at),
        "recipients": [_would(each) for each in rehearsed.recipients],
        "entry": rehearsed.entry,
    }


def outcome_of(would: WouldReceive) -> str:
    """In a word, as an answer has it."""
    return "refused" if would.code else "would-receive"


def _would(would: WouldReceive) -> dict[str, Any]:
    return {
        "agency": would.agency,
        "outcome": outcome_of(would),
        "code": would.code,
        "mou": would.mou,
        "clauses": list(would.clauses),
        "purpose": would.purpose,
        "role": would.role,
        "shared": would.shared,
        "withheld": dict(would.withheld),
        "reduced": dict(would.reduced),
        "withdrawal": would.withdrawal,
        "consent_decides": would.consent_decides,
        "payload": would.payload.decode() if would.payload is not None else None,
        "omitted": would.omitted,
    }
