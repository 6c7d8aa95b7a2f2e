import json
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from gateway.exchange.submission import IdConflict, InvalidMessage, NoRecipient, RecipientOutcome
from gateway.finding import Finding
from gateway.keys.payload import PayloadTampered
from gateway.message import Action
from gateway.store.interface import StoreUnavailable
from gateway.transport.content_digest import content_digest
from tests.api.pretend_gateway import COVER, DIGEST, JAIL, NOTICE, PAYLOAD, POLICE, PretendGateway
from tests.api.wire import once, status

XML = {"Content-Type": "application/xml"}
BODY = b"<Notice/>"


async def problem(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = json.loads(await answer.read())
    assert body["status"] == answer.status
    assert body["correlation"] == answer.headers["X-Correlation-Id"]
    return body


async def test_a_message_is_taken_and_answered_with_its_receipt(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    answer = await client.post("/v1/messages", data=BODY, headers=XML | {"Idempotency-Key": "release-1"})
    assert answer.status == 202
    assert await answer.json() == {
        "id": "019a3c5e-0000-7000-8000-000000000001",
        "sender_id": "release-1",
        "received_at": "2026-03-02T08:15:00.25Z",
        "digest": DIGEST,
        "recipients": [
            {"agency": "millbrook-police", "outcome": "accepted", "code": "", "delivery": "d-1"},
            {"agency": "tri-county-fusion", "outcome": "refused", "code": "policy.not-releasable", "delivery": None},
        ],
        "entry": "019a3c5e-0000-7000-8000-00000000000e",
        "receipt": "gateway.local/receipt\nline\n\n— gateway.local signature\n",
    }
    (submission,) = gateway.submissions
    assert (submission.sender, submission.sender_id, submission.body) == (JAIL.id, "release-1", BODY)
    assert (submission.only, submission.act, submission.channel) == (frozenset(), None, "rest")


async def test_recipients_asked_for_are_handed_on(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    url = "/v1/messages?to=millbrook-police&to=harlan-probation"
    assert (await client.post(url, data=BODY, headers=XML)).status == 202
    assert gateway.submissions[0].only == {"millbrook-police", "harlan-probation"}


@pytest.mark.parametrize("query", ["too=millbrook-police", "to=Millbrook%20Police", "to=", "to=a&limit=3"])
async def test_a_mistyped_recipient_never_widens_a_message(
    client: aiohttp.ClientSession, gateway: PretendGateway, query: str
) -> None:
    answer = await client.post(f"/v1/messages?{query}", data=BODY, headers=XML)
    assert (await problem(answer))["code"] == "request.parameter"
    assert answer.status == 400
    assert gateway.submissions == []


async def test_a_repeat_says_so_in_a_header(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    first = await client.post("/v1/messages", data=BODY, headers=XML)
    gateway.repeats = True
    second = await client.post("/v1/messages", data=BODY, headers=XML)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await first.read() == await second.read()


async def test_a_key_in_quotation_marks_is_the_key_between_them(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    await client.post("/v1/messages", data=BODY, headers=XML | {"Idempotency-Key": '"release-1"'})
    assert gateway.submissions[0].sender_id == "release-1"


@pytest.mark.parametrize(("verb", "action"), [("correct", Action.CORRECT), ("cancel", Action.CANCEL)])
async def test_an_act_on_an_earlier_message_names_it(
    client: aiohttp.ClientSession, gateway: PretendGateway, verb: str, action: Action
) -> None:
    answer = await client.post(f"/v1/messages/release-1/{verb}", data=BODY, headers=XML)
    assert answer.status == 202
    assert gateway.submissions[0].act == (action, "release-1")


async def test_findings_reach_the_sender(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    finding = Finding(code="schema.missing-element", text="nc:PersonName is missing", path="/a/b[2]", line=7)
    gateway.fails = InvalidMessage((finding,))
    answer = await client.post("/v1/messages", data=BODY, headers=XML)
    assert answer.status == 422
    told = await problem(answer)
    assert told["type"] == "urn:justice-gateway:problem:message.invalid"
    assert told["findings"] == [
        {
            "code": "schema.missing-element",
            "severity": "error",
            "path": "/a/b[2]",
            "line": 7,
            "text": "nc:PersonName is missing",
        }
    ]


async def test_no_recipient_is_403_and_says_why_for_each(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    outcome = RecipientOutcome(agency=POLICE.id, outcome="refused", code="policy.not-releasable")
    gateway.fails = NoRecipient("no agreement lets anyone have this message", (outcome,))
    answer = await client.post("/v1/messages", data=BODY, headers=XML)
    assert answer.status == 403
    told = await problem(answer)
    assert told["code"] == "policy.no-mou-in-force"
    assert told["recipients"][0]["code"] == "policy.not-releasable"


async def test_a_conflict_is_409(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    gateway.fails = IdConflict("this id was used for other content")
    assert (await client.post("/v1/messages", data=BODY, headers=XML)).status == 409


async def test_a_busy_store_is_503_with_a_time_to_wait_and_nothing_of_its_text(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.fails = StoreUnavailable("could not connect to db.internal:5432")
    answer = await client.post("/v1/messages", data=BODY, headers=XML)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "db.internal" not in await answer.text()


async def test_a_mistake_of_ours_says_nothing_of_itself(
    client: aiohttp.ClientSession, gateway: PretendGateway, capfd: pytest.CaptureFixture[str]
) -> None:
    gateway.fails = ValueError("Jane Roe, born 1990-01-01")
    answer = await client.post("/v1/messages", data=BODY, headers=XML)
    assert answer.status == 500
    assert (await problem(answer))["code"] == "gateway.error"
    assert "Jane" not in await answer.text()
    logged = capfd.readouterr()
    assert "Jane" not in logged.out + logged.err


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic amFpbDp4"}, {"Authorization": "Bearer "}],
    ids=["none", "unknown", "basic", "empty"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/m/correct"),
        ("POST", "/v1/messages/m/cancel"),
        ("GET", "/v1/messages/m"),
        ("GET", "/v1/messages/m/receipt"),
        ("GET", "/v1/inbox"),
        ("GET", "/v1/inbox/d-3/payload"),
        ("GET", "/v1/inbox/d-3/cover"),
        ("GET", "/v1/inbox/d-3/notice"),
        ("POST", "/v1/inbox/d-3/ack"),
        ("GET", "/v1/audit/proof?entry=x"),
        ("POST", "/soap"),
    ],
)
async def test_nobody_gets_in_without_a_credential(
    nobody: aiohttp.ClientSession, gateway: PretendGateway, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await nobody.request(method, path, data=BODY if method == "POST" else None, headers=XML | headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "identity.unknown" in await answer.text()
    assert gateway.submissions == gateway.acknowledged == gateway.refusals == []


async def test_a_stranger_is_told_before_a_byte_of_the_body_is_asked_for(base: str, gateway: PretendGateway) -> None:
    port = int(base.rpartition(":")[2])
    head = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\nContent-Length: 9\r\n"
    answer = await once(port, head + b"Expect: 100-continue\r\n\r\n")
    assert status(answer) == 401
    assert b"100 Continue" not in answer


async def test_a_suspended_agency_is_refused_and_that_it_tried_is_recorded(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.suspended.add(JAIL.id)
    answer = await client.post("/v1/messages", data=BODY, headers=XML)
    assert answer.status == 403
    assert (await problem(answer))["code"] == "agency.suspended"
    assert gateway.refusals == [(JAIL.id, "agency.suspended", "rest")]
    assert gateway.turned_away == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/inbox"),
        ("GET", "/v1/inbox/d-3/payload"),
        ("POST", "/v1/inbox/d-3/ack"),
        ("GET", "/v1/messages/m-1"),
        ("GET", "/v1/messages/m-1/receipt"),
    ],
)
async def test_whatever_a_suspended_agency_asks_for_is_recorded(
    client: aiohttp.ClientSession, gateway: PretendGateway, method: str, path: str
) -> None:
    gateway.suspended.add(JAIL.id)
    answer = await client.request(method, path)
    assert (answer.status, (await problem(answer))["code"]) == (403, "agency.suspended")
    assert gateway.turned_away == [("agency.suspended", "rest")]
    assert gateway.refusals == gateway.acknowledged == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "text/xml; charset=iso-8859-1", "multipart/form-data"]
)
async def test_another_media_type_is_415_and_recorded(
    client: aiohttp.ClientSession, gateway: PretendGateway, content_type: str
) -> None:
    answer = await client.post("/v1/messages", data=BODY, headers={"Content-Type": content_type})
    assert answer.status == 415
    assert gateway.refusals == [(JAIL.id, "request.media-type", "rest")]


async def test_a_compressed_body_is_415(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    answer = await client.post("/v1/messages", data=b"\x1f\x8b", headers=XML | {"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert (await problem(answer))["code"] == "request.content-encoding"
    assert gateway.submissions == []


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "Text/XML; Charset=UTF-8"])
async def test_xml_is_taken_under_its_usual_names(client: aiohttp.ClientSession, content_type: str) -> None:
    assert (await client.post("/v1/messages", data=BODY, headers={"Content-Type": content_type})).status == 202


async def test_a_declared_size_beyond_the_limit_is_413_at_once(base: str, gateway: PretendGateway) -> None:
    port = int(base.rpartition(":")[2])
    head = (
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer jail-token\r\nConnection: close\r\n"
        b"Content-Type: application/xml\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert status(await once(port, head)) == 413
    assert gateway.refusals == [(JAIL.id, "request.too-large", "rest")]


async def test_an_undeclared_size_is_counted_while_it_comes(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    async def endless() -> Any:
        for _ in range(11):
            yield b"a" * 1024 * 1024

    try:
        answer = await client.post("/v1/messages", data=endless(), headers=XML)
        assert answer.status == 413
    except aiohttp.ClientError:  # the client may learn of it by the closed connection
        pass
    assert gateway.submissions == []
    assert gateway.refusals == [(JAIL.id, "request.too-large", "rest")]


@pytest.mark.parametrize("key", ["", '""', "with a blank", "x" * 256, "tab\there"])
async def test_a_key_that_is_no_id_is_400(client: aiohttp.ClientSession, key: str) -> None:
    answer = await client.post("/v1/messages", data=BODY, headers=XML | {"Idempotency-Key": key})
    assert answer.status == 400
    assert (await problem(answer))["code"] == "message.bad-id"


async def test_the_operator_hears_of_a_stored_payload_that_was_changed(
    police: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def payload(_: object, agency: object, delivery: str) -> bytes:
        raise PayloadTampered("changed")

    monkeypatch.setattr("gateway.api.rest.inbox_payload", payload)
    with capture_logs() as lines:
        answer = await police.get("/v1/inbox/d-3/payload")
    assert (answer.status, (await problem(answer))["code"]) == (403, "payload.tampered")
    (line,) = (each for each in lines if each["event"] == "failed")
    assert (line["log_level"], line["code"]) == ("error", "payload.tampered")


@pytest.mark.parametrize("type", ["application/xml; charset=utf-16", 'text/xml; charset="UTF-16"'])
async def test_a_charset_that_contradicts_the_body_is_refused_and_recorded(
    client: aiohttp.ClientSession, gateway: PretendGateway, type: str
) -> None:
    answer = await client.post("/v1/messages", data=BODY, headers={"Content-Type": type})
    assert (answer.status, (await problem(answer))["code"]) == (400, "document.encoding")
    assert gateway.refusals == [(JAIL.id, "document.encoding", "rest")]
    assert gateway.submissions == []


async def test_an_address_that_does_not_exist_is_404(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/v1/nothing")
    assert answer.status == 404
    assert (await problem(answer))["code"] == "request.not-found"


async def test_another_method_is_405(client: aiohttp.ClientSession) -> None:
    answer = await client.delete("/v1/messages")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


async def test_a_message_tells_its_sender_how_it_stands(client: aiohttp.ClientSession) -> None:
    body = await (await client.get("/v1/messages/m-1")).json()
    assert body["id"] == "m-1"
    assert body["received_at"] == "2026-03-02T08:15:00.25Z"
    assert body["deliveries"] == [
        {
            "delivery": "d-1",
            "recipient": "millbrook-police",
            "state": "waiting",
            "attempts": 2,
            "delivered_at": None,
            "code": "delivery.http-503",
        },
        {
            "delivery": "d-2",
            "recipient": "harlan-probation",
            "state": "delivered",
            "attempts": 1,
            "delivered_at": "2026-03-02T08:15:00.25Z",
            "code": "",
        },
    ]
    (released,) = body["emergency"]
    assert (released["delivery"], released["reason"], released["at"]) == (
        "d-7",
        "imminent-danger",
        "2026-03-02T08:15:00.25Z",
    )


async def test_nobody_else_learns_that_a_message_exists(police: aiohttp.ClientSession) -> None:
    answer = await police.get("/v1/messages/m-1")
    assert answer.status == 404
    assert (await problem(answer))["code"] == "message.unknown"


async def test_the_receipt_is_text(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/v1/messages/m-1/receipt")
    assert answer.content_type == "text/plain"
    assert await answer.text() == "a signed note\n"


async def test_of_the_inbox_the_urgent_ones_can_be_asked_for_alone(police: aiohttp.ClientSession) -> None:
    answer = await (await police.get("/v1/inbox?urgent=true&limit=1")).json()
    assert [(item["delivery"], item["urgent"]) for item in answer["items"]] == [("d-9", True)]
    assert answer["next"] == 9


async def test_the_inbox_is_paged_by_position(police: aiohttp.ClientSession) -> None:
    first = await (await police.get("/v1/inbox?limit=2")).json()
    assert [item["delivery"] for item in first["items"]] == ["d-3", "d-4"]
    assert first["next"] == 4
    second = await (await police.get(f"/v1/inbox?after={first['next']}")).json()
    assert [(item["delivery"], item["urgent"]) for item in second["items"]] == [("d-9", True)]
    assert await (await police.get("/v1/inbox?after=9")).json() == {"items": [], "next": 9}


async def test_an_inbox_item_leads_to_its_payload_and_cover(police: aiohttp.ClientSession) -> None:
    (item, *_) = (await (await police.get("/v1/inbox")).json())["items"]
    payload, cover = await police.get(item["payload_url"]), await police.get(item["cover_url"])
    assert (await payload.read(), await cover.read()) == (PAYLOAD, COVER)
    assert payload.content_type == "application/xml"
    assert payload.headers["Content-Disposition"].startswith("attachment")
    assert payload.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_inbox_item_leads_to_its_handling_notice_as_plain_text(police: aiohttp.ClientSession) -> None:
    (item, *_) = (await (await police.get("/v1/inbox")).json())["items"]
    notice = await police.get(item["notice_url"])
    assert (notice.content_type, await notice.text()) == ("text/plain", NOTICE)


async def test_an_inbox_is_its_agencys_alone(client: aiohttp.ClientSession) -> None:
    assert (await (await client.get("/v1/inbox")).json())["items"] == []
    assert (await client.get("/v1/inbox/d-3/payload")).status == 404
    assert (await client.get("/v1/inbox/d-3/notice")).status == 404
    assert (await client.post("/v1/inbox/d-3/ack")).status == 404


async def test_an_acknowledgement_is_answered(police: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    answer = await police.post("/v1/inbox/d-3/ack")
    assert await answer.json() == {
        "delivery": "d-3",
        "state": "delivered",
        "delivered_at": "2026-03-02T08:15:00.25Z",
    }
    assert gateway.acknowledged == ["d-3"]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=Jane-Roe", "limit=0", "limit=201", "after=9999999999999999999999"]
)
async def test_a_parameter_out_of_bounds_is_400_and_its_value_is_not_repeated(
    police: aiohttp.ClientSession, query: str
) -> None:
    answer = await police.get(f"/v1/inbox?{query}")
    assert answer.status == 400
    told = await problem(answer)
    assert told["code"] == "request.parameter"
    assert told["findings"][0]["path"].startswith("query.")
    assert query.partition("=")[2] not in json.dumps(told["findings"])


async def test_every_answer_carries_its_id_and_keeps_caches_and_browsers_out(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/v1/inbox")
    assert len(answer.headers["X-Correlation-Id"]) == 16
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer.headers


# --- digests of bodies (RFC 9530) ---


@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_a_body_with_its_digest_is_taken(
    client: aiohttp.ClientSession, gateway: PretendGateway, header: str, algorithm: str
) -> None:
    digest = {header: content_digest(BODY, algorithm)}
    assert (await client.post("/v1/messages", data=BODY, headers=XML | digest)).status == 202
    assert [each.body for each in gateway.submissions] == [BODY]


@pytest.mark.parametrize(
    ("digest", "code"),
    [
        (content_digest(b"<Other/>"), "request.digest-mismatch"),
        ("sha-256=:not base64:", "request.digest-malformed"),
        ("md5=:AAAA:", "request.digest-unsupported"),
    ],
)
@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
async def test_a_body_is_compared_with_its_digest_before_anybody_reads_it(
    client: aiohttp.ClientSession, gateway: PretendGateway, header: str, digest: str, code: str
) -> None:
    answer = await client.post("/v1/messages", data=b"no <XML", headers=XML | {header: digest})
    assert answer.status == 400
    assert (await problem(answer))["code"] == code
    assert answer.headers.get("Want-Content-Digest") == (
        "sha-256=10, sha-512=9" if code == "request.digest-unsupported" else None
    )
    assert gateway.submissions == []
    assert gateway.refusals == [(JAIL.id, code, "rest")]


async def test_both_digests_are_compared(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    headers = XML | {"Content-Digest": content_digest(BODY), "Repr-Digest": content_digest(b"<Other/>")}
    assert (await client.post("/v1/messages", data=BODY, headers=headers)).status == 400
    assert gateway.submissions == []


async def test_a_large_body_is_compared_too(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    body = b"<Notice>" + b"x" * (512 * 1024) + b"</Notice>"
    digest = {"Content-Digest": content_digest(body)}
    assert (await client.post("/v1/messages", data=body, headers=XML | digest)).status == 202
    answer = await client.post("/v1/messages", data=body[:-1] + b" ", headers=XML | digest)
    assert (await problem(answer))["code"] == "request.digest-mismatch"
    assert len(gateway.submissions) == 1


@pytest.mark.parametrize("path", ["/v1/inbox", "/v1/inbox/d-3/payload", "/v1/inbox/d-3/cover"])
async def test_answers_carry_their_digest(police: aiohttp.ClientSession, path: str) -> None:
    answer = await police.get(path)
    assert answer.headers["Content-Digest"] == content_digest(await answer.read())


async def test_an_answer_to_a_submission_and_a_status_carry_their_digest(client: aiohttp.ClientSession) -> None:
    for answer in (
        await client.post("/v1/messages", data=BODY, headers=XML),
        await client.get("/v1/messages/release-1"),
    ):
        assert answer.headers["Content-Digest"] == content_digest(await answer.read())


async def test_a_recipient_may_want_another_digest(police: aiohttp.ClientSession) -> None:
    answer = await police.get("/v1/inbox/d-3/payload", headers={"Want-Content-Digest": "sha-512=10, sha-256=1"})
    assert answer.headers["Content-Digest"] == content_digest(PAYLOAD, "sha-512")


@pytest.mark.parametrize(
    ("limit", "text"), [("many", "it is not a whole number"), ("0", "it is too small"), ("1000000", "it is too large")]
)
async def test_what_is_wrong_with_a_parameter_is_said_in_our_words(
    police: aiohttp.ClientSession, limit: str, text: str
) -> None:
    told = await problem(await police.get("/v1/inbox", params={"limit": limit}))
    assert [(each["path"], each["text"]) for each in told["findings"]] == [("query.limit", text)]
