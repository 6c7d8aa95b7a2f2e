"""How alerts are told: as JSON to a machine, as plain text to a person. Codes, ids, counts and commands; no content."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from gateway.alert.alert import MEANS, News, Notice, Severity
from gateway.clock import timestamp

SIGNATURE_HEADER = "X-Gateway-Signature"
TIMESTAMP_HEADER = "X-Gateway-Timestamp"

TOLD_MAX = 100
"""Notices in one message."""


def as_json(gateway: str, notices: Sequence[Notice], *, now: datetime) -> bytes:
    """The body of a webhook call."""
    body = {
        "gateway": gateway,
        "sent_at": timestamp(now),
        "alerts": [
            {
                "id": each.id,
                "news": each.news.value,
                "code": each.code.value,
                "severity": each.severity.value,
                "subject": each.subject,
                "count": each.count,
                "since": timestamp(each.raised_at),
                "says": MEANS[each.code].says,
                "command": MEANS[each.code].do,
            }
            for each in notices
        ],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def signature(secret: bytes, sent_at: str, body: bytes) -> str:
    """Value of the signature header: HMAC-SHA256 over the timestamp header, a point, and the body. A receiver refuses
    a timestamp that is minutes old, so that nobody sends an old alert again."""
    return "sha256=" + hmac.new(secret, sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()


def subject(gateway: str, notices: Sequence[Notice]) -> str:
    """Subject line of a mail."""
    order = list(Severity)
    gravest = min((each.severity for each in notices), key=order.index)
    first = f"{notices[0].code.value} {notices[0].news.value}"
    return f"[{gateway}] {gravest.value}: {first}" + (f" and {len(notices) - 1} more" if len(notices) > 1 else "")


def text(gateway: str, notices: Sequence[Notice]) -> str:
    """Body of a mail."""
    parts = [f"The justice gateway {gateway} has something for you to see to.\n"]
    for each in notices:
        about = f" ({each.subject})" if each.subject else ""
        over = " It is over." if each.news is News.CLEARED else ""
        parts.append(
            f"{each.severity.value.upper()}  {each.code.value}{about}  {each.news.value}\n"
            f"  {MEANS[each.code].says}{over}\n"
            f"  count {each.count}, since {timestamp(each.raised_at)}\n"
            f"  run: {MEANS[each.code].do}\n"
        )
    parts.append("This message never holds content. `gateway alerts list` shows how everything stands.\n")
    return "\n".join(parts)
