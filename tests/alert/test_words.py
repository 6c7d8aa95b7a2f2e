"""What is told of alerts: codes, ids, counts and a command, signed for a webhook, in plain words for people."""

import hashlib
import hmac
import json
from dataclasses import replace

from gateway.alert.alert import Code, News, Severity
from gateway.alert.words import as_json, signature, subject, text
from tests.alert.test_keep import NOW, notice

ABOUT = notice(code=Code.UNDELIVERABLE, subject="millbrook-police", count=3)


def test_a_machine_is_told_what_and_how_grave_and_what_to_run() -> None:
    body = json.loads(as_json("gateway.test", [ABOUT], now=NOW))
    assert (body["gateway"], body["sent_at"]) == ("gateway.test", "2026-03-02T12:00:00.00Z")
    (told,) = body["alerts"]
    assert told == {
        "id": "n-1",
        "news": "raised",
        "code": "delivery.undeliverable",
        "severity": "warning",
        "subject": "millbrook-police",
        "count": 3,
        "since": "2026-03-02T12:00:00.00Z",
        "says": "Deliveries were given up after all their tries.",
        "command": "gateway deliveries list",
    }


def test_the_signature_is_over_time_and_body() -> None:
    wanted = hmac.new(b"secret", b"2026-03-02T12:00:00.00Z.{}", hashlib.sha256).hexdigest()
    assert signature(b"secret", "2026-03-02T12:00:00.00Z", b"{}") == f"sha256={wanted}"
    assert signature(b"other", "2026-03-02T12:00:00.00Z", b"{}") != f"sha256={wanted}"


def test_the_subject_names_the_gravest_and_how_many() -> None:
    assert subject("gateway.test", [ABOUT]) == "[gateway.test] warning: delivery.undeliverable raised"
    grave = replace(ABOUT, code=Code.LOG_ALTERED, severity=Severity.CRITICAL)
    assert subject("gateway.test", [ABOUT, grave]) == (
        "[gateway.test] critical: delivery.undeliverable raised and 1 more"
    )


def test_a_person_reads_what_it_is_and_what_to_run() -> None:
    told = text("gateway.test", [ABOUT, replace(ABOUT, news=News.CLEARED)])
    assert "Deliveries were given up after all their tries.\n" in told
    assert "run: gateway deliveries list" in told
    assert "It is over." in told
    assert "millbrook-police" in told
